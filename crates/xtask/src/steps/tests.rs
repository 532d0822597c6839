use super::*;

const ABSENT: Need = Need {
    name: "absent",
    probe: &["tidegate-no-such-program", "--version"],
    fetch: "apt-get install absent",
};

fn outcome(needs: &'static [Need], work: Work, ci: bool) -> Outcome {
    let step = Step {
        name: "step",
        needs,
        work,
    };
    take(&step, Path::new("."), ci).0
}

#[test]
fn a_command_passes_by_its_exit_code() {
    assert_eq!(outcome(&[], Work::Command(&["true"]), true), Outcome::Passed);
    assert_eq!(outcome(&[], Work::Command(&["false"]), false), Outcome::Failed);
}

#[test]
fn a_program_that_cannot_start_fails() {
    let work = Work::Command(&["tidegate-no-such-program"]);
    assert_eq!(outcome(&[], work, false), Outcome::Failed);
}

#[test]
fn a_missing_need_is_skipped_on_a_desk_and_fails_in_ci() {
    assert_eq!(outcome(&[ABSENT], Work::Command(&["true"]), false), Outcome::Skipped);
    assert_eq!(outcome(&[ABSENT], Work::Command(&["true"]), true), Outcome::Failed);
}

#[test]
fn a_check_speaks_through_its_error() {
    assert_eq!(outcome(&[], Work::Check(|_| Ok(())), false), Outcome::Passed);
    assert_eq!(
        outcome(&[], Work::Check(|_| Err("lost 1".into())), false),
        Outcome::Failed
    );
}

#[test]
fn the_summary_names_every_step() {
    let second = Duration::from_secs(1);
    let text = summary(&[
        ("format", (Outcome::Passed, second)),
        ("demo", (Outcome::Skipped, second)),
        ("tests", (Outcome::Failed, second * 90)),
    ]);
    assert_eq!(
        text,
        "format  passed      1.0 s\ndemo    skipped     1.0 s\ntests   FAILED     90.0 s"
    );
}
