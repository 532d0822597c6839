//! How long the server keeps what is over.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::time::Duration;

/// How long the server keeps what is over, and where old rows of the journal go. What has come since the oldest release in flight was
/// applied stays, however old it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Retention {
    /// Rows of the journal that are older are written to a file in `export_to`, and then dropped from the store. Left out, all are kept.
    pub journal: Option<Duration>,
    /// The folder that old rows of the journal are written to, relative to this file. It must be there, outside of the state directory.
    #[schemars(length(min = 1))]
    pub export_to: Option<String>,
    /// Plans that nobody has applied are dropped so long after they were last made.
    pub plans: Duration,
    /// What has happened and was taken, such as commands, is dropped after so long. A command that is sent again under its key is
    /// known for as long.
    pub events: Duration,
    /// Gates, announcements, work on data and runs of jobs that have ended are dropped so long after they were wanted.
    pub effects: Duration,
}

impl Retention {
    /// Shorter, what is dropped may still be asked for.
    pub const SHORTEST: Duration = Duration::from_days(1);
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            journal: None,
            export_to: None,
            plans: Duration::from_days(90),
            events: Duration::from_days(30),
            effects: Duration::from_days(30),
        }
    }
}
