//! What the diary says of what is waited for.

use tidegate_domain::id::{RoleName, TenantName, WaveName, WindowName};
use tidegate_domain::waiting::Waiting;

use super::{Words, names};

impl Words<'_> {
    /// What makes a wait another one than those that were told; `None` where it is no news. Who waits and what is measured
    /// meanwhile may change.
    pub fn subject(&self, waiting: &Waiting) -> Option<String> {
        match waiting {
            Waiting::Job { .. } | Waiting::Drain { .. } => None,
            Waiting::CellMove { .. }
            | Waiting::Start { .. }
            | Waiting::Window { .. }
            | Waiting::Freeze { .. }
            | Waiting::Notice { .. }
            | Waiting::Validation { .. }
            | Waiting::Migration { .. }
            | Waiting::Peak { .. } => Some(self.waiting(waiting, &[])),
            Waiting::Slot {
                release,
                wave,
                cell,
                until,
                ..
            } => Some(format!("slots {release} {wave} {cell} {until}")),
            Waiting::Approval {
                release,
                wave,
                approval,
                ..
            } => {
                let wave = wave.as_ref().map_or("-", WaveName::as_str);
                Some(format!("approval {release} {wave} {approval}"))
            }
            Waiting::EarlierRelease { .. }
            | Waiting::EarlierMoves { .. }
            | Waiting::Companion { .. }
            | Waiting::Hold { .. }
            | Waiting::Gap { .. }
            | Waiting::Step { .. }
            | Waiting::Gate { .. }
            | Waiting::Answer { .. }
            | Waiting::Downtime { .. }
            | Waiting::Gateways { .. }
            | Waiting::Workers { .. }
            | Waiting::Canary { .. }
            | Waiting::Bake { .. }
            | Waiting::Return { .. } => {
                let release = waiting.release().map_or("", |release| release.as_str());
                Some(format!("{release} {}", self.waiting(waiting, &[])))
            }
        }
    }

    /// A sentence; `who` are the tenants that wait for the same.
    pub fn waiting(&self, waiting: &Waiting, who: &[TenantName]) -> String {
        match waiting {
            Waiting::EarlierRelease { release, earlier } => {
                format!("release {release} waits for release {earlier} to end")
            }
            Waiting::EarlierMoves {
                wave, tenants, earlier, ..
            } => {
                let who = names(tenants.iter());
                format!("wave {wave}: {who} not before release {earlier} is done with them")
            }
            Waiting::Companion { release, .. } => format!("release {release} waits for {waiting}"),
            Waiting::Hold {
                release,
                until: Some(until),
                ..
            } => format!("release {release} waits for the hold to end, {}", self.at(*until)),
            Waiting::Hold { release, .. } => format!("release {release} waits for a person to resume it"),
            Waiting::Approval { .. }
            | Waiting::Start { .. }
            | Waiting::Window { .. }
            | Waiting::Freeze { .. }
            | Waiting::Notice { .. }
            | Waiting::Validation { .. }
            | Waiting::Migration { .. }
            | Waiting::Downtime { .. }
            | Waiting::Peak { .. } => self.waiting_for_when(waiting, &names(who.iter())),
            Waiting::Gap { wave, until, .. } => {
                format!("wave {wave} waits for its gap to be over, {}", self.at(*until))
            }
            Waiting::Slot { wave, cell, until, .. } => format!(
                "wave {wave} waits for its slots in cell {cell}, until {}",
                self.at(*until)
            ),
            Waiting::Step { cell, step, reason, .. } => format!("step {step} in cell {cell} waits: {reason}"),
            Waiting::Gate { wave, .. } => format!("wave {wave} waits for its gates to end"),
            Waiting::Answer { .. } => self.waiting_for_answer(waiting),
            Waiting::Gateways { wave, until, .. } => format!(
                "wave {wave} waits for every gateway to confirm, until {}",
                self.at(*until)
            ),
            Waiting::Workers { wave, cell, until, .. } => format!(
                "wave {wave} waits for the workers of cell {cell} to be handed over, until {}",
                self.at(*until)
            ),
            Waiting::Canary {
                wave, least, longest, ..
            } => format!(
                "wave {wave} is tried by a share of its requests: at least until {}, at the longest until {}",
                self.at(*least),
                self.at(*longest)
            ),
            Waiting::Bake {
                wave, least, longest, ..
            } => format!(
                "wave {wave} bakes: at least until {}, at the longest until {}",
                self.at(*least),
                self.at(*longest)
            ),
            Waiting::Return { tenant, cell, .. } => {
                format!("{tenant} waits for its earlier version to be ready in cell {cell}")
            }
            Waiting::Job { job, reason } => format!("{} waits: {reason}", job.in_words()),
            Waiting::CellMove { tenant, to, reason } => format!("{tenant} waits to move to cell {to}: {reason}"),
            Waiting::Drain { cell, slot, until, .. } => {
                format!("slot {slot} in cell {cell} drains until {}", self.at(*until))
            }
        }
    }

    fn waiting_for_answer(&self, waiting: &Waiting) -> String {
        let Waiting::Answer {
            wave,
            gate,
            question,
            who,
            until,
            ..
        } = waiting
        else {
            return String::new();
        };
        let (who, until) = (who.in_words(), self.at(*until));
        format!("wave {wave} asks {who} until {until}, by gate {gate}: {question}")
    }

    /// What people and calendars say about when; `tenants` are those that wait.
    fn waiting_for_when(&self, waiting: &Waiting, tenants: &str) -> String {
        match waiting {
            Waiting::Approval { .. } => waiting_for_approval(waiting),
            Waiting::Start {
                wave, until, because, ..
            } => format!("wave {wave}: {tenants} not before {}: {because}", self.at(*until)),
            Waiting::Window {
                wave,
                window,
                opens,
                reason,
                ..
            } => {
                let window = window.as_ref().map_or("-", WindowName::as_str);
                let opens = self.at_or(*opens, "never");
                format!("wave {wave}: {tenants} not before window {window} opens, {opens}: {reason}")
            }
            Waiting::Freeze {
                wave,
                by,
                reason,
                until,
                ..
            } => {
                let until = self.at_or(*until, "it is lifted");
                format!("wave {wave}: {tenants} frozen by {by} until {until}: {reason}")
            }
            Waiting::Notice {
                wave, from: Some(from), ..
            } => format!(
                "wave {wave}: {tenants} not before the notice has run, {}",
                self.at(*from)
            ),
            Waiting::Notice { wave, asked: None, .. } => {
                format!("wave {wave}: {tenants} not before the notice is due and sent")
            }
            Waiting::Notice { wave, .. } => {
                format!("wave {wave}: {tenants} not before it is proven that the notice was sent")
            }
            Waiting::Validation { .. } | Waiting::Migration { .. } | Waiting::Downtime { .. } => {
                self.waiting_for_what_was_promised(waiting, tenants)
            }
            Waiting::Peak { wave, until, .. } => {
                format!("wave {wave} bakes through the peak of {tenants}, {}", self.at(*until))
            }
            Waiting::EarlierRelease { .. }
            | Waiting::EarlierMoves { .. }
            | Waiting::Companion { .. }
            | Waiting::Hold { .. }
            | Waiting::Gap { .. }
            | Waiting::Slot { .. }
            | Waiting::Step { .. }
            | Waiting::Gate { .. }
            | Waiting::Answer { .. }
            | Waiting::Gateways { .. }
            | Waiting::Workers { .. }
            | Waiting::Canary { .. }
            | Waiting::Bake { .. }
            | Waiting::Return { .. }
            | Waiting::Job { .. }
            | Waiting::CellMove { .. }
            | Waiting::Drain { .. } => self.waiting(waiting, &[]),
        }
    }

    /// What customers have to do, or were promised.
    fn waiting_for_what_was_promised(&self, waiting: &Waiting, tenants: &str) -> String {
        if let Waiting::Migration { wave, change, .. } = waiting {
            return format!("wave {wave}: {tenants} not before they have migrated for change {change}");
        }
        if let Waiting::Validation {
            wave,
            customer,
            trouble,
            ..
        } = waiting
        {
            let what = match trouble {
                None => "it works".to_owned(),
                Some(trouble) => format!("this is over: {trouble}"),
            };
            return format!("wave {wave}: {tenants} not before {customer} reports that {what}");
        }
        let Waiting::Downtime { wave, ends, undone, .. } = waiting else {
            return String::new();
        };
        let (ends, undone) = (self.at(*ends), self.at(*undone));
        format!("wave {wave}: {tenants} out of service until {ends}, undone at {undone} if they are not moved")
    }
}

fn waiting_for_approval(waiting: &Waiting) -> String {
    let Waiting::Approval {
        release,
        wave,
        approval,
        roles,
        missing,
        ..
    } = waiting
    else {
        return String::new();
    };
    let roles = roles.iter().map(RoleName::as_str).collect::<Vec<_>>().join(" or ");
    let of = wave.as_ref().map(|wave| format!("wave {wave}"));
    let of = of.unwrap_or_else(|| format!("release {release}"));
    format!("{of} waits for approval {approval}: {missing} of role {roles}")
}

/// The tenants that wait, where a wait is of some of them only.
pub fn waits(waiting: &Waiting) -> &[TenantName] {
    match waiting {
        Waiting::Start { tenants, .. }
        | Waiting::Window { tenants, .. }
        | Waiting::Freeze { tenants, .. }
        | Waiting::EarlierMoves { tenants, .. }
        | Waiting::Notice { tenants, .. }
        | Waiting::Validation { tenants, .. }
        | Waiting::Migration { tenants, .. }
        | Waiting::Downtime { tenants, .. }
        | Waiting::Peak { tenants, .. } => tenants,
        Waiting::Return { tenant, .. } => std::slice::from_ref(tenant),
        Waiting::EarlierRelease { .. }
        | Waiting::Companion { .. }
        | Waiting::Hold { .. }
        | Waiting::Approval { .. }
        | Waiting::Gap { .. }
        | Waiting::Slot { .. }
        | Waiting::Step { .. }
        | Waiting::Gate { .. }
        | Waiting::Answer { .. }
        | Waiting::Gateways { .. }
        | Waiting::Workers { .. }
        | Waiting::Canary { .. }
        | Waiting::Bake { .. }
        | Waiting::Job { .. }
        | Waiting::CellMove { .. }
        | Waiting::Drain { .. } => &[],
    }
}

/// It is worth a line only if it lasts.
pub fn is_short(waiting: &Waiting) -> bool {
    match waiting {
        Waiting::Slot { .. }
        | Waiting::Gate { .. }
        | Waiting::Gateways { .. }
        | Waiting::Workers { .. }
        | Waiting::Downtime { .. }
        | Waiting::Step { .. }
        | Waiting::Return { .. }
        | Waiting::Job { .. }
        | Waiting::CellMove { .. }
        | Waiting::Drain { .. } => true,
        Waiting::EarlierRelease { .. }
        | Waiting::EarlierMoves { .. }
        | Waiting::Companion { .. }
        | Waiting::Hold { .. }
        | Waiting::Approval { .. }
        | Waiting::Answer { .. }
        | Waiting::Start { .. }
        | Waiting::Window { .. }
        | Waiting::Freeze { .. }
        | Waiting::Notice { .. }
        | Waiting::Validation { .. }
        | Waiting::Migration { .. }
        | Waiting::Peak { .. }
        | Waiting::Gap { .. }
        | Waiting::Canary { .. }
        | Waiting::Bake { .. } => false,
    }
}

pub fn wave_of(waiting: &Waiting) -> Option<&WaveName> {
    match waiting {
        Waiting::Approval { wave, .. } => wave.as_ref(),
        Waiting::Start { wave, .. }
        | Waiting::EarlierMoves { wave, .. }
        | Waiting::Window { wave, .. }
        | Waiting::Freeze { wave, .. }
        | Waiting::Notice { wave, .. }
        | Waiting::Validation { wave, .. }
        | Waiting::Migration { wave, .. }
        | Waiting::Downtime { wave, .. }
        | Waiting::Peak { wave, .. }
        | Waiting::Gap { wave, .. }
        | Waiting::Slot { wave, .. }
        | Waiting::Gate { wave, .. }
        | Waiting::Answer { wave, .. }
        | Waiting::Gateways { wave, .. }
        | Waiting::Workers { wave, .. }
        | Waiting::Canary { wave, .. }
        | Waiting::Bake { wave, .. } => Some(wave),
        Waiting::EarlierRelease { .. }
        | Waiting::Companion { .. }
        | Waiting::Hold { .. }
        | Waiting::Step { .. }
        | Waiting::Return { .. }
        | Waiting::Job { .. }
        | Waiting::CellMove { .. }
        | Waiting::Drain { .. } => None,
    }
}
