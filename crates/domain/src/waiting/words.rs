//! A wait in words, for whoever asks why a release is not moving.

use std::collections::BTreeSet;
use std::fmt;

use super::Waiting;
use crate::calendar::{Local, LocalDate};
use crate::change::OwnerName;
use crate::files::TimeZoneName;
use crate::id::{Actor, ChangeId, RoleName, TenantName, WindowName};
use crate::plan::NoticeKey;
use crate::time::Timestamp;

impl fmt::Display for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.in_words())
    }
}

impl Waiting {
    /// What is waited for, to stand after "waits for".
    fn in_words(&self) -> String {
        match self {
            Self::EarlierRelease { earlier, .. } => format!("release {earlier} to end"),
            Self::EarlierMoves { earlier, tenants, .. } => {
                format!("release {earlier} to be done with {}", named(tenants))
            }
            Self::Companion { companion, reason, .. } => format!("{companion}, with which it goes together: {reason}"),
            Self::Hold { by, reason, until, .. } => hold_in_words(by, reason, *until),
            Self::Gate { effect, .. } => format!("gate {effect} to end"),
            Self::Answer { .. } => self.answer_in_words(),
            Self::Step { cell, step, reason, .. } => format!("step {step} in cell {cell}: {reason}"),
            Self::Slot {
                cell,
                slot,
                reason,
                until,
                ..
            } => format!("slot {slot} in cell {cell} to be ready (until {until}): {reason}"),
            Self::Gateways {
                generation,
                reason,
                until,
                ..
            } => {
                format!("all gateways to confirm generation {generation} (until {until}): {reason}")
            }
            Self::Workers {
                cell,
                generation,
                until,
                ..
            } => {
                format!("the workers of cell {cell} to be handed over at generation {generation} (until {until})")
            }
            Self::Canary { .. } | Self::Bake { .. } => self.watched_in_words().unwrap_or_default(),
            Self::Return {
                tenant, cell, reason, ..
            } => {
                format!("the earlier version to be ready for tenant {tenant} in cell {cell}: {reason}")
            }
            Self::Drain {
                cell,
                slot,
                in_flight,
                until,
            } => {
                format!("slot {slot} in cell {cell} to drain: {in_flight} in flight, cut at {until}")
            }
            Self::Job { job, reason } => format!("{}: {reason}", job.in_words()),
            Self::CellMove { tenant, to, reason } => format!("tenant {tenant}, on its way to cell {to}: {reason}"),
            Self::Approval { .. }
            | Self::Start { .. }
            | Self::Window { .. }
            | Self::Freeze { .. }
            | Self::Notice { .. }
            | Self::Validation { .. }
            | Self::Migration { .. }
            | Self::Downtime { .. }
            | Self::Peak { .. }
            | Self::Gap { .. } => self.planned_in_words().unwrap_or_default(),
        }
    }

    fn answer_in_words(&self) -> String {
        let Self::Answer {
            gate,
            question,
            who,
            until,
            ..
        } = self
        else {
            return String::new();
        };
        format!(
            "an answer of {} to gate {gate} (until {until}): {question}",
            who.in_words()
        )
    }

    /// The same of what is being judged.
    fn watched_in_words(&self) -> Option<String> {
        let (Self::Canary {
            wave,
            least,
            longest,
            reason,
            ..
        }
        | Self::Bake {
            wave,
            least,
            longest,
            reason,
            ..
        }) = self
        else {
            return None;
        };
        let what = if matches!(self, Self::Canary { .. }) {
            "canary"
        } else {
            "bake"
        };
        Some(format!(
            "the {what} of wave {wave}, between {least} and {longest}: {reason}"
        ))
    }

    /// The same of what the plan makes a release wait for: people and time.
    fn planned_in_words(&self) -> Option<String> {
        let words = match self {
            Self::Approval {
                wave,
                plan,
                approval,
                roles,
                given,
                missing,
                ..
            } => {
                let wave = wave.as_ref().map_or(String::new(), |wave| format!(" of wave {wave}"));
                let (plan, missing) = (plan.short(), missing_in_words(*missing, roles, given));
                format!("approval {approval}{wave} of plan {plan}: {missing}")
            }
            Self::Start {
                tenants,
                until,
                because,
                ..
            } => format!("the planned start of {} at {until}: {because}", named(tenants)),
            Self::Window {
                tenants,
                window,
                opens,
                reason,
                zone,
                ..
            } => window_in_words(tenants, window.as_ref(), *opens, reason, zone.as_ref()),
            Self::Freeze {
                tenants,
                number,
                by,
                reason,
                until,
                ..
            } => freeze_in_words(tenants, *number, by, reason, *until),
            Self::Notice {
                tenants,
                key,
                asked,
                from,
                ..
            } => notice_in_words(tenants, key, *asked, *from),
            Self::Validation { .. } | Self::Migration { .. } | Self::Downtime { .. } => {
                return self.promised_in_words();
            }
            Self::Peak { tenants, until, .. } => {
                format!("the peak of {} on the new version, over at {until}", named(tenants))
            }
            Self::Gap { wave, until, .. } => format!("{until}, the earliest start of wave {wave}"),
            Self::EarlierRelease { .. }
            | Self::EarlierMoves { .. }
            | Self::Companion { .. }
            | Self::Hold { .. }
            | Self::Gate { .. }
            | Self::Answer { .. }
            | Self::Step { .. }
            | Self::Slot { .. }
            | Self::Gateways { .. }
            | Self::Workers { .. }
            | Self::Canary { .. }
            | Self::Bake { .. }
            | Self::Return { .. }
            | Self::Drain { .. }
            | Self::Job { .. }
            | Self::CellMove { .. } => return None,
        };
        Some(words)
    }

    /// The same of what customers have to do, or were promised.
    fn promised_in_words(&self) -> Option<String> {
        if let Self::Migration {
            tenants,
            change,
            owner,
            deadline,
            ..
        } = self
        {
            return Some(migration_in_words(tenants, change, owner.as_ref(), *deadline));
        }
        if let Self::Validation {
            tenants,
            customer,
            trouble,
            ..
        } = self
        {
            let tenants = named(tenants);
            return Some(match trouble {
                None => format!("customer {customer} to report that it works, for {tenants}"),
                Some(trouble) => {
                    format!("customer {customer} to report that its trouble is over, for {tenants}: {trouble}")
                }
            });
        }
        let Self::Downtime {
            tenants,
            ends,
            undone,
            reason,
            ..
        } = self
        else {
            return None;
        };
        let tenants = named(tenants);
        Some(format!(
            "the switch of {tenants}, out of service until {ends} (undone at {undone} if it is not done): {reason}"
        ))
    }
}

fn notice_in_words(
    tenants: &[TenantName],
    key: &NoticeKey,
    asked: Option<Timestamp>,
    from: Option<Timestamp>,
) -> String {
    let what = match (from, asked) {
        (Some(from), _) => format!("to have run its length at {from}"),
        (None, Some(asked)) => format!("to be sent: due since {asked}, and nobody says that it was"),
        (None, None) => "to become due, and to be sent".to_owned(),
    };
    format!("notice {key} to {} {what}", named(tenants))
}

fn migration_in_words(
    tenants: &[TenantName],
    change: &ChangeId,
    owner: Option<&OwnerName>,
    deadline: Option<LocalDate>,
) -> String {
    let owner = owner.map_or_else(String::new, |owner| format!(", {owner} sees to it"));
    let until = deadline.map_or_else(String::new, |day| format!(", the old way works until {day}"));
    format!("{} to migrate for change {change}{owner}{until}", named(tenants))
}

fn missing_in_words(missing: usize, roles: &BTreeSet<RoleName>, given: &[Actor]) -> String {
    let roles: Vec<&str> = roles.iter().map(RoleName::as_str).collect();
    let given: Vec<&str> = given.iter().map(Actor::as_str).collect();
    let given = match given.as_slice() {
        [] => String::new(),
        given => format!(" (given by {})", given.join(", ")),
    };
    format!("{missing} more of role {}{given}", roles.join(" or "))
}

fn hold_in_words(by: &Actor, reason: &str, until: Option<Timestamp>) -> String {
    match until {
        None => format!("a person to resume it: held by {by}: {reason}"),
        Some(until) => format!("the hold by {by} to end at {until}: {reason}"),
    }
}

/// Tenants that are named one by one; more are counted.
const NAMED_MAX: usize = 3;

fn named(tenants: &[TenantName]) -> String {
    let names: Vec<&str> = tenants.iter().take(NAMED_MAX).map(TenantName::as_str).collect();
    match (tenants, tenants.len().saturating_sub(NAMED_MAX)) {
        ([only], _) => format!("tenant {only}"),
        (_, 0) => format!("tenants {}", names.join(", ")),
        (_, more) => format!("tenants {} and {more} more", names.join(", ")),
    }
}

fn freeze_in_words(tenants: &[TenantName], number: u32, by: &Actor, reason: &str, until: Option<Timestamp>) -> String {
    let until = until.map_or_else(|| "to be lifted".to_owned(), |until| format!("to end at {until}"));
    format!("freeze {number} by {by} of {} {until}: {reason}", named(tenants))
}

fn window_in_words(
    tenants: &[TenantName],
    window: Option<&WindowName>,
    opens: Option<Timestamp>,
    reason: &str,
    zone: Option<&TimeZoneName>,
) -> String {
    let who = named(tenants);
    let window = window.map_or_else(|| "the window".to_owned(), |window| format!("window {window}"));
    match (opens, zone) {
        (Some(at), Some(zone)) => format!("{window} of {who}: opens {}: {reason}", Local::new(at, zone)),
        (Some(at), None) => format!("{window} of {who}: opens {at}: {reason}"),
        (None, _) => format!("a window of {who}, which never opens: {reason}"),
    }
}
