//! What was sent, how it was answered, and what must be on disk in the end.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::exchange::{Answer, Exchange, Lost};

/// Failures kept for whoever looks for the reason; all of them are counted.
const KEPT: usize = 10;

/// How a tenant may be answered. A story says so before it does what changes it, and once more when it has come about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Expected {
    Served,
    Unknown,
    Suspended,
    Moving,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    pub sent: u64,
    /// Neither served nor answered as the tenant's state declares.
    pub lost: u64,
    /// Served in the name of another tenant.
    pub wrong_tenant: u64,
    /// Another name than the last one that was acknowledged.
    pub stale: u64,
    /// Answered as declared: unknown, suspended, moving.
    pub declared: u64,
}

#[derive(Debug, Default)]
pub struct Tally {
    pub figures: Figures,
    pub tenants: BTreeMap<String, TenantTally>,
    /// Writes acknowledged, by the version that did.
    pub written: BTreeMap<String, u64>,
    pub failures: Vec<String>,
}

#[derive(Debug, Default)]
pub struct TenantTally {
    /// Where its data must be in the end.
    pub cell: String,
    /// The last acknowledged name of each member.
    pub members: BTreeMap<String, String>,
    /// The versions that served it, in the order in which they did.
    pub versions: Vec<String>,
    expected: BTreeSet<Expected>,
    answers: BTreeMap<Expected, u64>,
}

impl Tally {
    pub fn begin(&mut self, tenant: &str, cell: &str, expected: &[Expected]) {
        let tenant = self.tenants.entry(tenant.to_owned()).or_default();
        cell.clone_into(&mut tenant.cell);
        tenant.expected = expected.iter().copied().collect();
    }

    pub fn expect(&mut self, tenant: &str, expected: &[Expected]) {
        if let Some(tenant) = self.tenants.get_mut(tenant) {
            tenant.expected = expected.iter().copied().collect();
        }
    }

    /// Its data is in another cell from now on.
    pub fn lives_in(&mut self, tenant: &str, cell: &str) {
        if let Some(tenant) = self.tenants.get_mut(tenant) {
            cell.clone_into(&mut tenant.cell);
        }
    }

    pub fn expected(&self, tenant: &str) -> BTreeSet<Expected> {
        self.tenants
            .get(tenant)
            .map(|tenant| tenant.expected.clone())
            .unwrap_or_default()
    }

    pub fn sent(&self) -> u64 {
        self.figures.sent
    }

    pub fn answers(&self, tenant: &str, expected: Expected) -> u64 {
        let tenant = self.tenants.get(tenant);
        tenant
            .and_then(|tenant| tenant.answers.get(&expected))
            .copied()
            .unwrap_or_default()
    }

    pub fn acknowledged(&mut self, tenant: &str, id: String, name: String) {
        if let Some(tenant) = self.tenants.get_mut(tenant) {
            tenant.members.insert(id, name);
        }
    }

    /// `before` is what was expected when the request was sent: what changed meanwhile may have met it or not.
    pub fn take(
        &mut self,
        name: &str,
        (id, wrote): (&str, Option<&str>),
        before: &BTreeSet<Expected>,
        exchange: Result<Exchange, Lost>,
    ) {
        self.figures.sent += 1;
        let Some(tenant) = self.tenants.get_mut(name) else {
            return;
        };
        let exchange = match exchange {
            Ok(exchange) => exchange,
            Err(lost) => return self.fail(|figures| &mut figures.lost, format!("{name}: {lost}")),
        };
        let answered = match exchange.answer {
            Answer::Served | Answer::NoMember => Expected::Served,
            Answer::TenantUnknown => Expected::Unknown,
            Answer::TenantSuspended => Expected::Suspended,
            Answer::TenantMoving => Expected::Moving,
        };
        *tenant.answers.entry(answered).or_default() += 1;
        if !before.contains(&answered) && !tenant.expected.contains(&answered) {
            let what = format!("{name}: {answered}, which it is not");
            return self.fail(|figures| &mut figures.lost, what);
        }
        if answered != Expected::Served {
            self.figures.declared += 1;
            return;
        }
        if exchange.tenant != name {
            let what = format!("{name}: served as {}", exchange.tenant);
            return self.fail(|figures| &mut figures.wrong_tenant, what);
        }
        if tenant.versions.last() != Some(&exchange.version) {
            tenant.versions.push(exchange.version.clone());
        }
        let last = wrote.or(tenant.members.get(id).map(String::as_str));
        if exchange.name.as_deref() != last {
            let what = format!(
                "{name}: member {id} is {:?} at {}, not {last:?}",
                exchange.name, exchange.version
            );
            return self.fail(|figures| &mut figures.stale, what);
        }
        if wrote.is_some() {
            *self.written.entry(exchange.version).or_default() += 1;
        }
    }

    fn fail(&mut self, figure: impl FnOnce(&mut Figures) -> &mut u64, what: String) {
        *figure(&mut self.figures) += 1;
        if self.failures.len() < KEPT {
            self.failures.push(what);
        }
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Expected::Served => "served",
            Expected::Unknown => "told that it is unknown",
            Expected::Suspended => "told that it is suspended",
            Expected::Moving => "told that it is moving",
        })
    }
}
