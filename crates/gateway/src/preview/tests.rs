use super::*;

const NOW_MS: u64 = 1_700_000_000_000;

#[test]
fn a_preview_holds_for_its_tenant_until_it_expires() {
    let key = PreviewKey::from_hexadecimal("00112233445566778899aabbccddeeff");
    let value = sign(&key, &"eu/2.1.0".into(), &"acme.eu".into(), NOW_MS / 1_000 + 60).unwrap();
    let verifier = PreviewVerifier::new(&key).unwrap();
    let verify = |value: &str, tenant: &str, now_ms| {
        verifier
            .verify(value.as_bytes(), &tenant.into(), now_ms)
            .map(str::to_owned)
    };

    assert_eq!(verify(&value, "acme.eu", NOW_MS), Some("eu/2.1.0".to_owned()));
    assert_eq!(verify(&value, "globex", NOW_MS), None);
    assert_eq!(verify(&value, "acme.eu", NOW_MS + 61_000), None);
    assert_eq!(verify(&value.replace("2.1.0", "2.1.1"), "acme.eu", NOW_MS), None);
    assert_eq!(verify(&value[..value.len() - 2], "acme.eu", NOW_MS), None);
    assert_eq!(verify("", "acme.eu", NOW_MS), None);

    let other = PreviewKey::from_hexadecimal("ff");
    let forged = sign(&other, &"eu/2.1.0".into(), &"acme.eu".into(), NOW_MS / 1_000 + 60).unwrap();
    assert_eq!(verify(&forged, "acme.eu", NOW_MS), None);
}
