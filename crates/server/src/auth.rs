//! Who may do what: one table of actions and roles, and an extractor without which no handler can be registered.
//!
//! A handler names its action by the type of its [`Authorized`] argument. Nothing is allowed that the table does not name, and
//! nothing takes an actor from a request: the actor is the principal of the token.

mod authorized;
mod bearer;
pub mod tokens;

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidegate_domain::id::{Actor, CellName};

pub use self::authorized::Authorized;

/// What a principal is trusted with. One may have several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Sees everything but secrets and logs.
    Viewer,
    /// Makes plans.
    Author,
    /// Approves plans of others, and may stop a release.
    Approver,
    /// Decides which features are released to whom.
    Product,
    /// Moves releases forward and back.
    Operator,
    /// Everything, tokens included.
    Admin,
}

/// One thing that can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// See the service: status, releases, plans, journal.
    Read,
    /// See tenants and their history.
    ReadTenants,
    /// See what instances print.
    ReadLogs,
    Plan,
    /// Hand a new release in. What becomes of it by itself, the playbook says.
    HandIn,
    Apply,
    /// Stop a release from moving forward.
    Hold,
    /// Let a release move again, or skip the rest of a bake.
    Advance,
    /// Abort, or roll back.
    TakeBack,
    /// Agree to a plan, or not. Which roles an approval needs, its plan says.
    Approve,
    /// Answer what a gate asks people. Whom it asks, its plan says.
    AnswerGates,
    /// Let a wave go past a gate, whatever it says.
    OverrideGates,
    /// Let a release move without what it would have to wait for.
    Waive,
    /// Keep tenants where they are.
    Freeze,
    /// Say that notices were sent.
    ProveNotices,
    /// Say what customers have found.
    Report,
    /// Say which tenants want to be among the first.
    Choose,
    ManageTenants,
    /// Run a job besides its schedule.
    RunJobs,
    ForgetGateways,
    ManageTokens,
    ManageWebhooks,
    /// Say that somebody looks after an alert.
    Acknowledge,
    /// Keep alerts from being told for a while.
    Silence,
    /// Write a copy of everything that is kept.
    Backup,
    /// Drop old rows of the journal.
    CompactJournal,
    /// Let a restored state count.
    ConfirmRestore,
}

/// For which part of the service a token counts.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// The whole of it.
    #[default]
    Service,
    /// The tenants of these cells, and nothing that concerns others.
    Cells(BTreeSet<CellName>),
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    pub actor: Actor,
    pub roles: BTreeSet<Role>,
    pub scope: Scope,
}

/// An action as a type.
pub trait Permission: Send + Sync + 'static {
    const ACTION: Action;
}

/// One type for each action that handlers ask for.
macro_rules! permissions {
    ($($name:ident),+ $(,)?) => {
        /// The actions as types, named alike.
        pub mod permission {
            $(
                #[derive(Debug)]
                pub struct $name;

                impl super::Permission for $name {
                    const ACTION: super::Action = super::Action::$name;
                }
            )+
        }

        impl Action {
            pub const ALL: &[Self] = &[$(Self::$name),+];
        }
    };
}

permissions!(
    Read,
    ReadTenants,
    ReadLogs,
    Plan,
    HandIn,
    Apply,
    Hold,
    Advance,
    TakeBack,
    Approve,
    AnswerGates,
    OverrideGates,
    Waive,
    Freeze,
    ProveNotices,
    Report,
    Choose,
    ManageTenants,
    RunJobs,
    ForgetGateways,
    ManageTokens,
    ManageWebhooks,
    Acknowledge,
    Silence,
    Backup,
    CompactJournal,
    ConfirmRestore,
);

impl Role {
    pub const ALL: [Self; 6] = [
        Self::Viewer,
        Self::Author,
        Self::Approver,
        Self::Product,
        Self::Operator,
        Self::Admin,
    ];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Author => "author",
            Self::Approver => "approver",
            Self::Product => "product",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }
}

impl Action {
    /// The table: who may.
    #[must_use]
    pub const fn roles(self) -> &'static [Role] {
        match self {
            Self::Read | Self::ReadTenants => &Role::ALL,
            Self::ReadLogs | Self::Plan | Self::HandIn => &[Role::Author, Role::Operator, Role::Admin],
            Self::Hold => &[Role::Approver, Role::Operator, Role::Admin],
            Self::Approve => &[Role::Approver, Role::Product, Role::Operator, Role::Admin],
            Self::AnswerGates => &[Role::Author, Role::Approver, Role::Product, Role::Operator, Role::Admin],
            // Whoever is told of an alert may say that they look after it.
            Self::Acknowledge => &[Role::Author, Role::Approver, Role::Product, Role::Operator, Role::Admin],
            Self::Choose | Self::Report => &[Role::Product, Role::Operator, Role::Admin],
            Self::Apply
            | Self::Advance
            | Self::TakeBack
            | Self::OverrideGates
            | Self::Waive
            | Self::Freeze
            | Self::ProveNotices
            | Self::ManageTenants
            | Self::RunJobs
            | Self::ForgetGateways
            | Self::Silence
            | Self::ConfirmRestore => &[Role::Operator, Role::Admin],
            // A copy holds what every token and webhook is known by.
            Self::ManageTokens | Self::ManageWebhooks | Self::Backup | Self::CompactJournal => &[Role::Admin],
        }
    }

    /// A token for some cells may ask at all; the handler then looks at which cell it is.
    #[must_use]
    pub const fn within_cells(self) -> bool {
        match self {
            Self::ReadTenants
            | Self::ReadLogs
            | Self::TakeBack
            | Self::Choose
            | Self::ManageTenants
            | Self::RunJobs => true,
            Self::Read
            | Self::Plan
            | Self::HandIn
            | Self::Apply
            | Self::Hold
            | Self::Advance
            | Self::Approve
            | Self::AnswerGates
            | Self::OverrideGates
            | Self::Waive
            | Self::Freeze
            | Self::ProveNotices
            | Self::Report
            | Self::ForgetGateways
            | Self::ManageTokens
            | Self::ManageWebhooks
            | Self::Acknowledge
            | Self::Silence
            | Self::Backup
            | Self::CompactJournal
            | Self::ConfirmRestore => false,
        }
    }

    #[must_use]
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Read => "see the service",
            Self::ReadTenants => "see tenants",
            Self::ReadLogs => "see logs",
            Self::Plan => "make plans",
            Self::HandIn => "hand releases in",
            Self::Apply => "apply plans",
            Self::Hold => "hold releases",
            Self::Advance => "move releases forward",
            Self::TakeBack => "take releases back",
            Self::Approve => "approve plans",
            Self::AnswerGates => "answer gates",
            Self::OverrideGates => "override gates",
            Self::Waive => "waive notices, windows, reports and migrations",
            Self::Freeze => "freeze tenants",
            Self::ProveNotices => "say that notices were sent",
            Self::Report => "say what customers report and how far they have migrated",
            Self::Choose => "opt tenants in and out",
            Self::ManageTenants => "add, move, suspend and remove tenants",
            Self::RunJobs => "run jobs",
            Self::ForgetGateways => "forget gateways",
            Self::ManageTokens => "manage tokens",
            Self::ManageWebhooks => "manage webhooks",
            Self::Acknowledge => "acknowledge alerts",
            Self::Silence => "silence alerts",
            Self::Backup => "back up the state",
            Self::CompactJournal => "compact the journal",
            Self::ConfirmRestore => "confirm a restored state",
        }
    }
}

impl Scope {
    #[must_use]
    pub fn holds(&self, cell: &CellName) -> bool {
        match self {
            Self::Service => true,
            Self::Cells(cells) => cells.contains(cell),
        }
    }
}

impl Principal {
    /// Some role of it may do this, as far as its scope reaches.
    #[must_use]
    pub fn may(&self, action: Action) -> bool {
        let in_scope = self.scope == Scope::Service || action.within_cells();
        in_scope && action.roles().iter().any(|role| self.roles.contains(role))
    }
}

#[cfg(test)]
mod tests;
