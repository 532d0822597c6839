//! JSON as it is compared (RFC 8259): numbers keep their digits, a key that stands twice is an error, nesting is bounded.
//!
//! A reader that builds `f64` takes `2^64 + 1` and `2^64 + 2` for one number and refuses `1e999`; one that keeps the last of two
//! equal keys hides the first. Both would be differences that nobody sees.

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::record::Misread;

/// Deeper values are not read: what walks them is recursive, and no answer of a service is so deep.
pub const DEPTH_MAX: usize = 128;

/// A value, as far as possible borrowed from its text.
#[derive(Debug, Clone, PartialEq)]
pub enum Json<'a> {
    Null,
    Bool(bool),
    /// As it is written.
    Number(&'a str),
    Text(Cow<'a, str>),
    Array(Vec<Json<'a>>),
    Object(BTreeMap<Cow<'a, str>, Json<'a>>),
}

/// Reads a text from its start to its end.
#[derive(Debug)]
pub struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Json<'a> {
    /// The one value of `text`.
    ///
    /// # Errors
    ///
    /// What is no JSON, a key that stands twice in an object, and values deeper than [`DEPTH_MAX`].
    pub fn read(text: &'a str) -> Result<Self, Misread> {
        let mut reader = Reader::new(text);
        let value = reader.value()?;
        reader.end()?;
        Ok(value)
    }

    /// The digits of a number.
    pub fn number(&self) -> Option<&'a str> {
        match self {
            Self::Number(digits) => Some(digits),
            Self::Null | Self::Bool(_) | Self::Text(_) | Self::Array(_) | Self::Object(_) => None,
        }
    }

    /// The characters of a string.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::Array(_) | Self::Object(_) => None,
        }
    }

    /// `null`, `boolean`, `number`, `string`, `array` or `object`.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "boolean",
            Self::Number(_) => "number",
            Self::Text(_) => "string",
            Self::Array(_) => "array",
            Self::Object(_) => "object",
        }
    }
}

impl<'a> Reader<'a> {
    pub fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// Bytes that were read.
    pub fn at(&self) -> usize {
        self.at
    }

    pub fn value(&mut self) -> Result<Json<'a>, Misread> {
        self.nested(0)
    }

    /// Refuses anything but space.
    pub fn end(&mut self) -> Result<(), Misread> {
        match self.next_token() {
            None => Ok(()),
            Some(_) => Err(self.misread("there is more behind the value", "write one JSON value")),
        }
    }

    /// Reads an object, `member` the value of each key.
    pub fn members(
        &mut self,
        mut member: impl FnMut(&mut Self, Cow<'a, str>) -> Result<(), Misread>,
    ) -> Result<(), Misread> {
        self.expect(b'{')?;
        if self.takes(b'}') {
            return Ok(());
        }
        loop {
            self.next_token();
            let key = self.string()?;
            self.expect(b':')?;
            member(self, key)?;
            if !self.takes(b',') {
                return self.expect(b'}');
            }
        }
    }

    pub fn misread(&self, problem: impl Into<String>, remedy: &'static str) -> Misread {
        Misread {
            column: self.text[..self.at].chars().count() + 1,
            problem: problem.into(),
            remedy,
        }
    }

    /// What was read since `start`.
    pub fn since(&self, start: usize) -> &'a str {
        self.text[start..self.at].trim()
    }

    fn nested(&mut self, depth: usize) -> Result<Json<'a>, Misread> {
        if depth > DEPTH_MAX {
            return Err(self.misread(
                format!("values are nested deeper than {DEPTH_MAX}"),
                "record the body as a string: it is compared by bytes then",
            ));
        }
        match self.next_token() {
            Some(b'{') => {
                let mut members = BTreeMap::new();
                self.members(|reader, key| {
                    if members.contains_key(&key) {
                        return Err(
                            reader.misread(format!("the key `{}` stands twice", clipped(&key)), "write it once")
                        );
                    }
                    members.insert(key, reader.nested(depth + 1)?);
                    Ok(())
                })?;
                Ok(Json::Object(members))
            }
            Some(b'[') => self.array(depth),
            Some(b'"') => Ok(Json::Text(self.string()?)),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", Json::Bool(true)),
            Some(b'f') => self.word("false", Json::Bool(false)),
            Some(b'n') => self.word("null", Json::Null),
            Some(_) => Err(self.misread("no JSON value begins so", "write valid JSON")),
            None => Err(self.misread("the text ends before the value", "write the whole value")),
        }
    }

    fn array(&mut self, depth: usize) -> Result<Json<'a>, Misread> {
        self.expect(b'[')?;
        let mut elements = Vec::new();
        if self.takes(b']') {
            return Ok(Json::Array(elements));
        }
        loop {
            elements.push(self.nested(depth + 1)?);
            if !self.takes(b',') {
                self.expect(b']')?;
                return Ok(Json::Array(elements));
            }
        }
    }

    fn word(&mut self, word: &str, value: Json<'a>) -> Result<Json<'a>, Misread> {
        if !self.text[self.at..].starts_with(word) {
            return Err(self.misread("no JSON value begins so", "write `true`, `false` or `null`"));
        }
        self.at += word.len();
        Ok(value)
    }

    fn number(&mut self) -> Result<Json<'a>, Misread> {
        let start = self.at;
        self.at += usize::from(self.byte() == Some(b'-'));
        let leads_with_zero = self.byte() == Some(b'0');
        let mut right = match self.digits() {
            0 => false,
            digits => digits == 1 || !leads_with_zero,
        };
        if self.byte() == Some(b'.') {
            self.at += 1;
            right &= self.digits() > 0;
        }
        if matches!(self.byte(), Some(b'e' | b'E')) {
            self.at += 1;
            self.at += usize::from(matches!(self.byte(), Some(b'+' | b'-')));
            right &= self.digits() > 0;
        }
        if right {
            Ok(Json::Number(&self.text[start..self.at]))
        } else {
            Err(self.misread("this is no JSON number", "write it as `12`, `-0.5` or `1e6`"))
        }
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while self.byte().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        self.at - start
    }

    fn string(&mut self) -> Result<Cow<'a, str>, Misread> {
        if self.byte() != Some(b'"') {
            return Err(self.misread("a string was expected", "put it in double quotes"));
        }
        self.at += 1;
        let mut start = self.at;
        let mut unescaped = String::new();
        loop {
            match self.byte() {
                Some(b'"') => {
                    let rest = &self.text[start..self.at];
                    self.at += 1;
                    if unescaped.is_empty() {
                        return Ok(Cow::Borrowed(rest));
                    }
                    unescaped.push_str(rest);
                    return Ok(Cow::Owned(unescaped));
                }
                Some(b'\\') => {
                    unescaped.push_str(&self.text[start..self.at]);
                    self.at += 1;
                    unescaped.push(self.escape()?);
                    start = self.at;
                }
                Some(0..=0x1f) => return Err(self.misread("a control character in a string", "write it as `\\u00XX`")),
                Some(_) => self.at += 1,
                None => return Err(self.misread("the text ends within a string", "write the whole value")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Misread> {
        let character = match self.byte() {
            Some(b'u') => {
                self.at += 1;
                return self.unicode();
            }
            Some(byte @ (b'"' | b'\\' | b'/')) => char::from(byte),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(_) | None => return Err(self.misread("JSON has no such escape", "write a backslash as `\\\\`")),
        };
        self.at += 1;
        Ok(character)
    }

    fn unicode(&mut self) -> Result<char, Misread> {
        let mut code = self.hexadecimal()?;
        if (0xd800..0xdc00).contains(&code) && self.text[self.at..].starts_with("\\u") {
            self.at += 2;
            let low = self.hexadecimal()?;
            if (0xdc00..0xe000).contains(&low) {
                code = 0x1_0000 + ((code - 0xd800) << 10) + (low - 0xdc00);
            }
        }
        char::from_u32(code).ok_or_else(|| self.misread("half a pair of surrogates", "write both halves"))
    }

    fn hexadecimal(&mut self) -> Result<u32, Misread> {
        let digits = self.text.get(self.at..self.at + 4);
        let digits = digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        match digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()) {
            Some(code) => {
                self.at += 4;
                Ok(code)
            }
            None => Err(self.misread("`\\u` without four hexadecimal digits", "write it as `\\u00e9`")),
        }
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// The first byte that is no space.
    pub fn next_token(&mut self) -> Option<u8> {
        while matches!(self.byte(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
        self.byte()
    }

    fn takes(&mut self, byte: u8) -> bool {
        let is_next = self.next_token() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    fn expect(&mut self, byte: u8) -> Result<(), Misread> {
        if self.takes(byte) {
            return Ok(());
        }
        Err(self.misread(format!("`{}` was expected", char::from(byte)), "write valid JSON"))
    }
}

/// The start of a text that may be long.
fn clipped(text: &str) -> String {
    text.chars().take(40).collect()
}
