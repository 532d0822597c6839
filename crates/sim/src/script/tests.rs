use super::*;
use crate::generate::{generate, weeks};

#[test]
fn what_is_printed_reads_back_the_same() {
    for seed in 0..200 {
        for script in weeks(seed).into_iter().chain([generate(seed)]) {
            let text = script.to_string();
            assert_eq!(text.parse::<Script>().as_ref(), Ok(&script), "{text}");
        }
    }
}

#[test]
fn a_line_that_is_none_is_told_with_its_number() {
    let unreadable = "cells eu\n\n10s dance\n".parse::<Script>().unwrap_err();
    assert_eq!(
        unreadable.to_string(),
        "cannot read line 3 of the scenario, `10s dance`: there is no such action, or not with these words; \
         docs/simulation.md has the language"
    );
}
