//! Calendars and windows as people write them.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::text::{Boundary, LocalDate, Weekdays, WindowZone, WorkingHours};
use super::{RuleText, Subject};
use crate::files::{LabelName, Scalar, TimeZoneName};
use crate::id::{CellName, CustomerName, TenantName, WindowName};

/// The working days and holidays of a place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Calendar {
    /// The time zone of its tenants that name none themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<TimeZoneName>,
    /// The days of the week on which people work.
    #[serde(default = "working_days")]
    pub working_days: Weekdays,
    /// The part of a working day at which people are there: messages that are not due before an instant are due in it, unless
    /// they would be late then. Left out, at any time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub working_hours: Option<WorkingHours>,
    /// A file of holidays (ICS), relative to this file. Left out, there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub holidays: Option<String>,
}

fn working_days() -> Weekdays {
    Weekdays::MONDAY_TO_FRIDAY
}

/// A time at which moving is allowed, or forbidden.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Window")]
pub struct WrittenWindow {
    /// The name of the window.
    pub name: WindowName,
    /// What it does.
    pub kind: WindowKind,
    /// The days it begins on. Left out, every day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on: Option<Weekdays>,
    /// The days it begins on, by a recurrence rule of RFC 5545 for whole days, instead of `on`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rrule: Option<RuleText>,
    /// The first day of `rrule`, which `INTERVAL` and `COUNT` count from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starting: Option<LocalDate>,
    /// When it begins: a time of these days, or a date and time where it happens once.
    pub from: Boundary,
    /// When it ends, written as `from` is. A time that is not after `from` is one of the next day.
    pub until: Boundary,
    /// Whose local time this is: `tenant`, each tenant's own, or an IANA name.
    #[serde(default)]
    pub time_zone: WindowZone,
    /// The tenants it is for. Left out, all.
    #[serde(default, skip_serializing_if = "Selector::is_everybody")]
    pub tenants: Selector,
    /// Why, for those who read a plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub reason: Option<String>,
    /// What happens to a wave that is under way when the window ends. Left out, `finish-tenant`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when_open_ends: Option<WhenOpenEnds>,
    /// How many tenants can reserve this window each time it is open. Left out, it cannot be reserved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub capacity: Option<u32>,
}

/// What a window does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WindowKind {
    /// Its tenants move only while one of their windows of this kind is open.
    Allow,
    /// Its tenants do not move, whatever allows it.
    Freeze,
}

/// What happens to a wave that is under way when its window ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WhenOpenEnds {
    /// Tenants that are being moved are finished, no other begins.
    #[default]
    FinishTenant,
    /// The whole wave is finished.
    FinishWave,
}

/// Which tenants a window is for: those for which everything that is written holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1))]
pub struct Selector {
    /// The tenant has this tag: a label whose value is `true`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<LabelName>,
    /// The tenant has these labels.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<LabelName, Scalar>,
    /// The tenant lives in this cell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cell: Option<CellName>,
    /// The tenant is one of these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub tenants: Option<BTreeSet<TenantName>>,
    /// The tenant belongs to this customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<CustomerName>,
}

impl Selector {
    #[must_use]
    pub fn is_everybody(&self) -> bool {
        *self == Self::default()
    }

    #[must_use]
    pub fn selects(&self, tenant: Subject<'_>) -> bool {
        let has_tag = |tag: &LabelName| tenant.labels.get(tag).is_some_and(|value| value.as_str() == "true");
        self.tag.as_ref().is_none_or(has_tag)
            && self
                .labels
                .iter()
                .all(|(label, value)| tenant.labels.get(label) == Some(value))
            && self.cell.as_ref().is_none_or(|cell| tenant.cell == Some(cell))
            && self.tenants.as_ref().is_none_or(|tenants| tenants.contains(tenant.id))
            && self
                .customer
                .as_ref()
                .is_none_or(|customer| tenant.customer == Some(customer))
    }
}
