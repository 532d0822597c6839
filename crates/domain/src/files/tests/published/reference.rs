//! `docs/files.md`, drawn from the schemas.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::Value;

use crate::files::schemas;
use crate::files::tests::{ALERTS, CHANGE, GATE, PLAYBOOK, RELEASE, SERVICE, TENANTS};

const INTRODUCTION: &str = "\
# The files people write

A project is a folder with `tidegate.yaml`, `tenants.yaml`, `playbooks/*.yaml` and, where it has templates of [gates](gates.md#templates),
`gates/*.yaml`; where somebody wants to be told of trouble, `alerts.yaml`, which [alerts](alerts.md) explains. A release is one more file, by
convention `release.yaml`, and each of its changes is a file in `changes/`, which [changes](changes.md) explains. `tidegate init`
writes all of them, commented, to start from. What `calendars` and `windows` mean, and what is read of a holiday file, stands in
[calendar](calendar.md).

The files are YAML without its traps: one document, no anchors, aliases, merge keys or tags, no key twice, no numbers that
readers disagree about (`010`, `0x1F`), and `true` and `false` as the only words for yes and no. A file has at most 4 MiB,
500,000 keys and values, and 64 lists and mappings inside each other. Every mistake of every file is told at once, with its
line, its place and what to write instead.

For completion and checks while you type, begin a file with a line such as
`# yaml-language-server: $schema=schemas/tidegate.json`; the schemas are in `schemas/`.

This page is drawn from the code: `UPDATE_SCHEMAS=1 cargo test -p tidegate-domain files` writes it.
";

pub(super) fn markdown() -> String {
    let mut page = INTRODUCTION.to_owned();
    let mut texts = BTreeMap::new();
    let files = [
        ("tidegate.json", "tidegate.yaml", SERVICE),
        ("tenants.json", "tenants.yaml", TENANTS),
        ("playbook.json", "playbooks/*.yaml", PLAYBOOK),
        ("gate.json", "gates/*.yaml", GATE),
        ("release.json", "release.yaml", RELEASE),
        ("change.json", "changes/*.md", CHANGE),
        ("alerts.json", "alerts.yaml", ALERTS),
    ];
    let schemas = schemas();
    for (name, file, example) in files {
        let (_, root) = schemas.iter().find(|(known, _)| *known == name).unwrap();
        let description = root["description"].as_str().unwrap();
        write!(page, "\n## `{file}`\n\n{description}\n\n{}\n", fenced(file, example)).unwrap();
        let mut chapter = Chapter {
            root,
            told: Vec::new(),
            open: Vec::new(),
            texts: &mut texts,
        };
        chapter.fields(root, &mut page);
        while !chapter.open.is_empty() {
            let name = chapter.open.remove(0);
            chapter.definition(&name, &mut page);
        }
    }
    page.push_str("\n## Texts\n\n| | |\n| --- | --- |\n");
    for (name, rule) in texts {
        writeln!(page, "| {name} | {rule} |").unwrap();
    }
    page
}

/// The example in a block of code that is longer than those inside.
fn fenced(file: &str, example: &str) -> String {
    let (mark, language) = if file.ends_with(".md") {
        ("````", "markdown")
    } else {
        ("```", "yaml")
    };
    format!("{mark}{language}\n{}{mark}", example.trim_start_matches('\n'))
}

/// One file: its definitions are told in the order in which they are met.
struct Chapter<'s> {
    root: &'s Value,
    told: Vec<String>,
    open: Vec<String>,
    texts: &'s mut BTreeMap<String, String>,
}

impl Chapter<'_> {
    fn definition(&mut self, name: &str, page: &mut String) {
        let schema = &self.root["$defs"][name];
        write!(
            page,
            "\n### {name}\n\n{}\n",
            schema["description"].as_str().unwrap_or_default()
        )
        .unwrap();
        let Some(alternatives) = schema["anyOf"].as_array() else {
            self.fields(schema, page);
            return;
        };
        if alternatives
            .iter()
            .all(|alternative| alternative["properties"].is_object())
        {
            page.push_str("\nOne of these:\n");
            alternatives
                .iter()
                .for_each(|alternative| self.fields(alternative, page));
        } else {
            let ways: Vec<String> = alternatives.iter().map(|way| self.value(way)).collect();
            write!(page, "\nWritten as {}.\n", ways.join(", or as ")).unwrap();
        }
    }

    fn fields(&mut self, schema: &Value, page: &mut String) {
        page.push_str("\n| field | value | default | |\n| --- | --- | --- | --- |\n");
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        let is_required = |name: &String| required.contains(&name.as_str().into());
        let mut fields: Vec<(&String, &Value)> = schema["properties"].as_object().unwrap().iter().collect();
        fields.sort_by_key(|(name, _)| !is_required(name));
        for (name, field) in fields {
            let default = if is_required(name) {
                "**required**".to_owned()
            } else {
                default_of(field)
            };
            let description = field["description"].as_str().unwrap_or_default();
            writeln!(page, "| `{name}` | {} | {default} | {description} |", self.value(field)).unwrap();
        }
    }

    /// What may be written, in a few words; what needs more than that is a section of its own.
    fn value(&mut self, schema: &Value) -> String {
        if let Some(name) = schema["$ref"].as_str().and_then(|path| path.strip_prefix("#/$defs/")) {
            return self.named(name);
        }
        let entries = schema["patternProperties"]
            .as_object()
            .and_then(|patterns| patterns.values().next());
        if let Some(entry) = entries {
            return format!("names, each with {}", self.value(entry));
        }
        match schema["type"].as_str() {
            Some("array") => format!("list of {}", self.value(&schema["items"])),
            Some("object") => {
                let fields = schema["properties"].as_object().unwrap().iter();
                let fields: Vec<String> = fields
                    .map(|(name, field)| format!("`{name}:` {}", self.value(field)))
                    .collect();
                fields.join(", ")
            }
            Some("integer" | "number") => number(schema),
            Some("boolean") if schema["const"] == true => "`true`".to_owned(),
            Some("boolean") => "`true` or `false`".to_owned(),
            Some("string") => schema["const"]
                .as_str()
                .map_or("text".to_owned(), |word| format!("`{word}`")),
            _ => "anything".to_owned(),
        }
    }

    fn named(&mut self, name: &str) -> String {
        let schema = &self.root["$defs"][name];
        let words = spaced(name);
        if schema["pattern"].is_string() || schema["type"].is_array() {
            let rule = schema["description"].as_str().unwrap_or_default();
            self.texts.insert(words.clone(), rule.to_owned());
            return format!("[{words}](#texts)");
        }
        if let Some(words) = schema["oneOf"].as_array() {
            let words: Vec<String> = words.iter().map(|word| self.word(word)).collect();
            return words.join("; ");
        }
        if let Some(words) = schema["enum"].as_array() {
            return quoted(words);
        }
        if !self.told.contains(&name.to_owned()) {
            self.told.push(name.to_owned());
            self.open.push(name.to_owned());
        }
        format!("[{words}](#{})", name.to_lowercase())
    }

    fn word(&mut self, word: &Value) -> String {
        if let Some(words) = word["enum"].as_array() {
            return quoted(words);
        }
        let value = self.value(word);
        match word["description"].as_str() {
            Some(description) if word["const"].is_string() => {
                format!("{value} ({})", description.trim_end_matches('.'))
            }
            _ => value,
        }
    }
}

fn quoted(words: &[Value]) -> String {
    let words: Vec<String> = words
        .iter()
        .map(|word| format!("`{}`", word.as_str().unwrap()))
        .collect();
    words.join("; ")
}

fn default_of(field: &Value) -> String {
    let value = &field["default"];
    if value.is_null() {
        return String::new();
    }
    match value.as_str() {
        Some(text) => format!("`{text}`"),
        None => format!(
            "`{}`",
            value.to_string().replace('"', "").replace(',', ", ").replace(':', ": ")
        ),
    }
}

fn number(schema: &Value) -> String {
    let most = schema["maximum"].as_f64().filter(|most| *most < 4e9);
    match most {
        Some(most) => format!("{} to {most}", schema["minimum"]),
        None => format!("at least {}", schema["minimum"]),
    }
}

/// `TenantFrom` as `tenant from`.
fn spaced(name: &str) -> String {
    let mut words = String::new();
    for c in name.chars() {
        if c.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(c.to_lowercase());
    }
    words
}
