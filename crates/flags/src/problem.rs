//! What is wrong with a set of flags, where, and what to write instead.

use std::fmt;

use serde::Serialize;

use crate::limits;

/// Whether a flag can be used as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// The definition is not taken: the flag's last good version stays, and without one it answers with an error.
    Refused,
    /// The definition is taken, as flagd takes it.
    Doubtful,
}

/// One mistake of one flag, or of the set where no flag is named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    pub severity: Severity,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flag: Option<String>,
    /// Where in the document: `flags.new-checkout.targeting.if[1]`.
    pub path: String,
    pub what: String,
    pub remedy: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}\nhelp: {}", self.path, self.what, self.remedy)
    }
}

/// Where a reader of the document stands, with what it found.
pub(crate) struct Notes {
    flag: Option<String>,
    path: Vec<String>,
    pub found: Vec<Problem>,
}

impl Notes {
    pub fn of_set() -> Self {
        Self {
            flag: None,
            path: Vec::new(),
            found: Vec::new(),
        }
    }

    pub fn of_flag(key: &str, place: &str) -> Self {
        Self {
            flag: Some(key.to_owned()),
            path: vec![place.to_owned()],
            found: Vec::new(),
        }
    }

    /// Goes to what lies at `step`: `.name` or `[0]`.
    pub fn path(&mut self, step: String) {
        self.path.push(step);
    }

    pub fn back(&mut self) {
        self.path.pop();
    }

    pub fn refuse(&mut self, what: impl Into<String>, remedy: impl Into<String>) {
        self.note(Severity::Refused, what.into(), remedy.into());
    }

    pub fn doubt(&mut self, what: impl Into<String>, remedy: impl Into<String>) {
        self.note(Severity::Doubtful, what.into(), remedy.into());
    }

    pub fn refused(&self) -> bool {
        self.found.iter().any(|problem| problem.severity == Severity::Refused)
    }

    fn note(&mut self, severity: Severity, what: String, remedy: String) {
        let most = match self.flag {
            Some(_) => limits::FLAG_PROBLEMS,
            None => limits::PROBLEMS,
        };
        // A refusal counts however many doubts were told before it.
        let replaces = severity == Severity::Refused && !self.refused();
        if self.found.len() == most && replaces {
            self.found.pop();
        }
        if self.found.len() < most {
            self.found.push(Problem {
                severity,
                flag: self.flag.clone(),
                path: self.path.concat().trim_start_matches('.').to_owned(),
                what,
                remedy,
            });
        }
    }
}
