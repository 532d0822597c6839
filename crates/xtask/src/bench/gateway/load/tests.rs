use super::*;

#[test]
fn the_line_of_the_script_is_found_among_what_wrk_says() {
    let done = read("Running 5s test\n\nfigures 4000 5000000 1600 0\n");
    let expected = Done {
        requests: 4_000.0,
        seconds: 5.0,
        p99_ms: 1.6,
    };
    assert_eq!(done, Ok(expected));
}

#[test]
fn a_run_with_failures_or_without_answers_is_no_figure() {
    for output in [
        "figures 4000 5000000 1600 1\n",
        "figures 0 5000000 0 0\n",
        "figures 4000\n",
        "",
    ] {
        assert!(read(output).is_err(), "{output}");
    }
}
