//! What the next switch is: random tenants to random versions, and every fourth one back again.

use std::collections::BTreeMap;
use std::time::Duration;

use tidegate_gateway::table::{TenantName, VersionKey};

use super::world::{SAFE_CELLS, Tenant, VERSIONS, idle_tenants, key};
use crate::traffic::random::Random;

/// Out of four switches one takes the switch before back.
const BACK_OUT_OF: usize = 4;

#[derive(Debug)]
pub struct Switches {
    pub tenants: Vec<Tenant>,
    idle: Vec<TenantName>,
    random: Random,
    /// Where the tenants of the last switch were.
    before: Vec<(usize, &'static str)>,
}

/// One switch: who goes where.
#[derive(Debug)]
pub struct Moves {
    pub sending: Vec<(Tenant, &'static str)>,
    pub groups: BTreeMap<VersionKey, Vec<TenantName>>,
}

impl Switches {
    pub fn new(tenants: Vec<Tenant>, in_table: usize, seed: u64) -> Self {
        Self {
            idle: idle_tenants(in_table.saturating_sub(tenants.len())),
            tenants,
            random: Random::seeded(seed),
            before: Vec::new(),
        }
    }

    pub fn idle(&self) -> &[TenantName] {
        &self.idle
    }

    /// 50 to 500 ms.
    pub fn pause(&mut self) -> Duration {
        Duration::from_millis(50 + self.random.below(451) as u64)
    }

    pub fn below(&mut self, end: usize) -> usize {
        self.random.below(end)
    }

    pub fn next(&mut self) -> Moves {
        let back = std::mem::take(&mut self.before);
        let chosen = if !back.is_empty() && self.random.below(BACK_OUT_OF) == 0 {
            back
        } else {
            self.some()
        };
        self.take(&chosen)
    }

    /// All tenants of a cell to one version.
    pub fn all_of(&mut self, cell: &str, version: &'static str) -> Moves {
        let places = (0..self.tenants.len()).filter(|place| self.tenants[*place].cell == cell);
        let chosen: Vec<_> = places.map(|place| (place, version)).collect();
        self.take(&chosen)
    }

    /// A cell in which no instance dies, and a version that serves a tenant in it.
    pub fn in_use(&mut self) -> (&'static str, &'static str) {
        let safe = self.tenants.iter().filter(|tenant| SAFE_CELLS.contains(&tenant.cell));
        let safe: Vec<_> = safe.map(|tenant| (tenant.cell, tenant.version)).collect();
        safe[self.random.below(safe.len())]
    }

    fn some(&mut self) -> Vec<(usize, &'static str)> {
        let version = VERSIONS[self.random.below(VERSIONS.len())];
        let share = 1 + self.random.below(8);
        let mut chosen = Vec::new();
        for place in 0..self.tenants.len() {
            if self.random.below(8) < share {
                chosen.push((place, version));
            }
        }
        chosen
    }

    fn take(&mut self, chosen: &[(usize, &'static str)]) -> Moves {
        let mut moves = Moves {
            sending: Vec::new(),
            groups: BTreeMap::new(),
        };
        self.before.clear();
        for (place, version) in chosen {
            let tenant = &mut self.tenants[*place];
            self.before.push((*place, tenant.version));
            tenant.version = version;
            moves.sending.push((tenant.clone(), version));
            let group = moves.groups.entry(key(tenant.cell, version)).or_default();
            group.push(tenant.name.as_str().into());
        }
        self.add_idle(&mut moves);
        moves
    }

    /// A random run of the idle ones moves too.
    fn add_idle(&mut self, moves: &mut Moves) {
        if self.idle.is_empty() {
            return;
        }
        let first = self.random.below(self.idle.len());
        let count = self.random.below(self.idle.len() - first).min(self.idle.len() / 10);
        let cell = SAFE_CELLS[self.random.below(SAFE_CELLS.len())];
        let version = VERSIONS[self.random.below(VERSIONS.len())];
        let group = moves.groups.entry(key(cell, version)).or_default();
        group.extend_from_slice(&self.idle[first..first + count]);
    }
}
