//! What the diary says of a row of the journal, and of what is waited for.

mod planned;
mod waits;

use jiff::tz::TimeZone;
use tidegate_domain::id::{TenantName, Version, WaveName};
use tidegate_domain::journal::{Entry, EntryKind};
use tidegate_domain::plan::{Plan, PlannedWave};
use tidegate_domain::policy::GateUse;
use tidegate_domain::service::{Member, Service};
use tidegate_domain::time::Timestamp;

use super::diary::Event;
use super::instant;

/// Names in a line; the rest is counted.
const NAMES_MAX: usize = 8;

pub use self::waits::{is_short, waits, wave_of};

pub struct Words<'a> {
    zone: &'a TimeZone,
    /// When the line is written.
    now: Timestamp,
    state: Option<&'a Service>,
    plan: Option<&'a Plan>,
}

impl<'a> Words<'a> {
    pub fn new(zone: &'a TimeZone, now: Timestamp, state: Option<&'a Service>, plan: Option<&'a Plan>) -> Self {
        Self { zone, now, state, plan }
    }

    fn at(&self, at: Timestamp) -> String {
        instant::near(at, self.now, self.zone)
    }

    fn at_or(&self, at: Option<Timestamp>, otherwise: &str) -> String {
        at.map_or_else(|| otherwise.to_owned(), |at| self.at(at))
    }

    /// `None` where another line says it.
    pub fn entry(&self, entry: &Entry) -> Option<String> {
        let release = entry.release.as_ref().map_or_else(String::new, ToString::to_string);
        let wave = entry.wave.as_ref().map_or_else(String::new, in_words);
        let who = names(entry.tenants.iter());
        let (by, why) = (by(entry), &entry.reason);
        Some(match entry.kind {
            EntryKind::Applied => self.applied(&release, &by, why),
            EntryKind::Approved => format!("release {release} is approved{by}: {why}"),
            EntryKind::Rejected => format!("release {release} is rejected{by}: {why}"),
            EntryKind::ApprovalExpired => format!("release {release}: {why}"),
            EntryKind::Waived => format!("release {release} need not wait{by}: {why}"),
            EntryKind::Frozen => format!("frozen{by}: {why}"),
            EntryKind::Unfrozen => format!("lifted{by}: {why}"),
            EntryKind::OptedIn | EntryKind::OptedOut => opted(entry, &who, &by),
            EntryKind::NoticeDue => format!("{wave}: {why}, about {who}"),
            EntryKind::NoticeProven => proven(why, &who),
            EntryKind::Started => format!("release {release} starts"),
            EntryKind::StageEntered => return self.stage(entry, &wave),
            EntryKind::Held => format!("release {release} is held{by}: {why}"),
            EntryKind::Resumed => format!("release {release} goes on{by}: {why}"),
            EntryKind::Promoted => format!("{wave} need not be watched longer{by}: {why}"),
            EntryKind::Aborted => format!("release {release} is aborted{by}: {why}"),
            EntryKind::Judged => judged(why, &wave),
            EntryKind::GateEnded | EntryKind::GateAnswered | EntryKind::GateOverridden => of_gate(entry, &wave, &by),
            EntryKind::CanaryStarted => format!("canary of {wave}, {who}: {why}"),
            EntryKind::CanaryEnded => format!("canary of {wave} is over for {who}: {why}"),
            EntryKind::Moved => self.moved(entry, &who, &wave),
            EntryKind::Returned => returned(entry, &who, &by),
            EntryKind::LeftBehind => format!("{who} {} left behind: {why}", are(entry.tenants.len())),
            EntryKind::WaveConfirmed => format!("{wave} is confirmed"),
            EntryKind::WaveRolledBack => format!("{wave} goes back{by}: {why}"),
            EntryKind::Completed => format!("release {release} is completed: {why}"),
            EntryKind::RolledBack => format!("release {release} is rolled back{by}: {why}"),
            EntryKind::TakenOver => format!("release {release} moves nobody new any more{by}: {why}"),
            EntryKind::Superseded => format!("release {release} moves nobody any more{by}: {why}"),
            EntryKind::Reserved => format!("{who} {} {why}{by}", are(entry.tenants.len())),
            EntryKind::CustomerReported => format!("{why}{by}"),
            EntryKind::MigrationSet => format!("{who} {}: {why}{by}", are(entry.tenants.len())),
            EntryKind::TakenUp => format!("{who} {} taken up again, {wave}: {why}", are(entry.tenants.len())),
            EntryKind::DowntimeStarted | EntryKind::DowntimeExtended | EntryKind::DowntimeEnded => {
                downtime(entry, &who, &wave)
            }
            EntryKind::TenantAdded => format!("{who} {} a tenant now{by}: {why}", are(entry.tenants.len())),
            EntryKind::TenantMoveBegun => format!("{who} shall move {why}{by}"),
            EntryKind::TenantMoveEnded => format!("the move of {who} is over{by}: {why}"),
            EntryKind::TenantStarted
            | EntryKind::TenantClosed
            | EntryKind::TenantMoved
            | EntryKind::TenantOpened
            | EntryKind::TenantSuspended
            | EntryKind::TenantResumed => {
                let done = entry.kind.as_str().trim_start_matches("tenant_");
                format!("{who} {} {done}{by}: {why}", are(entry.tenants.len()))
            }
            EntryKind::TenantRemoved => format!("{who} {} no tenant any more{by}: {why}", are(entry.tenants.len())),
            EntryKind::CompanionSeen
            | EntryKind::JobAsked
            | EntryKind::JobFailed
            | EntryKind::JobDropped
            | EntryKind::StepStarted
            | EntryKind::StepDone
            | EntryKind::StepFailed
            | EntryKind::StepUndone
            | EntryKind::StepKept => why.clone(),
            EntryKind::Refused => format!("refused{by}: {why}"),
            EntryKind::JobStarted
            | EntryKind::JobDone
            | EntryKind::SlotLeft
            | EntryKind::SlotStopped
            | EntryKind::Announced => return None,
        })
    }

    fn applied(&self, release: &str, by: &str, why: &str) -> String {
        let Some(plan) = self.plan else {
            return format!("release {release} is applied{by}: {why}");
        };
        let (tenants, waves) = (count(plan.moves(), "tenant"), count(plan.waves.len(), "wave"));
        let playbook = &plan.policy.playbook;
        format!("release {release} is applied{by}: {why}, {tenants} in {waves} by playbook {playbook}")
    }

    fn moved(&self, entry: &Entry, who: &str, wave: &str) -> String {
        let run = entry
            .release
            .as_ref()
            .and_then(|release| self.state.and_then(|state| state.run(release)));
        let from = run.and_then(|run| {
            let mut from = run.members().filter(|(name, _)| entry.tenants.contains(name));
            let came = |member: &Member| member.replaces.clone().or(member.from.clone());
            let first = came(from.next()?.1)?;
            from.all(|(_, member)| came(member).as_ref() == Some(&first))
                .then_some(first)
        });
        let from = from.map_or_else(String::new, |from| format!(" from {from}"));
        let to = entry.now_on.as_ref().map_or("no version", Version::as_str);
        let verb = if entry.tenants.len() == 1 { "moves" } else { "move" };
        format!("{who} {verb}{from} to {to}, {wave}")
    }

    /// Prepare and verify; a switch is told by who moves, a bake by what it waits for.
    fn stage(&self, entry: &Entry, wave: &str) -> Option<String> {
        let (stage, why) = entry.reason.split_once(": ").unwrap_or((&entry.reason, ""));
        match stage {
            "prepare" => Some(format!("{wave} begins: {why}")),
            "verify" => {
                let of_wave = |planned: &&PlannedWave| Some(&planned.name) == entry.wave.as_ref();
                let planned = self.plan?.waves.iter().find(of_wave)?;
                let gates: Vec<&str> = planned.policy.gates.iter().map(GateUse::label).collect();
                let gates = (!gates.is_empty()).then(|| gates.join(", "))?;
                Some(format!("{wave} is verified by {gates}: {why}"))
            }
            _ => None,
        }
    }
}

/// A gate that has ended, or a canary that begins or ends.
fn opted(entry: &Entry, who: &str, by: &str) -> String {
    let way = if entry.kind == EntryKind::OptedIn { "in" } else { "out" };
    format!("{who} {} {way}{by}: {}", opts(entry.tenants.len()), entry.reason)
}

fn downtime(entry: &Entry, who: &str, wave: &str) -> String {
    let why = &entry.reason;
    if entry.kind == EntryKind::DowntimeEnded {
        return format!("the downtime of {who} is over, {wave}: {why}");
    }
    format!("{who} {} {why}, {wave}", are(entry.tenants.len()))
}

fn of_gate(entry: &Entry, wave: &str, by: &str) -> String {
    let why = &entry.reason;
    if entry.kind == EntryKind::GateAnswered {
        format!("gate of {wave} is answered{by}: {why}")
    } else if entry.kind == EntryKind::GateOverridden {
        format!("gate of {wave} is overridden{by}: {why}")
    } else {
        format!("gate of {wave}: {why}")
    }
}

fn in_words(wave: &WaveName) -> String {
    format!("wave {wave}")
}

fn opts(count: usize) -> &'static str {
    if count == 1 { "opts" } else { "opt" }
}

/// People are named, Tidegate's own parts are not.
fn by(entry: &Entry) -> String {
    let actor = entry.actor.as_str();
    if actor.starts_with("tidegate/") {
        String::new()
    } else {
        format!(" by {actor}")
    }
}

pub fn slots_in_words(kind: EntryKind, release: Option<&Version>, count_of_slots: usize) -> String {
    let slots = count(count_of_slots, "slot");
    let of = release.map_or_else(String::new, |release| format!(" of {release}"));
    if kind == EntryKind::SlotLeft {
        format!("{slots}{of} {} needed no more", are(count_of_slots))
    } else {
        format!("{slots}{of} {} stopped: nothing is in flight", are(count_of_slots))
    }
}

pub fn moved_in_batches(event: &Event, batches: usize, until: &str) -> String {
    let who = names(event.tenants.iter());
    let release = event.release.as_ref().map_or("", Version::as_str);
    let wave = event.wave.as_ref().map_or("", WaveName::as_str);
    format!("{who} move to {release}, wave {wave}, in {batches} batches until {until}")
}

fn names<'a>(tenants: impl ExactSizeIterator<Item = &'a TenantName>) -> String {
    let count = tenants.len();
    if count == 0 {
        return "nobody".to_owned();
    }
    let shown: Vec<&str> = tenants.take(NAMES_MAX).map(TenantName::as_str).collect();
    match count - shown.len() {
        0 => shown.join(", "),
        rest => format!("{} and {rest} more", shown.join(", ")),
    }
}

fn returned(entry: &Entry, who: &str, by: &str) -> String {
    let now_on = entry.now_on.as_ref().map_or("no version", Version::as_str);
    format!(
        "{who} {} back on {now_on}{by}: {}",
        are(entry.tenants.len()),
        entry.reason
    )
}

fn are(count: usize) -> &'static str {
    if count == 1 { "is" } else { "are" }
}

fn count(n: usize, what: &str) -> String {
    if n == 1 {
        format!("1 {what}")
    } else {
        format!("{n} {what}s")
    }
}

fn proven(why: &str, who: &str) -> String {
    let how = why.rsplit_once(": ").map_or(why, |(_, how)| how);
    format!("{how}, about {who}")
}

/// What a gate has found, or a person says of it.
fn judged(why: &str, wave: &str) -> String {
    let why = why.split_once(": ").map_or(why, |(_, why)| why);
    format!("health of {wave}: {why}")
}
