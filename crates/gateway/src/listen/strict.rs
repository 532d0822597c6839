//! A second reader of HTTP/1.1 requests, which sees what the parser forgives.
//!
//! hyper understands a request with both `content-length` and `transfer-encoding`, with one length twice, or with bare line
//! feeds. It does so safely, but a proxy before the gateway may understand it otherwise, and the difference is a smuggled
//! request. So the framing is followed here beside hyper (RFC 9112 §6), byte for byte, and the first violation is hidden
//! from hyper behind zero bytes, which it refuses with 400 and the end of the connection.

#[cfg(test)]
mod tests;

/// Longest line of a head or a chunk header, in bytes. hyper has its own limit for the head as a whole.
const LINE_BYTES_MAX: usize = 64 * 1024;

/// Where in a stream of requests the last byte was.
#[derive(Debug)]
pub(super) struct Framing {
    state: State,
    /// The beginning of a line whose end has not come yet.
    line: Vec<u8>,
    head: Head,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    RequestLine,
    Headers,
    Body {
        left: u64,
    },
    ChunkSize,
    Chunk {
        left: u64,
    },
    ChunkEnd,
    Trailers,
    /// The bytes are not HTTP any more.
    Upgraded,
    Violated,
}

/// What the head under way has said about its body.
#[derive(Debug, Default, Clone, Copy)]
struct Head {
    length: Option<u64>,
    is_chunked: bool,
    is_upgrade: bool,
}

/// A request that can be understood in more than one way.
struct Violation;

impl Framing {
    pub(super) fn new() -> Self {
        Self {
            state: State::RequestLine,
            line: Vec::new(),
            head: Head::default(),
        }
    }

    /// Follows the next bytes of the stream. From the first violation on they are overwritten.
    pub(super) fn follow(&mut self, bytes: &mut [u8]) {
        let mut position = 0;
        // Where the request line or chunk begins that a violation would belong to.
        let mut begin = 0;
        while position < bytes.len() {
            match self.state {
                State::Violated => return bytes[begin..].fill(0),
                State::Upgraded => return,
                State::RequestLine | State::ChunkSize if self.line.is_empty() => begin = position,
                State::RequestLine
                | State::Headers
                | State::Body { .. }
                | State::ChunkSize
                | State::Chunk { .. }
                | State::ChunkEnd
                | State::Trailers => {}
            }
            position += self.step(&bytes[position..]);
        }
        if self.state == State::Violated {
            bytes[begin..].fill(0);
        }
    }

    /// Takes some bytes; returns how many.
    fn step(&mut self, bytes: &[u8]) -> usize {
        if let State::Body { left } | State::Chunk { left } = self.state {
            let taken = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
            let left = left - taken as u64;
            let is_chunk = matches!(self.state, State::Chunk { .. });
            self.state = match (is_chunk, left) {
                (true, 0) => State::ChunkEnd,
                (true, left) => State::Chunk { left },
                (false, 0) => State::RequestLine,
                (false, left) => State::Body { left },
            };
            return taken;
        }
        let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else {
            self.line.extend_from_slice(bytes);
            if self.line.len() > LINE_BYTES_MAX {
                self.state = State::Violated;
            }
            return bytes.len();
        };
        let next = if self.line.is_empty() {
            self.line_ended(&bytes[..end])
        } else {
            let mut line = std::mem::take(&mut self.line);
            line.extend_from_slice(&bytes[..end]);
            let next = self.line_ended(&line);
            // Kept for the next line that comes in pieces.
            line.clear();
            self.line = line;
            next
        };
        self.state = next.unwrap_or(State::Violated);
        end + 1
    }

    fn line_ended(&mut self, line: &[u8]) -> Result<State, Violation> {
        let line = line.strip_suffix(b"\r").ok_or(Violation)?;
        if line.contains(&b'\r') {
            return Err(Violation);
        }
        match self.state {
            // Empty lines before a request are to be ignored (RFC 9112 §2.2).
            State::RequestLine if line.is_empty() => Ok(State::RequestLine),
            State::RequestLine => {
                self.head = Head::default();
                Ok(State::Headers)
            }
            State::Headers if line.is_empty() => Ok(self.head.body()),
            State::Headers => self.head.header(line).map(|()| State::Headers),
            State::ChunkSize => Ok(match chunk_size(line)? {
                0 => State::Trailers,
                left => State::Chunk { left },
            }),
            State::ChunkEnd if line.is_empty() => Ok(State::ChunkSize),
            State::ChunkEnd => Err(Violation),
            State::Trailers if line.is_empty() => Ok(self.head.after()),
            State::Trailers => Ok(State::Trailers),
            state @ (State::Body { .. } | State::Chunk { .. } | State::Upgraded | State::Violated) => Ok(state),
        }
    }
}

impl Head {
    fn header(&mut self, line: &[u8]) -> Result<(), Violation> {
        let colon = line.iter().position(|byte| *byte == b':').ok_or(Violation)?;
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        if name.iter().any(u8::is_ascii_whitespace) {
            return Err(Violation);
        }
        if name.eq_ignore_ascii_case(b"content-length") {
            if self.length.is_some() || self.is_chunked {
                return Err(Violation);
            }
            self.length = Some(number(value, 10)?);
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            if self.length.is_some() || self.is_chunked || !value.eq_ignore_ascii_case(b"chunked") {
                return Err(Violation);
            }
            self.is_chunked = true;
        } else if name.eq_ignore_ascii_case(b"upgrade") {
            self.is_upgrade = true;
        }
        Ok(())
    }

    fn body(self) -> State {
        match self.length {
            Some(left) if left > 0 => State::Body { left },
            Some(_) | None if self.is_chunked => State::ChunkSize,
            Some(_) | None => self.after(),
        }
    }

    /// A request that asks for another protocol is the last one to be understood here: the gateway closes the connection
    /// after it, unless the protocol changes.
    fn after(self) -> State {
        if self.is_upgrade {
            State::Upgraded
        } else {
            State::RequestLine
        }
    }
}

/// A size in hexadecimal, and perhaps extensions, which nobody uses.
fn chunk_size(line: &[u8]) -> Result<u64, Violation> {
    let size = line.split(|byte| *byte == b';').next().unwrap_or_default();
    number(size.trim_ascii_end(), 16)
}

/// Digits and nothing else.
fn number(text: &[u8], radix: u32) -> Result<u64, Violation> {
    if text.is_empty() || !text.iter().all(|byte| char::from(*byte).is_digit(radix)) {
        return Err(Violation);
    }
    let text = std::str::from_utf8(text).map_err(|_| Violation)?;
    u64::from_str_radix(text, radix).map_err(|_| Violation)
}
