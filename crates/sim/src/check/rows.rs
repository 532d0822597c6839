//! What rows of the journal say in words, read again.

use tidegate_domain::calendar::read_instant;
use tidegate_domain::id::CustomerName;
use tidegate_domain::service::{ReportOutcome, Selection, Waived};
use tidegate_domain::time::Timestamp;

use super::ledger::{Frozen, Waiver};

/// Times in the journal's words are whole seconds: what lasts until one of them may last until the next.
const SECOND: i64 = 999;

/// `windows for everybody until INSTANT: why`
pub fn waiver(text: &str, at: Timestamp) -> Option<Waiver> {
    let (of, rest) = text.split_once(" for ")?;
    let (whom, rest) = rest.split_once(" until ")?;
    let (until, _) = rest.split_once(": ")?;
    Some(Waiver {
        of: match of {
            "notices" => Waived::Notice,
            "windows" => Waived::Window,
            "customers' reports" => Waived::Validation,
            "migrations" => Waived::Migration,
            _ => return None,
        },
        whom: selection(whom)?,
        at,
        until: Timestamp(read_instant(until).ok()?.0 + SECOND),
    })
}

/// `customer acme: works: what it says`
pub fn reported(text: &str) -> Option<(CustomerName, ReportOutcome)> {
    let (customer, rest) = text.strip_prefix("customer ")?.split_once(": ")?;
    let (outcome, _) = rest.split_once(": ")?;
    let mut all = [ReportOutcome::Works, ReportOutcome::Trouble].into_iter();
    Some((customer.parse().ok()?, all.find(|known| known.as_str() == outcome)?))
}

/// `freeze 3 of cell eu from INSTANT until INSTANT: why`, or `until it is lifted`
pub fn frozen(text: &str, at: Timestamp) -> Option<(u32, Frozen)> {
    let (number, rest) = text.strip_prefix("freeze ")?.split_once(" of ")?;
    let (whom, rest) = rest.split_once(" from ")?;
    let (from, rest) = rest.split_once(" until ")?;
    let (until, _) = rest.split_once(": ")?;
    let until = match until {
        "it is lifted" => None,
        until => Some(read_instant(until).ok()?),
    };
    let frozen = Frozen {
        whom: selection(whom)?,
        at,
        from: Timestamp(read_instant(from).ok()?.0 + SECOND),
        until,
    };
    Some((number.parse().ok()?, frozen))
}

/// `freeze 3 of cell eu: why`
pub fn unfrozen(text: &str) -> Option<u32> {
    text.strip_prefix("freeze ")?.split(' ').next()?.parse().ok()
}

fn selection(text: &str) -> Option<Selection> {
    match text.split_once(' ') {
        None if text == "everybody" => Some(Selection::Everybody),
        Some(("cell", names)) => {
            let names = names.split(", ").map(str::parse);
            Some(Selection::Cells(names.collect::<Result<_, _>>().ok()?))
        }
        Some(("tenant", names)) => {
            let names = names.split(", ").map(str::parse);
            Some(Selection::Tenants(names.collect::<Result<_, _>>().ok()?))
        }
        _ => None,
    }
}
