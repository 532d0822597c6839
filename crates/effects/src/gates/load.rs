//! The gate `load`: requests at a fixed rate to the new instances and, in turns, to those of the old version; the answers are compared.
//!
//! Only instances of the component are asked, by their addresses, and a request gets nothing of the server but what the playbook says.

mod generator;
mod judge;
mod schedule;
#[cfg(test)]
mod tests;
mod with;

use std::net::SocketAddr;
use std::sync::Arc;

use serde_json::Value;
use tidegate_domain::event::{Judgement, Verdict};
use tidegate_domain::id::ComponentName;

use self::generator::{Generator, Pool};
use self::with::With;
use super::{Gate, Running, Target, TargetSlot, check_component, running};

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
    let all = generator.run(&schedule::schedule(with, has_old)).await;
    judge::judge(with, &all, has_old)
}

/// The instances to ask. Where the old version runs in some cells of the wave, only these are compared: cells differ.
fn sides(target: &Target, component: &ComponentName) -> Result<Sides, Judgement> {
    let mut compared = Sides {
        old: Vec::new(),
        new: Vec::new(),
    };
    let mut alone = Vec::new();
    let mut is_unchanged = false;
    for slot in target.slots.iter().filter(|slot| slot.component == *component) {
        let is_before = |old: &&TargetSlot| old.cell == slot.cell && old.component == slot.component;
        let before = target.old.iter().filter(is_before);
        let before: Vec<SocketAddr> = before.flat_map(|old| old.addresses.iter().copied()).collect();
        if slot.addresses.is_empty() {
            continue;
        }
        if slot.addresses.iter().any(|address| before.contains(address)) {
            is_unchanged = true;
        } else if before.is_empty() {
            alone.extend(&slot.addresses);
        } else {
            compared.old.extend(before);
            compared.new.extend(&slot.addresses);
        }
    }
    if !compared.new.is_empty() {
        return Ok(compared);
    }
    if !alone.is_empty() {
        compared.new = alone;
        return Ok(compared);
    }
    Err(if is_unchanged {
        let reason = format!("`{component}` is unchanged: it runs on the instances it ran on before");
        Judgement::new(Verdict::Pass, reason)
    } else {
        let reason = format!("the wave has no instance of a component `{component}`");
        Judgement::new(Verdict::Error, reason)
    })
}
