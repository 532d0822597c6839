use super::*;
use crate::change::Ships;
use crate::files::tests::{brief, good_sources, source};

/// What is read of one file with this text, and what is said of it.
fn read(text: &str) -> (Option<Change>, Vec<String>) {
    let (changes, diagnostics) = read_changes(&[source("changes/one.md", text)]);
    let change = changes.map(|mut changes| changes.pop_first().expect("one file is one change").1);
    (change, brief(&diagnostics))
}

fn good() -> String {
    let sources = good_sources();
    let of_change = sources.iter().find(|source| is_change(&source.path));
    of_change.expect("the good project has a change").text.clone()
}

/// Replaces `from` in the good file and expects exactly this.
#[track_caller]
fn says(from: &str, to: &str, expected: &[&str]) {
    let text = good();
    assert!(text.contains(from), "{from}");
    let (change, said) = read(&text.replacen(from, to, 1));
    assert_eq!(said, expected, "{from} -> {to}");
    assert!(change.is_none());
}

#[test]
fn a_change_is_read_whole() {
    let (change, said) = read(&good());
    assert_eq!(said, Vec::<String>::new());
    let change = change.unwrap();
    assert_eq!(change.title, "Points expire at midnight of the tenant");
    assert_eq!(change.deadline, "2027-03-01".parse().ok());
    assert_eq!(change.opt_in.as_ref().map(|opt_in| opt_in.ships), Some(Ships::Disabled));
    let developers = &change.sections[&Audience::Developer];
    assert!(
        developers.starts_with("`expires` is gone") && developers.contains("## Developers\ncurl"),
        "{developers}"
    );
    assert_eq!(
        change.sections[&Audience::Internal],
        "Customers have asked for this since spring."
    );
}

#[test]
fn line_ends_make_no_difference() {
    let (unix, _) = read(&good());
    let (windows, said) = read(&format!("\u{feff}{}", good().replace('\n', "\r\n")));
    assert_eq!(said, Vec::<String>::new());
    assert_eq!(unix, windows);
}

#[test]
fn each_audience_needs_its_section_and_each_section_its_audience() {
    says(
        "internal]",
        "marketing]",
        &[
            "changes/one.md:3:23: the audience `marketing` has no section `## Marketing` [add the heading `## Marketing` and what they should know, or remove `marketing` from `audience`]",
            "changes/one.md:33:1: nobody is the audience of the section `## Internal` [add `internal` to `audience`, or remove the section]",
        ],
    );
    // What was meant is not known, so nothing is said of the sections.
    says(
        "developer,",
        "developers,",
        &["changes/one.md:3:12: `developers` is not possible here (did you mean `developer`?)"],
    );
    says(
        "## Internal",
        "## Intern",
        &[
            "changes/one.md:3:23: the audience `internal` has no section `## Internal` [add the heading `## Internal` and what they should know, or remove `internal` from `audience`]",
            "changes/one.md:33:1: there is no audience for the section `Intern` (did you mean `Internal`?)",
        ],
    );
    says(
        "### An example",
        "## An example",
        &[
            "changes/one.md:29:1: there is no audience for the section `An example` [the sections are `Developers`, `Marketing`, `Operations` and `Internal`; write `###` for a heading inside a section]",
        ],
    );
    says(
        "Customers have asked for this since spring.",
        " ",
        &[
            "changes/one.md:33:1: the section `## Internal` is empty [write what the audience `internal` should know, or remove the section]",
        ],
    );
    says(
        "### An example",
        "## Developers",
        &["changes/one.md:29:1: there are two sections `## Developers` (first on line 19) [make one of the two]"],
    );
}

#[test]
fn a_change_that_asks_for_something_says_what_and_until_when() {
    says(
        "deadline: 2027-03-01\naction: Read `expires_at` instead of `expires`.\n",
        "",
        &[
            "changes/one.md:4:9: `action` is missing: a change of impact `breaking` needs it [add `action:` - what the reader has to do]",
            "changes/one.md:4:9: `deadline` is missing: a change of impact `breaking` needs it [add `deadline:` - the last day on which the old way works, such as `2027-03-01`]",
        ],
    );
    says(
        "impact: breaking\n",
        "",
        &[
            "changes/one.md:8:1: `deadline` does not go with the impact `none` [write `impact: action-required`, or remove the field]",
            "changes/one.md:9:1: `action` does not go with the impact `none` [write `impact: action-required`, or remove the field]",
        ],
    );
    says(
        "2027-03-01\naction",
        "2027-02-29\naction",
        &["changes/one.md:9:11: `2027-02-29` is not a date [write it as `2026-11-23`]"],
    );
}

#[test]
fn the_front_matter_has_known_fields_only() {
    says(
        "ships: disabled, ",
        "",
        &["changes/one.md:8:10: `ships` is missing in this opt in [add `ships:` - the state that it arrives in]"],
    );
    says(
        "kind:",
        "knd:",
        &["changes/one.md:2:1: unknown field `knd` in the change file (did you mean `kind`?)"],
    );
    says(
        "pictures/points.png",
        "../points.png",
        &[
            "changes/one.md:14:12: `../points.png` is not a path of a picture [a relative path of letters, digits, `.`, `_` and `-` that ends in png, jpg, jpeg, gif or webp, such as `pictures/menu.png`]",
        ],
    );
}

#[test]
fn a_change_has_one_title_and_no_text_that_nobody_reads() {
    says(
        "# Points expire at midnight of the tenant",
        "Points expire.",
        &[
            "changes/one.md:16:1: the change has no title [begin the text with one line `# ` and what changes, in the reader's words]",
            "changes/one.md:17:1: this text stands in no section, so nobody would read it [move it below a heading such as `## Developers`]",
        ],
    );
    says(
        "### An example",
        "# An example",
        &[
            "changes/one.md:29:1: a change has one title (first on line 17) [write `###` for a heading inside a section]",
        ],
    );
    says(
        "```\n\n###",
        "\n###",
        &["changes/one.md:23:1: the code block that begins here has no end [close it with the same marks]"],
    );
}

#[test]
fn a_file_without_front_matter_is_told_how_to_begin() {
    let help = "[`tidegate changes new` writes a file to start from]";
    for text in ["", "# Title\n"] {
        let expected = format!(
            "changes/one.md:1:1: the file does not begin with its front matter (the first line is `---`) {help}"
        );
        assert_eq!(read(text).1, [expected]);
    }
    let open =
        "changes/one.md:1:1: the front matter that begins here has no end [write a line `---` between it and the text]";
    assert_eq!(read("---\nkind: fixed\n").1, [open]);
    let empty = "changes/one.md:1:1: the front matter is empty [write at least `kind:` and `audience:` between the two lines `---`]";
    assert_eq!(read("---\n# nothing\n\n---\n").1[0], empty);
    let (_, said) = read("---\nkind: fixed\n kind: : x\n---\n# T\n\n## Internal\n\nx\n");
    assert!(said[0].starts_with("changes/one.md:3:"), "{said:?}");
}

#[test]
fn html_is_told_and_not_refused() {
    let html = "Write <b>this</b>, <https://a.example>, `<i>`, 1 < 2 and <!-- nothing -->.\n\n    <code>\n";
    let (change, said) = read(&good().replace("Customers have asked for this since spring.", html));
    let columns: Vec<&str> = said.iter().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(
        columns,
        ["changes/one.md:35:7:", "changes/one.md:35:14:", "changes/one.md:35:58:"]
    );
    assert!(change.is_some());
}

#[test]
fn names_and_sizes_have_bounds() {
    let large = format!("{}{}", good(), "x".repeat(CHANGE_BYTES_MAX));
    let (change, said) = read(&large);
    assert!(
        change.is_none() && said.len() == 1 && said[0].contains("a change has at most 65536"),
        "{said:?}"
    );
    let sources = [
        source("changes/One more.md", &good()),
        source("changes/points.md", &good()),
        source("elsewhere/changes/points.md", &good()),
        source("changes/README.md", "How we write changes.\n"),
        source("other/points.md", "No change at all.\n"),
    ];
    let (changes, diagnostics) = read_changes(&sources);
    assert_eq!(
        brief(&diagnostics),
        [
            "changes/One more.md: `One more` is not a change id [rename the file: 1 to 63 of a-z, 0-9, `.`, `_` and `-`, the first a letter or digit]",
            "elsewhere/changes/points.md: there are two changes named `points` [rename one of the two; the other is `changes/points.md`]",
        ]
    );
    assert!(changes.is_none());
}

#[test]
fn all_mistakes_of_all_files_are_told_at_once() {
    let sources = [
        source("changes/a.md", &good().replace("kind: changed", "kind: chnaged")),
        source("changes/b.md", &good().replace("# Points", "Points")),
    ];
    let (_, diagnostics) = read_changes(&sources);
    let places: Vec<(&str, usize)> = diagnostics
        .iter()
        .filter_map(|found| Some((found.file.as_str(), found.place.as_ref()?.line)))
        .collect();
    assert_eq!(
        places,
        [("changes/a.md", 2), ("changes/b.md", 16), ("changes/b.md", 17)]
    );
}

#[test]
fn a_picture_that_is_not_there_is_named_where_it_is_written() {
    let pictures = named_pictures(&[source("changes/one.md", &good())]);
    assert_eq!(pictures.len(), 1);
    assert_eq!(pictures[0].picture.as_str(), "pictures/points.png");
    let expected = "changes/one.md:14:12: there is no picture `pictures/points.png` [the path is relative to the folder of this file]";
    assert_eq!(brief(&[pictures[0].is_missing()]), [expected]);
}

#[test]
fn a_new_file_has_no_mistake_but_is_not_written_yet() {
    for (impact, action, deadline) in [
        (Impact::None, None, None),
        (Impact::Breaking, Some("Say \"yes\": it's # fine"), Some("2027-03-01")),
    ] {
        let new = NewChange {
            title: "Points expire later".to_owned(),
            kind: ChangeKind::Fixed,
            audience: Audience::ALL.into(),
            impact,
            action: action.map(str::to_owned),
            deadline: deadline.map(|day| day.parse().unwrap()),
        };
        let (change, said) = read(&new.file());
        assert!(
            said.iter().all(|line| line.contains("is not written yet")) && said.len() == 4,
            "{said:?}"
        );
        let change = change.expect("it has no mistake");
        assert!(is_unwritten(&change));
        assert_eq!((change.action.as_deref(), change.impact), (action, impact));
    }
}
