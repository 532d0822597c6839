//! A YAML document as a tree in which every key and value knows where it was written.
//!
//! Read is the part of YAML that every reader understands alike: mappings with plain keys, lists, text, decimal numbers,
//! `true`, `false`. Anchors, aliases, merge keys, tags, several documents and numbers that other readers take for
//! something else (`010`, `0x1F`) are refused, so no file can grow when it is read.

use std::collections::BTreeMap;
use std::ops::Range;

use granit_parser::{Event, Parser, ScalarStyle, Span};

use super::diagnostic::{Code, Finding, Report, shown};
use super::{CUSTOMERS_FILE, Source, TENANTS_FILE, folder_and_name};

mod scalar;
mod typed;

/// People write no larger files.
pub const BYTES_MAX: usize = 4 * 1024 * 1024;
/// Keys and values together.
pub const NODES_MAX: usize = 500_000;
/// Of `tenants.yaml` and `customers.yaml`, which programs write: a million tenants with labels are about 100 MB.
pub const ROWS_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Keys and values of such a file: some 15 for a tenant.
pub const ROWS_NODES_MAX: usize = 32_000_000;
/// Mappings and lists inside each other. The checks recurse, so this bounds the stack as well.
pub const DEPTH_MAX: usize = 64;

/// The keys of a mapping are compared one by one up to this many.
const KEYS_FEW: usize = 16;

/// How much of a file is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Limits {
    bytes: usize,
    nodes: usize,
}

impl Limits {
    fn of(path: &str) -> Self {
        match folder_and_name(path).1 {
            TENANTS_FILE | CUSTOMERS_FILE => Self {
                bytes: ROWS_BYTES_MAX,
                nodes: ROWS_NODES_MAX,
            },
            _ => Self {
                bytes: BYTES_MAX,
                nodes: NODES_MAX,
            },
        }
    }
}

/// How many bytes are read of the file at a path.
#[must_use]
pub fn bytes_max(path: &str) -> usize {
    Limits::of(path).bytes
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub(super) span: Range<usize>,
    pub(super) value: Value,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Null,
    Boolean(bool),
    Number(serde_json::Number),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
    /// Something whose mistake is reported already; nothing more is said about it.
    Refused,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) key_span: Range<usize>,
    pub(super) value: Node,
}

impl Node {
    pub(super) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    pub(super) fn field(&self, key: &str) -> Option<&Self> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The text of a field that holds text.
    pub(super) fn text_of(&self, key: &str) -> Option<&str> {
        self.field(key)?.text()
    }

    /// The entries of a field that holds a list; none where it does not.
    pub(super) fn items_of(&self, key: &str) -> &[Self] {
        self.field(key).map_or(&[], Self::items)
    }

    /// The entries of a field that holds a mapping; none where it does not.
    pub(super) fn entries_of(&self, key: &str) -> &[Entry] {
        self.field(key).map_or(&[], Self::entries)
    }

    pub(super) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            Value::Null | Value::Boolean(_) | Value::Number(_) | Value::List(_) | Value::Map(_) | Value::Refused => {
                None
            }
        }
    }

    pub(super) fn items(&self) -> &[Self] {
        match &self.value {
            Value::List(items) => items,
            Value::Null | Value::Boolean(_) | Value::Number(_) | Value::Text(_) | Value::Map(_) | Value::Refused => &[],
        }
    }

    pub(super) fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Map(entries) => entries,
            Value::Null | Value::Boolean(_) | Value::Number(_) | Value::Text(_) | Value::List(_) | Value::Refused => {
                &[]
            }
        }
    }

    /// What a caret points at: of a mapping its first key, of anything else all of it.
    pub(super) fn first_span(&self) -> Range<usize> {
        self.entries()
            .first()
            .map_or_else(|| self.span.clone(), |entry| entry.key_span.clone())
    }
}

/// Reads the one document of a source. `None` where what stands there can not be made into a tree; the report says why.
pub(super) fn read(report: &mut Report<'_>) -> Option<Node> {
    let source = report.source();
    read_part(report, &source.text)
}

/// The same, of a source of which only the beginning, `text`, is YAML.
pub(super) fn read_part(report: &mut Report<'_>, text: &str) -> Option<Node> {
    let source = report.source();
    if let Some(finding) = unreadable(source) {
        report.push(finding);
        return None;
    }
    let options = granit_parser::options! {
        disallow_directives: true,
        flow_nesting_limit: DEPTH_MAX,
        block_nesting_limit: DEPTH_MAX,
        emit_unresolved_aliases: true,
    };
    let mut builder = Builder {
        source,
        open: Vec::new(),
        root: None,
        nodes: 0,
        nodes_max: Limits::of(&source.path).nodes,
        report,
    };
    for event in Parser::new_from_str_with_options(text, options) {
        let outcome = match event {
            Ok((event, span)) => builder.event(event, &span),
            Err(error) => Err(scalar::explain(&error, text)),
        };
        if let Err(finding) = outcome {
            builder.report.push(finding);
            return None;
        }
    }
    if builder.root.is_none() {
        let finding = Finding::of_file(Code::Yaml, "the file is empty".to_owned());
        builder
            .report
            .push(finding.help("`tidegate init` writes files to start from"));
    }
    builder.root
}

/// What is refused before it is parsed.
fn unreadable(source: &Source) -> Option<Finding> {
    let text = &source.text;
    let most = bytes_max(&source.path);
    if text.len() > most {
        let message = format!("the file has {} bytes; Tidegate reads up to {most}", text.len());
        return Some(Finding::of_file(Code::Limit, message));
    }
    // Their first bytes in UTF-8, most of which are looked at without decoding any: a file of many tenants is long.
    let may_be = |byte: u8| (byte.is_ascii_control() && !matches!(byte, b'\n' | b'\r' | b'\t')) || byte == 0xc2;
    if !text.bytes().any(may_be) {
        return None;
    }
    let is_control = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t' | '\u{85}');
    let (start, control) = text.char_indices().find(|(_, c)| is_control(*c))?;
    let message = format!("the file holds the control character U+{:04X}", u32::from(control));
    let finding = Finding::error(Code::Yaml, &(start..start + control.len_utf8()), message);
    Some(finding.help("remove it; in double quotes it can be written as an escape such as `\\u001B`"))
}

struct Builder<'r, 'a> {
    source: &'a Source,
    open: Vec<Open>,
    root: Option<Node>,
    nodes: usize,
    nodes_max: usize,
    report: &'r mut Report<'a>,
}

/// A mapping or list whose end has not been read yet.
struct Open {
    start: usize,
    end: usize,
    children: Children,
}

enum Children {
    List(Vec<Node>),
    Map {
        entries: Vec<Entry>,
        /// Where each key was first written, once there are more than a few.
        keys: BTreeMap<String, usize>,
        /// The key whose value comes next.
        key: Option<Key>,
    },
}

struct Key {
    /// `None` for a key that was refused; its value is read and left out.
    text: Option<String>,
    span: Range<usize>,
}

impl Builder<'_, '_> {
    /// Takes one event in; `Err` where going on makes no sense.
    fn event(&mut self, event: Event<'_>, span: &Span) -> Result<(), Finding> {
        let range = span.byte_range().unwrap_or(0..0);
        match event {
            Event::StreamStart | Event::StreamEnd | Event::DocumentEnd | Event::Anchor(..) => {}
            Event::DocumentStart(..) => self.document(&range)?,
            Event::Alias(_) | Event::UnresolvedAlias(_) => {
                self.refuse(&range, "an alias", "write the value out where it is used");
                self.add(Node {
                    span: range,
                    value: Value::Refused,
                });
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.count(&range)?;
                self.properties(&range, anchor, tag.is_some());
                self.scalar(&text, style, range);
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.properties(&range, anchor, tag.is_some());
                self.open(&range, Children::List(Vec::new()))?;
            }
            Event::MappingStart(_, anchor, tag) => {
                self.properties(&range, anchor, tag.is_some());
                let (entries, keys) = (Vec::new(), BTreeMap::new());
                self.open(
                    &range,
                    Children::Map {
                        entries,
                        keys,
                        key: None,
                    },
                )?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(&range),
            // Comments, and what a later version of the parser may tell of besides values.
            _ => {}
        }
        Ok(())
    }

    fn document(&self, range: &Range<usize>) -> Result<(), Finding> {
        if self.root.is_none() {
            return Ok(());
        }
        let message = "a second document starts here".to_owned();
        Err(Finding::error(Code::Yaml, range, message)
            .label("after this `---`")
            .help("keep one document in a file"))
    }

    fn count(&mut self, range: &Range<usize>) -> Result<(), Finding> {
        self.nodes += 1;
        if self.nodes <= self.nodes_max {
            return Ok(());
        }
        let message = format!("the file has more than {} keys and values", self.nodes_max);
        Err(Finding::error(Code::Limit, range, message))
    }

    fn open(&mut self, range: &Range<usize>, children: Children) -> Result<(), Finding> {
        self.count(range)?;
        if self.open.len() >= DEPTH_MAX {
            let message = format!("more than {DEPTH_MAX} lists and mappings inside each other");
            return Err(Finding::error(Code::Limit, range, message));
        }
        self.open.push(Open {
            start: range.start,
            end: range.end,
            children,
        });
        Ok(())
    }

    fn close(&mut self, range: &Range<usize>) {
        let Some(open) = self.open.pop() else { return };
        // The end of an indented block is only noticed at the next token, lines later; a bracket is its own end.
        let bracket = self
            .source
            .text
            .get(range.clone())
            .is_some_and(|end| matches!(end, "]" | "}"));
        let end = if bracket { range.end } else { open.end };
        let value = match open.children {
            Children::List(items) => Value::List(items),
            Children::Map { entries, .. } => Value::Map(entries),
        };
        self.add(Node {
            span: open.start..end.max(open.start),
            value,
        });
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, range: Range<usize>) {
        let is_key = matches!(
            self.open.last(),
            Some(Open {
                children: Children::Map { key: None, .. },
                ..
            })
        );
        if is_key {
            self.key(text, range);
            return;
        }
        let value = if style == ScalarStyle::Plain {
            scalar::resolve(text).unwrap_or_else(|finding| {
                self.report.push(finding.at(&range));
                Value::Refused
            })
        } else {
            Value::Text(text.to_owned())
        };
        self.add(Node { span: range, value });
    }

    fn key(&mut self, text: &str, range: Range<usize>) {
        let Some(Open {
            children: Children::Map { entries, keys, key },
            end,
            ..
        }) = self.open.last_mut()
        else {
            return;
        };
        *end = range.end;
        if entries.len() == KEYS_FEW && keys.is_empty() {
            keys.extend(entries.iter().map(|entry| (entry.key.clone(), entry.key_span.start)));
        }
        let earlier = if keys.is_empty() {
            let mut same = entries.iter().filter(|entry| entry.key == text);
            same.next().map(|entry| entry.key_span.start)
        } else {
            keys.get(text).copied()
        };
        let accepted = text != "<<" && earlier.is_none();
        if accepted && !keys.is_empty() {
            keys.insert(text.to_owned(), range.start);
        }
        *key = Some(Key {
            text: accepted.then(|| text.to_owned()),
            span: range.clone(),
        });
        if text == "<<" {
            self.refuse(&range, "a merge key", "write the fields out where they are used");
        }
        if let Some(earlier) = earlier {
            let message = format!("{} stands twice in one mapping", shown(text));
            let finding = Finding::error(Code::DuplicateKey, &range, message);
            self.report.push(finding.first_at(earlier).help("keep one of the two"));
        }
    }

    /// Adds a finished value to what is open, as a value or (always a mistake) as a key.
    fn add(&mut self, node: Node) {
        let Some(open) = self.open.last_mut() else {
            self.root.get_or_insert(node);
            return;
        };
        open.end = open.end.max(node.span.end);
        match &mut open.children {
            Children::List(items) => items.push(node),
            Children::Map { entries, key, .. } => match key.take() {
                Some(Key { text: Some(text), span }) => {
                    entries.push(Entry {
                        key: text,
                        key_span: span,
                        value: node,
                    });
                }
                Some(Key { text: None, .. }) => {}
                None => {
                    *key = Some(Key {
                        text: None,
                        span: node.span.clone(),
                    });
                    if node.value != Value::Refused {
                        self.refuse(&node.span, "a list or mapping as a key", "a key is plain text");
                    }
                }
            },
        }
    }

    fn properties(&mut self, range: &Range<usize>, anchor: usize, tagged: bool) {
        if anchor != 0 {
            self.refuse(range, "an anchor (`&name`)", "write the value out where it is used");
        }
        if tagged {
            self.refuse(
                range,
                "a tag (`!name`)",
                "remove it: the field decides what its value is",
            );
        }
    }

    fn refuse(&mut self, range: &Range<usize>, what: &str, help: &str) {
        let message = format!("{what} can not be used here");
        self.report.push(Finding::error(Code::Yaml, range, message).help(help));
    }
}

#[cfg(test)]
mod tests;
