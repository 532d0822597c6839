//! What a program prints on one of its outputs: all of it, or its beginning and its end where it is long.

use std::collections::VecDeque;
use std::io;

use tokio::fs::File;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};

/// What is longer is no longer kept whole.
pub(in crate::gates) const WHOLE_BYTES_MAX: usize = 4_000_000;
/// The end of what is longer.
const END_BYTES_MAX: usize = 1_000_000;
/// Of the last line that was written.
const LAST_WORDS_BYTES_MAX: usize = 500;

#[derive(Debug, Default)]
pub(in crate::gates) struct Printed {
    beginning: Vec<u8>,
    end: VecDeque<u8>,
    left_out: u64,
    /// Gets the beginning as it comes, so that a person can follow it, and the rest when it is closed.
    file: Option<File>,
}

impl Printed {
    /// Kept in this file too.
    pub fn into(file: File) -> Self {
        Self {
            file: Some(file),
            ..Self::default()
        }
    }

    /// Takes all there is. What is not kept is read too: nobody waits for us to do so.
    pub(super) async fn fill(&mut self, from: Option<impl AsyncRead + Unpin>) -> io::Result<()> {
        let Some(mut from) = from else { return Ok(()) };
        let mut buffer = vec![0; 8_192];
        loop {
            let count = from.read(&mut buffer).await?;
            if count == 0 {
                return Ok(());
            }
            let room = WHOLE_BYTES_MAX - self.beginning.len();
            let (first, rest) = buffer[..count].split_at(room.min(count));
            self.beginning.extend(first);
            if let Some(file) = &mut self.file
                && !first.is_empty()
            {
                file.write_all(first).await?;
                file.flush().await?;
            }
            self.end.extend(rest);
            let surplus = self.end.len().saturating_sub(END_BYTES_MAX);
            self.end.drain(..surplus);
            self.left_out += surplus as u64;
        }
    }

    /// Ends its file, where it has one.
    pub async fn close(&mut self) -> io::Result<()> {
        let Some(mut file) = self.file.take() else {
            return Ok(());
        };
        if self.left_out > 0 {
            let words = format!("\n[{} bytes are left out here]\n", self.left_out);
            file.write_all(words.as_bytes()).await?;
        }
        file.write_all(self.end.make_contiguous()).await?;
        file.flush().await
    }

    /// All that was printed; `None` where that is more than is kept whole.
    pub fn whole(&self) -> Option<&[u8]> {
        self.end.is_empty().then_some(&self.beginning)
    }

    /// The last line that says something.
    pub fn last_line(&self) -> Option<String> {
        let backwards = self.end.iter().rev().chain(self.beginning.iter().rev());
        let mut tail: Vec<u8> = backwards.take(LAST_WORDS_BYTES_MAX).copied().collect();
        tail.reverse();
        let text = String::from_utf8_lossy(&tail);
        let last = text.lines().rfind(|line| !line.trim().is_empty());
        last.map(|line| line.trim().to_owned())
    }
}

#[cfg(test)]
mod tests;
