//! Where a fault can fall: every place at which the server hands something over to a table or to the world.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// What is handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A person's command into the inbox.
    Command,
    /// What drivers and gateways report into the inbox.
    Observation,
    /// A changed judgement into the inbox.
    Judgement,
    /// A turn's commit.
    Commit,
    /// The commit of another server, between what a turn has read and what it writes.
    Rival,
    /// A gate run.
    Gate,
    /// Work on data.
    Step,
    /// An announcement.
    Announcement,
    /// A performer's report of one of these.
    Report,
    /// The desired document to the drivers.
    Slots,
    /// The desired document to the gateways.
    Routes,
}

/// When the server dies, seen from the hand-over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Moment {
    /// Decided, or leased, and not done. A rival: it wins, and the turn is decided anew.
    Before,
    /// Done, and nobody was told. A rival: it wins and dies, and so does who lost.
    After,
    /// Done again: by a retry, by a second performer, or by a message that comes late. A rival: it wins twice in a row.
    Twice,
}

pub type Boundary = (Kind, Moment);

impl Kind {
    pub const ALL: [Self; 11] = [
        Self::Command,
        Self::Observation,
        Self::Judgement,
        Self::Commit,
        Self::Rival,
        Self::Gate,
        Self::Step,
        Self::Announcement,
        Self::Report,
        Self::Slots,
        Self::Routes,
    ];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::Observation => "observation",
            Self::Judgement => "judgement",
            Self::Commit => "commit",
            Self::Rival => "rival",
            Self::Gate => "gate",
            Self::Step => "step",
            Self::Announcement => "announcement",
            Self::Report => "report",
            Self::Slots => "slots",
            Self::Routes => "routes",
        }
    }
}

impl Moment {
    pub const ALL: [Self; 3] = [Self::Before, Self::After, Self::Twice];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::After => "after",
            Self::Twice => "twice",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Kind {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or(())
    }
}

impl FromStr for Moment {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|moment| moment.as_str() == text).ok_or(())
    }
}

/// Every boundary there is.
pub fn all() -> impl Iterator<Item = Boundary> {
    Kind::ALL
        .into_iter()
        .flat_map(|kind| Moment::ALL.map(|moment| (kind, moment)))
}

/// How often each was hit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hits(BTreeMap<Boundary, u64>);

impl Hits {
    pub fn count(&mut self, boundary: Boundary) {
        *self.0.entry(boundary).or_default() += 1;
    }

    pub fn add(&mut self, other: &Self) {
        for (boundary, hits) in &other.0 {
            *self.0.entry(*boundary).or_default() += hits;
        }
    }

    /// Boundaries that were hit at least once.
    #[must_use]
    pub fn distinct(&self) -> usize {
        self.0.len()
    }

    pub fn missing(&self) -> impl Iterator<Item = Boundary> {
        all().filter(|boundary| !self.0.contains_key(boundary))
    }
}
