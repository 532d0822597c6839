//! What a playbook says about a regression.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path};

use serde::Deserialize;
use serde_json::Value;
use tidegate_domain::files::{LabelName, Project, Scalar};
use tidegate_domain::id::{CellName, ComponentName, TenantName};
use tidegate_domain::time::Duration as Span;

use super::super::{check_component, program, told};
use super::matrix::Place;

/// Combinations of a platform and a tenant.
const COMBINATIONS_MAX: usize = 100;
const PARALLEL_MAX: usize = 16;
/// Names become folders.
const NAME_BYTES_MAX: usize = 63;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct With {
    /// Program and arguments, run in the project's folder without a shell, once for each combination. `{platform}`, `{tenant}` and `{report}`
    /// stand for its own.
    pub command: Vec<String>,
    pub report: ReportUse,
    /// Left out: all new slots together.
    #[serde(default)]
    pub platforms: Option<Vec<Platform>>,
    /// Tenants of ours that the suite acts as. Left out: as none.
    #[serde(default)]
    pub tenants: Option<Vec<TenantName>>,
    /// How many combinations run at once.
    #[serde(default = "one_at_a_time")]
    pub parallel: usize,
    /// For one combination.
    #[serde(default = "half_an_hour")]
    pub timeout: Span,
    /// Variables of the server that it gets besides those that every program gets.
    #[serde(default)]
    pub environment: Vec<String>,
    /// Tests that have to run in each combination; those that are skipped do not count.
    #[serde(default)]
    pub minimum_tests: Option<u64>,
    /// Tests that may be skipped in each combination. Left out: any number.
    #[serde(default)]
    pub skipped_at_most: Option<u64>,
    #[serde(default)]
    #[expect(
        dead_code,
        reason = "there is one thing to say, and whoever says another is told so when it is read"
    )]
    pub flaky: Flaky,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReportUse {
    pub format: Format,
    /// In the project's folder; `{platform}` and `{tenant}` stand for those of the combination.
    #[serde(default)]
    pub path: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Format {
    Junit,
    Tap,
    ExitCode,
}

/// What becomes of a test that fails and passes when it is run again.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Flaky {
    /// It has failed. Nothing else can be said: nothing is run again to pass.
    #[default]
    Fail,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Platform {
    pub name: String,
    #[serde(default)]
    pub select: Select,
    /// In place of those of the gate.
    #[serde(default)]
    pub tenants: Option<Vec<TenantName>>,
}

/// Which slots a platform is. All that is said has to hold.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Select {
    /// Their cell has these labels.
    #[serde(default)]
    pub labels: BTreeMap<LabelName, Scalar>,
    #[serde(default)]
    pub cells: BTreeSet<CellName>,
    #[serde(default)]
    pub components: BTreeSet<ComponentName>,
}

fn one_at_a_time() -> usize {
    1
}

fn half_an_hour() -> Span {
    Span::from_secs(1_800)
}

impl With {
    pub fn read(with: &Value) -> Result<Self, String> {
        let with: Self = told(with)?;
        program::check(&with.command, &with.environment)?;
        with.check_matrix()?;
        with.check_report()?;
        if with.parallel == 0 || with.parallel > PARALLEL_MAX {
            return Err(format!("`parallel` is between 1 and {PARALLEL_MAX}"));
        }
        if with.timeout.is_zero() {
            return Err("`timeout` is above 0".to_owned());
        }
        with.check_counts()?;
        Ok(with)
    }

    /// All combinations, in the order in which they are written.
    pub fn places(&self) -> Vec<Place<'_>> {
        let platforms = each(self.platforms.as_deref()).into_iter();
        let places = platforms.flat_map(|platform| {
            let own = platform.and_then(|platform| platform.tenants.as_deref());
            let tenants = each(own.or(self.tenants.as_deref())).into_iter();
            tenants.map(move |tenant| Place { platform, tenant })
        });
        places.collect()
    }

    /// The command of a combination, with what stands for its parts.
    pub fn command_for(&self, place: &Place<'_>, report: Option<&Path>) -> Result<Vec<String>, String> {
        let fill = |argument: &String| {
            let filled = place.fill(argument)?;
            match report {
                Some(report) => Ok(filled.replace("{report}", &report.to_string_lossy())),
                None if filled.contains("{report}") => Err(format!(
                    "`{{report}}` in `{argument}` stands for nothing: the suite writes no report into a file"
                )),
                None => Ok(filled),
            }
        };
        self.command.iter().map(fill).collect()
    }

    fn check_matrix(&self) -> Result<(), String> {
        let platforms = self.platforms.as_deref();
        if platforms.is_some_and(<[Platform]>::is_empty) {
            return Err("`platforms` is empty, so nothing would run: list one, or leave it out".to_owned());
        }
        let mut names = BTreeSet::new();
        for platform in platforms.unwrap_or_default() {
            let name = &platform.name;
            if !is_name(name) {
                return Err(format!(
                    "the platform `{name}` has no name that a folder can have: lower-case letters, digits, `.`, `_` and `-`, at most \
                     {NAME_BYTES_MAX}, beginning with a letter or a digit"
                ));
            }
            if !names.insert(name) {
                return Err(format!("two platforms have the name `{name}`"));
            }
            check_tenants(
                platform.tenants.as_deref(),
                &format!("`tenants` of the platform `{name}`"),
            )?;
        }
        check_tenants(self.tenants.as_deref(), "`tenants`")?;
        let combinations = self.places().len();
        if combinations > COMBINATIONS_MAX {
            return Err(format!(
                "{combinations} combinations of a platform and a tenant; {COMBINATIONS_MAX} are possible in one gate"
            ));
        }
        Ok(())
    }

    fn check_report(&self) -> Result<(), String> {
        let is_written = self.report.format == Format::Junit || self.report.path.is_some();
        for place in self.places() {
            self.command_for(&place, is_written.then_some(Path::new("report")))?;
        }
        let Some(path) = &self.report.path else { return Ok(()) };
        match self.report.format {
            Format::ExitCode => {
                return Err(
                    "with `format: exit-code` there is no report: leave out its `path`, or say `junit` or `tap`"
                        .to_owned(),
                );
            }
            Format::Junit | Format::Tap => {}
        }
        let mut rest = path.replace("{platform}", "").replace("{tenant}", "");
        rest.retain(|character| matches!(character, '{' | '}'));
        if !rest.is_empty() {
            return Err(format!(
                "in `path: {path}` only `{{platform}}` and `{{tenant}}` stand for something"
            ));
        }
        let mut paths = BTreeMap::new();
        for place in self.places() {
            let filled = place.fill(path)?;
            let mut parts = Path::new(&filled).components();
            let stays = parts.all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
            if !stays || filled.is_empty() || filled.ends_with('/') {
                return Err(format!(
                    "the report `path: {path}` is no file in the project's folder: write it as `build/report.xml`"
                ));
            }
            let Some(other) = paths.insert(filled.clone(), place.in_words()) else {
                continue;
            };
            if self.parallel > 1 {
                return Err(format!(
                    "{other} and {} run at the same time and would both write `{filled}`: put `{{platform}}` and `{{tenant}}` into `path`, \
                     or say `parallel: 1`",
                    place.in_words()
                ));
            }
        }
        Ok(())
    }

    fn check_counts(&self) -> Result<(), String> {
        if self.minimum_tests == Some(0) {
            return Err("`minimum_tests` is at least 1: a suite without a test shows nothing".to_owned());
        }
        if self.report.format == Format::ExitCode && (self.minimum_tests.is_some() || self.skipped_at_most.is_some()) {
            return Err(
                "with `format: exit-code` no test is counted: `minimum_tests` and `skipped_at_most` need a report"
                    .to_owned(),
            );
        }
        Ok(())
    }

    /// What it names of the service, and the service does not have.
    pub fn check_names(&self, project: &Project) -> Result<(), String> {
        let cells = &project.service.cells;
        for platform in self.platforms.iter().flatten() {
            let select = &platform.select;
            if let Some(unknown) = select
                .cells
                .iter()
                .find(|name| !cells.iter().any(|cell| cell.name == **name))
            {
                let known: Vec<&str> = cells.iter().map(|cell| cell.name.as_str()).collect();
                return Err(format!(
                    "the platform `{}` is in a cell `{unknown}`, which tidegate.yaml does not have; it has {}",
                    platform.name,
                    known.join(", ")
                ));
            }
            for component in &select.components {
                check_component(component, project)?;
            }
            let is_one = |name: &CellName, labels: &BTreeMap<LabelName, Scalar>| select.has(name, labels);
            if !cells.iter().any(|cell| is_one(&cell.name, &cell.labels)) {
                let known: BTreeSet<String> = cells.iter().flat_map(|cell| labels_in_words(&cell.labels)).collect();
                return Err(format!(
                    "no cell of tidegate.yaml is what the platform `{}` selects; cells have the labels {}",
                    platform.name,
                    listed(known)
                ));
            }
        }
        let known = &project.tenants.tenants;
        let mut asked = self.places().into_iter().filter_map(|place| place.tenant);
        let unknown = asked.find(|asked| !known.iter().any(|tenant| tenant.id == **asked));
        match unknown {
            Some(tenant) => Err(format!("there is no tenant `{tenant}` in tenants.yaml")),
            None => Ok(()),
        }
    }
}

impl Select {
    /// Whether a cell of this name, with these labels, is one of its cells.
    pub fn has(&self, name: &CellName, labels: &BTreeMap<LabelName, Scalar>) -> bool {
        let is_named = self.cells.is_empty() || self.cells.contains(name);
        is_named
            && self
                .labels
                .iter()
                .all(|(label, value)| labels.get(label) == Some(value))
    }
}

/// Each of what is listed; once none, where there is no list.
fn each<T>(list: Option<&[T]>) -> Vec<Option<&T>> {
    list.map_or_else(|| vec![None], |list| list.iter().map(Some).collect())
}

fn check_tenants(tenants: Option<&[TenantName]>, what: &str) -> Result<(), String> {
    let Some(tenants) = tenants else { return Ok(()) };
    if tenants.is_empty() {
        return Err(format!(
            "{what} is empty, so nothing would run: list one, or leave it out"
        ));
    }
    let mut seen = BTreeSet::new();
    match tenants.iter().find(|tenant| !seen.insert(*tenant)) {
        Some(twice) => Err(format!("{what} lists `{twice}` twice")),
        None => Ok(()),
    }
}

fn is_name(text: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let begins = text.bytes().next().is_some_and(is_letter);
    begins && text.len() <= NAME_BYTES_MAX && text.bytes().all(|byte| is_letter(byte) || b"._-".contains(&byte))
}

pub(super) fn labels_in_words(labels: &BTreeMap<LabelName, Scalar>) -> Vec<String> {
    labels
        .iter()
        .map(|(label, value)| format!("{label}: {}", value.as_str()))
        .collect()
}

/// For a message.
pub(super) fn listed(words: BTreeSet<String>) -> String {
    if words.is_empty() {
        return "(none)".to_owned();
    }
    words.into_iter().collect::<Vec<_>>().join(", ")
}
