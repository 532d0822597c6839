//! A file of a change to start from.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::PLACEHOLDER;
use crate::calendar::LocalDate;
use crate::change::{Audience, ChangeKind, Impact};

/// What is known of a change before its text is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewChange {
    pub title: String,
    pub kind: ChangeKind,
    pub audience: BTreeSet<Audience>,
    pub impact: Impact,
    pub action: Option<String>,
    pub deadline: Option<LocalDate>,
}

impl NewChange {
    /// Its file: commented, without a mistake as long as an impact that asks for action has action and deadline, and
    /// with a text of our own in each section that no release accepts.
    #[must_use]
    pub fn file(&self) -> String {
        let audience: Vec<&str> = self.audience.iter().map(|audience| audience.word()).collect();
        let mut file = format!(
            "\
---
# Between these two lines stands what Tidegate knows of the change; below them, what people read.
kind: {} # security, added, changed, deprecated, removed, fixed
audience: [{}] # each has a section below: developer, marketing, operations, internal
impact: {} # none, additive, action-required, breaking; the last two need action and deadline
",
            self.kind,
            audience.join(", "),
            self.impact
        );
        match &self.action {
            // Text in JSON's quotes is text in YAML, whatever stands in it.
            Some(action) => _ = writeln!(file, "action: {}", serde_json::json!(action)),
            None => file.push_str("# action: Send `amount` as text. # what the reader has to do\n"),
        }
        match &self.deadline {
            Some(deadline) => _ = writeln!(file, "deadline: {deadline}"),
            None => file.push_str("# deadline: 2027-03-01 # the last day on which the old way works\n"),
        }
        file.push_str(
            "\
# owner: Integrations team # who sees to it that readers do
# endpoints: [GET /v1/points, 'GET /v1/points/{id}'] # what it touches
# fields: [points.balance]
# flag: new-points
# opt_in: {ships: disabled, how: Settings > Points} # what customers turn on themselves
# documentation:
#   - {title: Points, address: https://docs.example.com/points}
# pictures: # relative to this file
#   - {file: pictures/points.png, shows: The new page of points}
---

",
        );
        let _ = writeln!(file, "# {}", self.title);
        for audience in &self.audience {
            let _ = write!(
                file,
                "\n## {}\n\n{PLACEHOLDER} {}.\n",
                audience.heading(),
                readers(*audience)
            );
        }
        file
    }
}

fn readers(audience: Audience) -> &'static str {
    match audience {
        Audience::Developer => "those who call the interfaces",
        Audience::Marketing => "those who use the features",
        Audience::Operations => "those who run the service",
        Audience::Internal => "support, customer success and sales: why, what, and what to answer",
    }
}
