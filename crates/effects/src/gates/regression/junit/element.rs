//! The elements of a report that mean something.

/// Of why a test failed.
const MESSAGE_CHARACTERS_MAX: usize = 500;

/// What is open.
#[derive(Debug)]
pub(super) enum Element {
    /// `testsuites` or `testsuite`.
    Suite(Suite),
    Case(Case),
    Ending(Ending),
    /// Properties, output and whatever else a runner adds.
    Other,
}

#[derive(Debug)]
pub(super) struct Suite {
    tag: &'static str,
    pub name: String,
    /// Failures and errors that it counts itself.
    pub declared: u64,
    /// At least one was found in it.
    pub has_shown: bool,
}

#[derive(Debug)]
pub(super) struct Case {
    pub name: String,
    pub is_skipped: bool,
    /// Why, where it has failed.
    pub failed: Option<String>,
}

/// How a test ended, where that was not well.
#[derive(Debug)]
pub(super) struct Ending {
    kind: EndingKind,
    message: Option<String>,
    pub text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum EndingKind {
    Failure,
    Skipped,
    /// It failed, and the runner ran it again: what it came to then does not undo that.
    RunAgain,
}

/// Those that are asked for.
#[derive(Debug, Default)]
pub(super) struct Attributes {
    name: Option<String>,
    class: Option<String>,
    message: Option<String>,
    type_name: Option<String>,
    failures: u64,
    errors: u64,
    has_not_run: bool,
}

impl Attributes {
    pub fn set(&mut self, name: &str, value: &str) {
        let text = || Some(value.to_owned());
        match name {
            "name" => self.name = text(),
            "classname" => self.class = text(),
            "message" => self.message = text(),
            "type" => self.type_name = text(),
            "failures" => self.failures = value.trim().parse().unwrap_or(0),
            "errors" => self.errors = value.trim().parse().unwrap_or(0),
            // GoogleTest says so of a test that is disabled.
            "status" => self.has_not_run |= matches!(value, "notrun" | "skipped" | "disabled"),
            "result" => self.has_not_run |= matches!(value, "suppressed" | "skipped"),
            _ => {}
        }
    }
}

impl Element {
    pub fn new(tag: &str, attributes: Attributes, parent: Option<&Self>) -> Self {
        let kind = match (tag, parent) {
            ("testsuites", _) => return Self::Suite(Suite::new("testsuites", attributes)),
            ("testsuite", _) => return Self::Suite(Suite::new("testsuite", attributes)),
            ("testcase", _) => return Self::Case(Case::new(attributes)),
            ("failure" | "error", Some(Self::Case(_) | Self::Suite(_))) => EndingKind::Failure,
            ("skipped", Some(Self::Case(_))) => EndingKind::Skipped,
            ("flakyFailure" | "flakyError" | "rerunFailure" | "rerunError", Some(Self::Case(_))) => {
                EndingKind::RunAgain
            }
            (_, _) => return Self::Other,
        };
        Self::Ending(Ending {
            kind,
            message: attributes.message.or(attributes.type_name),
            text: String::new(),
        })
    }

    /// For a message.
    pub fn tag(&self) -> Option<&'static str> {
        match self {
            Self::Suite(suite) => Some(suite.tag),
            Self::Case(_) => Some("testcase"),
            Self::Ending(_) | Self::Other => None,
        }
    }
}

impl Suite {
    fn new(tag: &'static str, attributes: Attributes) -> Self {
        Self {
            tag,
            name: attributes.name.unwrap_or_default(),
            declared: attributes.failures.saturating_add(attributes.errors),
            has_shown: false,
        }
    }
}

impl Case {
    fn new(attributes: Attributes) -> Self {
        let name = attributes.name.filter(|name| !name.is_empty());
        let name = name.unwrap_or_else(|| "a test without a name".to_owned());
        let class = attributes
            .class
            .filter(|class| !class.is_empty() && !name.starts_with(class.as_str()));
        Self {
            name: class.map_or(name.clone(), |class| format!("{class}.{name}")),
            is_skipped: attributes.has_not_run,
            failed: None,
        }
    }

    pub fn take(&mut self, ending: &Ending) {
        match ending.kind {
            EndingKind::Skipped => self.is_skipped = true,
            EndingKind::Failure => self.failed = Some(ending.message()),
            EndingKind::RunAgain => {
                let first = || format!("it failed and was run again: {}", ending.message());
                self.failed.get_or_insert_with(first);
            }
        }
    }
}

impl Ending {
    pub fn is_failure(&self) -> bool {
        match self.kind {
            EndingKind::Failure | EndingKind::RunAgain => true,
            EndingKind::Skipped => false,
        }
    }

    /// What its attribute says, or its text.
    pub fn message(&self) -> String {
        let said = self.message.as_deref().map(str::trim).filter(|said| !said.is_empty());
        let said = said.unwrap_or_else(|| self.text.trim());
        let line = said.lines().next().unwrap_or_default().trim();
        line.chars().take(MESSAGE_CHARACTERS_MAX).collect()
    }
}
