use super::*;

#[track_caller]
fn check(old: &str, new: &str, expect: &str) {
    let (old, new) = (Pattern::new(old).unwrap(), Pattern::new(new).unwrap());
    let wanted = Wanted {
        fitting: vec![&old],
        not_fitting: vec![&new],
        least: 0,
        most: None,
    };
    let found = match search(&wanted) {
        Search::Found(text) => {
            assert!(old.fits(&text) && !new.fits(&text), "{text:?}");
            "found"
        }
        Search::None => "none",
        Search::TooLarge => "too large",
    };
    assert_eq!(found, expect);
}

#[test]
fn a_pattern_that_fits_less_is_within_one_that_fits_more() {
    for (less, more) in [
        ("^a$", "^(a|b)$"),
        ("^[a-f0-9]{40}$", "^[a-z0-9]*$"),
        (r"^\d+$", r"^[0-9]+$"),
        ("abc", "b"),
        (r"^\w+@\w+$", "@"),
        ("^é$", r"^\u00e9$"),
    ] {
        check(less, more, "none");
    }
    check("^(a|b)$", "^a$", "found");
    check("b", "^b", "found");
    check("^a*$", "^a+$", "found");
    check(".", "^.$", "found");
}

#[test]
fn what_is_not_regular_makes_no_automaton() {
    assert!(Pattern::new("^(?!a)").is_none());
    assert!(Pattern::new(r"(a)\1").is_none());
    assert!(Pattern::new("(a{1000}){1000}").is_none());
}

#[test]
fn a_class_is_read_as_ecma_has_it() {
    assert!(Pattern::new(r"^[[]$").unwrap().fits("["));
    assert!(Pattern::new(r"^[&&a]$").unwrap().fits("&"));
    assert!(!Pattern::new(r"^\d$").unwrap().fits("٣"));
    assert!(Pattern::new(r"^\/$").unwrap().fits("/"));
}

#[test]
fn a_string_is_found_within_a_length() {
    let pattern = Pattern::new("^[ab]+$").unwrap();
    let wanted = Wanted {
        fitting: vec![&pattern],
        not_fitting: vec![],
        least: 3,
        most: Some(4),
    };
    assert_eq!(search(&wanted), Search::Found("aaa".to_owned()));
    let wanted = Wanted {
        fitting: vec![&pattern],
        not_fitting: vec![],
        least: 0,
        most: Some(0),
    };
    assert_eq!(search(&wanted), Search::None);
}
