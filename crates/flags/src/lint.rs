//! The style of flags: names, structure, and what a flag has to say about itself.
//!
//! What flagd itself would refuse is told when a set is loaded; this is about what it takes and people should not write.

mod results;
#[cfg(test)]
mod tests;
mod variants;

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::bucket::HashVersion;
use crate::snapshot::{Flag, Snapshot};
pub(crate) use results::Results;

/// What a flag is for; `kind` in its metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// A feature on its way to everybody. It ends.
    Release,
    /// A comparison of variants. It ends.
    Experiment,
    /// A switch for operations. It stays.
    Ops,
    /// What some customers have and others have not. It stays.
    Permission,
}

impl Purpose {
    pub fn of(flag: &Flag) -> Option<Self> {
        match flag.metadata().get("kind")?.as_str()? {
            "release" => Some(Self::Release),
            "experiment" => Some(Self::Experiment),
            "ops" => Some(Self::Ops),
            "permission" => Some(Self::Permission),
            _ => None,
        }
    }

    pub fn ends(self) -> bool {
        matches!(self, Self::Release | Self::Experiment)
    }
}

/// A rule of style.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// The key is not written as the style says, or lacks the prefix of its kind.
    Name,
    /// `owner` is not said: nobody can be asked.
    Owner,
    /// `description` is not said.
    Description,
    /// `kind` is not said, or is none of `release`, `experiment`, `ops`, `permission`.
    Kind,
    /// `expires` is not said of a flag that ends, or is not a date.
    Expiry,
    /// The day of `expires` is over.
    Expired,
    /// The targeting names a variant that the flag does not have: flagd answers `GENERAL`.
    UndefinedVariant,
    /// A variant that neither the targeting nor the default names.
    UnusedVariant,
    /// Variants of different kinds of values: some callers get `TYPE_MISMATCH`.
    MixedValues,
    /// A branch that no context reaches.
    UnreachableBranch,
    /// The weights of a `fractional` are not 100 together, or all 0.
    Weights,
    /// `fractional` in several hash versions in one set: members fall into unlike buckets, and so do SDKs.
    MixedHashVersions,
    /// A waiver whose day is over.
    ExpiredWaiver,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    Off,
    Warning,
    Error,
}

impl Rule {
    /// The level where a style says none.
    pub fn level(self) -> Level {
        match self {
            Self::Name | Self::Owner | Self::Kind | Self::Expiry | Self::UndefinedVariant | Self::ExpiredWaiver => {
                Level::Error
            }
            Self::Description
            | Self::Expired
            | Self::UnusedVariant
            | Self::MixedValues
            | Self::UnreachableBranch
            | Self::Weights
            | Self::MixedHashVersions => Level::Warning,
        }
    }
}

/// How the words of a key are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Case {
    /// `new-checkout`
    #[default]
    Kebab,
    /// `new_checkout`
    Snake,
    /// `newCheckout`
    Camel,
    /// Any text.
    Any,
}

/// What a team has agreed on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Style {
    pub case: Case,
    /// The longest key, in characters.
    pub name_length: usize,
    /// What a key of a kind starts with, such as `ops-`.
    pub prefixes: BTreeMap<Purpose, String>,
    /// Levels that differ from [`Rule::level`].
    pub levels: BTreeMap<Rule, Level>,
    pub waivers: Vec<Waiver>,
}

impl Default for Style {
    fn default() -> Self {
        Self {
            case: Case::default(),
            name_length: 64,
            prefixes: BTreeMap::new(),
            levels: BTreeMap::new(),
            waivers: Vec::new(),
        }
    }
}

/// A flag that may break a rule for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Waiver {
    pub flag: String,
    pub rule: Rule,
    /// The last day it holds.
    pub until: Date,
    pub reason: String,
}

/// One breach of the style.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub rule: Rule,
    pub level: Level,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flag: Option<String>,
    pub what: String,
    pub remedy: String,
}

/// Looks at every flag; `today` decides what has expired. Findings come in the order of the flags, those of the set last.
pub fn lint(snapshot: &Snapshot, style: &Style, today: Date) -> Vec<Finding> {
    let mut linter = Linter {
        style,
        today,
        findings: Vec::new(),
    };
    for flag in snapshot.flags().iter().filter(|flag| !flag.is_unreadable()) {
        linter.name(flag);
        linter.words(flag);
        linter.expiry(flag);
        variants::check(flag, &mut linter);
    }
    linter.hash_versions(snapshot);
    linter.waivers();
    linter.findings
}

struct Linter<'s> {
    style: &'s Style,
    today: Date,
    findings: Vec<Finding>,
}

impl Linter<'_> {
    fn tell(&mut self, rule: Rule, flag: Option<&Flag>, what: String, remedy: impl Into<String>) {
        let level = self.style.levels.get(&rule).copied().unwrap_or(rule.level());
        let waived = |waiver: &Waiver| {
            flag.is_some_and(|flag| waiver.flag == flag.key()) && waiver.rule == rule && waiver.until >= self.today
        };
        if level != Level::Off && !self.style.waivers.iter().any(waived) {
            self.findings.push(Finding {
                rule,
                level,
                flag: flag.map(|flag| flag.key().to_owned()),
                what,
                remedy: remedy.into(),
            });
        }
    }

    fn name(&mut self, flag: &Flag) {
        let key = flag.key();
        if !self.style.case.fits(key) {
            let example = self.style.case.example();
            self.tell(
                Rule::Name,
                Some(flag),
                format!("the key `{key}` is not written like `{example}`"),
                "rename the flag while it is young",
            );
        }
        let length = key.chars().count();
        if length > self.style.name_length {
            let what = format!("the key has {length} characters, more than {}", self.style.name_length);
            self.tell(
                Rule::Name,
                Some(flag),
                what,
                "say less in the key and more in the description",
            );
        }
        let prefix = Purpose::of(flag).and_then(|purpose| self.style.prefixes.get(&purpose));
        if let Some(prefix) = prefix.filter(|prefix| !key.starts_with(prefix.as_str())) {
            self.tell(
                Rule::Name,
                Some(flag),
                format!("the key does not start with `{prefix}`"),
                format!("call it `{prefix}{key}`"),
            );
        }
    }

    fn words(&mut self, flag: &Flag) {
        let says = |name: &str| {
            flag.metadata()
                .get(name)
                .and_then(|value| value.as_str())
                .is_some_and(|text| !text.trim().is_empty())
        };
        if !says("owner") {
            self.tell(
                Rule::Owner,
                Some(flag),
                "nobody owns the flag".to_owned(),
                "write `\"owner\": \"checkout-team\"` in its metadata",
            );
        }
        if !says("description") {
            self.tell(
                Rule::Description,
                Some(flag),
                "the flag does not say what it does".to_owned(),
                "write `\"description\": \"…\"` in its metadata",
            );
        }
        if Purpose::of(flag).is_none() {
            let what = match flag.metadata().get("kind") {
                None => "the flag does not say what it is for".to_owned(),
                Some(kind) => format!("there is no kind {kind}"),
            };
            let remedy = "write `\"kind\": \"release\"` in its metadata, or `experiment`, `ops`, `permission`";
            self.tell(Rule::Kind, Some(flag), what, remedy);
        }
    }

    fn expiry(&mut self, flag: &Flag) {
        let written = flag.metadata().get("expires");
        let date = written
            .and_then(|value| value.as_str())
            .and_then(|text| text.parse::<Date>().ok());
        match (written, date) {
            (None, _) if Purpose::of(flag).is_some_and(Purpose::ends) => {
                let remedy = "write `\"expires\": \"2027-03-31\"` in its metadata: the day it should be gone";
                self.tell(
                    Rule::Expiry,
                    Some(flag),
                    "the flag ends, but does not say when".to_owned(),
                    remedy,
                );
            }
            (Some(written), None) => {
                let what = format!("`expires` is not a date: {written}");
                self.tell(
                    Rule::Expiry,
                    Some(flag),
                    what,
                    "write year, month and day: `2027-03-31`",
                );
            }
            (_, Some(date)) if date < self.today => {
                let what = format!("the flag expired on {date}");
                self.tell(
                    Rule::Expired,
                    Some(flag),
                    what,
                    "remove it from the code and then here, or agree on another day",
                );
            }
            (None | Some(_), _) => {}
        }
    }

    fn hash_versions(&mut self, snapshot: &Snapshot) {
        let buckets = |flag: &&std::sync::Arc<Flag>| {
            flag.definition()
                .get("targeting")
                .is_some_and(|targeting| results::names_operator(targeting, "fractional"))
        };
        let mut of_version: BTreeMap<HashVersion, usize> = BTreeMap::new();
        for flag in snapshot.flags().iter().filter(buckets) {
            *of_version.entry(flag.hash_version()).or_default() += 1;
        }
        if of_version.len() > 1 {
            let counts: Vec<String> = of_version
                .iter()
                .map(|(version, count)| format!("{count} with version {}", version.number()))
                .collect();
            let what = format!("`fractional` hashes in several ways: {}", counts.join(", "));
            self.tell(
                Rule::MixedHashVersions,
                None,
                what,
                "choose one `hashVersion`, and see first who would move",
            );
        }
    }

    fn waivers(&mut self) {
        let (style, today) = (self.style, self.today);
        for waiver in style.waivers.iter().filter(|waiver| waiver.until < today) {
            let what = format!(
                "the waiver for `{}` ended on {}: {}",
                waiver.flag, waiver.until, waiver.reason
            );
            self.tell(
                Rule::ExpiredWaiver,
                None,
                what,
                "remove the waiver, or agree on another day",
            );
        }
    }
}

impl Case {
    fn fits(self, key: &str) -> bool {
        let joined = |separator: char| {
            key.split(separator)
                .all(|word| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit()))
                && key.starts_with(|c: char| c.is_ascii_lowercase())
        };
        match self {
            Self::Kebab => joined('-'),
            Self::Snake => joined('_'),
            Self::Camel => {
                key.starts_with(|c: char| c.is_ascii_lowercase()) && key.chars().all(|c| c.is_ascii_alphanumeric())
            }
            Self::Any => true,
        }
    }

    fn example(self) -> &'static str {
        match self {
            Self::Kebab => "new-checkout",
            Self::Snake => "new_checkout",
            Self::Camel | Self::Any => "newCheckout",
        }
    }
}
