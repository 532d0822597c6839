//! What a worker or a job makes of recorded input: a program is run once with the artifact of each version, and what it writes is compared.
//!
//! It gets nothing of the component's configuration or secrets: what it writes goes into a folder of its own.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::io::Read as _;
use std::path::{self, Path};

use serde::Deserialize;
use serde_json::Value;
use tidegate_domain::event::{Judgement, Verdict};
use tidegate_domain::files::{Project, ShadowFile};
use tidegate_domain::id::ComponentName;
use tidegate_domain::time::Duration as Span;
use tidegate_evidence::shadow::{Comparison, Record};
use tokio::task::spawn_blocking;

use super::super::program::{self, Printed, Program, in_words, last_words};
use super::super::{Built, Target, check_component, make_room, rules, told};
use super::finding;
use super::workload::in_folder;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Programs {
    /// Whose artifacts are run.
    pub component: ComponentName,
    /// Program and arguments, run in the project's folder without a shell. `{artifact}`, `{input}` and `{output}` stand for its own.
    command: Vec<String>,
    /// Files in the project's folder; the program is run for each.
    inputs: Vec<String>,
    output: Output,
    /// How often it is run for each input.
    #[serde(default = "one")]
    times: u32,
    /// For one run.
    #[serde(default = "ten_minutes")]
    timeout: Span,
    /// Variables of the server that it gets besides those that every program gets.
    #[serde(default)]
    environment: Vec<String>,
    #[serde(default)]
    rules: ShadowFile,
}

/// What the program writes.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "format", rename_all = "kebab-case", deny_unknown_fields)]
enum Output {
    /// One document.
    Json,
    /// A document a line. Lines of one key are compared, or else those of one number.
    Ndjson {
        #[serde(default)]
        key: Option<String>,
    },
    Bytes,
}

/// Which run it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Old,
    New,
    /// The old version once more, for the noise.
    Again,
}

/// What a run has written, by key.
type Written = BTreeMap<String, Vec<u8>>;

const TIMES_MAX: u32 = 1_000;
const INPUTS_MAX: usize = 1_000;
const RUNS_MAX: u64 = 3_000;
const TIMEOUT_MAX: Span = Span::from_secs(86_400);
const OUTPUT_BYTES_MAX: u64 = 64 << 20;
/// Stands for something that was written, as the status of an answer does, and for something that was not.
const WRITTEN: u16 = 200;
const ABSENT: u16 = 404;

fn one() -> u32 {
    1
}

fn ten_minutes() -> Span {
    Span::from_secs(600)
}

impl Programs {
    pub fn read(with: &Value) -> Result<Self, String> {
        let with: Self = told(with)?;
        program::check(&with.command, &with.environment)?;
        if with.inputs.is_empty() || with.inputs.len() > INPUTS_MAX {
            return Err(format!("`inputs` lists between one and {INPUTS_MAX} files"));
        }
        if with.times == 0 || with.times > TIMES_MAX {
            return Err(format!("`times` is between 1 and {TIMES_MAX}"));
        }
        let runs = 3 * u64::from(with.times) * with.inputs.len() as u64;
        if runs > RUNS_MAX {
            return Err(format!(
                "the program would be run {runs} times; {RUNS_MAX} are possible"
            ));
        }
        if with.timeout.is_zero() || with.timeout > TIMEOUT_MAX {
            return Err(format!("`timeout` is above 0 and {TIMEOUT_MAX} at most"));
        }
        rules(&with.rules)?;
        Ok(with)
    }

    pub fn check_names(&self, project: &Project) -> Result<(), String> {
        check_component(&self.component, project)
    }

    pub fn check_files(&self, directory: &Path) -> Result<(), String> {
        self.inputs
            .iter()
            .try_for_each(|input| in_folder(directory, input).map(drop))
    }

    pub async fn judge(&self, target: &Target) -> Result<Judgement, Judgement> {
        let error = |reason: String| Judgement::new(Verdict::Error, reason);
        let (old, new) = self.artifacts(target)?;
        make_room(&target.kept).map_err(error)?;
        let mut comparison = Comparison::new(rules(&self.rules).map_err(error)?, true);
        for input in &self.inputs {
            for turn in 0..self.times {
                let run = Run {
                    with: self,
                    target,
                    input,
                    turn,
                };
                let first = run.go(Side::Old, old).await.map_err(error)?;
                // Equally often before and after the old version's second run.
                let (new, again) = if turn % 2 == 0 {
                    (run.go(Side::New, new).await, run.go(Side::Again, old).await)
                } else {
                    let again = run.go(Side::Again, old).await;
                    (run.go(Side::New, new).await, again)
                };
                let again = again.map_err(error)?;
                // What the old version does with this input the new one does not.
                let new = new.map_err(|reason| Judgement::new(Verdict::Fail, reason))?;
                observe(&mut comparison, input, [&first, &new, &again]);
            }
        }
        let report = comparison.report().map_err(|misfit| error(misfit.to_string()))?;
        finding::keep(&report, &target.kept).map_err(error)?;
        Ok(finding::judge(&report, &target.kept))
    }

    fn artifacts<'t>(&self, target: &'t Target) -> Result<(&'t Built, &'t Built), Judgement> {
        let of = |built: &'t [Built]| built.iter().filter(|built| built.component == self.component);
        let new = of(&target.artifacts).next().ok_or_else(|| {
            let reason = format!("the release has no component `{}`", self.component);
            Judgement::new(Verdict::Error, reason)
        })?;
        // Of several versions that tenants are on, the newest.
        let Some(old) = of(&target.old_artifacts).max_by_key(|built| &built.version) else {
            let reason = "no tenant of the wave is on a version yet: there is nothing to compare with";
            return Err(Judgement::new(Verdict::Pass, reason));
        };
        if old.path == new.path {
            let reason = format!("`{}` is unchanged: it is the artifact that ran before", self.component);
            return Err(Judgement::new(Verdict::Pass, reason));
        }
        Ok((old, new))
    }
}

/// The runs for one input.
struct Run<'r> {
    with: &'r Programs,
    target: &'r Target,
    input: &'r str,
    turn: u32,
}

impl Run<'_> {
    async fn go(&self, side: Side, built: &Built) -> Result<Written, String> {
        let whose = format!("version {} with `{}`", built.version, self.input);
        let input = in_folder(&self.target.directory, self.input)?;
        let number = self
            .with
            .inputs
            .iter()
            .position(|input| input == self.input)
            .unwrap_or_default();
        let folder = self
            .target
            .kept
            .join(format!("{number}.{}", self.turn))
            .join(side.as_str());
        let cannot = |error: std::io::Error| format!("nothing can be kept in `{}`: {error}", folder.display());
        fs::create_dir_all(&folder).map_err(cannot)?;
        // The program runs elsewhere.
        let output = path::absolute(folder.join("output")).map_err(cannot)?;
        let fill = |argument: &String| {
            let filled = argument.replace("{artifact}", &built.path.to_string_lossy());
            let filled = filled.replace("{input}", &input.to_string_lossy());
            filled.replace("{output}", &output.to_string_lossy())
        };
        let command: Vec<String> = self.with.command.iter().map(fill).collect();
        let mut told = program::variables(self.target, &[]);
        told.extend([
            ("TIDEGATE_VERSION", OsString::from(built.version.as_str())),
            ("TIDEGATE_ARTIFACT", built.path.clone().into()),
            ("TIDEGATE_INPUT", input.into()),
            ("TIDEGATE_OUTPUT", output.clone().into()),
        ]);
        let program = Program {
            command: &command,
            environment: &self.with.environment,
            directory: &self.target.directory,
            told,
            timeout: self.with.timeout,
        };
        let printed = |name: &str| fs::File::create(folder.join(name)).map(|file| Printed::into(file.into()));
        let (mut out, mut err) = (printed("stdout").map_err(cannot)?, printed("stderr").map_err(cannot)?);
        let ended = program.run(&mut out, &mut err).await;
        out.close().await.map_err(cannot)?;
        err.close().await.map_err(cannot)?;
        let status = ended.map_err(|reason| format!("{whose}: {reason}"))?;
        if !status.success() {
            let words = last_words(&out, &err);
            return Err(format!(
                "{whose}: `{}` ended with {}{words}",
                program.name(),
                in_words(status)
            ));
        }
        let format = self.with.output.clone();
        let read = spawn_blocking(move || format.read(&output));
        let read = read.await.map_err(|broken| broken.to_string())?;
        read.map_err(|problem| format!("{whose}: {problem}"))
    }
}

impl Side {
    fn as_str(self) -> &'static str {
        match self {
            Self::Old => "old",
            Self::New => "new",
            Self::Again => "old-again",
        }
    }
}

impl Output {
    fn read(&self, path: &Path) -> Result<Written, String> {
        let cannot = |error: std::io::Error| format!("what it was to write into `{{output}}` cannot be read: {error}");
        let file = fs::File::open(path).map_err(cannot)?;
        let mut bytes = Vec::new();
        file.take(OUTPUT_BYTES_MAX + 1)
            .read_to_end(&mut bytes)
            .map_err(cannot)?;
        if bytes.len() as u64 > OUTPUT_BYTES_MAX {
            return Err(format!("it wrote more than {} MiB", OUTPUT_BYTES_MAX >> 20));
        }
        match self {
            Self::Bytes => Ok([(String::new(), bytes)].into()),
            Self::Json => {
                serde_json::from_slice::<serde::de::IgnoredAny>(&bytes)
                    .map_err(|error| format!("what it wrote is no JSON: {error}"))?;
                Ok([(String::new(), bytes)].into())
            }
            Self::Ndjson { key } => lines(&bytes, key.as_deref()),
        }
    }
}

fn lines(bytes: &[u8], key: Option<&str>) -> Result<Written, String> {
    let mut written = Written::new();
    let lines = bytes.split(|byte| *byte == b'\n').enumerate();
    for (index, line) in lines.filter(|(_, line)| !line.trim_ascii().is_empty()) {
        let place = format!("line {} of what it wrote", index + 1);
        let document: Value = serde_json::from_slice(line).map_err(|error| format!("{place} is no JSON: {error}"))?;
        let name = match key {
            None => format!("{index:09}"),
            Some(key) => match document.get(key) {
                Some(Value::String(text)) => text.clone(),
                Some(Value::Number(number)) => number.to_string(),
                Some(Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_)) | None => {
                    return Err(format!("{place} has no text or number `{key}`"));
                }
            },
        };
        if written.insert(name, line.to_vec()).is_some() {
            let key = key.unwrap_or_default();
            return Err(format!("{place} has the `{key}` of an earlier one"));
        }
    }
    Ok(written)
}

/// A pair for each key that any of the runs has written.
fn observe(comparison: &mut Comparison, input: &str, [first, new, again]: [&Written; 3]) {
    let keys: BTreeSet<&String> = first.keys().chain(new.keys()).chain(again.keys()).collect();
    for key in keys {
        let record = |of: &Written| Record {
            id: key.clone(),
            method: "OUTPUT".to_owned(),
            path: format!("/{input}"),
            tenant: None,
            status: if of.contains_key(key) { WRITTEN } else { ABSENT },
            headers: BTreeMap::new(),
            body: of.get(key).cloned().unwrap_or_default(),
            milliseconds: None,
        };
        // Refused are only times that are none, and there are none here.
        let _ = comparison.observe(&record(first), &record(new), Some(&record(again)));
    }
}
