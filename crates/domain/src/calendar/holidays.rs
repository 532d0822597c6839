//! The holidays of a place, and the years for which they are known.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// What a file of holidays says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Holidays {
    /// The years whose holidays the file tells completely. Of others nothing is known.
    pub years: BTreeSet<i16>,
    /// The holidays with their names.
    pub days: BTreeMap<Date, String>,
}
