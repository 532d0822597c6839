//! Several releases in flight at once.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Versions of a component in a cell where a playbook says nothing: the one that most run, the one before, and the one that
/// comes.
pub const MAX_VERSIONS: u8 = 3;

/// What a release does while earlier ones are in flight. In each case a tenant is moved by one release at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WhileInFlight {
    /// It waits until they have ended.
    #[default]
    Queue,
    /// It takes the tenants that they have not moved yet; those that they have moved are watched to the end, and moved after
    /// that. Not where either works on data.
    Supersede,
    /// It moves in the cells in which they have nothing to do any more.
    Parallel,
}

impl WhileInFlight {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::Supersede => "supersede",
            Self::Parallel => "parallel",
        }
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
    pub(super) const fn is_queue(&self) -> bool {
        matches!(self, Self::Queue)
    }
}

pub const fn max_versions() -> u8 {
    MAX_VERSIONS
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
pub(super) const fn is_default(versions: &u8) -> bool {
    *versions == MAX_VERSIONS
}
