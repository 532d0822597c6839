//! Regular expressions as automata: whether some string fits several of them and none of some others is decided, and
//! shown by a string.
//!
//! A pattern of JSON Schema is of ECMA-262 and fits anywhere in a string. What is not regular (looking ahead or behind,
//! references back) makes no automaton, and neither does what would need one that is too large.

mod product;
#[cfg(test)]
mod tests;
mod translate;

use std::rc::Rc;

use regex_automata::dfa::dense;
use regex_automata::dfa::{Automaton, StartKind};
use regex_automata::nfa::thompson;
use regex_automata::util::primitives::StateID;
use regex_automata::util::start;
use regex_automata::{Anchored, MatchKind};

use crate::limits;

pub(crate) use product::{Search, Wanted, search};

#[derive(Debug, Clone)]
pub(crate) struct Pattern {
    automaton: Rc<dense::DFA<Vec<u32>>>,
    start: StateID,
}

impl Pattern {
    pub fn new(pattern: &str) -> Option<Self> {
        let translated = translate::translate(pattern)?;
        let automaton = dense::Builder::new()
            .configure(
                dense::Config::new()
                    .match_kind(MatchKind::All)
                    .start_kind(StartKind::Unanchored)
                    .dfa_size_limit(Some(limits::PATTERN_BYTES))
                    .determinize_size_limit(Some(limits::PATTERN_BYTES)),
            )
            .thompson(thompson::Config::new().nfa_size_limit(Some(limits::PATTERN_BYTES)))
            .build(&translated)
            .ok()?;
        let start = automaton
            .start_state(&start::Config::new().anchored(Anchored::No))
            .ok()?;
        Some(Self {
            automaton: Rc::new(automaton),
            start,
        })
    }

    /// Fits exactly these strings.
    pub fn of_strings<'s>(strings: impl Iterator<Item = &'s str>) -> Option<Self> {
        let escaped: Vec<String> = strings.map(translate::literal).collect();
        Self::new(&format!("^(?:{})$", escaped.join("|")))
    }

    pub fn fits(&self, text: &str) -> bool {
        let mut state = self.start;
        for &byte in text.as_bytes() {
            state = self.automaton.next_state(state, byte);
            if self.automaton.is_match_state(state) {
                return true;
            }
            if self.automaton.is_dead_state(state) {
                return false;
            }
        }
        self.automaton.is_match_state(self.automaton.next_eoi_state(state))
    }
}
