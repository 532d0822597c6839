//! The Markdown of a change, as far as Tidegate looks at it: headings, fenced code, and HTML. What else stands in it is the
//! author's.

use std::ops::Range;

use crate::change::Audience;

/// What stands below the front matter.
#[derive(Debug, Default)]
pub(super) struct Body<'a> {
    /// Headings of level 1; the first is the title.
    pub(super) titles: Vec<Heading<'a>>,
    /// In the order of the file.
    pub(super) sections: Vec<Section<'a>>,
    /// The first line of text that belongs to no section.
    pub(super) stray: Option<Range<usize>>,
    /// A code block without an end: what comes after it is no text.
    pub(super) open_fence: Option<Range<usize>>,
    /// HTML tags and comments outside of code.
    pub(super) html: Vec<Range<usize>>,
    /// Where the text begins.
    pub(super) start: usize,
}

#[derive(Debug)]
pub(super) struct Heading<'a> {
    pub(super) text: &'a str,
    pub(super) span: Range<usize>,
}

/// A heading of level 2 and what stands below it.
#[derive(Debug)]
pub(super) struct Section<'a> {
    pub(super) heading: Heading<'a>,
    text: &'a str,
}

/// A block of code that has not ended.
struct Fence {
    mark: char,
    length: usize,
    span: Range<usize>,
}

impl<'a> Body<'a> {
    /// Reads `text` from the byte `start` on.
    pub(super) fn read(text: &'a str, start: usize) -> Self {
        let mut body = Self {
            start,
            ..Self::default()
        };
        let mut fence: Option<Fence> = None;
        let mut section_start = start;
        for span in lines(text, start) {
            let line = &text[span.clone()];
            if let Some(open) = &fence {
                if open.is_closed_by(line) {
                    fence = None;
                }
                continue;
            }
            fence = Fence::opened_by(line, &span);
            if let Some((1, heading)) = heading(line) {
                body.titles.push(Heading {
                    text: heading,
                    span: visible(line, &span),
                });
            } else if let Some((2, heading)) = heading(line) {
                body.close_section(&text[section_start..span.start]);
                section_start = span.end;
                let heading = Heading {
                    text: heading,
                    span: visible(line, &span),
                };
                body.sections.push(Section { heading, text: "" });
            } else {
                if body.sections.is_empty() && !line.trim().is_empty() {
                    body.stray.get_or_insert_with(|| visible(line, &span));
                }
                body.html.extend(html(line, span.start));
            }
        }
        body.close_section(&text[section_start..]);
        body.open_fence = fence.map(|fence| fence.span);
        body
    }

    fn close_section(&mut self, text: &'a str) {
        if let Some(section) = self.sections.last_mut() {
            section.text = text;
        }
    }
}

impl Section<'_> {
    pub(super) fn audience(&self) -> Option<Audience> {
        let is_it = |audience: &Audience| audience.heading().eq_ignore_ascii_case(self.heading.text);
        Audience::ALL.into_iter().find(is_it)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.text.trim().is_empty()
    }

    /// The text without what surrounds it, with one kind of line end.
    pub(super) fn markdown(&self) -> String {
        let lines: Vec<&str> = self.text.lines().map(str::trim_end).collect();
        lines.join("\n").trim_matches('\n').to_owned()
    }
}

/// The lines of `text` from `start` on, without their ends.
pub(super) fn lines(text: &str, start: usize) -> impl Iterator<Item = Range<usize>> {
    let mut next = start;
    text[start..].split_inclusive('\n').map(move |line| {
        let begin = next;
        next += line.len();
        begin..begin + line.trim_end_matches(['\n', '\r']).len()
    })
}

fn visible(line: &str, span: &Range<usize>) -> Range<usize> {
    let indent = line.len() - line.trim_start().len();
    span.start + indent..span.start + line.trim_end().len()
}

/// Level and text of a heading with `#`. Four spaces before it make code of it.
fn heading(line: &str) -> Option<(usize, &str)> {
    let text = line.trim_start_matches(' ');
    let rest = text.trim_start_matches('#');
    let level = text.len() - rest.len();
    let is_heading = (1..=6).contains(&level)
        && line.len() - text.len() <= 3
        && (rest.trim().is_empty() || rest.starts_with([' ', '\t']));
    let title = rest.trim();
    let closed = title.trim_end_matches('#');
    let title = if closed.is_empty() || closed.ends_with([' ', '\t']) {
        closed.trim()
    } else {
        title
    };
    is_heading.then_some((level, title))
}

impl Fence {
    fn opened_by(line: &str, span: &Range<usize>) -> Option<Self> {
        let text = line.trim_start_matches(' ');
        let mark = text.chars().next().filter(|mark| matches!(mark, '`' | '~'))?;
        let rest = text.trim_start_matches(mark);
        let length = text.len() - rest.len();
        let opens = line.len() - text.len() <= 3 && length >= 3 && (mark == '~' || !rest.contains('`'));
        opens.then(|| Self {
            mark,
            length,
            span: visible(line, span),
        })
    }

    fn is_closed_by(&self, line: &str) -> bool {
        let text = line.trim_start_matches(' ');
        let rest = text.trim_start_matches(self.mark);
        line.len() - text.len() <= 3 && text.len() - rest.len() >= self.length && rest.trim().is_empty()
    }
}

/// The tags and comments of a line that begins at the byte `offset`, but for what stands in backticks.
fn html(line: &str, offset: usize) -> Vec<Range<usize>> {
    if line.starts_with("    ") || line.starts_with('\t') {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(rest) = line.get(at..) {
        let Some(next) = rest.find(['`', '<']) else { break };
        let rest = &rest[next..];
        at += next;
        if rest.starts_with('`') {
            at += code_length(rest);
        } else if let Some(length) = tag_length(rest) {
            found.push(offset + at..offset + at + length);
            at += length;
        } else {
            at += 1;
        }
    }
    found
}

/// The length of the code that begins with these backticks; of the backticks alone where it does not end on this line.
fn code_length(text: &str) -> usize {
    let ticks = text.len() - text.trim_start_matches('`').len();
    let mut at = ticks;
    while let Some(next) = text[at..].find('`') {
        let run = &text[at + next..];
        let length = run.len() - run.trim_start_matches('`').len();
        at += next + length;
        if length == ticks {
            return at;
        }
    }
    ticks
}

/// The length of the tag or comment that begins with this `<`; addresses such as `<https://example.com>` are none.
fn tag_length(text: &str) -> Option<usize> {
    if text.starts_with("<!--") {
        return Some(text.find("-->").map_or(text.len(), |end| end + 3));
    }
    let name = text[1..].trim_start_matches('/');
    let length = name
        .bytes()
        .take_while(|b| b.is_ascii_alphanumeric() || *b == b'-')
        .count();
    let is_name = name.bytes().next().is_some_and(|b| b.is_ascii_alphabetic());
    let after = name[length..].chars().next()?;
    let ends = matches!(after, '>' | '/') || after.is_whitespace();
    let end = text.find('>')?;
    (is_name && ends).then_some(end + 1)
}
