//! The journal: who changed what, when and why; append-only, each row hashed together with the one before it.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// A row to append.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalEntry {
    pub at_ms: i64,
    pub actor: String,
    pub reason: String,
    pub kind: String,
    pub release: Option<String>,
    /// The one thing the row is about, such as a tenant.
    pub subject: Option<String>,
    /// Everything else it is about, such as the tenants that moved together. [`JournalFilter::Subject`] finds it by each.
    pub about: Vec<String>,
    pub body: String,
}

/// Leads from a thing to a row that is about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct About {
    pub subject: String,
    pub seq: i64,
}

/// A row as kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::FromRow)]
#[serde(deny_unknown_fields)]
pub struct JournalRow {
    pub service: String,
    /// Counts from 1 without a gap within the service.
    pub seq: i64,
    pub at_ms: i64,
    /// The service's generation after the transaction that appended the row.
    #[sqlx(try_from = "i64")]
    pub generation: u64,
    pub actor: String,
    pub reason: String,
    pub kind: String,
    pub release: Option<String>,
    pub subject: Option<String>,
    pub body: String,
    /// SHA-256 over the hash of the row before and every field of this one, in lower-case hexadecimal.
    pub hash: String,
}

/// Which rows of a service's journal are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JournalFilter<'a> {
    All,
    Release(&'a str),
    Subject(&'a str),
}

/// What a look at the whole chain found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JournalCheck {
    /// Every row is there and as it was written; of a compacted journal, every row behind its checkpoint.
    Whole { rows: i64 },
    /// The row with this number is the first that was changed, lost or slipped in.
    Broken { seq: i64 },
}

/// The last row that was dropped from a journal, by which the rest of it is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    pub seq: i64,
    pub hash: String,
}

/// Old rows of a journal as they were written to a file, one JSON document a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exported {
    pub rows: i64,
    /// When the first of them was written, and the last.
    pub from_ms: i64,
    pub until_ms: i64,
    pub bytes: u64,
    /// SHA-256 of the file, in lower-case hexadecimal.
    pub digest: String,
    /// The last of them.
    pub checkpoint: Checkpoint,
}

/// Where the rows that are kept begin, as the store has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct Beginning {
    pub seq: i64,
    pub hash: String,
    /// The row that tells what was dropped. It names the hash, and is itself hashed in the chain.
    pub told_by: i64,
}

impl Beginning {
    pub fn head(&self) -> Head {
        Head {
            seq: self.seq,
            hash: self.hash.clone(),
        }
    }

    /// Whether a row says what the checkpoint does; every other row says nothing of it.
    pub fn is_told(&self, row: &JournalRow) -> bool {
        row.seq != self.told_by || row.body.contains(&self.hash)
    }
}

/// Where a chain ends: the number and hash of its last row.
#[derive(Clone, Debug, Default, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct Head {
    pub seq: i64,
    pub hash: String,
}

impl Head {
    /// Makes the rows that continue the chain, and moves the head to the last of them.
    pub fn append(
        &mut self,
        service: &str,
        generation: u64,
        entries: &[JournalEntry],
    ) -> (Vec<JournalRow>, Vec<About>) {
        let mut rows = Vec::with_capacity(entries.len());
        let mut about = Vec::new();
        for entry in entries {
            let mut row = JournalRow {
                service: service.to_owned(),
                seq: self.seq + 1,
                at_ms: entry.at_ms,
                generation,
                actor: entry.actor.clone(),
                reason: entry.reason.clone(),
                kind: entry.kind.clone(),
                release: entry.release.clone(),
                subject: entry.subject.clone(),
                body: entry.body.clone(),
                hash: String::new(),
            };
            row.hash = hash(&self.hash, &row);
            self.seq = row.seq;
            self.hash.clone_from(&row.hash);
            let subjects: BTreeSet<&String> = entry.subject.iter().chain(&entry.about).collect();
            about.extend(subjects.into_iter().map(|subject| About {
                subject: subject.clone(),
                seq: row.seq,
            }));
            rows.push(row);
        }
        (rows, about)
    }

    /// Follows the chain over the next row; false where the row does not continue it.
    pub fn follow(&mut self, row: &JournalRow) -> bool {
        if row.seq != self.seq + 1 || row.hash != hash(&self.hash, row) {
            return false;
        }
        self.seq = row.seq;
        self.hash.clone_from(&row.hash);
        true
    }

    /// What to say of a chain followed to its end, when this is where it was written to end. It began behind row `dropped`.
    pub fn compare(&self, followed: &Self, dropped: i64) -> JournalCheck {
        if self == followed {
            JournalCheck::Whole {
                rows: self.seq - dropped,
            }
        } else {
            JournalCheck::Broken {
                seq: followed.seq.min(self.seq) + 1,
            }
        }
    }
}

/// Each field goes in with its length (an absent one as a length no text can have), so that no two rows look alike.
fn hash(previous: &str, row: &JournalRow) -> String {
    let mut hasher = Sha256::new();
    hasher.update(previous);
    for number in [row.seq, row.at_ms, row.generation.cast_signed()] {
        hasher.update(number.to_le_bytes());
    }
    let required = [&row.service, &row.actor, &row.reason, &row.kind, &row.body];
    let optional = [row.release.as_ref(), row.subject.as_ref()];
    for text in required.map(Some).into_iter().chain(optional) {
        let length = text.map_or(u64::MAX, |text| text.len() as u64);
        hasher.update(length.to_le_bytes());
        hasher.update(text.map_or("", String::as_str));
    }
    hexadecimal(&hasher.finalize())
}

pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
