//! The gates of a wave: which are asked, what their verdicts mean, and what people say of them.

use std::collections::BTreeSet;

use super::Refused;
use super::turn::{Cause, Turn};
use crate::effect::{Effect, EffectBody, EffectId};
use crate::event::{GateAsk, GateAsked, Judgement, Verdict};
use crate::id::{RoleName, Version, WaveName};
use crate::journal::EntryKind;
use crate::policy::{GateOutcome, Manual};
use crate::release::Stage;
use crate::service::{Override, WaveState};
use crate::time::Timestamp;
use crate::waiting::Waiting;

/// How the gates of a wave stand.
pub enum Gates {
    /// Some have not ended.
    Waiting,
    /// One has ended just now.
    News,
    /// One does not let the wave go on; why.
    Stop(String),
    /// All let it go on; why.
    Passed(String),
}

/// A gate by its name: of which wave of which release.
type Named<'a> = (&'a Version, &'a WaveName, &'a str);

/// A gate by its place: of which wave of which run.
type At = (usize, usize, usize);

impl Turn {
    /// Asks every gate that was not asked yet. Each is enqueued once for an attempt: the id is the same however often this is asked.
    pub fn ask_gates(&mut self, run: usize, wave: usize, since: Timestamp) -> Gates {
        let current = &self.state.runs[run].waves[wave];
        let (wave_name, names) = (current.name.clone(), current.gate_names());
        let (mut open, mut otherwise) = (false, Vec::new());
        for (gate, name) in names.iter().enumerate() {
            let current = &self.state.runs[run].waves[wave];
            let outcome = current.gate_outcome(gate);
            match outcome {
                GateOutcome::Passed => {}
                GateOutcome::LetPass | GateOutcome::Overridden | GateOutcome::DryRun => {
                    otherwise.push(format!("{name}: {}", outcome.as_str()));
                }
                GateOutcome::Open => {
                    open = true;
                    if self.ask((run, wave, gate), name, since) {
                        return Gates::News;
                    }
                }
                GateOutcome::Held | GateOutcome::Failed => {
                    let said = current.gates[gate].as_ref().map(|judgement| {
                        let verdict = current.policy.gates[gate].verdict_in_words(judgement.verdict);
                        format!("{verdict}: {}", judgement.reason)
                    });
                    let said = said.unwrap_or_default();
                    return Gates::Stop(format!("gate {name} of wave {wave_name}: {said}"));
                }
            }
        }
        if open {
            Gates::Waiting
        } else if otherwise.is_empty() {
            Gates::Passed("every gate passed".to_owned())
        } else {
            Gates::Passed(format!("no gate stops it ({})", otherwise.join(", ")))
        }
    }

    /// Sees that a gate is judged; true if it is by now.
    fn ask(&mut self, (run, wave, gate): At, name: &str, since: Timestamp) -> bool {
        let release = self.state.runs[run].version.clone();
        let current = &self.state.runs[run].waves[wave];
        let (wave_name, uses) = (current.name.clone(), current.policy.gates[gate].clone());
        match uses.manual() {
            Some(Ok(manual)) => return self.ask_people((run, wave, gate), name, manual, since),
            // It was checked when the release was planned, perhaps by another version.
            Some(Err(reason)) => {
                let judgement = Judgement::new(Verdict::Error, format!("`with` cannot be used: {reason}"));
                self.gate_ended((run, wave, gate), judgement);
                return true;
            }
            None => {}
        }
        let id = EffectId::gate(&release, &wave_name, gate, current.attempt);
        self.waiting.push(Waiting::Gate {
            release: release.clone(),
            wave: wave_name.clone(),
            effect: id.clone(),
        });
        if self.effects.iter().all(|effect| effect.id != id) {
            let body = EffectBody::Gate {
                version: release,
                wave: wave_name,
                gate: uses,
            };
            self.effects.push(Effect { id, body });
        }
        false
    }

    /// Nobody's word is no word: in the end it is inconclusive.
    fn ask_people(&mut self, at: At, name: &str, manual: Manual, since: Timestamp) -> bool {
        let until = since + manual.expires;
        if until <= self.now {
            let reason = format!("nobody has answered until {until}: {}", manual.question);
            self.gate_ended(at, Judgement::new(Verdict::Inconclusive, reason));
            return true;
        }
        self.waiting.push(Waiting::Answer {
            release: self.state.runs[at.0].version.clone(),
            wave: self.state.runs[at.0].waves[at.1].name.clone(),
            gate: name.to_owned(),
            question: manual.question,
            who: manual.who,
            until,
        });
        self.wake_at(until);
        false
    }

    /// The verdict of a gate of the attempt that runs.
    pub fn gate_ended(&mut self, (run, wave, gate): At, judgement: Judgement) {
        let version = self.state.runs[run].version.clone();
        let current = &mut self.state.runs[run].waves[wave];
        let wave_name = current.name.clone();
        let name = current.gate_names().swap_remove(gate);
        let verdict = current.policy.gates[gate].verdict_in_words(judgement.verdict);
        let reason = format!("{name}: {verdict}: {}", judgement.reason);
        current.gates[gate] = Some(judgement);
        self.write(
            EntryKind::GateEnded,
            &version,
            Some(&wave_name),
            &Cause::system("gate", reason),
        );
    }

    pub fn take_of_gate(&mut self, asked: &GateAsked, cause: &Cause) -> Result<(), Refused> {
        let named = (&asked.version, &asked.wave, asked.gate.as_str());
        match &asked.ask {
            GateAsk::Override => self.override_gate(named, cause),
            GateAsk::Answer { yes, roles } => self.answer_gate(named, (*yes, roles), cause),
        }
    }

    /// Once for a gate: it holds for every attempt of the wave. A release that the gate holds stays held until somebody resumes it.
    fn override_gate(&mut self, named: Named<'_>, cause: &Cause) -> Result<(), Refused> {
        let (run, wave, gate) = self.gate_at(named)?;
        let (version, wave_name, name) = named;
        let current = &self.state.runs[run].waves[wave];
        if let Some(before) = current.overridden.get(&gate) {
            return Err(Refused::OverriddenBefore {
                wave: wave_name.clone(),
                gate: name.to_owned(),
                by: before.by.clone(),
                at: before.at,
                reason: before.reason.clone(),
            });
        }
        let over = match current.state {
            WaveState::Waiting | WaveState::Active { .. } | WaveState::RolledBack { .. } => None,
            WaveState::Confirmed { .. } => Some("confirmed"),
            WaveState::Dropped => Some("dropped"),
            WaveState::Superseded { .. } => Some("superseded"),
        };
        if let Some(state) = over {
            return Err(Refused::NothingToOverride {
                release: version.clone(),
                wave: wave_name.clone(),
                state: state.to_owned(),
            });
        }
        // What was begun may end, and is shown; what was not, whoever performs it leaves.
        let decided = Override {
            by: cause.actor.clone(),
            reason: cause.reason.clone(),
            at: self.now,
        };
        self.state.runs[run].waves[wave].overridden.insert(gate, decided);
        let cause = cause.actor_says(format!("{name}: {}", cause.reason));
        self.write(EntryKind::GateOverridden, version, Some(wave_name), &cause);
        Ok(())
    }

    /// One word decides. A release that is held asks nobody: it asks anew when it is resumed.
    fn answer_gate(
        &mut self,
        named: Named<'_>,
        (yes, roles): (bool, &BTreeSet<RoleName>),
        cause: &Cause,
    ) -> Result<(), Refused> {
        let (run, wave, gate) = self.gate_at(named)?;
        let (version, wave_name, name) = named;
        let nothing = || Refused::NothingToAnswer {
            release: version.clone(),
            wave: wave_name.clone(),
            gate: name.to_owned(),
        };
        let current = &self.state.runs[run].waves[wave];
        let manual = current.policy.gates[gate].manual().and_then(Result::ok);
        let WaveState::Active {
            stage: Stage::Verify,
            since,
        } = current.state
        else {
            return Err(nothing());
        };
        let is_open = current.gate_outcome(gate) == GateOutcome::Open && self.state.runs[run].hold.is_none();
        let manual = manual.filter(|_| is_open).ok_or_else(nothing)?;
        if self.state.runs[run].is_by(&cause.actor) {
            return Err(Refused::OwnGate {
                release: version.clone(),
                gate: name.to_owned(),
                person: cause.actor.clone(),
            });
        }
        if !manual.who.may_answer(&cause.actor, roles) {
            return Err(Refused::NotAsked {
                wave: wave_name.clone(),
                gate: name.to_owned(),
                who: manual.who.in_words(),
            });
        }
        let until = since + manual.expires;
        if until <= self.now {
            return Err(Refused::OverAlready { until });
        }
        let (word, verdict) = if yes {
            ("yes", Verdict::Pass)
        } else {
            ("no", Verdict::Fail)
        };
        let told = cause.actor_says(format!("{name}: {word}: {}", cause.reason));
        self.write(EntryKind::GateAnswered, version, Some(wave_name), &told);
        let reason = format!("{} says {word}: {}", cause.actor, cause.reason);
        self.gate_ended((run, wave, gate), Judgement::new(verdict, reason));
        Ok(())
    }

    fn gate_at(&self, (version, wave, gate): Named<'_>) -> Result<At, Refused> {
        let run = self.moving(version)?;
        let waves = &self.state.runs[run].waves;
        let found = waves.iter().position(|known| known.name == *wave);
        let index = found.ok_or_else(|| Refused::NoSuchWave {
            release: version.clone(),
            wave: wave.clone(),
        })?;
        let known = waves[index].gate_names();
        let found = known.iter().position(|known| known == gate);
        let place = found.ok_or_else(|| Refused::NoSuchGate {
            release: version.clone(),
            wave: wave.clone(),
            gate: gate.to_owned(),
            known,
        })?;
        Ok((run, index, place))
    }
}
