//! Checks a tree against the schema that its struct derives, and reports every mistake rather than the first.
//!
//! The schema is the one editors use, so what an editor accepts and what Tidegate accepts can not drift apart. Beyond it
//! go only the rules of single texts ([`rules`]): that `99h 99d` is no duration is more than a pattern can say.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::LazyLock;

use schemars::JsonSchema;
use serde_json::Value as Json;

use super::diagnostic::{Code, FINDINGS_MAX, Finding, listed, shown};
use super::nearest::nearest;
use super::tree::{Entry, Node, Value};

mod alternatives;
mod kind;
mod rules;
mod schema;

use kind::Kind;
use schema::{Rest, Root, Schema};

/// The shape of one kind of file.
pub(super) struct Shape {
    root: Root,
}

/// By their patterns.
static RULES: LazyLock<BTreeMap<String, Vec<rules::Rule>>> = LazyLock::new(|| {
    let mut rules: BTreeMap<String, Vec<rules::Rule>> = BTreeMap::new();
    for rule in rules::all() {
        rules.entry(rule.pattern.clone()).or_default().push(rule);
    }
    rules
});

/// A schema without its reference, and what people call the thing it describes.
#[derive(Clone, Copy)]
struct Part<'s> {
    schema: &'s Schema,
    name: &'s str,
}

impl Shape {
    pub(super) fn of<T: JsonSchema>() -> Self {
        Self::changed::<T>(|_| {})
    }

    /// The shape with a change to its schema.
    pub(super) fn changed<T: JsonSchema>(change: impl FnOnce(&mut Json)) -> Self {
        let mut root = super::schema::of::<T>();
        change(&mut root);
        Self { root: Root::of(&root) }
    }

    /// Every way in which `node` does not have this shape.
    pub(super) fn check(&self, node: &Node) -> Vec<Finding> {
        let mut findings = Vec::new();
        self.node(node, self.part(&self.root.schema, ""), &mut findings);
        findings
    }

    fn part<'s>(&'s self, schema: &'s Schema, name: &'s str) -> Part<'s> {
        match self.root.definition(schema) {
            Some((name, schema)) => Part { schema, name },
            None => Part {
                schema,
                name: schema.title.as_deref().unwrap_or(name),
            },
        }
    }

    fn node(&self, node: &Node, part: Part<'_>, findings: &mut Vec<Finding>) {
        if node.value == Value::Refused || findings.len() > FINDINGS_MAX {
            return;
        }
        if let Some(alternatives) = &part.schema.alternatives {
            self.alternatives(node, alternatives, part, findings);
            return;
        }
        if !Kind::is_admitted(&part.schema.kinds, &node.value) {
            findings.push(kind::mismatch(node, &part.schema.kinds));
            return;
        }
        match &node.value {
            Value::Text(text) => self.text(node, text, part, findings),
            Value::Number(number) => number_in_range(node, number, part.schema, findings),
            Value::List(items) => self.list(node, items, part, findings),
            Value::Map(entries) => self.map(node, entries, part, findings),
            Value::Boolean(_) => constant(node, part.schema, findings),
            Value::Null | Value::Refused => {}
        }
    }

    fn text(&self, node: &Node, text: &str, part: Part<'_>, findings: &mut Vec<Finding>) {
        if let Some(words) = &part.schema.words {
            findings.extend(alternatives::unknown_word(node, text, words));
            return;
        }
        if part.schema.not_empty && text.is_empty() {
            findings.push(
                Finding::error(Code::OutOfRange, &node.span, "this text is empty".to_owned())
                    .label("write something here, or remove the field"),
            );
        }
        if let Some(pattern) = &part.schema.pattern {
            findings.extend(Self::invalid_text(&node.span, text, part.name, pattern));
        }
    }

    fn invalid_text(span: &Range<usize>, text: &str, name: &str, pattern: &str) -> Option<Finding> {
        let rules = RULES.get(pattern)?;
        let named = rules.iter().find(|rule| rule.name == name);
        let rule = named.or_else(|| rules.first())?;
        let complaint = (rule.complaint)(text)?.replacen(&format!("`{text}`"), &shown(text), 1);
        // The last colon: the text itself may hold others, a rule holds none.
        let (message, help) = match complaint.rsplit_once(": ") {
            Some((message, help)) => (message.to_owned(), Some(help.to_owned())),
            None => (complaint, None),
        };
        let finding = Finding::error(Code::InvalidText, span, message).help_if(help);
        Some(finding.meant(nearest(text, (rule.known)())))
    }

    fn list(&self, node: &Node, items: &[Node], part: Part<'_>, findings: &mut Vec<Finding>) {
        let least = part.schema.items_least;
        if (items.len() as u64) < least {
            let message = format!("this list is empty; it needs at least {least}");
            findings.push(Finding::error(Code::OutOfRange, &node.span, message));
        }
        if part.schema.unique_items {
            repeated(items, findings);
        }
        if let Some(schema) = &part.schema.items {
            let part = self.part(schema, part.name);
            items.iter().for_each(|item| self.node(item, part, findings));
        }
    }

    fn map(&self, node: &Node, entries: &[Entry], part: Part<'_>, findings: &mut Vec<Finding>) {
        let least = part.schema.properties_least;
        if (entries.len() as u64) < least {
            let message = format!("{} is empty", subject(part.name));
            let known = part.schema.fields();
            let help = known
                .clone()
                .next()
                .is_some()
                .then(|| format!("it takes {}", listed(known, "and")));
            findings.push(Finding::error(Code::OutOfRange, &node.span, message).help_if(help));
        }
        let mut meant = Vec::new();
        for entry in entries {
            meant.extend(self.entry(entry, node, part, findings));
        }
        for field in &part.schema.required {
            if node.entry(field).is_none() && !meant.contains(&field.as_str()) {
                findings.push(missing_field(node, field, part));
            }
        }
    }

    /// Checks a field; tells of an unknown one which it was probably meant to be.
    fn entry<'s>(&'s self, entry: &Entry, map: &Node, part: Part<'s>, findings: &mut Vec<Finding>) -> Option<&'s str> {
        if findings.len() > FINDINGS_MAX {
            return None;
        }
        if let Some(schema) = part.schema.property(&entry.key) {
            self.node(&entry.value, self.part(schema, &entry.key), findings);
            return None;
        }
        if let Some((pattern, schema)) = &part.schema.by_pattern {
            findings.extend(Self::invalid_text(&entry.key_span, &entry.key, "", pattern));
            self.node(&entry.value, self.part(schema, &entry.key), findings);
            return None;
        }
        match &part.schema.rest {
            Rest::Anything => None,
            Rest::Nothing => {
                let unused = part.schema.fields().filter(|field| map.entry(field).is_none());
                let meant = nearest(&entry.key, unused);
                findings.push(unknown_field(entry, part, meant));
                meant
            }
            Rest::Like(schema) => {
                self.node(&entry.value, self.part(schema, &entry.key), findings);
                None
            }
        }
    }
}

/// A finding for each entry that an earlier one equals.
fn repeated(items: &[Node], findings: &mut Vec<Finding>) {
    let mut first: BTreeMap<String, usize> = BTreeMap::new();
    for item in items {
        let written = item.json().to_string();
        if let Some(earlier) = first.get(&written) {
            let message = "this stands twice in the list".to_owned();
            let finding = Finding::error(Code::DuplicateName, &item.span, message);
            findings.push(finding.first_at(*earlier).help("keep one of the two"));
        } else {
            first.insert(written, item.span.start);
        }
    }
}

fn unknown_field(entry: &Entry, part: Part<'_>, meant: Option<&str>) -> Finding {
    let message = format!("unknown field {} in {}", shown(&entry.key), subject(part.name));
    let finding = Finding::error(Code::UnknownField, &entry.key_span, message);
    match meant {
        Some(field) => finding.label(format!("did you mean `{field}`?")),
        None => finding.help(format!("its fields are {}", listed(part.schema.fields(), "and"))),
    }
}

fn missing_field(node: &Node, field: &str, part: Part<'_>) -> Finding {
    let message = format!("`{field}` is missing in {}", subject(part.name));
    let description = part
        .schema
        .property(field)
        .and_then(|schema| schema.description.as_deref());
    let help = description.map(|text| {
        let first = text.split(". ").next().unwrap_or(text).trim_end_matches('.');
        format!("add `{field}:` {}", lower_first(first))
    });
    Finding::error(Code::MissingField, &node.first_span(), message).help_if(help)
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => format!("- {}{}", first.to_lowercase(), chars.as_str()),
        None => String::new(),
    }
}

/// `ReleaseComponent` as `this release component`, `ServiceFile` as `the service file`.
fn subject(name: &str) -> String {
    if let Some(name) = name.strip_suffix("File") {
        return format!("the {} file", name.to_lowercase());
    }
    let mut words = "this".to_owned();
    for (position, c) in name.chars().enumerate() {
        if c.is_uppercase() || position == 0 {
            words.push(' ');
        }
        words.extend(c.to_lowercase());
    }
    words
}

fn constant(node: &Node, schema: &Schema, findings: &mut Vec<Finding>) {
    if let Some(constant) = schema.constant.as_ref().filter(|constant| **constant != node.json()) {
        let message = format!("only `{constant}` has a meaning here");
        let finding = Finding::error(Code::UnknownWord, &node.span, message);
        findings.push(finding.label(format!("write `{constant}`, or remove the field")));
    }
}

fn number_in_range(node: &Node, number: &serde_json::Number, schema: &Schema, findings: &mut Vec<Finding>) {
    let (least, most) = (&schema.least, &schema.most);
    let Some(value) = number.as_f64() else { return };
    let bound = |bound: &Option<serde_json::Number>| bound.as_ref().and_then(serde_json::Number::as_f64);
    let too_small = bound(least).is_some_and(|least| value < least);
    let too_large = bound(most).is_some_and(|most| value > most);
    if too_small || too_large {
        let message = format!("{number} is too {}", if too_small { "small" } else { "large" });
        let range = match (least, most) {
            (Some(least), Some(most)) => format!("from {least} to {most}"),
            (Some(least), None) => format!("at least {least}"),
            (None, most) => format!(
                "at most {}",
                most.as_ref().map_or_else(String::new, ToString::to_string)
            ),
        };
        findings.push(Finding::error(Code::OutOfRange, &node.span, message).label(range));
    }
}

#[cfg(test)]
mod tests;
