//! What the editions do differently, in one place.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::artifact::{Edition, Faults};
use crate::tenant::Tenant;

/// How much later the bad edition answers.
const SLOWNESS: Duration = Duration::from_millis(300);

/// How one request is treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Treatment {
    Right,
    Slow(Duration),
    Fails,
    /// Answers with a total that is not the tenant's.
    WrongTotal,
}

/// Chooses the treatment of each request; counts them, so that a wrong version fails regularly and not by chance.
#[derive(Debug, Default)]
pub struct Treatments {
    taken: AtomicU64,
}

impl Treatments {
    pub fn next(&self, edition: &Edition, tenant: &Tenant) -> Treatment {
        match edition {
            Edition::Old | Edition::Good => Treatment::Right,
            Edition::Bad(faults) => self.of_faults(faults, tenant.as_str()),
        }
    }

    fn of_faults(&self, faults: &Faults, tenant: &str) -> Treatment {
        let (wrong, fails) = (faults.wrong_for.contains(tenant), faults.fails_for.contains(tenant));
        let is_first = (wrong || fails) && self.taken.fetch_add(1, Ordering::Relaxed).is_multiple_of(2);
        if fails && is_first {
            Treatment::Fails
        } else if wrong && !is_first {
            Treatment::WrongTotal
        } else if faults.slow_for.contains(tenant) {
            Treatment::Slow(SLOWNESS)
        } else {
            Treatment::Right
        }
    }
}

/// Where an edition keeps the name of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    Name,
    FullName,
}

impl Edition {
    pub fn naming(&self) -> Naming {
        match self {
            Edition::Old => Naming::Name,
            Edition::Good | Edition::Bad(_) => Naming::FullName,
        }
    }
}

/// The field version 1.1.0 brought; earlier ones leave it out.
pub fn tier(edition: &Edition, points: i64) -> Option<&'static str> {
    match edition {
        Edition::Old => None,
        Edition::Good | Edition::Bad(_) => Some(match points {
            ..100 => "bronze",
            100..1_000 => "silver",
            1_000.. => "gold",
        }),
    }
}
