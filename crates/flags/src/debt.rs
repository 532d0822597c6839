//! Flag debt: how far along each flag is, how old, and what to do about it.
//!
//! Counts and dates are handed in; nothing here looks at code or at a clock.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::lint::{Purpose, Results};
use crate::snapshot::{Flag, Snapshot};

/// What is known of a flag besides its definition.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Usage {
    /// The day the flag was first defined.
    pub since: Option<Date>,
    /// The day its definition last changed.
    pub changed: Option<Date>,
    /// The last day it was evaluated; none: never.
    pub evaluated: Option<Date>,
    /// How often each variant was served since the definition last changed.
    pub served: BTreeMap<String, u64>,
    /// How often the code names the flag; `None` where nobody looked.
    pub references: Option<u64>,
}

/// When a flag counts as done and as forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Patience {
    /// Days without a change and with one variant for all until a flag is completed.
    pub settled_days: u32,
    /// Days a completed flag may stay before it should be removed.
    pub kept_days: u32,
    /// Days without an evaluation until a flag counts as unused.
    pub unused_days: u32,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            settled_days: 14,
            kept_days: 30,
            unused_days: 30,
        }
    }
}

/// How far along a flag is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Defined and never evaluated.
    Draft,
    /// At work.
    Live,
    /// Everybody has had the same variant for a while.
    Completed,
    /// Its branches in the code are debt.
    Removable,
    /// Nothing names it and nothing asks for it: the definition can go.
    Archived,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "do")]
pub enum Suggestion {
    Nothing,
    /// Keep the branch of this variant in the code, and remove the flag from it.
    RemoveFromCode {
        keep: String,
    },
    /// Remove the definition.
    RemoveDefinition,
    /// Nobody evaluates it: find out whether the code that should is deployed.
    FindItsUse,
    /// It expired while it is at work: finish it or agree on another day.
    Renew,
}

/// The debt of one flag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Debt {
    pub flag: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<Purpose>,
    pub stage: Stage,
    /// Whole days since the flag was first defined.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age_days: Option<i32>,
    /// Whole days since the day it expired.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overdue_days: Option<i32>,
    pub reasons: Vec<String>,
    pub suggestion: Suggestion,
}

/// Every flag, worst first: by stage from removable down, then by age.
pub fn debt(snapshot: &Snapshot, usage: &BTreeMap<String, Usage>, patience: &Patience, today: Date) -> Vec<Debt> {
    let unknown = Usage::default();
    let of = |flag: &Flag| judge(flag, usage.get(flag.key()).unwrap_or(&unknown), patience, today);
    let mut debts: Vec<Debt> = snapshot.flags().iter().map(|flag| of(flag)).collect();
    debts.sort_by_key(|debt| (rank(debt.stage), -debt.age_days.unwrap_or(0)));
    debts
}

fn rank(stage: Stage) -> u8 {
    match stage {
        Stage::Removable => 0,
        Stage::Archived => 1,
        Stage::Completed => 2,
        Stage::Draft => 3,
        Stage::Live => 4,
    }
}

/// References in the code to flags that are not defined, in the order of their keys.
pub fn undefined<'u>(snapshot: &Snapshot, usage: &'u BTreeMap<String, Usage>) -> Vec<&'u str> {
    let is_named = |usage: &Usage| usage.references.is_some_and(|count| count > 0);
    let undefined = usage
        .iter()
        .filter(|(key, usage)| is_named(usage) && snapshot.flag(key).is_none());
    undefined.map(|(key, _)| key.as_str()).collect()
}

fn judge(flag: &Flag, usage: &Usage, patience: &Patience, today: Date) -> Debt {
    let mut reasons = Vec::new();
    let purpose = Purpose::of(flag);
    let text = |name: &str| flag.metadata().get(name).and_then(|value| value.as_str());
    let expires = text("expires").and_then(|text| text.parse::<Date>().ok());
    let overdue_days = expires.map(|date| days(date, today)).filter(|days| *days > 0);
    let stage = stage(flag, usage, patience, today, &mut reasons);
    if let (Some(days), Some(date)) = (overdue_days, expires) {
        reasons.push(format!("it expired on {date}, {days} days ago"));
    }
    let suggestion = match (stage, the_variant(flag, usage)) {
        (Stage::Archived, _) => Suggestion::RemoveDefinition,
        (Stage::Removable, Some(keep)) => Suggestion::RemoveFromCode { keep },
        (Stage::Draft, _)
            if usage
                .since
                .is_some_and(|date| is_past(date, patience.unused_days, today)) =>
        {
            Suggestion::FindItsUse
        }
        (Stage::Live | Stage::Completed | Stage::Removable, _) if overdue_days.is_some() => Suggestion::Renew,
        (Stage::Draft | Stage::Live | Stage::Completed | Stage::Removable, _) => Suggestion::Nothing,
    };
    Debt {
        flag: flag.key().to_owned(),
        owner: text("owner").map(str::to_owned),
        kind: purpose,
        stage,
        age_days: usage.since.map(|date| days(date, today)),
        overdue_days,
        reasons,
        suggestion,
    }
}

fn stage(flag: &Flag, usage: &Usage, patience: &Patience, today: Date, reasons: &mut Vec<String>) -> Stage {
    let unused = usage
        .evaluated
        .is_none_or(|date| is_past(date, patience.unused_days, today));
    let old = usage
        .since
        .is_some_and(|date| is_past(date, patience.unused_days, today));
    if unused && old && usage.references == Some(0) {
        reasons.push("no code names it".to_owned());
        reasons.push(match usage.evaluated {
            Some(date) => format!("it was last evaluated on {date}"),
            None => "it was never evaluated".to_owned(),
        });
        return Stage::Archived;
    }
    if usage.evaluated.is_none() {
        reasons.push("it was never evaluated".to_owned());
        return Stage::Draft;
    }
    let Some(variant) = the_variant(flag, usage) else {
        return Stage::Live;
    };
    // A switch for operations rests in one position, and so does a permission that everybody has.
    let ends = Purpose::of(flag).is_none_or(Purpose::ends);
    let settled = |days: u32| usage.changed.is_some_and(|date| is_past(date, days, today));
    if !ends || !settled(patience.settled_days) {
        return Stage::Live;
    }
    reasons.push(format!("everybody gets `{variant}`"));
    if let Some(date) = usage.changed {
        reasons.push(format!("its definition has not changed since {date}"));
    }
    if settled(patience.settled_days.saturating_add(patience.kept_days)) {
        Stage::Removable
    } else {
        Stage::Completed
    }
}

/// The one variant that everybody gets: the only one the definition can come to, or the only one that was served.
fn the_variant(flag: &Flag, usage: &Usage) -> Option<String> {
    if let Some(outcome) = flag.fixed() {
        return outcome.variant().map(|variant| variant.name.to_string());
    }
    let results = Results::of(flag.definition().get("targeting")?);
    let mut possible = results.names;
    if results.nothing {
        possible.insert(flag.default_variant()?.name.to_string());
    }
    if !results.computed && possible.len() == 1 {
        return possible.pop_first();
    }
    let mut served = usage.served.iter().filter(|(_, count)| **count > 0);
    match (served.next(), served.next()) {
        (Some((only, _)), None) => Some(only.clone()),
        (None, _) | (Some(_), Some(_)) => None,
    }
}

/// Whether more than `days` have gone since `date`.
fn is_past(date: Date, days: u32, today: Date) -> bool {
    i64::from(self::days(date, today)) > i64::from(days)
}

/// Whole days from one day to a later one.
fn days(from: Date, to: Date) -> i32 {
    from.until(to).map_or(0, |span| span.get_days())
}
