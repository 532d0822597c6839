//! What is over, and older than somebody wants to keep it.

/// Which rows of a service may go, a batch of them. What is not over stays, however old it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Old<'a> {
    pub service: &'a str,
    /// Rows of before this instant.
    pub before_ms: i64,
    /// At the most so many, the oldest first.
    pub limit: u32,
}

impl Old<'_> {
    /// The names that go first: by their age, and by themselves where they are as old.
    pub(crate) fn first<A: Ord>(&self, found: impl Iterator<Item = (A, String)>) -> Vec<String> {
        let mut found: Vec<(A, String)> = found.collect();
        found.sort();
        found.truncate(self.limit as usize);
        found.into_iter().map(|(_, name)| name).collect()
    }
}
