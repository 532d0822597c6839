//! A conversation with a server that takes mail, line by line (RFC 5321).

use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader};

use super::super::Outcome;
use super::super::words::{cut, one_line};

/// More than the 512 bytes that a line may have, for servers that do not count.
const LINE_BYTES_MAX: u64 = 4_096;
const LINES_MAX: usize = 100;
const ANSWER_CHARACTERS_SHOWN: usize = 200;

pub(super) struct Conversation<'a, S> {
    stream: BufReader<S>,
    server: &'a str,
}

/// What a server has said.
pub(super) struct Reply {
    pub code: u16,
    /// Without the code.
    pub lines: Vec<String>,
}

/// What a code is about, by its first digit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    Done,
    GoOn,
    NotNow,
    Never,
}

impl Reply {
    pub fn meaning(&self) -> Meaning {
        match self.code / 100 {
            2 => Meaning::Done,
            3 => Meaning::GoOn,
            5 => Meaning::Never,
            _ => Meaning::NotNow,
        }
    }
}

impl<'a, S: AsyncRead + AsyncWrite + Unpin> Conversation<'a, S> {
    pub fn new(server: &'a str, stream: S) -> Self {
        let stream = BufReader::new(stream);
        Self { stream, server }
    }

    /// What the server says next.
    pub async fn reply(&mut self) -> Result<Reply, Outcome> {
        let mut lines = Vec::new();
        while lines.len() < LINES_MAX {
            let line = self.line().await?;
            let code = line.get(..3).and_then(|code| code.parse::<u16>().ok());
            let Some(code) = code.filter(|code| (200..600).contains(code)) else {
                return Err(self.no_mail_server());
            };
            lines.push(line.get(4..).unwrap_or_default().to_owned());
            match line.as_bytes().get(3) {
                Some(b'-') => {}
                Some(b' ') | None => return Ok(Reply { code, lines }),
                Some(_) => break,
            }
        }
        Err(self.no_mail_server())
    }

    async fn line(&mut self) -> Result<String, Outcome> {
        let mut line = Vec::new();
        let mut limited = (&mut self.stream).take(LINE_BYTES_MAX);
        let read = limited.read_until(b'\n', &mut line).await;
        read.map_err(|error| Outcome::retry(format!("{} broke off: {error}", self.server)))?;
        if line.last() != Some(&b'\n') {
            return Err(Outcome::retry(format!("{} broke off", self.server)));
        }
        Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
    }

    fn no_mail_server(&self) -> Outcome {
        Outcome::retry(format!("{} does not speak as a server for mail does", self.server))
    }

    pub async fn ask(&mut self, command: &str) -> Result<Reply, Outcome> {
        self.write(format!("{command}\r\n").as_bytes()).await?;
        self.reply().await
    }

    /// The mail, of which no line is the one that ends it.
    pub async fn mail(&mut self, bytes: &[u8]) -> Result<Reply, Outcome> {
        let mut text = Vec::with_capacity(bytes.len() + 64);
        let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        for line in bytes.split(|byte| *byte == b'\n') {
            if line.first() == Some(&b'.') {
                text.push(b'.');
            }
            text.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line));
            text.extend_from_slice(b"\r\n");
        }
        text.extend_from_slice(b".\r\n");
        self.write(&text).await?;
        self.reply().await
    }

    /// Says good-bye, and does not wait for the answer.
    pub async fn quit(mut self) {
        // Whatever comes of it, the mail is delivered or it is not.
        let _ = self.write(b"QUIT\r\n").await;
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), Outcome> {
        let broken = |error| Outcome::retry(format!("{} broke off: {error}", self.server));
        self.stream.write_all(bytes).await.map_err(broken)?;
        self.stream.flush().await.map_err(broken)
    }

    /// The connection itself, to be encrypted. Whatever was said before the encryption may be anybody's, so nothing of it may be left over:
    /// it would be taken for an answer of whom the certificate proves.
    pub fn into_stream(self) -> Result<S, Outcome> {
        if self.stream.buffer().is_empty() {
            return Ok(self.stream.into_inner());
        }
        Err(Outcome::retry(format!(
            "{} said more than it was asked before the connection was encrypted",
            self.server
        )))
    }

    /// What an answer that is not the wanted one means: 4xx is for now, 5xx for good (section 4.2.1).
    pub fn unwanted(&self, reply: &Reply, asked: &str) -> Outcome {
        let words = cut(&one_line(&reply.lines.join(" ")), ANSWER_CHARACTERS_SHOWN);
        let reason = format!("{} answered {asked} with {} {words}", self.server, reply.code);
        match reply.meaning() {
            Meaning::Never => Outcome::refused(reason.trim_end()),
            Meaning::Done | Meaning::GoOn | Meaning::NotNow => Outcome::retry(reason.trim_end()),
        }
    }
}

#[cfg(test)]
mod tests;
