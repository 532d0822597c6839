//! The Test Anything Protocol, versions 13 and 14. Only the top level counts: what is indented belongs to the test that follows it.

use super::report::Report;

const VERSIONS: [&str; 2] = ["13", "14"];

/// Reads what a suite says in the protocol.
///
/// # Errors
/// Names the line and what is wrong with it, where it is not in the protocol.
pub(super) fn read(text: &str) -> Result<Report, String> {
    let mut reading = Reading::default();
    for (index, line) in text.lines().enumerate() {
        reading
            .take(line.trim_end())
            .map_err(|reason| format!("line {} of the report: {reason}", index + 1))?;
        if reading.bailed_out {
            break;
        }
    }
    reading.end()
}

#[derive(Debug, Default)]
struct Reading {
    report: Report,
    planned: Option<u64>,
    /// The number of the last test, and whether the tests are numbered as they come.
    last: u64,
    out_of_order: Option<u64>,
    bailed_out: bool,
    /// The test before failed: what stands below it says why.
    wants_message: bool,
    /// Inside of the diagnostics of a test.
    in_diagnostics: bool,
}

/// What a test says of itself behind `#`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Directive {
    None,
    Skip,
    /// Not done yet: it may fail.
    Pending,
}

impl Reading {
    fn take(&mut self, line: &str) -> Result<(), String> {
        if line.starts_with([' ', '\t']) {
            self.below(line.trim_start());
            return Ok(());
        }
        self.in_diagnostics = false;
        if let Some(version) = line.strip_prefix("TAP version ") {
            return match VERSIONS.contains(&version.trim()) {
                true => Ok(()),
                false => Err(format!("it is of version {version}, those that are read are 13 and 14")),
            };
        }
        if let Some(reason) = strip_prefix_of_any_case(line, "bail out!") {
            self.bailed_out = true;
            let said = if reason.trim().is_empty() {
                "no reason"
            } else {
                reason.trim()
            };
            self.report.troubles.push(format!("the suite gave up: {said}"));
            return Ok(());
        }
        if let Some(count) = line.strip_prefix("1..") {
            return self.plan(count);
        }
        if let Some(test) = after_word(line, "not ok") {
            self.test(test, false);
        } else if let Some(test) = after_word(line, "ok") {
            self.test(test, true);
        } else if let Some(comment) = line.strip_prefix('#')
            && !comment.trim_start().starts_with("Subtest")
        {
            self.say(comment);
        }
        // Anything else is what the tests have printed.
        Ok(())
    }

    /// What is indented: diagnostics of the test before, or tests of the one that follows.
    fn below(&mut self, line: &str) {
        match line {
            "---" => self.in_diagnostics = true,
            "..." => self.in_diagnostics = false,
            _ if self.in_diagnostics => {
                if let Some(message) = line.strip_prefix("message:") {
                    self.say(message.trim().trim_matches(['"', '\'']));
                }
            }
            _ => {}
        }
    }

    /// The first thing that is said below a test that failed is why.
    fn say(&mut self, words: &str) {
        let words = words.trim();
        // A block of text begins on the next line.
        if !self.wants_message || words.is_empty() || words.starts_with(['|', '>']) {
            return;
        }
        self.wants_message = false;
        if let Some(failure) = self.report.failures.last_mut() {
            words.clone_into(&mut failure.message);
        }
    }

    fn plan(&mut self, count: &str) -> Result<(), String> {
        let count = count.split('#').next().unwrap_or_default().trim();
        let count = count.parse().map_err(|_| format!("`1..{count}` is no plan"))?;
        match self.planned.replace(count) {
            None => Ok(()),
            Some(earlier) => Err(format!("a second plan, `1..{count}` after `1..{earlier}`")),
        }
    }

    fn test(&mut self, line: &str, is_ok: bool) {
        let line = line.trim_start();
        let next = self.last.saturating_add(1);
        let (number, rest) = line.split_once([' ', '\t']).unwrap_or((line, ""));
        let (number, rest) = match number.parse() {
            Ok(number) => (number, rest),
            Err(_) => (next, line),
        };
        if number != next {
            self.out_of_order.get_or_insert(number);
        }
        self.last = number;
        self.report.tests += 1;
        let (description, directive) = directive(rest);
        let description = description.trim().trim_start_matches('-').trim();
        self.wants_message = false;
        match (is_ok, directive) {
            (true, Directive::Skip) => self.report.skipped += 1,
            (false, Directive::Pending) => self.report.expected_to_fail += 1,
            (true, Directive::None | Directive::Pending) => {}
            (false, Directive::None | Directive::Skip) => {
                let name = if description.is_empty() {
                    format!("test {number}")
                } else {
                    description.to_owned()
                };
                self.report.fail(name, String::new());
                self.wants_message = self.report.failures.len() as u64 == self.report.failed;
            }
        }
    }

    fn end(mut self) -> Result<Report, String> {
        let ran = self.report.tests;
        if let Some(number) = self.out_of_order {
            let words = format!("the tests are not numbered one after the other: there is a {number} out of its place");
            self.report.troubles.push(words);
        }
        match self.planned {
            _ if self.bailed_out => {}
            Some(planned) if planned != ran => {
                let words = format!("{planned} tests were planned, and {ran} are in the report");
                self.report.troubles.push(words);
            }
            Some(_) => {}
            // Nothing in it is of the protocol.
            None if ran == 0 => return Err("the report has neither a plan nor a test".to_owned()),
            None => {
                let words = format!("the report has no plan: it may have been cut off after {ran} tests");
                self.report.troubles.push(words);
            }
        }
        Ok(self.report)
    }
}

/// The rest of a line that begins with this word.
fn after_word<'l>(line: &'l str, word: &str) -> Option<&'l str> {
    let rest = line.strip_prefix(word)?;
    (rest.is_empty() || rest.starts_with([' ', '\t'])).then_some(rest)
}

fn strip_prefix_of_any_case<'l>(line: &'l str, prefix: &str) -> Option<&'l str> {
    let (begin, rest) = line.split_at_checked(prefix.len())?;
    begin.eq_ignore_ascii_case(prefix).then_some(rest)
}

/// A description and its directive, `# skip` or `# todo` with blanks around the mark, as version 14 has it: a test that is about `#todo` and
/// fails has failed.
fn directive(text: &str) -> (&str, Directive) {
    for (at, _) in text.match_indices('#') {
        let (before, behind) = (&text[..at], &text[at + 1..]);
        if !(before.is_empty() || before.ends_with([' ', '\t'])) || !behind.starts_with([' ', '\t']) {
            continue;
        }
        let word = behind.split_whitespace().next().unwrap_or_default();
        if word.eq_ignore_ascii_case("todo") {
            return (before, Directive::Pending);
        }
        // Some write `skipped`.
        if strip_prefix_of_any_case(word, "skip").is_some() {
            return (before, Directive::Skip);
        }
    }
    (text, Directive::None)
}

#[cfg(test)]
mod tests;
