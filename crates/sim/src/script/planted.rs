//! Defects that a scenario plants, to see that the rules notice them.

use std::fmt;
use std::str::FromStr;

/// What is changed in a plan between its check and its being applied, or in the state after a turn, as a defect of the planner
/// or of the state machine would have it; or what people are let do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Planted {
    /// Waves have no planned starts.
    NoStarts,
    /// Nobody has windows.
    NoWindows,
    /// No notice is required.
    NoNotices,
    /// Notices have no length.
    NoPeriods,
    /// Nobody has to agree.
    NoApprovals,
    /// One person less has to agree.
    FewerApprovals,
    /// There is no time between two waves.
    NoGaps,
    /// Nobody has a peak.
    NoPeaks,
    /// A bake is over at once.
    NoBake,
    /// Waves have no canary.
    NoCanary,
    /// A canary may be over at once.
    ShorterCanary,
    /// A canary splits off half of the clients.
    LargerShare,
    /// Gateways are not told that a share was taken back.
    KeepsSplits,
    /// The release patches none.
    NoPatches,
    /// Whoever is taken back from a patch goes to what it patches.
    BackToPatched,
    /// Every verdict of a gate passes that does not decide.
    LenientGates,
    /// No gate is obeyed.
    DryRunGates,
    /// Gates that have not ended have passed.
    SkipsGates,
    /// What people have overridden is forgotten.
    ForgetsOverrides,
    /// No customer has to report.
    NoReports,
    /// Where customers say nothing, it works.
    SilenceMoves,
    /// Nobody has to have migrated.
    NoMigrations,
    /// Who was left and has migrated since is forgotten.
    ForgetsMigrations,
    /// Any number of tenants may reserve one time.
    MoreRoom,
    /// Nobody is taken out of service.
    NoDowntime,
    /// Tenants may be out of service for longer.
    LongerDowntime,
    /// What is not done in time is undone later.
    LateUndo,
    /// The server takes everybody for an approver.
    AnybodyApproves,
    /// Who has opted out waits to be moved all the same.
    ForgetsChoices,
    /// Freezes that were put on at run time are lost.
    ForgetsFreezes,
    /// Who was taken back waits to be moved again.
    ForgetsReturns,
    /// What needs data is begun before they are expanded.
    ExpandsLate,
    /// What is to be done in downtime is done before it.
    WorksWhileServed,
    /// What has failed in downtime is taken to be undone.
    ForgetsHalfDone,
    /// Data is migrated before anybody has moved.
    MigratesFirst,
    /// Nobody can be taken back, and what earlier versions need goes at once.
    ContractsAtOnce,
    /// A migration is taken for one of another database.
    MistakesDatabases,
    /// No rollback loses what was written.
    ForgetsLosses,
    /// Steps that were not begun are done.
    SkipsSteps,
    /// What customers say is taken for good.
    ForgetsTrouble,
    /// What tenants have reserved is lost.
    ForgetsReservations,
    /// Nobody is told that it takes longer.
    TellsNoExtension,
    /// It does not wait for earlier releases.
    NeverQueues,
    /// Any number of versions may run in a cell.
    MoreVersions,
    /// Earlier releases go on with whom it has moved on.
    ForgetsWhoMovedOn,
    /// Every gateway is taken to know at once that a tenant is closed.
    MovesUnconfirmed,
    /// Gateways are not told who is suspended.
    ForgetsSuspensions,
    /// It goes together with no other.
    ForgetsCompanions,
    /// What others take back is taken for answered.
    StaysAlone,
    /// A run that goes on is forgotten.
    ForgetsRuns,
    /// While a run goes on, due instants pass by.
    SkipsRuns,
}

impl Planted {
    pub const ALL: [Self; 51] = [
        Self::ForgetsCompanions,
        Self::StaysAlone,
        Self::NeverQueues,
        Self::MoreVersions,
        Self::ForgetsWhoMovedOn,
        Self::NoStarts,
        Self::NoWindows,
        Self::NoNotices,
        Self::NoPeriods,
        Self::NoApprovals,
        Self::FewerApprovals,
        Self::NoGaps,
        Self::NoPeaks,
        Self::NoBake,
        Self::NoCanary,
        Self::ShorterCanary,
        Self::LargerShare,
        Self::KeepsSplits,
        Self::NoPatches,
        Self::BackToPatched,
        Self::LenientGates,
        Self::DryRunGates,
        Self::SkipsGates,
        Self::ForgetsOverrides,
        Self::NoReports,
        Self::SilenceMoves,
        Self::NoMigrations,
        Self::ForgetsMigrations,
        Self::MoreRoom,
        Self::NoDowntime,
        Self::LongerDowntime,
        Self::LateUndo,
        Self::AnybodyApproves,
        Self::ForgetsChoices,
        Self::ForgetsFreezes,
        Self::ForgetsReturns,
        Self::ExpandsLate,
        Self::WorksWhileServed,
        Self::ForgetsHalfDone,
        Self::MigratesFirst,
        Self::ContractsAtOnce,
        Self::MistakesDatabases,
        Self::ForgetsLosses,
        Self::SkipsSteps,
        Self::ForgetsTrouble,
        Self::ForgetsReservations,
        Self::TellsNoExtension,
        Self::MovesUnconfirmed,
        Self::ForgetsSuspensions,
        Self::ForgetsRuns,
        Self::SkipsRuns,
    ];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoStarts => "no-starts",
            Self::NoWindows => "no-windows",
            Self::NoNotices => "no-notices",
            Self::NoPeriods => "no-periods",
            Self::NoApprovals => "no-approvals",
            Self::FewerApprovals => "fewer-approvals",
            Self::NoGaps => "no-gaps",
            Self::NoPeaks => "no-peaks",
            Self::NoBake => "no-bake",
            Self::NoCanary => "no-canary",
            Self::ShorterCanary => "shorter-canary",
            Self::LargerShare => "larger-share",
            Self::KeepsSplits => "keeps-splits",
            Self::NoPatches => "no-patches",
            Self::BackToPatched => "back-to-patched",
            Self::LenientGates => "lenient-gates",
            Self::DryRunGates => "dry-run-gates",
            Self::SkipsGates => "skips-gates",
            Self::ForgetsOverrides => "forgets-overrides",
            Self::NoReports => "no-reports",
            Self::SilenceMoves => "silence-moves",
            Self::NoMigrations => "no-migrations",
            Self::ForgetsMigrations => "forgets-migrations",
            Self::MoreRoom => "more-room",
            Self::NoDowntime => "no-downtime",
            Self::LongerDowntime => "longer-downtime",
            Self::LateUndo => "late-undo",
            Self::AnybodyApproves => "anybody-approves",
            Self::ForgetsChoices => "forgets-choices",
            Self::ForgetsFreezes => "forgets-freezes",
            Self::ForgetsReturns => "forgets-returns",
            Self::ExpandsLate => "expands-late",
            Self::WorksWhileServed => "works-while-served",
            Self::ForgetsHalfDone => "forgets-half-done",
            Self::MigratesFirst => "migrates-first",
            Self::ContractsAtOnce => "contracts-at-once",
            Self::MistakesDatabases => "mistakes-databases",
            Self::ForgetsLosses => "forgets-losses",
            Self::SkipsSteps => "skips-steps",
            Self::ForgetsTrouble => "forgets-trouble",
            Self::ForgetsReservations => "forgets-reservations",
            Self::TellsNoExtension => "tells-no-extension",
            Self::NeverQueues => "never-queues",
            Self::MoreVersions => "more-versions",
            Self::ForgetsWhoMovedOn => "forgets-who-moved-on",
            Self::MovesUnconfirmed => "moves-unconfirmed",
            Self::ForgetsSuspensions => "forgets-suspensions",
            Self::ForgetsCompanions => "forgets-companions",
            Self::StaysAlone => "stays-alone",
            Self::ForgetsRuns => "forgets-runs",
            Self::SkipsRuns => "skips-runs",
        }
    }
}

impl fmt::Display for Planted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Planted {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|planted| planted.as_str() == text).ok_or(())
    }
}
