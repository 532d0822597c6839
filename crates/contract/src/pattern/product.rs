//! Several automata at once.

use std::collections::{BTreeMap, VecDeque};

use regex_automata::dfa::Automaton;
use regex_automata::util::primitives::StateID;

use super::Pattern;
use crate::limits;

/// The string that is looked for.
#[derive(Debug)]
pub(crate) struct Wanted<'p> {
    pub fitting: Vec<&'p Pattern>,
    pub not_fitting: Vec<&'p Pattern>,
    /// In characters.
    pub least: u64,
    pub most: Option<u64>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Search {
    /// One of the shortest.
    Found(String),
    None,
    /// Given up.
    TooLarge,
}

/// Where each automaton is, `None` once it has fitted; what UTF-8 expects next; and how many characters there were, as
/// far as that matters.
type State = (Vec<Option<StateID>>, Utf8, u64);

/// What may come next in UTF-8 (RFC 3629, section 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Utf8 {
    Start,
    Rest(u8),
    AfterE0,
    AfterEd,
    AfterF0,
    AfterF4,
}

impl Utf8 {
    fn next(self, byte: u8) -> Option<Self> {
        match (self, byte) {
            (Self::Start, 0x00..=0x7f) | (Self::Rest(1), 0x80..=0xbf) => Some(Self::Start),
            (Self::Start, 0xc2..=0xdf)
            | (Self::Rest(2), 0x80..=0xbf)
            | (Self::AfterE0, 0xa0..=0xbf)
            | (Self::AfterEd, 0x80..=0x9f) => Some(Self::Rest(1)),
            (Self::Start, 0xe0) => Some(Self::AfterE0),
            (Self::Start, 0xed) => Some(Self::AfterEd),
            (Self::Start, 0xe1..=0xef)
            | (Self::AfterF0, 0x90..=0xbf)
            | (Self::AfterF4, 0x80..=0x8f)
            | (Self::Rest(3), 0x80..=0xbf) => Some(Self::Rest(2)),
            (Self::Start, 0xf0) => Some(Self::AfterF0),
            (Self::Start, 0xf1..=0xf3) => Some(Self::Rest(3)),
            (Self::Start, 0xf4) => Some(Self::AfterF4),
            (Self::Start | Self::Rest(_) | Self::AfterE0 | Self::AfterEd | Self::AfterF0 | Self::AfterF4, _) => None,
        }
    }

    /// Bytes of one class are treated alike in every state.
    fn class(byte: u8) -> u8 {
        match byte {
            0x00..=0x7f => 0,
            0x80..=0x8f => 1,
            0x90..=0x9f => 2,
            0xa0..=0xbf => 3,
            0xc0..=0xc1 | 0xf5..=0xff => 4,
            0xc2..=0xdf => 5,
            0xe0 => 6,
            0xed => 7,
            0xe1..=0xef => 8,
            0xf0 => 9,
            0xf1..=0xf3 => 10,
            0xf4 => 11,
        }
    }
}

/// Looks for a shortest string, breadth first.
pub(crate) fn search(wanted: &Wanted<'_>) -> Search {
    let patterns: Vec<&Pattern> = wanted.fitting.iter().chain(&wanted.not_fitting).copied().collect();
    let bytes = representatives(&patterns);
    let first: State = (
        patterns.iter().map(|pattern| Some(pattern.start)).collect(),
        Utf8::Start,
        0,
    );
    let mut from: BTreeMap<State, Option<(State, u8)>> = BTreeMap::from([(first.clone(), None)]);
    let mut queue = VecDeque::from([first]);
    while let Some(state) = queue.pop_front() {
        if accepts(&patterns, wanted, &state) {
            return Search::Found(spelled(&from, state));
        }
        for &byte in &bytes {
            let Some(next) = after(&patterns, wanted, &state, byte) else {
                continue;
            };
            if !from.contains_key(&next) {
                if from.len() >= limits::PATTERN_STATES {
                    return Search::TooLarge;
                }
                from.insert(next.clone(), Some((state.clone(), byte)));
                queue.push_back(next);
            }
        }
    }
    Search::None
}

/// One byte of each class that all automata treat alike, those that people can read first.
fn representatives(patterns: &[&Pattern]) -> Vec<u8> {
    let order = (b'a'..=b'z')
        .chain(b'0'..=b'9')
        .chain(b'A'..=b'Z')
        .chain(b'!'..=b'~')
        .chain(0..=255);
    let mut seen = std::collections::BTreeSet::new();
    order
        .filter(|&byte| {
            let classes: Vec<u8> = patterns
                .iter()
                .map(|pattern| pattern.automaton.byte_classes().get(byte))
                .collect();
            seen.insert((classes, Utf8::class(byte)))
        })
        .collect()
}

fn accepts(patterns: &[&Pattern], wanted: &Wanted<'_>, (states, utf8, count): &State) -> bool {
    *utf8 == Utf8::Start
        && *count >= wanted.least
        && patterns
            .iter()
            .zip(states)
            .enumerate()
            .all(|(index, (pattern, state))| {
                let fits = state.is_none_or(|state| {
                    let automaton = &pattern.automaton;
                    automaton.is_match_state(automaton.next_eoi_state(state))
                });
                fits == (index < wanted.fitting.len())
            })
}

/// `None` where no string that is looked for goes on like this.
fn after(patterns: &[&Pattern], wanted: &Wanted<'_>, (states, utf8, count): &State, byte: u8) -> Option<State> {
    let next_utf8 = utf8.next(byte)?;
    // Beyond the bounds, one character more makes no difference.
    let highest = wanted.most.unwrap_or(wanted.least);
    let mut count = *count;
    if *utf8 == Utf8::Start {
        if wanted.most.is_some_and(|most| count >= most) {
            return None;
        }
        count = (count + 1).min(highest);
    }
    let mut next = Vec::with_capacity(states.len());
    for (index, (pattern, state)) in patterns.iter().zip(states).enumerate() {
        let must_fit = index < wanted.fitting.len();
        let state = state.map(|state| pattern.automaton.next_state(state, byte));
        let state = state.filter(|&state| !pattern.automaton.is_match_state(state));
        match state {
            None if !must_fit => return None,
            Some(state) if must_fit && pattern.automaton.is_dead_state(state) => return None,
            Some(_) | None => next.push(state),
        }
    }
    Some((next, next_utf8, count))
}

fn spelled(from: &BTreeMap<State, Option<(State, u8)>>, mut state: State) -> String {
    let mut bytes = Vec::new();
    while let Some(Some((before, byte))) = from.get(&state) {
        bytes.push(*byte);
        state = before.clone();
    }
    bytes.reverse();
    String::from_utf8(bytes).unwrap_or_default()
}
