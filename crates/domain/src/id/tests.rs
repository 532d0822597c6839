use super::*;

#[test]
fn a_name_has_the_shape_that_hosts_files_and_labels_allow() {
    for good in ["a", "acme", "acme-2", "0.x_y", &"a".repeat(63)] {
        assert!(TenantName::new(good).is_ok(), "{good}");
    }
    for bad in ["", "-a", ".a", "Acme", "a b", "a/b", "ä", "a\0", &"a".repeat(64)] {
        assert!(TenantName::new(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_digest_is_checked_and_stable() {
    let digest = Digest::of(b"");
    assert_eq!(
        digest.as_str(),
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    );
    assert_eq!(digest.short(), "e3b0c44298fc");
    assert!(Digest::new(digest.as_str()).is_ok());
    assert!(Digest::new("sha256:E3").is_err());
}

#[test]
fn a_bad_name_is_refused_when_read() {
    let error = serde_json::from_str::<CellName>("\"EU 1\"").expect_err("upper case and a space");
    assert!(error.to_string().contains("`EU 1` is not a cell name"), "{error}");
}
