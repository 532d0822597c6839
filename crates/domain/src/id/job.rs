//! What the runs of a job follow each other in: a component, and the tenant or cell that they are for.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{CellName, ComponentName, InvalidName, Parsed, TenantName};

/// One job of one tenant or cell: of its runs there is never more than one at a time. `nightly/tenant/acme` as text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobName {
    pub component: ComponentName,
    pub of: JobOf,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum JobOf {
    Tenant(TenantName),
    Cell(CellName),
}

impl JobName {
    #[must_use]
    pub const fn tenant(&self) -> Option<&TenantName> {
        match &self.of {
            JobOf::Tenant(tenant) => Some(tenant),
            JobOf::Cell(_) => None,
        }
    }

    /// To be read in a sentence: `job nightly of tenant acme`.
    #[must_use]
    pub fn in_words(&self) -> String {
        match &self.of {
            JobOf::Tenant(tenant) => format!("job {} of tenant {tenant}", self.component),
            JobOf::Cell(cell) => format!("job {} of cell {cell}", self.component),
        }
    }
}

impl fmt::Display for JobName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.of {
            JobOf::Tenant(tenant) => write!(f, "{}/tenant/{tenant}", self.component),
            JobOf::Cell(cell) => write!(f, "{}/cell/{cell}", self.component),
        }
    }
}

impl FromStr for JobName {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let wrong = || InvalidName {
            text: text.to_owned(),
            what: "job",
            rule: "`component/tenant/name` or `component/cell/name`",
        };
        let (component, of) = text.split_once('/').ok_or_else(wrong)?;
        let of = match of.split_once('/').ok_or_else(wrong)? {
            ("tenant", tenant) => JobOf::Tenant(tenant.parse()?),
            ("cell", cell) => JobOf::Cell(cell.parse()?),
            _ => return Err(wrong()),
        };
        let component = component.parse()?;
        Ok(Self { component, of })
    }
}

impl Serialize for JobName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for JobName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Parsed::new())
    }
}
