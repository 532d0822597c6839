//! How two plans for one release differ, in words.

use std::collections::BTreeMap;

use tidegate_domain::id::TenantName;
use tidegate_domain::plan::{Plan, PlannedTenant};

/// Tenants named one by one; of the others only their number is said.
const NAMED_MAX: usize = 5;

/// What `now` decides otherwise than `before`; nothing exactly where the two are the same plan.
#[must_use]
pub fn differences(before: &Plan, now: &Plan) -> Vec<String> {
    let mut found = Vec::new();
    if before.release != now.release {
        let (old, new) = (&before.release, &now.release);
        let changed = new
            .components
            .iter()
            .filter(|(name, part)| old.components.get(*name) != Some(part));
        let names: Vec<&str> = changed.map(|(name, _)| name.as_str()).collect();
        found.push(if names.is_empty() {
            "the release says otherwise".to_owned()
        } else {
            format!("components run something else: {}", names.join(", "))
        });
    }
    if before.policy != now.policy {
        found.push("the playbook says otherwise".to_owned());
    }
    let (old, new) = (moves(before), moves(now));
    let added = new.keys().filter(|tenant| !old.contains_key(*tenant));
    let dropped = old.keys().filter(|tenant| !new.contains_key(*tenant));
    tell(&mut found, "would move now and did not in the plan", added.copied());
    tell(&mut found, "would no longer move", dropped.copied());
    let both = || {
        old.iter()
            .filter_map(|(tenant, then)| Some((*tenant, *then, *new.get(tenant)?)))
    };
    let other_wave = both().filter(|(_, then, now)| then.0 != now.0);
    tell(
        &mut found,
        "would move in another wave",
        other_wave.map(|(tenant, _, _)| tenant),
    );
    let other_version = both().filter(|(_, then, now)| then.1.from != now.1.from);
    tell(
        &mut found,
        "are on another version now",
        other_version.map(|(tenant, _, _)| tenant),
    );
    let other_cell = both().filter(|(_, then, now)| then.1.cell != now.1.cell);
    tell(
        &mut found,
        "are in another cell now",
        other_cell.map(|(tenant, _, _)| tenant),
    );
    let policies = before.waves.iter().zip(&now.waves);
    if policies
        .clone()
        .any(|(then, now)| then.name == now.name && then.policy != now.policy)
    {
        found.push("the waves have other rules".to_owned());
    }
    if found.is_empty() && before != now {
        found.push("the reasons why tenants move or stay are others".to_owned());
    }
    found
}

/// Every tenant that moves, with its wave.
fn moves(plan: &Plan) -> BTreeMap<&TenantName, (&str, &PlannedTenant)> {
    let waves = plan.waves.iter();
    let tenants = waves.flat_map(|wave| {
        wave.tenants
            .iter()
            .map(|(name, planned)| (name, (wave.name.as_str(), planned)))
    });
    tenants.collect()
}

fn tell<'a>(found: &mut Vec<String>, what: &str, tenants: impl Iterator<Item = &'a TenantName>) {
    let tenants: Vec<&str> = tenants.map(TenantName::as_str).collect();
    if tenants.is_empty() {
        return;
    }
    let named: Vec<&str> = tenants.iter().copied().take(NAMED_MAX).collect();
    let rest = tenants.len() - named.len();
    let more = if rest == 0 {
        String::new()
    } else {
        format!(" and {rest} more")
    };
    found.push(format!("{} tenants {what}: {}{more}", tenants.len(), named.join(", ")));
}
