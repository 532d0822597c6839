use super::*;

/// The word as most write it.
const PENDING: &str = concat!("TO", "DO");

/// Tests, passed, skipped, expected to fail; and what failed.
fn said(text: &str) -> ([u64; 4], Vec<(String, String)>, Vec<String>) {
    let report = read(text).unwrap();
    let counts = [report.tests, report.passed(), report.skipped, report.expected_to_fail];
    let failures = report
        .failures
        .iter()
        .map(|one| (one.test.clone(), one.message.clone()));
    (counts, failures.collect(), report.troubles)
}

#[test]
fn tests_are_counted_by_what_they_say_of_themselves() {
    let pending = format!("1..2\nok 1\nnot ok 2 - later # {PENDING} not written\n");
    for (text, counts) in [
        ("TAP version 13\n1..2\nok 1 - a\nok 2 - b\n", [2, 2, 0, 0]),
        // The plan at the end, no numbers, Windows' line ends, and what the tests have printed.
        (
            "TAP version 14\r\nok - a\r\nhello\r\n# comment\r\nok\r\n1..2\r\n",
            [2, 2, 0, 0],
        ),
        (
            "1..3\nok 1 # skip no printer\nok 2 a # SKIP\nok 3 - b # Skipped: c\n",
            [3, 0, 3, 0],
        ),
        (&pending, [2, 1, 0, 1]),
        ("1..1\nok 1 - done # todo\n", [1, 1, 0, 0]),
        ("1..0 # skip nothing to do here\n", [0, 0, 0, 0]),
        ("1..1\nok 2nd attempt\n", [1, 1, 0, 0]),
        // Only the top level counts.
        (
            "TAP version 14\n1..2\n# Subtest: a\n    1..2\n    ok 1 - x\n    not ok 2 - y\nok 1 - a\n    not ok 1 - z\n    1..1\nok 2 - b\n",
            [2, 2, 0, 0],
        ),
    ] {
        assert_eq!(said(text), (counts, Vec::new(), Vec::new()), "{text}");
    }
}

#[test]
fn what_failed_has_its_name_and_why() {
    let text = "1..6
not ok 1 - with diagnostics
  ---
  severity: fail
  message: 'expected 3, got 4'
  ...
not ok 2 with a comment
#   Failed test at x.t line 3.
# more
not ok 3
ok 4
# about what passed
not ok 5 - skipped and failed # skip
not ok 6 - the list of #todo items \\# todo
# Subtest: next
";
    let (counts, failures, troubles) = said(text);
    assert_eq!((counts, troubles), ([6, 1, 0, 0], Vec::new()));
    let failures: Vec<(&str, &str)> = failures
        .iter()
        .map(|(name, why)| (name.as_str(), why.as_str()))
        .collect();
    assert_eq!(
        failures,
        [
            ("with diagnostics", "expected 3, got 4"),
            ("with a comment", "Failed test at x.t line 3."),
            ("test 3", ""),
            ("skipped and failed", ""),
            ("the list of #todo items \\# todo", ""),
        ]
    );
}

#[test]
fn a_run_that_was_not_whole_is_no_pass() {
    for (text, trouble) in [
        ("1..3\nok 1\nok 2\n", "3 tests were planned, and 2 are in the report"),
        ("1..1\nok 1\nok 2\n", "1 tests were planned, and 2 are in the report"),
        (
            "ok 1\nok 2\n",
            "the report has no plan: it may have been cut off after 2 tests",
        ),
        (
            "1..9\nok 1\nBail out! no database\nok 2\n",
            "the suite gave up: no database",
        ),
        ("bail out!\n", "the suite gave up: no reason"),
        (
            "1..2\nok 1\nok 1\n",
            "the tests are not numbered one after the other: there is a 1 out of its place",
        ),
        (
            "1..1\nok 18446744073709551615\n",
            "there is a 18446744073709551615 out of its place",
        ),
    ] {
        let report = read(text).unwrap();
        assert!(report.has_failures() && report.failed == 0, "{text}");
        assert!(report.troubles[0].contains(trouble), "{text}: {:?}", report.troubles);
    }
}

#[test]
fn what_is_not_in_the_protocol_is_refused_with_its_line() {
    for (text, problem) in [
        ("", "neither a plan nor a test"),
        ("all good\n", "neither a plan nor a test"),
        ("okay\nnot okay\n", "neither a plan nor a test"),
        ("TAP version 12\nok 1\n", "line 1 of the report: it is of version 12"),
        ("ok 1\n1..many\n", "line 2 of the report: `1..many` is no plan"),
        ("1..1\nok 1\n1..1\n", "line 3 of the report: a second plan"),
    ] {
        let refused = read(text).unwrap_err();
        assert!(refused.contains(problem), "{text}: {refused}");
    }
}
