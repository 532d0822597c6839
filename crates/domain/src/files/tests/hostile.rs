//! Files that nobody would write: each is refused with a place and a reason, and none can bring the reader down.

use proptest::prelude::*;

use super::{brief, good_project, good_sources, source};
use crate::files::{BYTES_MAX, Code, Diagnostic, NODES_MAX, read_project, read_release, render};

fn read(text: &str) -> Vec<Diagnostic> {
    let (release, diagnostics) = read_release(&source("release.yaml", text), &good_project());
    assert!(release.is_none());
    diagnostics
}

/// Expects exactly these diagnostics of a file that the reader gives up on.
fn check(text: &str, expected: &[&str]) {
    assert_eq!(brief(&read(text)), expected, "{text:?}");
}

fn codes(text: &str) -> Vec<Code> {
    read(text).iter().map(|found| found.code).collect()
}

#[test]
fn what_is_no_yaml() {
    check(
        "",
        &["release.yaml: the file is empty [`tidegate init` writes files to start from]"],
    );
    check(
        "# nothing\n",
        &["release.yaml: the file is empty [`tidegate init` writes files to start from]"],
    );
    check(
        "version: [1\n",
        &[
            "release.yaml:1:10: this is not YAML: unclosed bracket '[' [close the bracket, and put a comma between entries]",
        ],
    );
    check(
        "version: \"1\n",
        &[
            "release.yaml:2:1: this is not YAML: invalid indentation in multiline quoted scalar [close the quotes that were opened above]",
        ],
    );
    check(
        "version:\n\tx: 1\n",
        &[
            "release.yaml:2:2: this is not YAML: tabs disallowed within this context (block indentation) [indent with spaces: YAML does not allow tabs there]",
        ],
    );
    check(
        "version: a: b\n",
        &[
            "release.yaml:1:11: this is not YAML: mapping values are not allowed in this context [check the indentation and the `:` of this line and the one above; text with `: `, `#`, `{`, `[`, `*` or `&` needs quotes]",
        ],
    );
    check(
        "version: 1.0.0\n---\nversion: 1.0.1\n",
        &["release.yaml:2:1: a second document starts here (after this `---`) [keep one document in a file]"],
    );
    check(
        "%YAML 1.1\n---\nversion: 1.0.0\n",
        &["release.yaml:1:1: this is not YAML: YAML directives are disallowed [remove the line that starts with `%`]"],
    );
    check(
        "version: 1\u{0}0\n",
        &[
            "release.yaml:1:11: the file holds the control character U+0000 [remove it; in double quotes it can be written as an escape such as `\\u001B`]",
        ],
    );
    check(
        "version: \u{1b}[31m\n",
        &[
            "release.yaml:1:10: the file holds the control character U+001B [remove it; in double quotes it can be written as an escape such as `\\u001B`]",
        ],
    );
}

#[test]
fn what_yaml_has_and_files_do_without() {
    check(
        "version: &v 1.0.0\ncomponents: {api: {artifact: *v}}\n",
        &[
            "release.yaml:1:13: an anchor (`&name`) can not be used here [write the value out where it is used]",
            "release.yaml:2:30: an alias can not be used here [write the value out where it is used]",
        ],
    );
    check(
        "version: *nowhere\ncomponents: {api: {artifact: a}}\n",
        &["release.yaml:1:10: an alias can not be used here [write the value out where it is used]"],
    );
    check(
        "version: !!str 1.0.0\ncomponents: {api: {artifact: a}}\n",
        &["release.yaml:1:16: a tag (`!name`) can not be used here [remove it: the field decides what its value is]"],
    );
    check(
        "version: 1.0.0\n<<: {kind: patch}\ncomponents: {api: {artifact: a}}\n",
        &["release.yaml:2:1: a merge key can not be used here [write the fields out where they are used]"],
    );
    check(
        "version: 1.0.0\nversion: 1.0.1\ncomponents: {api: {artifact: a}}\n",
        &["release.yaml:2:1: `version` stands twice in one mapping (first on line 1) [keep one of the two]"],
    );
    check(
        "version: 1.0.0\n[a, b]: c\ncomponents: {api: {artifact: a}}\n",
        &["release.yaml:2:1: a list or mapping as a key can not be used here [a key is plain text]"],
    );
    check(
        "version: 1.0.0\ncomponents: {api: {artifact: a, configuration: {A: 010, B: 0x1F, C: .inf, D: +1}}}\n",
        &[
            "release.yaml:2:52: `010` is not the same number to every reader of YAML [write a plain decimal number, or text in quotes: \"010\"]",
            "release.yaml:2:60: `0x1F` is not the same number to every reader of YAML [write a plain decimal number, or text in quotes: \"0x1F\"]",
            "release.yaml:2:69: `.inf` is not the same number to every reader of YAML [write a plain decimal number, or text in quotes: \".inf\"]",
            "release.yaml:2:78: `+1` is not the same number to every reader of YAML [write a plain decimal number, or text in quotes: \"+1\"]",
        ],
    );
}

#[test]
fn what_grows_when_it_is_read() {
    let mut laughs = "a0: &a0 [lol, lol]\n".to_owned();
    for level in 1..40 {
        laughs.push_str(&format!("a{level}: &a{level} [*a{}, *a{}]\n", level - 1, level - 1));
    }
    let codes = codes(&laughs);
    assert!(
        codes
            .iter()
            .all(|code| matches!(code, Code::Yaml | Code::UnknownField | Code::MissingField | Code::Limit))
    );
}

#[test]
fn what_is_too_large() {
    assert_eq!(codes(&" ".repeat(BYTES_MAX + 1)), [Code::Limit]);
    assert_eq!(codes(&"[".repeat(200_000)), [Code::Limit]);
    assert_eq!(codes(&"- ".repeat(200_000)), [Code::Limit]);
    assert_eq!(codes(&"{a: ".repeat(200_000)), [Code::Limit]);
    assert_eq!(codes(&format!("[{}]", "1,".repeat(NODES_MAX))), [Code::Limit]);
}

#[test]
fn a_file_full_of_mistakes_is_cut() {
    let text: String = (0..50_000).map(|number| format!("key{number}: x\n")).collect();
    let codes = codes(&text);
    assert_eq!((codes.len(), codes[100]), (101, Code::Limit));
    let twice = "key: x\n".repeat(50_000);
    assert_eq!(self::codes(&twice).len(), 101);
}

#[test]
fn windows_writes_other_line_ends_and_a_mark_at_the_start() {
    let mut sources = good_sources();
    for source in &mut sources {
        source.text = format!("\u{feff}{}", source.text.trim_start().replace('\n', "\r\n"));
    }
    let (project, diagnostics) = read_project(&sources);
    assert_eq!(brief(&diagnostics), Vec::<String>::new());
    assert_eq!(project, Some(good_project()));
    sources[1].text = sources[1].text.replace("cell: us", "cell: uss");
    let (_, diagnostics) = read_project(&sources);
    assert_eq!(
        brief(&diagnostics),
        ["tenants.yaml:3:24: there is no cell `uss` (did you mean `us`?)"]
    );
}

#[test]
fn a_terminal_is_not_obeyed() {
    let sources = [source(
        "tidegate.yaml",
        "\"\\e[31mred\": \"\\e[0m\"\nservice: \"\\u009b31m\\nX\"\n",
    )];
    let (_, diagnostics) = read_project(&sources);
    let drawn = render(&diagnostics, &sources, false);
    assert!(drawn.chars().all(|c| c == '\n' || !c.is_control()), "{drawn:?}");
}

#[test]
fn of_a_long_line_the_part_around_the_caret_is_drawn() {
    let text = format!(
        "{{version: '{}', knid: patch, commits: [{}]}}",
        "é".repeat(5_000),
        "1, ".repeat(5_000)
    );
    let sources = [source("release.yaml", &text)];
    let (_, diagnostics) = read_release(&sources[0], &good_project());
    let unknown: Vec<Diagnostic> = diagnostics
        .into_iter()
        .filter(|found| found.code == Code::UnknownField)
        .collect();
    let drawn = render(&unknown, &sources, false);
    assert!(drawn.contains("--> release.yaml:1:5015\n"), "{drawn}");
    assert!(drawn.contains("^^^^ did you mean `kind`?"), "{drawn}");
    assert!(drawn.len() < 1_000, "{drawn}");
}

/// Every diagnostic lies in its file, on the line and column it names, and can be drawn.
fn check_places(text: &str) -> Result<(), TestCaseError> {
    let sources = ["tidegate.yaml", "tenants.yaml", "playbooks/x.yaml"].map(|path| source(path, text));
    let (project, mut diagnostics) = read_project(&sources);
    prop_assert!(project.is_none());
    diagnostics.extend(read_release(&source("tenants.yaml", text), &good_project()).1);
    prop_assert!(!diagnostics.is_empty());
    for place in diagnostics.iter().filter_map(|found| found.place.as_ref()) {
        prop_assert!(
            text.get(place.span.clone()).is_some_and(|part| !part.contains('\n')),
            "{place:?}"
        );
        let before = &text[..place.span.start];
        prop_assert_eq!(place.line, before.matches('\n').count() + 1);
        let line = before.rsplit('\n').next().unwrap_or_default();
        prop_assert_eq!(place.column, line.chars().count() + 1);
    }
    prop_assert!(!render(&diagnostics, &sources, false).is_empty());
    Ok(())
}

fn scraps() -> impl Strategy<Value = String> {
    let scrap = prop::sample::select(vec![
        "a",
        "name",
        "service",
        "tenants",
        "waves",
        ": ",
        ":",
        "- ",
        "-",
        "\n",
        "\n",
        "\n  ",
        "\n    ",
        "[",
        "]",
        "{",
        "}",
        ", ",
        "&x ",
        "*x",
        "!t ",
        "|",
        ">",
        "'",
        "\"",
        "#",
        " #",
        "? ",
        "%",
        "---\n",
        "...\n",
        "\t",
        "<<",
        "0x1",
        "1.5",
        "true",
        "~",
        "é",
        "👋",
        "\u{feff}",
        "\r\n",
        "\r",
        "\u{85}",
        "\u{2028}",
        "\0",
        "\\",
        "\"\\u0000\"",
        "select",
        "components",
    ]);
    prop::collection::vec(scrap, 0..40).prop_map(|scraps| scraps.concat())
}

proptest! {
    #[test]
    fn no_text_brings_the_reader_down(text in any::<String>()) {
        check_places(&text)?;
    }

    #[test]
    fn no_scraps_of_yaml_bring_the_reader_down(text in scraps()) {
        check_places(&text)?;
    }

    #[test]
    fn no_damaged_file_brings_the_reader_down(at in any::<prop::sample::Index>(), scrap in scraps()) {
        let text = super::SERVICE;
        let (before, after) = text.split_at(at.index(text.len()));
        let mut sources = good_sources();
        sources[0].text = format!("{before}{scrap}{after}");
        let (project, diagnostics) = read_project(&sources);
        prop_assert_eq!(project.is_some(), !diagnostics.iter().any(Diagnostic::is_error));
        prop_assert_eq!(render(&diagnostics, &sources, true).is_empty(), diagnostics.is_empty());
    }
}
