//! Why an event was not taken. Each text ends with what works instead.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::id::{
    Actor, ApprovalName, CellName, CustomerName, Digest, JobName, RoleName, ServiceName, StepName, TenantName, Version,
    WaveName,
};
use crate::release::Stage;
use crate::time::Timestamp;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "refused", rename_all = "kebab-case")]
pub enum Refused {
    #[error("the plan is for service `{planned}`, this is `{service}`")]
    OtherService { planned: ServiceName, service: ServiceName },
    #[error("release {release} was applied before with another plan; give the new plan a version of its own")]
    AppliedWithOtherPlan { release: Version },
    #[error("release {release} was applied with plan {}, not with {}; `tidegate status` shows what is to be approved", applied.short(), named.short())]
    OtherPlan {
        release: Version,
        applied: Digest,
        named: Digest,
    },
    #[error("{person} made or applied the plan of release {release}; somebody else has to approve it")]
    OwnPlan { release: Version, person: Actor },
    #[error(
        "release {release} patches {patched}, and release {later} is in flight after that one; `tidegate abort {later}` first"
    )]
    PatchedIsNotLast {
        release: Version,
        patched: Version,
        later: Version,
    },
    #[error("no approval of release {release} is missing; `tidegate status` shows what it waits for")]
    NothingToApprove { release: Version },
    #[error("what is missing of release {release} is an approval of role {}", in_words(roles))]
    NotAnApprover {
        release: Version,
        roles: BTreeSet<RoleName>,
    },
    #[error("approval `{approval}` of release {release} needs somebody else: nobody counts twice")]
    ApprovedBefore { release: Version, approval: ApprovalName },
    #[error("{until} is over already: nothing would come of it")]
    OverAlready { until: Timestamp },
    #[error("{at} has not come yet: what was sent was sent before now")]
    NotYet { at: Timestamp },
    #[error("release {release} has no notice `{key}`; `tidegate notices {release}` lists them")]
    NoSuchNotice { release: Version, key: String },
    #[error("there is no freeze {number}; `tidegate status` shows those that count")]
    NoSuchFreeze { number: u32 },
    #[error("there is no {}, on the version that it is on; `tidegate jobs` lists them", job.in_words())]
    NoSuchJob { job: JobName },
    #[error("enough runs of {} wait already; `tidegate jobs` shows them", job.in_words())]
    TooManyRuns { job: JobName },
    #[error("no release has run in a cell `{cell}`")]
    NoSuchCell { cell: CellName },
    #[error("there is no release {release}; `tidegate releases` lists them")]
    NoSuchRelease { release: Version },
    #[error("release {release} has ended: it is {phase}; only `tidegate rollback` still works on it")]
    Ended { release: Version, phase: String },
    #[error("release {release} is not held")]
    NotHeld { release: Version },
    #[error(
        "tenant `{tenant}` is still on its way back from release {release}; resume it when everybody is back: `tidegate status` shows what that waits for"
    )]
    StillReturning { release: Version, tenant: TenantName },
    #[error(
        "release {release} still takes back what it did in its downtime; resume it when that is done: `tidegate steps {release}` shows how far it is"
    )]
    StillUndoing { release: Version },
    #[error("no wave of release {release} is being baked; `tidegate status` shows what it waits for")]
    NothingToPromote { release: Version },
    #[error(
        "the judgement of wave `{wave}` is fail: {reason}; a failed wave is not promoted, `tidegate rollback` takes it back"
    )]
    FailedCannotBePromoted {
        release: Version,
        wave: WaveName,
        reason: String,
    },
    #[error(
        "the playbook of release {release} lets nobody reserve a time: write `reservations` in it for the next release"
    )]
    NoReservations { release: Version },
    #[error(
        "release {release} will not move tenant `{tenant}`, or has moved it: there is nothing to reserve; `tidegate tenants` shows where it is"
    )]
    NothingToReserve { release: Version, tenant: TenantName },
    #[error(
        "tenant `{tenant}` cannot be moved at {at} by release {release}; {}; `tidegate reserve {release} --tenant {tenant}` lists what is free",
        next_in_words(*next)
    )]
    NotReservable {
        release: Version,
        tenant: TenantName,
        at: Timestamp,
        /// The next time that is free.
        next: Option<Timestamp>,
    },
    #[error("customer `{customer}` is not asked to try release {release}; `tidegate status` shows who is")]
    NotAskedToReport { release: Version, customer: CustomerName },
    #[error(
        "no tenant of customer `{customer}` in wave `{wave}` is on release {release} yet: there is nothing to report"
    )]
    NothingToReport {
        release: Version,
        customer: CustomerName,
        wave: WaveName,
    },
    #[error("wave `{wave}` of release {release} has no gate `{gate}`; {}", known_in_words(known))]
    NoSuchGate {
        release: Version,
        wave: WaveName,
        gate: String,
        known: Vec<String>,
    },
    #[error("gate `{gate}` of wave `{wave}` is overridden already, by {by} at {at}: {reason}")]
    OverriddenBefore {
        wave: WaveName,
        gate: String,
        by: Actor,
        at: Timestamp,
        reason: String,
    },
    #[error("wave `{wave}` of release {release} is {state}: none of its gates is asked any more")]
    NothingToOverride {
        release: Version,
        wave: WaveName,
        state: String,
    },
    #[error("gate `{gate}` of wave `{wave}` asks nobody now; `tidegate gates list {release}` shows what it says")]
    NothingToAnswer {
        release: Version,
        wave: WaveName,
        gate: String,
    },
    #[error("gate `{gate}` of wave `{wave}` asks for the word of {who}")]
    NotAsked { wave: WaveName, gate: String, who: String },
    #[error("{person} made or applied the plan of release {release}; somebody else has to answer gate `{gate}`")]
    OwnGate {
        release: Version,
        gate: String,
        person: Actor,
    },
    #[error("release {release} has no wave `{wave}`")]
    NoSuchWave { release: Version, wave: WaveName },
    #[error("there is no tenant `{tenant}`; `tidegate tenants` lists them")]
    NoSuchTenant { tenant: TenantName },
    #[error("tenant `{tenant}` is not on release {release}: it is on {on}")]
    TenantElsewhere {
        release: Version,
        tenant: TenantName,
        on: String,
    },
    #[error(
        "tenant `{tenant}` has moved on to release {later}; roll that back first: `tidegate rollback {later} --tenant {tenant}`"
    )]
    MovedOn {
        release: Version,
        later: Version,
        tenant: TenantName,
    },
    #[error("no tenant of that scope is on release {release}: there is nothing to roll back")]
    NothingToRollBack { release: Version },
    #[error(
        "tenant `{tenant}` had no version before release {release}: there is nothing to go back to; fix forward with a new release"
    )]
    NothingBefore { release: Version, tenant: TenantName },
    #[error(
        "release {release} cannot be taken back once a wave has entered {stage:?}: its data forbids it; fix forward with a new release"
    )]
    Irreversible { release: Version, stage: Stage },
    #[error(
        "release {release} cannot be taken back in cell `{cell}`: step `{step}` has taken away what the earlier version needs; fix forward with a new release"
    )]
    Contracted {
        release: Version,
        cell: CellName,
        step: StepName,
    },
    #[error(
        "release {release} cannot run in cell `{cell}` any more: release {contracted} has taken away from its data what earlier versions need; fix forward with a release after it"
    )]
    ContractedPast {
        release: Version,
        cell: CellName,
        contracted: Version,
    },
    #[error(
        "release {release} cannot be taken back in cell `{cell}`: step `{step}` has begun in its downtime and has no `undo`; `tidegate resume {release}` tries again what has failed"
    )]
    NoUndo {
        release: Version,
        cell: CellName,
        step: StepName,
    },
    #[error(
        "tenant `{tenant}` goes back with all of cell `{cell}`: step `{step}` of release {release} has worked on their data together; `tidegate rollback {release} --wave {wave}` takes them back"
    )]
    BackTogether {
        release: Version,
        tenant: TenantName,
        cell: CellName,
        step: StepName,
        wave: WaveName,
    },
    #[error(
        "nobody in cell `{cell}` can go back to {from}: release {later} has worked on its data in downtime since; `tidegate rollback {later}` takes that back first"
    )]
    WorkedOnSince {
        from: Version,
        cell: CellName,
        later: Version,
    },
    #[error(
        "release {release} patches {patched}, whose step `{step}` is not whole in cell `{cell}`, and nobody is served there; `tidegate resume {patched}` finishes it, `tidegate rollback {patched}` undoes it where it has an `undo`"
    )]
    PatchedIsAtWork {
        release: Version,
        patched: Version,
        cell: CellName,
        step: StepName,
    },
    #[error(
        "since step `{step}` of release {release} the earlier version would not see what was written; `tidegate rollback` takes it back all the same"
    )]
    LosesNewWrites { release: Version, step: StepName },
    #[error(
        "tenant `{tenant}` lives in cell `{cell}`; `tidegate tenants move {tenant} --cell ...` moves it to another one"
    )]
    TenantExists { tenant: TenantName, cell: CellName },
    #[error(
        "nothing has run in a cell `{cell}`, and tidegate.yaml has none of that name; `tidegate tenants` shows the cells in use"
    )]
    UnknownCell { cell: CellName },
    #[error("tenant `{tenant}` moves to cell `{to}` already; {remedy}")]
    MovesAlready {
        tenant: TenantName,
        to: CellName,
        remedy: String,
    },
    #[error(
        "tenant `{tenant}` is in its planned downtime until {ends}; `tidegate tenants move` moves it once it is served again"
    )]
    InDowntime { tenant: TenantName, ends: Timestamp },
    #[error(
        "tenant `{tenant}` needs {version}, and release {contracted} has taken away from the data of cell `{cell}` what that needs; move the tenant to {contracted} or later first, and wait until its rollback window is over"
    )]
    ContractedThere {
        tenant: TenantName,
        cell: CellName,
        version: Version,
        contracted: Version,
    },
    #[error("tenant `{tenant}` is not kept closed; `tidegate tenants` shows who is")]
    NotKeptClosed { tenant: TenantName },
    #[error(
        "the list lacks {removed} of {all} tenants, and at most {at_most} may be removed at once; nothing was changed: complete the list, or say `--remove-at-most {removed}`"
    )]
    RemovesTooMany { removed: usize, all: usize, at_most: usize },
    #[error("a reason is needed: `--reason \"...\"`")]
    NoReason,
    #[error("the plan is not sound: {problem}")]
    Unsound { problem: String },
}

fn in_words(roles: &BTreeSet<RoleName>) -> String {
    roles.iter().map(RoleName::as_str).collect::<Vec<_>>().join(" or ")
}

fn known_in_words(known: &[String]) -> String {
    if known.is_empty() {
        return "it has none at all".to_owned();
    }
    format!("its gates are {}", known.join(", "))
}

fn next_in_words(next: Option<Timestamp>) -> String {
    match next {
        Some(next) => format!("{next} is free"),
        None => "no later time is open and free".to_owned(),
    }
}
