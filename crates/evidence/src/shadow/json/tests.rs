use super::*;

#[test]
fn numbers_keep_their_digits_and_strings_are_unescaped() {
    let text = r#" {"a": [1e999, -0.50, 18446744073709551617], "b\n": "\u00e9\ud83d\ude00/\/", "c": null, "d": true} "#;
    let Json::Object(members) = Json::read(text).unwrap() else {
        panic!("an object was written");
    };
    let numbers = vec![
        Json::Number("1e999"),
        Json::Number("-0.50"),
        Json::Number("18446744073709551617"),
    ];
    assert_eq!(members["a"], Json::Array(numbers));
    assert_eq!(members["b\n"].text(), Some("é😀//"));
    assert_eq!((&members["c"], &members["d"]), (&Json::Null, &Json::Bool(true)));
}

#[test]
fn what_is_no_json_is_refused_at_its_place() {
    let check = |text: &str, column: usize, problem: &str| {
        let misread = Json::read(text).unwrap_err();
        assert_eq!((misread.column, misread.problem.as_str()), (column, problem), "{text}");
    };
    check("", 1, "the text ends before the value");
    check("{\"a\":1,\"a\":2}", 12, "the key `a` stands twice");
    check("[1,]", 4, "no JSON value begins so");
    check("[1 2]", 4, "`]` was expected");
    check("01", 3, "this is no JSON number");
    check("1.", 3, "this is no JSON number");
    check("\"é", 3, "the text ends within a string");
    check("\"\u{1}\"", 2, "a control character in a string");
    check("\"\\ud800x\"", 8, "half a pair of surrogates");
    check("\"\\ud800\\u0041\"", 14, "half a pair of surrogates");
    check("\"\\u12é4\"", 4, "`\\u` without four hexadecimal digits");
    check("nul", 1, "no JSON value begins so");
    check("{a:1}", 2, "a string was expected");
    check("1 1", 3, "there is more behind the value");
}

#[test]
fn depth_is_bounded() {
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    assert!(Json::read(&nested(DEPTH_MAX)).is_ok());
    for depth in [DEPTH_MAX + 2, 10_000, 1_000_000] {
        let misread = Json::read(&nested(depth)).unwrap_err();
        assert_eq!(misread.problem, "values are nested deeper than 128");
    }
    assert!(Json::read(&"{\"a\":".repeat(10_000)).is_err());
}

proptest::proptest! {
    /// A reader of its own has to agree with the one that everybody uses.
    #[test]
    fn reads_what_serde_reads(text in r#"[\[\]{}:,"\\ a0-9.eEtrufalsn\-]{0,24}"#) {
        let ours = Json::read(&text);
        let theirs = serde_json::from_str::<serde_json::Value>(&text);
        // Theirs keeps the last of two equal keys, and refuses numbers that are too large for 64 bits.
        if theirs.is_ok() {
            let is_twice = ours.as_ref().is_err_and(|misread| misread.problem.contains("stands twice"));
            proptest::prop_assert!(ours.is_ok() || is_twice, "{text:?}: {ours:?}");
        } else if let Err(error) = theirs {
            let is_large = error.to_string().contains("out of range");
            proptest::prop_assert!(ours.is_err() || is_large, "{text:?}: {error}");
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
        let _ = Json::read(&String::from_utf8_lossy(&bytes));
        let _ = super::super::record::Record::read(&bytes);
    }
}
