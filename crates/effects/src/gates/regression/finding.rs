//! What one combination has come to, and what all of them come to together.

use std::path::Path;

use tidegate_domain::event::{Judgement, Verdict};

use super::super::expectation::shown;
use super::report::Report;
use super::with::With;

/// Failures that are named.
const NAMED_MAX: usize = 3;
/// Characters of the name of a test that are shown.
const NAME_CHARACTERS_MAX: usize = 120;

#[derive(Debug)]
pub(super) struct Outcome {
    /// The combination, in words.
    pub name: String,
    pub finding: Finding,
}

#[derive(Debug)]
pub(super) enum Finding {
    Passed(Report),
    Failed {
        report: Report,
        /// Each in words, the first ones of `count`.
        failures: Vec<String>,
        count: u64,
    },
    /// It says nothing about the version, for this reason.
    Broken(String),
}

/// Of a suite that tells by its exit code alone.
pub(super) fn of_exit_code(is_success: bool, ended: &str) -> Finding {
    if is_success {
        return Finding::Passed(Report::default());
    }
    Finding::Failed {
        report: Report::default(),
        failures: vec![ended.to_owned()],
        count: 1,
    }
}

/// Of a suite that has reported and `ended`, with these last words.
///
/// # Errors
/// In words, where the report says nothing about the version.
pub(super) fn of_report(
    with: &With,
    report: Report,
    is_success: bool,
    ended: &str,
    words: &str,
) -> Result<Finding, String> {
    if report.has_failures() {
        let tests = report.failures.iter().map(|failure| {
            let message = shown(&failure.message);
            let behind = if message.is_empty() { "it failed" } else { &message };
            format!("`{}`: {behind}", shortened(&failure.test))
        });
        let troubles = report.troubles.iter().map(|trouble| shown(trouble));
        let mut failures: Vec<String> = tests.chain(troubles).collect();
        if let Some(first) = failures.first_mut().filter(|_| is_success) {
            first.push_str(&format!(" (although {ended})"));
        }
        let count = report.failed + report.troubles.len() as u64;
        return Ok(Finding::Failed {
            report,
            failures,
            count,
        });
    }
    let ran = report.ran();
    if report.tests == 0 {
        return Err(format!("there is no test in the report ({ended}{words})"));
    }
    if !is_success {
        let reason = format!(
            "{ended} although no test in its report failed, of {}{words}",
            report.tests
        );
        return Ok(Finding::Failed {
            report,
            failures: vec![reason],
            count: 1,
        });
    }
    let least = with.minimum_tests.unwrap_or(1);
    if ran < least {
        return Err(format!(
            "{} ran and {} skipped, and at least {least} have to run (`minimum_tests`)",
            tests(ran),
            were(report.skipped)
        ));
    }
    match with.skipped_at_most {
        Some(most) if report.skipped > most => Err(format!(
            "{} skipped, and {most} may be (`skipped_at_most`)",
            were(report.skipped)
        )),
        Some(_) | None => Ok(Finding::Passed(report)),
    }
}

/// One that failed decides; what could not be judged has not passed.
pub(super) fn judge(outcomes: &[Outcome], kept: &Path) -> Judgement {
    let mut all = Totals::default();
    for outcome in outcomes {
        all.take(outcome);
    }
    let verdict = match (all.failed, all.broken) {
        (0, 0) => Verdict::Pass,
        (0, _) => Verdict::Error,
        (_, _) => Verdict::Fail,
    };
    let kept = kept.display();
    Judgement::new(
        verdict,
        format!("{}; what it printed is kept in `{kept}`", all.in_words()),
    )
}

/// Over all combinations.
#[derive(Debug, Default)]
struct Totals {
    combinations: usize,
    failed: usize,
    broken: usize,
    tests: u64,
    passed: u64,
    failed_tests: u64,
    skipped: u64,
    expected_to_fail: u64,
    failures: Named,
    errors: Named,
}

/// The first ones of many, in words.
#[derive(Debug, Default)]
struct Named {
    words: Vec<String>,
    count: u64,
}

impl Named {
    fn add<'w>(&mut self, name: &str, words: impl IntoIterator<Item = &'w String>, count: u64) {
        self.count += count;
        let room = NAMED_MAX - self.words.len();
        self.words
            .extend(words.into_iter().take(room).map(|words| format!("{name}: {words}")));
    }

    fn in_words(&self) -> String {
        let named = self.words.join("; ");
        match self.count - self.words.len() as u64 {
            0 => named,
            more => format!("{named}; and {more} more"),
        }
    }
}

impl Totals {
    fn take(&mut self, outcome: &Outcome) {
        self.combinations += 1;
        match &outcome.finding {
            Finding::Passed(report) => self.count(report),
            Finding::Failed {
                report,
                failures,
                count,
            } => {
                self.failed += 1;
                self.count(report);
                self.failures.add(&outcome.name, failures, *count);
            }
            Finding::Broken(reason) => {
                self.broken += 1;
                self.errors.add(&outcome.name, [reason], 1);
            }
        }
    }

    fn count(&mut self, report: &Report) {
        self.tests += report.tests;
        self.passed += report.passed();
        self.failed_tests += report.failed;
        self.skipped += report.skipped;
        self.expected_to_fail += report.expected_to_fail;
    }

    fn in_words(&self) -> String {
        let all = self.combinations;
        let counts = self.counts();
        let of_all = |count: usize| format!("{count} of {all} combinations");
        match (self.failed, self.broken, all) {
            (0, 0, 1) => format!("the suite passed{counts}"),
            (0, 0, _) => format!("{} passed{counts}", of_all(all)),
            (0, _, 1) => format!("the suite could not be judged: {}", self.errors.in_words()),
            (0, broken, _) => format!(
                "{} could not be judged{counts}: {}",
                of_all(broken),
                self.errors.in_words()
            ),
            (_, 0, 1) => format!("the suite failed{counts}: {}", self.failures.in_words()),
            (failed, 0, _) => format!("{} failed{counts}: {}", of_all(failed), self.failures.in_words()),
            (failed, broken, _) => format!(
                "{} failed and {broken} could not be judged{counts}: {}; {}",
                of_all(failed),
                self.failures.in_words(),
                self.errors.in_words()
            ),
        }
    }

    /// Of the tests, where any were counted.
    fn counts(&self) -> String {
        if self.tests == 0 {
            return String::new();
        }
        let mut words = format!(" ({} of {} passed", self.passed, tests(self.tests));
        for (count, what) in [
            (self.failed_tests, "failed"),
            (self.skipped, "skipped"),
            (self.expected_to_fail, "expected to fail"),
        ] {
            if count > 0 {
                words.push_str(&format!(", {count} {what}"));
            }
        }
        words.push(')');
        words
    }
}

fn tests(count: u64) -> String {
    match count {
        1 => "1 test".to_owned(),
        _ => format!("{count} tests"),
    }
}

fn were(count: u64) -> String {
    match count {
        1 => "1 was".to_owned(),
        _ => format!("{count} were"),
    }
}

/// The end of a long name tells tests apart.
fn shortened(name: &str) -> String {
    let length = name.chars().count();
    let name: String = match length.checked_sub(NAME_CHARACTERS_MAX) {
        None | Some(0) => name.to_owned(),
        Some(surplus) => format!("...{}", name.chars().skip(surplus).collect::<String>()),
    };
    shown(&name)
}
