//! Regular expressions as automata: whether some string fits several of them and none of some others is decided, and
//! shown by a string.
//!
//! A pattern of JSON Schema is of ECMA-262 and fits anywhere in a string. What is not regular (looking ahead or behind,
//! references back) makes no automaton, and neither does what would need one that is too large.

mod product;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(old: &str, new: &str, expect: &str) {
        let (old, new) = (Pattern::new(old).unwrap(), Pattern::new(new).unwrap());
        let wanted = Wanted {
            fitting: vec![&old],
            not_fitting: vec![&new],
            least: 0,
            most: None,
        };
        let found = match search(&wanted) {
            Search::Found(text) => {
                assert!(old.fits(&text) && !new.fits(&text), "{text:?}");
                "found"
            }
            Search::None => "none",
            Search::TooLarge => "too large",
        };
        assert_eq!(found, expect);
    }

    #[test]
    fn a_pattern_that_fits_less_is_within_one_that_fits_more() {
        for (less, more) in [
            ("^a$", "^(a|b)$"),
            ("^[a-f0-9]{40}$", "^[a-z0-9]*$"),
            (r"^\d+$", r"^[0-9]+$"),
            ("abc", "b"),
            (r"^\w+@\w+$", "@"),
            ("^é$", r"^\u00e9$"),
        ] {
            check(less, more, "none");
        }
        check("^(a|b)$", "^a$", "found");
        check("b", "^b", "found");
        check("^a*$", "^a+$", "found");
        check(".", "^.$", "found");
    }

    #[test]
    fn what_is_not_regular_makes_no_automaton() {
        assert!(Pattern::new("^(?!a)").is_none());
        assert!(Pattern::new(r"(a)\1").is_none());
        assert!(Pattern::new("(a{1000}){1000}").is_none());
    }

    #[test]
    fn a_class_is_read_as_ecma_has_it() {
        assert!(Pattern::new(r"^[[]$").unwrap().fits("["));
        assert!(Pattern::new(r"^[&&a]$").unwrap().fits("&"));
        assert!(!Pattern::new(r"^\d$").unwrap().fits("٣"));
        assert!(Pattern::new(r"^\/$").unwrap().fits("/"));
    }

    #[test]
    fn a_string_is_found_within_a_length() {
        let pattern = Pattern::new("^[ab]+$").unwrap();
        let wanted = Wanted {
            fitting: vec![&pattern],
            not_fitting: vec![],
            least: 3,
            most: Some(4),
        };
        assert_eq!(search(&wanted), Search::Found("aaa".to_owned()));
        let wanted = Wanted {
            fitting: vec![&pattern],
            not_fitting: vec![],
            least: 0,
            most: Some(0),
        };
        assert_eq!(search(&wanted), Search::None);
    }
}
