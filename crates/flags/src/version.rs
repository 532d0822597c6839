//! Versions as `sem_ver` compares them: `[v]MAJOR[.MINOR[.PATCH[-PRERELEASE][+BUILD]]]`.
//!
//! The order is that of Semantic Versioning 2.0.0, §11; the short forms are those of Go's `golang.org/x/mod/semver`.

use std::cmp::Ordering;

/// A version, without its build metadata: that takes no part in the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version<'a> {
    pub major: u64,
    pub minor: u64,
    pub patch: u64,
    /// What stands between `-` and `+`; empty for a release.
    pub prerelease: &'a str,
}

impl<'a> Version<'a> {
    /// `None` for what is not a version.
    pub fn parse(text: &'a str) -> Option<Self> {
        let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
        let (major, rest) = number(text)?;
        let mut version = Self {
            major,
            minor: 0,
            patch: 0,
            prerelease: "",
        };
        if rest.is_empty() {
            return Some(version);
        }
        let (minor, rest) = number(rest.strip_prefix('.')?)?;
        version.minor = minor;
        if rest.is_empty() {
            return Some(version);
        }
        let (patch, mut rest) = number(rest.strip_prefix('.')?)?;
        version.patch = patch;
        if let Some(labels) = rest.strip_prefix('-') {
            let end = labels.find('+').unwrap_or(labels.len());
            (version.prerelease, rest) = labels.split_at(end);
            let sound =
                |label: &str| is_label(label) && !(is_number(label) && label.len() > 1 && label.starts_with('0'));
            if !version.prerelease.split('.').all(sound) {
                return None;
            }
        }
        if let Some(build) = rest.strip_prefix('+') {
            rest = if build.split('.').all(is_label) { "" } else { build };
        }
        rest.is_empty().then_some(version)
    }

    pub fn order(&self, other: &Version<'_>) -> Ordering {
        (self.major, self.minor, self.patch)
            .cmp(&(other.major, other.minor, other.patch))
            .then_with(|| order_of_prereleases(self.prerelease, other.prerelease))
    }
}

/// Digits without a leading zero, and what follows them. More digits than a `u64` holds are no version.
fn number(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    if digits.len() > 1 && digits.starts_with('0') {
        return None;
    }
    Some((digits.parse().ok()?, rest))
}

fn is_label(label: &str) -> bool {
    !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn is_number(label: &str) -> bool {
    label.bytes().all(|byte| byte.is_ascii_digit())
}

fn order_of_prereleases(a: &str, b: &str) -> Ordering {
    match (a.is_empty(), b.is_empty()) {
        (true, true) => return Ordering::Equal,
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    let (mut a, mut b) = (a.split('.'), b.split('.'));
    loop {
        let order = match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(a), Some(b)) => match (is_number(a), is_number(b)) {
                (true, true) => a.len().cmp(&b.len()).then_with(|| a.cmp(b)),
                (true, false) => Ordering::Less,
                (false, true) => Ordering::Greater,
                (false, false) => a.cmp(b),
            },
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

/// The operator between the two versions of `sem_ver`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    SameMajor,
    SameMinor,
}

impl Relation {
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "=" => Self::Equal,
            "!=" => Self::NotEqual,
            "<" => Self::Less,
            "<=" => Self::LessOrEqual,
            ">" => Self::Greater,
            ">=" => Self::GreaterOrEqual,
            "^" => Self::SameMajor,
            "~" => Self::SameMinor,
            _ => return None,
        })
    }

    pub fn holds(self, a: &Version<'_>, b: &Version<'_>) -> bool {
        match self {
            Self::Equal => a.order(b).is_eq(),
            Self::NotEqual => a.order(b).is_ne(),
            Self::Less => a.order(b).is_lt(),
            Self::LessOrEqual => a.order(b).is_le(),
            Self::Greater => a.order(b).is_gt(),
            Self::GreaterOrEqual => a.order(b).is_ge(),
            Self::SameMajor => a.major == b.major,
            Self::SameMinor => a.major == b.major && a.minor == b.minor,
        }
    }
}
