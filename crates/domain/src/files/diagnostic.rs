//! What is wrong with a file, where, and what to write instead.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use serde::Serialize;

use super::Source;

mod render;
pub use render::render;

/// A file with more mistakes than this has one cause, and a longer list hides it. It also bounds the work on a hostile file.
pub(super) const FINDINGS_MAX: usize = 100;

/// What a mistake stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// The reading of the file.
    Error,
    /// What is asked of some tenants; the others do not suffer from it.
    Confined,
    /// Nothing: it is only said.
    Warning,
}

/// The kind of a mistake: stable, for tools and for searching the documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// A file of the project is not there.
    MissingFile,
    /// Larger, deeper or longer than Tidegate reads.
    Limit,
    /// Not YAML, or a part of YAML that files of Tidegate do without.
    Yaml,
    /// One key twice in a mapping.
    DuplicateKey,
    /// A field that does not exist.
    UnknownField,
    /// A field that must be there.
    MissingField,
    /// Text where a number is needed, and the like.
    WrongType,
    /// Not one of the words that are possible here.
    UnknownWord,
    /// A number or a length outside its range.
    OutOfRange,
    /// Text of the wrong shape.
    InvalidText,
    /// Not a calendar file, or a part of one that Tidegate does without.
    Ics,
    /// The name of something that is not there.
    UnknownName,
    /// One name for two things.
    DuplicateName,
    /// A gate that is not told what it takes.
    Gate,
    /// A channel that cannot be used as `alerts.yaml` says.
    Channel,
    /// Fields that do not go together.
    Conflict,
    /// Something that can never have an effect.
    NoEffect,
    /// Something that works, but hardly as it is meant.
    Doubtful,
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::MissingFile => "missing-file",
            Self::Limit => "limit",
            Self::Yaml => "yaml",
            Self::DuplicateKey => "duplicate-key",
            Self::UnknownField => "unknown-field",
            Self::MissingField => "missing-field",
            Self::WrongType => "wrong-type",
            Self::UnknownWord => "unknown-word",
            Self::OutOfRange => "out-of-range",
            Self::InvalidText => "invalid-text",
            Self::Ics => "ics",
            Self::UnknownName => "unknown-name",
            Self::DuplicateName => "duplicate-name",
            Self::Gate => "gate",
            Self::Channel => "channel",
            Self::Conflict => "conflict",
            Self::NoEffect => "no-effect",
            Self::Doubtful => "doubtful",
        })
    }
}

/// A part of one line of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Place {
    /// Bytes of the text, from 0.
    pub span: Range<usize>,
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
}

/// One mistake of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    pub severity: Severity,
    pub code: Code,
    pub file: String,
    /// Absent where the mistake is the file itself: one that is not there has no lines.
    pub place: Option<Place>,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// The few words beside the caret; may be empty.
    pub label: String,
    /// What to write instead.
    pub help: Option<String>,
    /// The parts of the file that nobody is shown, in bytes of the text.
    #[serde(skip)]
    pub hidden: Arc<[Range<usize>]>,
}

impl Diagnostic {
    /// Whether the file can not be used.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// `file:line:column: message`, the form that editors follow.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        if let Some(place) = &self.place {
            write!(f, ":{}:{}", place.line, place.column)?;
        }
        write!(f, ": {}", self.message)
    }
}

/// A mistake before it is placed in its file.
#[derive(Debug, Clone)]
pub(super) struct Finding {
    severity: Severity,
    code: Code,
    span: Option<Range<usize>>,
    message: String,
    label: String,
    /// Where the first of two stands, for the label to name its line.
    first: Option<usize>,
    help: Option<String>,
}

impl Finding {
    pub(super) fn error(code: Code, span: &Range<usize>, message: String) -> Self {
        Self {
            severity: Severity::Error,
            code,
            span: Some(span.clone()),
            message,
            label: String::new(),
            first: None,
            help: None,
        }
    }

    pub(super) fn warning(code: Code, span: &Range<usize>, message: String) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(code, span, message)
        }
    }

    /// A mistake that only some tenants suffer from.
    pub(super) fn confined(code: Code, span: &Range<usize>, message: String) -> Self {
        Self {
            severity: Severity::Confined,
            ..Self::error(code, span, message)
        }
    }

    /// A mistake of the file as a whole.
    pub(super) fn of_file(code: Code, message: String) -> Self {
        Self {
            span: None,
            ..Self::error(code, &(0..0), message)
        }
    }

    pub(super) fn label(self, label: impl Into<String>) -> Self {
        Self {
            label: label.into(),
            ..self
        }
    }

    /// Asks whether something else was meant, if there is a candidate.
    pub(super) fn meant(self, candidate: Option<&str>) -> Self {
        match candidate {
            Some(candidate) => self.label(format!("did you mean `{candidate}`?")),
            None => self,
        }
    }

    /// Says on which line the first of two stands; `offset` is its byte.
    pub(super) fn first_at(self, offset: usize) -> Self {
        Self {
            first: Some(offset),
            ..self
        }
    }

    pub(super) fn help(self, help: impl Into<String>) -> Self {
        Self {
            help: Some(help.into()),
            ..self
        }
    }

    fn is_error_in(&self, part: &Range<usize>) -> bool {
        let is_inside = |span: &Range<usize>| part.start <= span.start && span.start < part.end;
        self.severity == Severity::Error && self.span.as_ref().is_some_and(is_inside)
    }

    pub(super) fn help_if(self, help: Option<String>) -> Self {
        Self { help, ..self }
    }
}

/// The findings of one file, in the order of its lines.
#[derive(Debug)]
pub(super) struct Report<'a> {
    source: &'a Source,
    findings: Vec<Finding>,
    is_cut: bool,
    /// What is not said, whatever is wrong with it: where it stands, and what it is.
    hidden: Vec<(Range<usize>, String)>,
}

impl<'a> Report<'a> {
    pub(super) fn new(source: &'a Source) -> Self {
        Self {
            source,
            findings: Vec::new(),
            is_cut: false,
            hidden: Vec::new(),
        }
    }

    /// No message repeats this part of the file, and none is drawn with it.
    pub(super) fn hide(&mut self, span: &Range<usize>, text: &str) {
        self.hidden.push((span.clone(), text.to_owned()));
    }

    pub(super) fn source(&self) -> &'a Source {
        self.source
    }

    pub(super) fn push(&mut self, finding: Finding) {
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(finding);
        } else {
            self.is_cut = true;
        }
    }

    pub(super) fn extend(&mut self, findings: impl IntoIterator<Item = Finding>) {
        findings.into_iter().for_each(|finding| self.push(finding));
    }

    /// Whether nothing more is taken in: what costs time need not be looked for.
    pub(super) fn is_full(&self) -> bool {
        self.is_cut
    }

    pub(super) fn has_errors(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity == Severity::Error)
    }

    /// How many findings there are.
    pub(super) fn len(&self) -> usize {
        self.findings.len()
    }

    /// Whether there is a mistake inside a part of the file.
    pub(super) fn has_errors_in(&self, part: &Range<usize>) -> bool {
        self.findings.iter().any(|finding| finding.is_error_in(part))
    }

    /// Whether anything is said of a part of the file.
    pub(super) fn says_in(&self, part: &Range<usize>) -> bool {
        let spans = self.findings.iter().filter_map(|finding| finding.span.as_ref());
        spans
            .into_iter()
            .any(|span| part.start <= span.start && span.start < part.end)
    }

    /// Takes every mistake for one that only some tenants suffer from.
    pub(super) fn confine_all(&mut self) {
        for finding in self
            .findings
            .iter_mut()
            .filter(|finding| finding.severity == Severity::Error)
        {
            finding.severity = Severity::Confined;
        }
    }

    /// Takes the mistakes inside a part of the file for such that only some tenants suffer from; as one text, if there are
    /// any.
    pub(super) fn confine(&mut self, part: &Range<usize>) -> Option<String> {
        let mut told = Vec::new();
        for finding in &mut self.findings {
            if finding.is_error_in(part) {
                finding.severity = Severity::Confined;
                told.push(place(finding.clone(), self.source, &self.hidden).to_string());
            }
        }
        (!told.is_empty()).then(|| told.join("; "))
    }

    pub(super) fn diagnostics(mut self) -> Vec<Diagnostic> {
        self.findings
            .sort_by_key(|finding| finding.span.as_ref().map(|span| (span.start, finding.severity)));
        if self.is_cut {
            let message = format!("there are more than {FINDINGS_MAX} mistakes; correct these first");
            self.findings.push(Finding::of_file(Code::Limit, message));
        }
        let hidden: Arc<[Range<usize>]> = self.hidden.iter().map(|(part, _)| part.clone()).collect();
        let placed = self.findings.into_iter().map(|finding| Diagnostic {
            hidden: Arc::clone(&hidden),
            ..place(finding, self.source, &self.hidden)
        });
        placed.collect()
    }
}

/// A name that a message repeats may hold what a terminal would obey.
fn printable(text: String) -> String {
    if !text.contains(char::is_control) {
        return text;
    }
    text.chars()
        .map(|c| {
            if c.is_control() {
                c.escape_default().to_string()
            } else {
                c.to_string()
            }
        })
        .collect()
}

fn place(finding: Finding, source: &Source, hidden: &[(Range<usize>, String)]) -> Diagnostic {
    let span = finding.span.as_ref();
    let is_here = |part: &Range<usize>| span.is_some_and(|span| part.contains(&span.start));
    let here = hidden.iter().filter(|(part, text)| is_here(part) && !text.is_empty());
    let message = here.fold(finding.message, |message, (_, text)| {
        message.replace(&shown(text), "`…`")
    });
    Diagnostic {
        severity: finding.severity,
        code: finding.code,
        file: source.path.clone(),
        place: finding.span.map(|span| Place::of(&span, &source.text)),
        message: printable(message),
        label: match finding.first {
            Some(offset) => {
                format!("first on line {}", Place::of(&(offset..offset), &source.text).line)
            }
            None => printable(finding.label),
        },
        help: finding.help.map(printable),
        hidden: Arc::default(),
    }
}

impl Place {
    /// The part of `span` on its first line. A span outside of `text`, or inside of a character, is moved to the next
    /// place there is.
    pub(super) fn of(span: &Range<usize>, text: &str) -> Self {
        let start = text.floor_char_boundary(span.start.min(text.len()));
        let (before, after) = text.split_at(start);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line_rest = after.find(['\r', '\n']).unwrap_or(after.len());
        let end = text.floor_char_boundary(span.end.min(text.len()));
        Self {
            span: start..end.clamp(start, start + line_rest),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }
}

/// Text of a file as a message shows it: in backticks, of bounded length.
pub(super) fn shown(text: &str) -> String {
    const CHARS_MAX: usize = 60;
    let mut short: String = text.chars().take(CHARS_MAX).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    format!("`{short}`")
}

/// `a`, `b` and `c`.
pub(super) fn listed<'a>(words: impl IntoIterator<Item = &'a str>, joint: &str) -> String {
    const WORDS_MAX: usize = 12;
    let all: Vec<&str> = words.into_iter().collect();
    let mut parts: Vec<String> = all.iter().take(WORDS_MAX).map(|word| shown(word)).collect();
    if all.len() > WORDS_MAX {
        parts.push(format!("{} more", all.len() - WORDS_MAX));
    }
    match parts.split_last() {
        None => "nothing".to_owned(),
        Some((only, [])) => only.clone(),
        Some((last, rest)) => format!("{} {joint} {last}", rest.join(", ")),
    }
}
