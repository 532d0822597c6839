//! A practice on stage: its files, what happens to it, and the diary of it with questions to ask.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use jiff::Zoned;
use jiff::tz::TimeZone;
use tidegate_domain::calendar::Profile;
use tidegate_domain::files::WaveGate;
use tidegate_domain::files::{Source, holiday_files, read_project, read_release};
use tidegate_domain::id::{ComponentName, Digest, TenantName, Version};
use tidegate_domain::plan::{Facts, FoundArtifact};
use tidegate_domain::time::{Duration, Timestamp};
use tidegate_sim::{Arrival, Deed, Diary, Event, People, Play, Trouble, installed, play};

/// Longer is not read in a review.
const GOLDEN_LINES_MAX: usize = 80;

pub struct Scene {
    folder: PathBuf,
    zone: TimeZone,
    pub play: Play,
}

pub struct Told {
    folder: PathBuf,
    zone: TimeZone,
    pub diary: Diary,
}

fn source(path: &Path) -> Source {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let path = path.display().to_string();
    Source { path, text }
}

/// The files of `tests/practices/NAME` with the playbook of that name, from `begins` on, which is written like
/// `2026-11-20T09:00[Europe/Berlin]`.
pub fn scene(name: &str, begins: &str) -> Scene {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/practices").join(name);
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let playbook = repository.join(format!("playbooks/{name}.yaml"));
    let mut sources = vec![
        source(&folder.join("tidegate.yaml")),
        source(&folder.join("tenants.yaml")),
    ];
    sources.push(source(&playbook));
    let customers = Some(folder.join("customers.yaml")).filter(|path| path.is_file());
    sources.extend(customers.map(|path| source(&path)));
    // The holidays that ship with Tidegate, under the name that the service file has for them.
    for path in holiday_files(&sources[0]) {
        let shipped = repository.join(Path::new(&path).strip_prefix(&folder).unwrap());
        let Source { text, .. } = source(&shipped);
        sources.push(Source { path, text });
    }
    let changes = fs::read_dir(folder.join("changes")).into_iter().flatten();
    sources.extend(changes.map(|file| source(&file.unwrap().path())));
    stage(folder, &sources, begins)
}

/// The files of a project as texts by their paths.
pub fn project(files: &[(&str, &str)], begins: &str) -> Scene {
    let source = |(path, text): &(&str, &str)| Source {
        path: (*path).to_owned(),
        text: (*text).to_owned(),
    };
    let sources: Vec<Source> = files.iter().map(source).collect();
    stage(PathBuf::new(), &sources, begins)
}

fn stage(folder: PathBuf, sources: &[Source], begins: &str) -> Scene {
    let (project, mistakes) = read_project(sources);
    let project = project.unwrap_or_else(|| panic!("{mistakes:?}"));
    let begins: Zoned = begins.parse().unwrap();
    let now = Timestamp(begins.timestamp().as_millisecond());
    let facts = Facts {
        version: Some(Version::new("1.0.0").unwrap()),
        ..Facts::default()
    };
    let state = installed(&project, &facts, now);
    let zone = begins.time_zone().clone();
    let profile = fs::read_to_string(folder.join("traffic.json")).ok();
    Scene {
        folder,
        zone: zone.clone(),
        play: Play {
            project,
            state,
            begins: now,
            longest: Duration::from_days(90),
            zone,
            arrivals: Vec::new(),
            deeds: Vec::new(),
            people: People::default(),
            profile: profile.map(|text| Profile::read(&text).unwrap()),
        },
    }
}

impl Scene {
    /// A release of the practice's folder is planned and applied at a local time.
    pub fn release(self, file: &str, at: &str) -> Self {
        let source = source(&self.folder.join(file));
        self.arrives(&source, at)
    }

    /// The same of a release as a text.
    pub fn release_of(self, text: &str, at: &str) -> Self {
        let source = Source {
            path: "release.yaml".to_owned(),
            text: text.to_owned(),
        };
        self.arrives(&source, at)
    }

    fn arrives(mut self, source: &Source, at: &str) -> Self {
        let (release, mistakes) = read_release(source, &self.play.project);
        let release = release.unwrap_or_else(|| panic!("{mistakes:?}"));
        let digest = |name: &ComponentName| Digest::of(format!("{name} {}", release.version).as_bytes());
        let found = |name: &ComponentName| FoundArtifact {
            path: format!("dist/{name}"),
            digest: Ok(digest(name)),
        };
        let artifacts: BTreeMap<_, _> = release
            .components
            .keys()
            .map(|name| (name.clone(), found(name)))
            .collect();
        let at = self.instant(at);
        self.play.arrivals.push(Arrival { at, release, artifacts });
        self
    }

    /// The service adds gates of its own to a wave of the playbook.
    pub fn gates(mut self, wave: &str, gates: &[&str]) -> Self {
        let waves = self
            .play
            .project
            .playbooks
            .values_mut()
            .flat_map(|playbook| &mut playbook.waves);
        let wave = waves.into_iter().find(|found| found.name.as_str() == wave).unwrap();
        wave.gates.extend(gates.iter().map(|gate| WaveGate {
            name: None,
            uses: gate.parse().unwrap(),
            arguments: BTreeMap::new(),
            with: serde_json::Value::Null,
            on_no_data: None,
            on_inconclusive: None,
            dry_run: None,
        }));
        self
    }

    pub fn with(mut self, deed: Deed) -> Self {
        self.play.deeds.push(deed);
        self
    }

    /// `2026-11-20 09:00` in the zone of the scene.
    pub fn instant(&self, local: &str) -> Timestamp {
        let local: jiff::civil::DateTime = local.parse().unwrap();
        let at = local.to_zoned(self.zone.clone()).unwrap();
        Timestamp(at.timestamp().as_millisecond())
    }

    /// Why it cannot be told to its end.
    pub fn trouble(&self) -> Trouble {
        play(&self.play).map(drop).unwrap_err()
    }

    pub fn tell(&self) -> Told {
        Told {
            folder: self.folder.clone(),
            zone: self.zone.clone(),
            diary: play(&self.play).unwrap_or_else(|trouble| panic!("{trouble}: {trouble:?}")),
        }
    }
}

impl Told {
    /// What happened, without what was only planned.
    pub fn all(&self, part: &str) -> Vec<&Event> {
        let events = self.diary.events.iter().filter(|event| event.kind != "planned");
        events.filter(|event| event.text.contains(part)).collect()
    }

    /// The plan said this.
    pub fn planned(&self, part: &str) {
        let mut planned = self.diary.events.iter().filter(|event| event.kind == "planned");
        assert!(
            planned.any(|event| event.text.contains(part)),
            "no plan with `{part}` in\n{}",
            self.diary.draw()
        );
    }

    /// The one line that contains this.
    pub fn line(&self, part: &str) -> &Event {
        let found = self.all(part);
        assert_eq!(found.len(), 1, "lines with `{part}` in\n{}", self.diary.draw());
        found[0]
    }

    pub fn zoned(&self, event: &Event) -> Zoned {
        let at = jiff::Timestamp::from_millisecond(event.at.0).unwrap();
        at.to_zoned(self.zone.clone())
    }

    /// When the one line with this was, in the zone of the scene: `Mon 23 Nov 06:00`.
    pub fn when(&self, part: &str) -> String {
        self.zoned(self.line(part)).strftime("%a %-d %b %H:%M").to_string()
    }

    pub fn tenants(&self, part: &str) -> Vec<&str> {
        self.line(part).tenants.iter().map(TenantName::as_str).collect()
    }

    pub fn never(&self, part: &str) {
        assert!(
            self.all(part).is_empty(),
            "lines with `{part}` in\n{}",
            self.diary.draw()
        );
    }

    pub fn ends(&self, release: &str, outcome: &str) {
        let found = self
            .diary
            .outcomes
            .iter()
            .find(|found| found.release.as_str() == release);
        let found = found.map(|found| found.outcome);
        assert_eq!(found, Some(outcome), "{}", self.diary.draw());
    }

    /// The whole diary is as it is kept, but for the digests of plans; `UPDATE=1` keeps it anew.
    pub fn golden(&self, file: &str) {
        let path = self.folder.join(file);
        let found = without_digests(&self.diary.draw());
        assert!(
            found.lines().count() <= GOLDEN_LINES_MAX,
            "too long to be read:\n{found}"
        );
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&path, &found).unwrap();
        }
        let expected = fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(found, expected, "{}", path.display());
    }
}

/// Every change of a plan changes its digest, and says nothing to the reader of a diary.
fn without_digests(text: &str) -> String {
    const BEFORE: &str = "plan ";
    const DIGITS: usize = 12;
    let mut parts = text.split(BEFORE);
    let mut without = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part.bytes().take_while(u8::is_ascii_hexdigit).count();
        without.push_str(BEFORE);
        without.push_str(if digits == DIGITS { "DIGEST" } else { &part[..digits] });
        without.push_str(&part[digits..]);
    }
    without
}
