//! The combinations of platforms and tenants, with the slots that each is about.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use tidegate_domain::id::TenantName;

use super::super::{Target, TargetSlot};
use super::with::{Platform, With, labels_in_words, listed};

/// One combination, as it is written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'w> {
    pub platform: Option<&'w Platform>,
    pub tenant: Option<&'w TenantName>,
}

/// One combination, as it runs.
#[derive(Debug)]
pub(super) struct Combination<'w> {
    pub place: Place<'w>,
    pub slots: Vec<TargetSlot>,
}

impl Place<'_> {
    /// A text of the playbook with what stands for its platform and its tenant.
    pub fn fill(&self, text: &str) -> Result<String, String> {
        let parts = [
            (
                "{platform}",
                "platforms",
                self.platform.map(|platform| platform.name.as_str()),
            ),
            ("{tenant}", "tenants", self.tenant.map(TenantName::as_str)),
        ];
        let mut filled = text.to_owned();
        for (mark, list, name) in parts {
            filled = match name {
                Some(name) => filled.replace(mark, name),
                None if filled.contains(mark) => {
                    return Err(format!(
                        "`{mark}` in `{text}` stands for nothing: the gate has no `{list}`"
                    ));
                }
                None => filled,
            };
        }
        Ok(filled)
    }

    pub fn in_words(&self) -> String {
        match (self.platform, self.tenant) {
            (Some(platform), Some(tenant)) => format!("{} as {tenant}", platform.name),
            (Some(platform), None) => platform.name.clone(),
            (None, Some(tenant)) => format!("as {tenant}"),
            (None, None) => "the suite".to_owned(),
        }
    }

    /// Its own folder in that of the gate.
    pub fn folder(&self, kept: &Path) -> PathBuf {
        let platform = self.platform.map(|platform| platform.name.as_str());
        let parts = [platform, self.tenant.map(TenantName::as_str)];
        kept.iter()
            .map(AsRef::<Path>::as_ref)
            .chain(parts.iter().flatten().map(Path::new))
            .collect()
    }
}

/// All combinations.
///
/// # Errors
/// In words, where a platform is nowhere in this wave: what was not tested has not passed.
pub(super) fn combinations<'w>(with: &'w With, target: &Target) -> Result<Vec<Combination<'w>>, String> {
    if target.slots.is_empty() {
        return Err("the wave has no new slot to test".to_owned());
    }
    let combination = |place: Place<'w>| {
        let slots = match place.platform {
            Some(platform) => slots(platform, target)?,
            None => target.slots.clone(),
        };
        Ok(Combination { place, slots })
    };
    with.places().into_iter().map(combination).collect()
}

fn slots(platform: &Platform, target: &Target) -> Result<Vec<TargetSlot>, String> {
    let nothing = std::collections::BTreeMap::new();
    let select = &platform.select;
    let is_one = |slot: &&TargetSlot| {
        let labels = target.labels.get(&slot.cell).unwrap_or(&nothing);
        let is_named = select.components.is_empty() || select.components.contains(&slot.component);
        is_named && select.has(&slot.cell, labels)
    };
    let found: Vec<TargetSlot> = target.slots.iter().filter(is_one).cloned().collect();
    if !found.is_empty() {
        return Ok(found);
    }
    let cells: BTreeSet<String> = target.slots.iter().map(|slot| slot.cell.to_string()).collect();
    let components: BTreeSet<String> = target.slots.iter().map(|slot| slot.component.to_string()).collect();
    let of_wave = target.slots.iter().filter_map(|slot| target.labels.get(&slot.cell));
    Err(format!(
        "the platform `{}` is nowhere in this wave, which has the cells {} with the labels {}, and the components {}",
        platform.name,
        listed(cells),
        listed(of_wave.flat_map(labels_in_words).collect()),
        listed(components)
    ))
}
