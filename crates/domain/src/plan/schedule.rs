//! When: what a plan decides of windows, notices and approvals. A run takes it over as it is.
//!
//! An instant stands here only where a day, a notice or the edge of a window decides it. Where nothing does, a wave moves as
//! soon as what comes before it is done, and the same plan made later is the same plan.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::calendar::{CalendarError, Calendars, Class, LocalDate, Period};
use crate::change::{Audience, OwnerName};
use crate::files::TimeZoneName;
use crate::grouped;
use crate::id::{
    ApprovalName, ChangeId, ContactName, CustomerName, RoleName, TenantName, Version, WaveName, WindowName,
};
use crate::policy::{Before, Gap, NoticeKind, WhenSilent};
use crate::time::{Duration, Timestamp};

/// Everything about time that a run needs, frozen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Schedule {
    /// The calendars and windows that the classes mean.
    pub calendars: Calendars,
    /// The calendar that the playbook itself counts in: days of the release, gaps between waves.
    pub base: Class,
    /// The first day of the release, which its waves count their days from; what patches it counts on. `None`: none does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_day: Option<LocalDate>,
    /// All that matters of a tenant to a calendar: few for many tenants. A release that skips windows, and a wave that obeys
    /// only some of them, have classes without the others.
    pub classes: Vec<Class>,
    /// The index of each tenant's class. A tenant that is not here is in class 0, or moves at any time where there is none.
    #[serde(with = "grouped")]
    pub tenants: BTreeMap<TenantName, u16>,
    /// The hours of the week in which a tenant has most traffic, from the traffic profile: of tenants whose wave bakes through
    /// their peak. One that is not here is not waited for.
    #[serde(with = "grouped", skip_serializing_if = "BTreeMap::is_empty")]
    pub peaks: BTreeMap<TenantName, BTreeSet<u8>>,
    /// In the order of their keys.
    pub notices: Vec<PlannedNotice>,
    pub approvals: Vec<PlannedApproval>,
    /// By wave and customer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub validations: Vec<PlannedValidation>,
    /// By change.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub migrations: Vec<PlannedMigration>,
}

/// When a class of tenants of a wave moves. Why just then stands in the report: what was possible until a minute ago and is
/// not any more explains a decision, and does not change it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Start {
    /// Not before this. `None`: as soon as what comes before is done. It may lie in the past: then the window is open already.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// The opening that it lies in. `None`: nothing opens, nothing closes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<PlannedWindow>,
}

/// One stretch of time in which tenants may move.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedWindow {
    /// The window that opens it; `None` where no window is needed, and a freeze closes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<WindowName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opens: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closes: Option<Timestamp>,
}

/// One message to one contact, and by when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedNotice {
    /// Another plan that owes the same message gives it the same key: what was sent is not sent again.
    pub key: NoticeKey,
    pub kind: NoticeKind,
    pub wave: WaveName,
    /// Whose tenants it is about; `None` where the tenant has no customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<CustomerName>,
    /// `None` where nobody of the customer is known for it: then a person has to see to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<ContactName>,
    /// Whom of the customer it is written for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<Audience>,
    /// The tenants it is about. Those of them that are not proven to be told do not move where it is `required`.
    pub tenants: Arc<BTreeSet<TenantName>>,
    pub due: Due,
    /// Sent later than this, it is late for the first of its tenants.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Timestamp>,
    /// The least time between its being sent and the start, in each tenant's calendar.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period: Option<Period>,
    /// The tenants move only after it is proven that this was sent, and its period is over.
    pub required: bool,
    /// It tells its readers that they have nothing to do.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub nothing_needed: bool,
    /// It asks its readers to try the release here, and to report, before the tenants they have in this wave move.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validate_before: Option<WaveName>,
    /// Why its readers get it, in words.
    pub because: Arc<str>,
}

/// When a message is to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Due {
    /// As soon as the plan is applied.
    Applied,
    At(Timestamp),
    /// As soon as its wave is confirmed.
    Confirmed,
}

/// `release/wave/kind/customer/contact`: what a message is, whichever plan it is in. `-` where there is no contact; a
/// tenant without a customer stands as `tenant:NAME`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NoticeKey(Arc<str>);

/// A customer who has tenants in two waves, and is asked to try the release on the first before the others move.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedValidation {
    pub customer: CustomerName,
    pub of: WaveName,
    /// Its tenants there.
    pub tried_on: BTreeSet<TenantName>,
    /// The later wave.
    pub wave: WaveName,
    /// Its tenants that wait.
    pub tenants: BTreeSet<TenantName>,
    pub when_silent: WhenSilent,
}

/// A breaking change: who comes from one of these versions has to have migrated before it is moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedMigration {
    pub change: ChangeId,
    pub title: String,
    /// Who sees to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<OwnerName>,
    /// The last day, in the tenant's time zone, on which the old way works.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<LocalDate>,
    pub from: BTreeSet<Version>,
}

/// People who have to agree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedApproval {
    pub name: ApprovalName,
    /// Any of these roles.
    pub roles: BTreeSet<RoleName>,
    /// How many different people, the author not among them.
    pub count: u32,
    pub before: Before,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Duration>,
    /// The release is an emergency and does not wait for it: it is asked for afterwards.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub afterwards: bool,
}

impl Default for Schedule {
    /// Nothing is said of time: everybody moves when what comes before is done.
    fn default() -> Self {
        Self {
            calendars: Calendars::default(),
            base: Class {
                zone: TimeZoneName::utc(),
                calendar: None,
                windows: Vec::new(),
            },
            first_day: None,
            classes: Vec::new(),
            tenants: BTreeMap::new(),
            peaks: BTreeMap::new(),
            notices: Vec::new(),
            approvals: Vec::new(),
            validations: Vec::new(),
            migrations: Vec::new(),
        }
    }
}

impl Schedule {
    /// The class of a tenant. `None` where the plan knows no class: such a tenant moves at any time.
    #[must_use]
    pub fn class_of(&self, tenant: &TenantName) -> Option<&Class> {
        self.classes.get(usize::from(self.class_index(tenant)))
    }

    /// The end of a gap that begins at `from`.
    ///
    /// # Errors
    /// If it is counted in working days that the calendars do not know.
    pub fn after(&self, from: Timestamp, gap: Gap) -> Result<Timestamp, CalendarError> {
        match gap {
            Gap::Elapsed(elapsed) => Ok(from + elapsed),
            Gap::Counted(period) => self.calendars.earliest_start(&self.base, from, &period),
        }
    }

    #[must_use]
    pub fn class_index(&self, tenant: &TenantName) -> u16 {
        self.tenants.get(tenant).copied().unwrap_or_default()
    }
}

impl NoticeKey {
    #[must_use]
    pub fn new(
        release: &Version,
        wave: &WaveName,
        kind: NoticeKind,
        owner: Result<&CustomerName, &TenantName>,
        contact: Option<&ContactName>,
    ) -> Self {
        let contact = contact.map_or("-", ContactName::as_str);
        let (mark, owner) = match owner {
            Ok(customer) => ("", customer.as_str()),
            Err(tenant) => ("tenant:", tenant.as_str()),
        };
        let (release, wave, kind) = (release.as_str(), wave.as_str(), kind.as_str());
        // A plan for many tenants has a key for each reader of each notice: formatting takes twice as long.
        let parts = [release, "/", wave, "/", kind, "/", mark, owner, "/", contact];
        Self(parts.concat().into())
    }

    /// Wraps a key that a person or a program names; whether a plan has it is the plan's to say.
    #[must_use]
    pub fn read(text: &str) -> Self {
        Self(text.into())
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NoticeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
