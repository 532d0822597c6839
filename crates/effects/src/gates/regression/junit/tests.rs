use super::*;

fn failures(report: &Report) -> Vec<(&str, &str)> {
    report
        .failures
        .iter()
        .map(|one| (one.test.as_str(), one.message.as_str()))
        .collect()
}

/// All tests, those that ran and passed, and those that were skipped.
fn counts(text: &str) -> (u64, u64, u64) {
    let report = read(text).unwrap();
    (report.tests, report.passed(), report.skipped)
}

#[test]
fn suites_in_all_shapes_are_counted() {
    for (text, expected) in [
        ("<testsuite><testcase name='a'/></testsuite>", (1, 1, 0)),
        (
            "\u{feff}<?xml version='1.0' encoding='UTF-8'?>\n<!-- made by hand -->\n<testsuites><testsuite name='s'><testcase name='a'/>\
             <testcase name='b'><skipped message='not here'/></testcase></testsuite><testsuite name='t'/></testsuites>\n",
            (2, 1, 1),
        ),
        // A suite inside of a suite, properties, output, and an element nobody knows.
        (
            "<testsuites><testsuite name='out'><properties><property name='failure' value='1'/></properties><testsuite name='in'>\
             <testcase name='a'><system-out><![CDATA[ <failure> 1 & 2 ]]></system-out></testcase></testsuite>\
             <testcase name='b' unknown='1'><mystery/></testcase></testsuite></testsuites>",
            (2, 2, 0),
        ),
        // GoogleTest says so of what is disabled.
        (
            "<testsuites><testsuite><testcase name='a' status='notrun' result='suppressed'/></testsuite></testsuites>",
            (1, 0, 1),
        ),
        ("<testsuites/>", (0, 0, 0)),
        (
            "<p:testsuite xmlns:p='x'><p:testcase name='a'/></p:testsuite>",
            (1, 1, 0),
        ),
    ] {
        assert_eq!(counts(text), expected, "{text}");
    }
}

#[test]
fn what_failed_has_its_name_and_the_first_line_of_why() {
    let report = read(
        "<testsuites failures='3' errors='1'><testsuite failures='3' errors='1'>
           <testcase classname='cart' name='totals'><failure message='expected 3, got &lt;4&gt;&#10;at cart.py:7' type='X'>long</failure></testcase>
           <testcase classname='cart' name='cart.empty'><error type='KeyError'>
             Traceback</error></testcase>
           <testcase name='text'><failure><![CDATA[
             it said &no;
             more]]></failure></testcase>
           <testcase name='both'><skipped/><failure message=''>odd</failure></testcase>
         </testsuite></testsuites>",
    );
    let report = report.unwrap();
    assert_eq!(
        (report.tests, report.failed, report.passed(), report.skipped),
        (4, 4, 0, 0)
    );
    assert_eq!(
        failures(&report),
        [
            ("cart.totals", "expected 3, got <4>"),
            ("cart.empty", "KeyError"),
            ("text", "it said &no;"),
            ("both", "odd"),
        ]
    );
    assert_eq!(report.troubles, [""; 0]);
}

#[test]
fn a_test_that_passed_when_it_was_run_again_has_failed() {
    let report = read(
        "<testsuite tests='2'><testcase name='a'><flakyFailure message='timed out'><stackTrace>x</stackTrace></flakyFailure></testcase>\
         <testcase name='b'><failure message='no'/><rerunFailure message='no again'/></testcase>\
         <testcase name='c'><rerunError message='broken'/></testcase><testcase name='d'/></testsuite>",
    );
    let report = report.unwrap();
    assert_eq!((report.failed, report.passed()), (3, 1));
    assert_eq!(
        failures(&report),
        [
            ("a", "it failed and was run again: timed out"),
            ("b", "no"),
            ("c", "it failed and was run again: broken"),
        ]
    );
}

#[test]
fn what_fails_beside_the_tests_is_no_pass() {
    for (text, trouble) in [
        (
            "<testsuites failures='1'><testsuite name='set up' errors='1'><testcase name='a'/><error message='no database'/></testsuite></testsuites>",
            "suite `set up`: no database",
        ),
        (
            "<testsuites errors='2'><testsuite name='s' failures='0' errors='2'><testcase name='a'/></testsuite></testsuites>",
            "suite `s` counts 2 failures and shows none of them",
        ),
    ] {
        let report = read(text).unwrap();
        assert_eq!(
            (report.failed, report.troubles),
            (0, vec![trouble.to_owned()]),
            "{text}"
        );
    }
}

#[test]
fn only_the_first_failures_are_named_and_all_are_counted() {
    let cases: String = (0..50)
        .map(|number| format!("<testcase name='t{number}'><failure message='no'/></testcase>"))
        .collect();
    let report = read(&format!("<testsuite>{cases}</testsuite>")).unwrap();
    assert_eq!((report.failed, report.failures.len()), (50, 20));
}

#[test]
fn what_is_no_such_report_is_refused_with_its_line() {
    let deep = "<testsuite>".repeat(101);
    for (text, problem) in [
        ("", "line 1 of the report: it is empty"),
        ("\n\nno XML", "of the report: `no XML` outside of the report"),
        (
            "<html/>",
            "line 1 of the report: it begins with `<html>`, expected is `<testsuites>` or `<testsuite>`",
        ),
        (
            "<testsuite>\n<testcase name='a'>\n<failure message='x'>it was",
            "line 3 of the report: it ends inside of `<testcase>`: it was cut off",
        ),
        (
            "<testsuites>\n<testsuite>\n",
            "it ends inside of `<testsuite>`: it was cut off",
        ),
        (
            "<testsuite>\n<testcase na",
            "line 2 of the report: a tag begins here and does not end: it was cut off",
        ),
        ("<testsuite>\n<testcase name='a", "line 2 of the report"),
        (
            "<testsuite>\n<testcase>\n</testsuite>",
            "line 3 of the report: `</testsuite>` where `</testcase>` is expected",
        ),
        (
            "<testsuite/>\n<testsuite/>",
            "line 2 of the report: `<testsuite>` behind the end of the report",
        ),
        ("<testsuite/>\nmore", "`more` outside of the report"),
        ("<testsuite name='a' name='b'/>", "line 1 of the report: "),
        ("<testsuite name='&boom;'/>", "line 1 of the report: "),
        (
            "<testsuite>\n&boom;</testsuite>",
            "line 2 of the report: `&boom;` stands for nothing",
        ),
        (
            "<!DOCTYPE t [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;'>]>\n<testsuite name='&b;'/>",
            "line 1 of the report: a document type: nothing but the report itself is read, leave it out",
        ),
        (&deep, "more than 100 elements inside of each other"),
    ] {
        let refused = read(text).unwrap_err();
        assert!(refused.contains(problem), "{text}: {refused}");
    }
}
