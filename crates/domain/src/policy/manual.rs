//! The gate `manual`: a person's word. No program is run for it, so it is known here and nowhere else.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::id::{Actor, RoleName};
use crate::time::Duration;

/// The longest question, in characters: it is read in a line of a status.
const QUESTION_CHARS_MAX: usize = 500;

/// The longest time that somebody is waited for.
const EXPIRES_MAX: Duration = Duration::from_hours(24 * 90);

/// A question, who may answer it, and how long it is asked.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manual {
    pub question: String,
    pub who: Who,
    /// Then it is inconclusive.
    pub expires: Duration,
}

/// Whoever has one of the roles, or is one of the people. Whose release it is never counts.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Who {
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub roles: BTreeSet<RoleName>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub people: BTreeSet<String>,
}

impl Manual {
    /// What a playbook's `uses` says.
    pub const NAME: &str = "manual";

    /// Reads what a playbook's `with` says.
    ///
    /// # Errors
    /// It does not say what is asked, of whom and for how long; in words.
    pub fn read(with: &serde_json::Value) -> Result<Self, String> {
        let manual = Self::deserialize(with).map_err(|error| {
            if with.is_null() {
                "say `question`, `who` and `expires`".to_owned()
            } else {
                error.to_string()
            }
        })?;
        let length = manual.question.chars().count();
        if manual.question.trim().is_empty()
            || length > QUESTION_CHARS_MAX
            || manual.question.contains(char::is_control)
        {
            return Err(format!(
                "`question` is one line of up to {QUESTION_CHARS_MAX} characters"
            ));
        }
        if manual.who.roles.is_empty() && manual.who.people.is_empty() {
            return Err("nobody may answer: say in `who` which `roles` or which `people`".to_owned());
        }
        if manual.expires.is_zero() || manual.expires > EXPIRES_MAX {
            return Err(format!("`expires` is above 0 and {EXPIRES_MAX} at most"));
        }
        Ok(manual)
    }
}

impl Who {
    #[must_use]
    pub fn may_answer(&self, person: &Actor, roles: &BTreeSet<RoleName>) -> bool {
        self.people.contains(person.as_str()) || !self.roles.is_disjoint(roles)
    }

    /// To stand after "of".
    #[must_use]
    pub fn in_words(&self) -> String {
        let roles = self.roles.iter().map(|role| format!("role {role}"));
        let people = self.people.iter().cloned();
        let all: Vec<String> = people.chain(roles).collect();
        all.join(" or ")
    }
}
