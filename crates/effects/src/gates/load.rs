//! The gate `load`: requests at a fixed rate to the new instances and, in turns, to those of the old version; the answers are compared.
//!
//! Only instances of the component are asked, by their addresses, and a request gets nothing of the server but what the playbook says.

pub(super) mod generator;
pub(super) mod judge;
pub(super) mod schedule;
#[cfg(test)]
mod tests;
pub(super) mod with;

use std::net::SocketAddr;
use std::sync::Arc;

use serde_json::Value;
use tidegate_domain::event::{Judgement, Verdict};
use tidegate_domain::id::ComponentName;
use tokio::time::Instant;

use self::generator::Generator;
use self::with::With;
use super::pairing::pairings;
use super::pool::Pool;
use super::{Gate, Running, Target, check_component, running};

pub const GATE: Gate = Gate {
    name: "load",
    validate: |with| With::read(with).map(|_| ()),
    suits: |with, project| check_component(&With::read(with)?.component, project),
    run,
};

fn run(with: Value, target: Target) -> Running {
    running(with, With::read, |with| async move { judge(&with, &target).await })
}

/// Where the requests go.
#[derive(Debug, PartialEq, Eq)]
struct Sides {
    old: Vec<SocketAddr>,
    new: Vec<SocketAddr>,
}

async fn judge(with: &With, target: &Target) -> Judgement {
    let component = &with.component;
    let found = match sides(target, component) {
        Ok(found) => found,
        Err(judgement) => return judgement,
    };
    if !target.has_old && !with.has_limits() {
        let reason =
            "no tenant of the wave is on a version yet: there is nothing to be slower than, and no limit is declared";
        return Judgement::new(Verdict::Pass, reason.to_owned());
    }
    let has_old = !found.old.is_empty();
    let generator = Generator {
        requests: with.requests.clone(),
        old: Arc::new(Pool::new(&found.old)),
        new: Arc::new(Pool::new(&found.new)),
        timeout: with.timeout.to_std(),
        in_flight_at_most: with.in_flight_at_most,
    };
    let all = generator.run(Instant::now(), schedule::schedule(with, has_old)).await;
    judge::judge(with, &all, has_old)
}

/// The instances to ask, of all cells that are compared.
fn sides(target: &Target, component: &ComponentName) -> Result<Sides, Judgement> {
    let found = pairings(target, component)?;
    Ok(Sides {
        old: found.iter().flat_map(|pairing| pairing.old.iter().copied()).collect(),
        new: found.iter().flat_map(|pairing| pairing.new.iter().copied()).collect(),
    })
}
