use std::collections::BTreeMap;

use super::*;

/// Made with another implementation; every good token says `acme` and expires at 1,700,000,000.
#[derive(Deserialize)]
struct Vectors {
    key_set: serde_json::Value,
    good: BTreeMap<String, String>,
    refused: BTreeMap<String, String>,
    begins_at_1700000000: String,
    names_nobody: BTreeMap<String, String>,
}

const END_S: u64 = 1_700_000_000;

fn vectors() -> Vectors {
    serde_json::from_str(include_str!("vectors.json")).unwrap()
}

fn source(verify: JwtVerification) -> TokenSource {
    TokenSource::compile(&JwtSource {
        claim: "sub".to_owned(),
        verify,
    })
    .unwrap()
}

fn verified() -> TokenSource {
    source(JwtVerification::Keys(vectors().key_set.to_string()))
}

fn find(source: &TokenSource, token: &str, now_unix_s: u64) -> Result<Option<String>, ErrorReason> {
    let request = http::Request::builder().header("authorization", format!("Bearer {token}"));
    let (head, ()) = request.body(()).unwrap().into_parts();
    source.find(&head, now_unix_s)
}

const REFUSED: Result<Option<String>, ErrorReason> = Err(ErrorReason::TokenRefused);

#[test]
fn every_algorithm_verifies_and_only_what_was_signed() {
    let source = verified();
    let vectors = vectors();
    assert_eq!(vectors.good.len(), 4);
    for (name, token) in vectors.good {
        assert_eq!(find(&source, &token, END_S - 10), Ok(Some("acme".to_owned())), "{name}");
        assert_eq!(find(&source, &token, END_S + LEEWAY_S), REFUSED, "{name} expired");
        for position in (0..token.len())
            .step_by(7)
            .filter(|position| token.as_bytes()[*position] != b'.')
        {
            let mut forged = token.clone().into_bytes();
            forged[position] = if forged[position] == b'A' { b'B' } else { b'A' };
            let forged = String::from_utf8(forged).unwrap();
            assert_eq!(
                find(&source, &forged, END_S - 10),
                REFUSED,
                "{name} changed at {position}"
            );
        }
    }
}

#[test]
fn known_tricks_are_refused() {
    let source = verified();
    for (name, token) in vectors().refused {
        assert_eq!(find(&source, &token, END_S - 10), REFUSED, "{name}");
    }
    let early = vectors().begins_at_1700000000;
    assert_eq!(find(&source, &early, END_S - LEEWAY_S - 1), REFUSED);
    assert_eq!(find(&source, &early, END_S), Ok(Some("acme".to_owned())));
}

#[test]
fn what_names_nobody_names_nobody() {
    let source = verified();
    for (name, token) in vectors().names_nobody {
        assert_eq!(find(&source, &token, END_S), Ok(None), "{name}");
    }
    assert_eq!(find(&source, "an-opaque-key", END_S), Ok(None));
    assert_eq!(find(&source, "a.b", END_S), Ok(None));
}

#[test]
fn the_service_may_verify_itself() {
    let source = source(JwtVerification::Upstream);
    let token = &vectors().good["RS256"];
    let unsigned = token.rsplit_once('.').unwrap().0.to_owned() + ".";
    assert_eq!(find(&source, &unsigned, END_S * 2), Ok(Some("acme".to_owned())));
    assert_eq!(find(&source, "a.b.c", END_S), Ok(None));
}

#[test]
fn a_key_set_that_cannot_verify_anything_is_refused() {
    for set in [
        "{}",
        r#"{"keys": []}"#,
        r#"{"keys": [{"kty": "unknown"}]}"#,
        r#"{"keys": [{"kty": "oct", "k": "+"}]}"#,
    ] {
        let source = JwtSource {
            claim: "sub".to_owned(),
            verify: JwtVerification::Keys(set.to_owned()),
        };
        assert!(
            matches!(TokenSource::compile(&source), Err(TableError::KeySet { .. })),
            "{set}"
        );
    }
}

#[test]
fn base64url_is_read_strictly() {
    assert_eq!(decode("_-8"), Some(vec![0xff, 0xef]));
    assert_eq!(decode(""), Some(vec![]));
    for wrong in ["A", "_-9", "AA==", "A+AA", "AA A"] {
        assert_eq!(decode(wrong), None, "{wrong}");
    }
}
