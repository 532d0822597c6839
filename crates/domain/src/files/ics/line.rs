//! One line of a calendar file: `NAME;PARAMETER=VALUE:value` (RFC 5545, 3.1).

use std::borrow::Cow;
use std::ops::Range;
use std::str::FromStr;

use jiff::civil::Date;

use crate::files::diagnostic::{Code, Finding, Report, shown};

/// A line as it was before it was folded, and where it stands.
pub(super) struct Unfolded<'t> {
    pub(super) text: Cow<'t, str>,
    pub(super) span: Range<usize>,
}

/// Lines that begin with a space or a tab go on with the line before. Empty lines are left out.
pub(super) fn unfold(text: &str) -> impl Iterator<Item = Unfolded<'_>> {
    let mut rest = text.strip_prefix('\u{feff}').unwrap_or(text);
    std::iter::from_fn(move || {
        loop {
            let start = text.len() - rest.len();
            let (first, mut after) = next_line(rest)?;
            let mut line = Cow::Borrowed(first);
            let mut end = start + first.len();
            while let Some((folded, further)) = next_line(after).filter(|(line, _)| line.starts_with([' ', '\t'])) {
                line.to_mut().push_str(&folded[1..]);
                end = text.len() - after.len() + folded.len();
                after = further;
            }
            rest = after;
            if !line.trim().is_empty() {
                let span = start..end;
                return Some(Unfolded { text: line, span });
            }
        }
    })
}

/// The first line, without its end, and what comes after it.
fn next_line(text: &str) -> Option<(&str, &str)> {
    if text.is_empty() {
        return None;
    }
    let (line, rest) = text.split_once('\n').unwrap_or((text, ""));
    Some((line.strip_suffix('\r').unwrap_or(line), rest))
}

/// A line, taken apart.
pub(super) struct Line<'l> {
    /// In capitals.
    pub(super) name: String,
    pub(super) parameters: Vec<&'l str>,
    pub(super) value: Cow<'l, str>,
    pub(super) span: Range<usize>,
    /// How many bytes of the line come before its value.
    head: usize,
}

impl<'l> Line<'l> {
    pub(super) fn read(line: &'l Unfolded<'_>) -> Result<Self, Finding> {
        let text = line.text.as_ref();
        let mut is_quoted = false;
        let mut cuts = vec![0];
        let mut colon = None;
        for (place, byte) in text.bytes().enumerate() {
            match byte {
                b'"' => is_quoted = !is_quoted,
                b';' if !is_quoted => cuts.push(place + 1),
                b':' if !is_quoted => {
                    colon = Some(place);
                    break;
                }
                _ => {}
            }
        }
        let is_name = |name: &str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        let head = colon.map(|colon| {
            let ends = cuts[1..].iter().map(|cut| cut - 1).chain([colon]);
            cuts.iter()
                .zip(ends)
                .map(|(start, end)| &text[*start..end])
                .collect::<Vec<_>>()
        });
        let (Some(colon), Some([name, parameters @ ..])) = (colon, head.as_deref()) else {
            return Err(no_line(line));
        };
        if !is_name(name) {
            return Err(no_line(line));
        }
        Ok(Self {
            name: name.to_ascii_uppercase(),
            parameters: parameters.to_vec(),
            value: Cow::Borrowed(text[colon + 1..].trim()),
            span: line.span.clone(),
            head: colon + 1,
        })
    }

    /// Where the value stands, or the part of it before a fold.
    pub(super) fn value_span(&self) -> Range<usize> {
        let start = (self.span.start + self.head).min(self.span.end);
        start..self.span.end
    }

    /// The day of a property that is a date.
    pub(super) fn date(&self, report: &mut Report<'_>) -> Option<Date> {
        let date = date(&self.value);
        let has_time = self.value.contains('T')
            || self
                .parameters
                .iter()
                .any(|parameter| parameter.eq_ignore_ascii_case("VALUE=DATE-TIME"));
        if has_time {
            let finding = Finding::error(Code::Ics, &self.value_span(), "a holiday has no time of day".to_owned());
            report.push(finding.help(format!("write the day alone: `{};VALUE=DATE:20261225`", self.name)));
            return None;
        }
        if date.is_none() {
            let message = format!("{} is not a day", shown(&self.value));
            let finding = Finding::error(Code::Ics, &self.value_span(), message);
            report.push(finding.help(format!(
                "write year, month and day: `{};VALUE=DATE:20261225`",
                self.name
            )));
        }
        date
    }

    /// Text without its escapes (RFC 5545, 3.3.11).
    pub(super) fn text(&self) -> String {
        let mut text = String::with_capacity(self.value.len());
        let mut chars = self.value.chars();
        while let Some(c) = chars.next() {
            match c {
                '\\' => match chars.next() {
                    Some('n' | 'N') => text.push(' '),
                    Some(escaped) => text.push(escaped),
                    None => {}
                },
                c if c.is_control() => text.push(' '),
                c => text.push(c),
            }
        }
        text.trim().to_owned()
    }
}

fn no_line(line: &Unfolded<'_>) -> Finding {
    let message = format!("{} is no line of a calendar file", shown(line.text.trim()));
    let finding = Finding::error(Code::Ics, &line.span, message);
    finding.help("a line is a name, a colon and a value, such as `SUMMARY:Christmas Day`; one that goes on with the line before begins with a space")
}

/// `YYYYMMDD`.
fn date(text: &str) -> Option<Date> {
    if text.len() != 8 || !text.is_ascii() {
        return None;
    }
    let (year, rest) = text.split_at(4);
    let (month, day) = rest.split_at(2);
    Date::new(digits(year, 4)?, digits(month, 2)?, digits(day, 2)?).ok()
}

/// A number of exactly `count` digits.
pub(super) fn digits<T: FromStr>(text: &str, count: usize) -> Option<T> {
    let are_digits = text.len() == count && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|_| are_digits)
}
