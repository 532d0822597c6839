//! JUnit's report in XML, as test runners of all languages write it. A document type is refused, and with it every entity but those of XML
//! itself: a report fetches nothing and grows to nothing.

mod element;

use quick_xml::Reader;
use quick_xml::errors::{Error, IllFormedError, SyntaxError};
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};

use self::element::{Case, Element, Ending, Suite};
use super::report::{Report, line_at};

/// Elements inside of each other.
const DEPTH_MAX: usize = 100;
/// Of what a test says of its failure.
const MESSAGE_BYTES_MAX: usize = 2_000;

/// Reads what a suite reports.
///
/// # Errors
/// Names the line and what is wrong there, where it is no such report.
pub(super) fn read(text: &str) -> Result<Report, String> {
    let text = text.trim_start_matches('\u{feff}');
    let mut reader = Reader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    let mut reading = Reading::default();
    loop {
        let at = reader.buffer_position();
        let event = reader
            .read_event()
            .map_err(|error| (reader.error_position(), in_words(&error)));
        let taken = event.and_then(|event| reading.take(event).map_err(|reason| (at, reason)));
        match taken {
            Ok(true) => {}
            Ok(false) => return Ok(reading.report),
            Err((at, reason)) => {
                // Blanks before an element belong to the event before it.
                let at = usize::try_from(at).unwrap_or(usize::MAX).min(text.len());
                let line = line_at(text.as_bytes(), at);
                return Err(format!("line {line} of the report: {reason}"));
            }
        }
    }
}

#[derive(Debug, Default)]
struct Reading {
    report: Report,
    /// The elements that are open.
    open: Vec<Element>,
    has_root: bool,
}

impl Reading {
    /// Takes the next event; `false` at the end.
    fn take(&mut self, event: Event<'_>) -> Result<bool, String> {
        match event {
            Event::Start(start) => self.begin(&start)?,
            Event::End(_) => self.close(),
            Event::Text(text) => self.say(&text)?,
            Event::CData(text) => self.say(&text)?,
            Event::GeneralRef(reference) => self.say(&resolve(&reference)?)?,
            Event::DocType(_) => {
                return Err("a document type: nothing but the report itself is read, leave it out".to_owned());
            }
            Event::Eof => return self.end().map(|()| false),
            // With `expand_empty_elements` there is no empty one.
            Event::Empty(_) | Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
        }
        Ok(true)
    }

    fn begin(&mut self, start: &BytesStart<'_>) -> Result<(), String> {
        if self.open.len() == DEPTH_MAX {
            return Err(format!("more than {DEPTH_MAX} elements inside of each other"));
        }
        let name = start.local_name();
        let name = name.as_ref();
        // Every attribute is read, so that each is well-formed.
        let mut attributes = element::Attributes::default();
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|error| error.to_string())?;
            let value = attribute
                .normalized_value(quick_xml::XmlVersion::Implicit1_0)
                .map_err(|error| in_words(&error))?;
            attributes.set(attribute.key.local_name().as_ref(), &value);
        }
        let parent = self.open.last();
        if parent.is_none() {
            if std::mem::replace(&mut self.has_root, true) {
                return Err(format!("`<{name}>` behind the end of the report"));
            }
            if !matches!(name, "testsuites" | "testsuite") {
                return Err(format!(
                    "it begins with `<{name}>`, expected is `<testsuites>` or `<testsuite>`"
                ));
            }
        }
        let element = Element::new(name, attributes, parent);
        self.open.push(element);
        Ok(())
    }

    fn say(&mut self, text: &str) -> Result<(), String> {
        match self.open.last_mut() {
            Some(Element::Ending(ending)) => {
                let room = MESSAGE_BYTES_MAX.saturating_sub(ending.text.len());
                ending.text.extend(text.chars().take(room));
                Ok(())
            }
            Some(Element::Suite(_) | Element::Case(_) | Element::Other) => Ok(()),
            None if text.trim().is_empty() => Ok(()),
            None => Err(format!(
                "`{}` outside of the report",
                super::super::expectation::shown(text)
            )),
        }
    }

    fn close(&mut self) {
        match self.open.pop() {
            Some(Element::Ending(ending)) => self.ended(&ending),
            Some(Element::Case(case)) => self.case(case),
            Some(Element::Suite(suite)) => self.suite(&suite),
            // The reader refuses an end without a beginning.
            Some(Element::Other) | None => {}
        }
    }

    /// How a test ended belongs to it, and a failure outside of a test to its suite.
    fn ended(&mut self, ending: &Ending) {
        match self.open.last_mut() {
            Some(Element::Case(case)) => case.take(ending),
            Some(Element::Suite(suite)) if ending.is_failure() => {
                let words = format!("suite `{}`: {}", suite.name, ending.message());
                self.report.troubles.push(words);
                self.shown();
            }
            Some(Element::Suite(_) | Element::Ending(_) | Element::Other) | None => {}
        }
    }

    fn case(&mut self, case: Case) {
        self.report.tests += 1;
        let Some(message) = case.failed else {
            self.report.skipped += u64::from(case.is_skipped);
            return;
        };
        self.shown();
        self.report.fail(case.name, message);
    }

    /// The suites that are open have something to show for what they count.
    fn shown(&mut self) {
        for element in &mut self.open {
            if let Element::Suite(suite) = element {
                suite.has_shown = true;
            }
        }
    }

    /// A suite that counts failures and shows none has failed all the same.
    fn suite(&mut self, suite: &Suite) {
        if suite.declared > 0 && !suite.has_shown {
            let words = format!(
                "suite `{}` counts {} failures and shows none of them",
                suite.name, suite.declared
            );
            self.report.troubles.push(words);
            // Told once, not again by the suites around it.
            self.shown();
        }
    }

    fn end(&self) -> Result<(), String> {
        match self.open.iter().rev().find_map(Element::tag) {
            Some(tag) => Err(format!("it ends inside of `<{tag}>`: it was cut off")),
            None if !self.has_root => Err("it is empty".to_owned()),
            None => Ok(()),
        }
    }
}

fn resolve(reference: &BytesRef<'_>) -> Result<String, String> {
    if let Some(character) = reference.resolve_char_ref().map_err(|error| in_words(&error))? {
        return Ok(character.to_string());
    }
    let name: &str = reference;
    match resolve_predefined_entity(name) {
        Some(text) => Ok(text.to_owned()),
        None => Err(format!("`&{name};` stands for nothing")),
    }
}

/// What is wrong with the XML.
fn in_words(error: &Error) -> String {
    if let Error::Syntax(SyntaxError::UnclosedTag) = error {
        return "a tag begins here and does not end: it was cut off".to_owned();
    }
    if let Error::IllFormed(IllFormedError::MismatchedEndTag { expected, found }) = error {
        return format!("`</{found}>` where `</{expected}>` is expected");
    }
    error.to_string()
}

#[cfg(test)]
mod tests;
