//! Nobody moves past a gate that did not pass, unless the plan as it was checked lets it, or a person does; and people are heard who
//! were asked. By the journal alone.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_domain::id::{Actor, WaveName};
use tidegate_domain::journal::{Entry, EntryKind};
use tidegate_domain::policy::{Disposition, GateUse, gate_names};

use super::Checked;
use super::ledger::Kept;
use crate::product::roles;

/// What the journal says of the gates of a run, by wave and name.
#[derive(Debug, Clone, Default)]
pub struct Gates {
    /// How each has ended since it was last asked: the words behind its name.
    ended: BTreeMap<(WaveName, String), String>,
    /// Waves that ask their gates. They ask anew when the release is resumed; those that are past them do not.
    asking: BTreeSet<WaveName>,
    overridden: BTreeMap<(WaveName, String), Actor>,
}

impl Gates {
    /// `None`: the row does not say which gate it is about.
    pub fn follow(&mut self, entry: &Entry) -> Option<()> {
        let is = |kind| entry.kind == kind;
        if is(EntryKind::Resumed) {
            self.ended.retain(|(wave, _), _| !self.asking.contains(wave));
        } else if is(EntryKind::StageEntered) {
            let wave = entry.wave.clone()?;
            if entry.reason.starts_with("verify:") {
                self.ended.retain(|(other, _), _| *other != wave);
                self.asking.insert(wave);
            } else {
                self.asking.remove(&wave);
            }
        } else if is(EntryKind::GateEnded) || is(EntryKind::GateOverridden) {
            let (name, said) = entry.reason.split_once(": ")?;
            let key = (entry.wave.clone()?, name.to_owned());
            if is(EntryKind::GateEnded) {
                self.ended.insert(key, said.to_owned());
            } else {
                self.overridden.insert(key, entry.actor.clone());
            }
        }
        Some(())
    }
}

fn planned<'p>(run: &'p Kept, wave: &WaveName) -> Vec<(String, &'p GateUse)> {
    let gates = run.promise.wave(wave).map(|wave| wave.policy.gates.as_slice());
    let gates = gates.unwrap_or_default();
    gate_names(gates).into_iter().zip(gates).collect()
}

/// What the words of a row mean by the plan.
fn lets_pass(gate: &GateUse, said: &str) -> bool {
    let is = |verdict: &str| said.starts_with(verdict);
    let unclear = |disposition: Disposition| match disposition {
        Disposition::Pass => true,
        Disposition::Hold | Disposition::Fail => false,
    };
    is("pass")
        || gate.dry_run
        || (is("no data") && unclear(gate.on_no_data))
        || (is("inconclusive") && unclear(gate.on_inconclusive))
}

/// A wave that is past its gates was let past each of them.
pub fn are_passed(run: &Kept, entry: &Entry) -> Checked {
    const RULE: &str = "nobody moves past a gate that did not let them";
    let before = ["prepare:", "verify:"];
    let Some(wave) = entry
        .wave
        .as_ref()
        .filter(|_| !before.iter().any(|stage| entry.reason.starts_with(stage)))
    else {
        return Ok(());
    };
    for (name, gate) in planned(run, wave) {
        let key = (wave.clone(), name);
        if run.gates.overridden.contains_key(&key) {
            continue;
        }
        let said = run.gates.ended.get(&key);
        if !said.is_some_and(|said| lets_pass(gate, said)) {
            let said = said.map_or("it has not ended", String::as_str);
            return Err((
                RULE,
                format!("wave {wave} is at {}; gate {}: {said}", entry.reason, key.1),
            ));
        }
    }
    Ok(())
}

/// Once for a gate, by a person, and a gate that there is.
pub fn is_overridden_once(run: &Kept, entry: &Entry) -> Checked {
    const RULE: &str = "a gate is overridden once, by a person";
    let (Some(wave), Some((name, reason))) = (&entry.wave, entry.reason.split_once(": ")) else {
        return Err((RULE, entry.reason.clone()));
    };
    let known = planned(run, wave).iter().any(|(known, _)| known == name);
    let before = run.gates.overridden.get(&(wave.clone(), name.to_owned()));
    let by_itself = entry.actor.as_str().starts_with("tidegate/");
    if !known || before.is_some() || by_itself || reason.is_empty() {
        return Err((RULE, format!("gate {name} of wave {wave} by {}", entry.actor)));
    }
    Ok(())
}

/// Whoever answers was asked, and it is not their release.
pub fn is_answered_by_those_asked(run: &Kept, entry: &Entry) -> Checked {
    const RULE: &str = "nobody answers a gate who was not asked to";
    let wrong = || Err((RULE, format!("{} answers: {}", entry.actor, entry.reason)));
    let (Some(wave), Some((name, _))) = (&entry.wave, entry.reason.split_once(": ")) else {
        return wrong();
    };
    let gates = planned(run, wave);
    let gate = gates.iter().find(|(known, _)| known == name);
    let Some(manual) = gate.and_then(|(_, gate)| gate.manual()).and_then(Result::ok) else {
        return wrong();
    };
    // Who comes from outside of a scenario is taken at their word.
    let may = roles(entry.actor.as_str()).is_none_or(|roles| manual.who.may_answer(&entry.actor, &roles));
    if run.is_by(&entry.actor) || !may {
        return wrong();
    }
    Ok(())
}
