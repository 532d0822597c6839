use super::*;

#[test]
fn times_are_read_from_the_log() {
    let lines: String = (1..=100).map(|number| format!("17\t200\t{}\n", number * 10)).collect();
    let expected = Times {
        mean_ms: 0.505,
        p99_ms: 1.0,
    };
    assert_eq!(read(&lines, 100), Ok(expected));
}

#[test]
fn failures_and_a_load_that_was_not_kept_are_no_figure() {
    assert!(read("17\t200\t10\n17\t502\t10\n", 2).is_err());
    assert!(read("17\t200\t10\n", 2).is_err());
    assert!(read("17\t200\tsoon\n", 1).is_err());
    assert!(read("", 1).is_err());
}
