use std::fmt::{Debug, Display};
use std::str::FromStr;

use super::{
    Address, CommitId, HostName, HostTemplate, Instant, Memory, PathTemplate, Scalar, Sha256, TimeZoneName, UrlPath,
    VariableName,
};

fn check<T: FromStr>(good: &[&str], bad: &[&str]) {
    for text in good {
        assert!(text.parse::<T>().is_ok(), "{text} is refused");
    }
    for text in bad {
        assert!(text.parse::<T>().is_err(), "{text} is accepted");
    }
}

#[test]
fn texts_have_their_rules() {
    check::<UrlPath>(&["/", "/a/b-c", "/%20"], &["", "a", "/a b", "/?q", "/#f", "/{x}", "/é"]);
    check::<PathTemplate>(
        &["/{tenant}", "/t/{tenant}"],
        &["{tenant}", "/t", "/t/{tenant}/x", "//{tenant}", "/x{tenant}"],
    );
    check::<HostName>(&["a.example", "localhost"], &["", "A.example", "a:80", "*.a"]);
    check::<HostTemplate>(
        &["{tenant}.a", "app-{tenant}.a", "{tenant}"],
        &["a", "{tenant}.{tenant}", "{tenant}.a:80"],
    );
    check::<VariableName>(&["A", "_a1"], &["", "1A", "A-B", "A B"]);
    check::<CommitId>(
        &["1f2e3d4", "0123456789abcdef0123456789abcdef01234567"],
        &["1f2e3d", "main", "1F2E3D4"],
    );
    check::<TimeZoneName>(
        &["UTC", "Europe/Berlin", "America/Argentina/Salta", "Etc/GMT+5"],
        &["EST", "+01:00", "europe/berlin", "Europe/"],
    );
    check::<Address>(
        &["127.0.0.1:80", "[::1]:0"],
        &["localhost:80", "127.0.0.1", ":80", "1.2.3.4:99999"],
    );
    check::<Memory>(
        &["64MB", "1GB", "0KB"],
        &["64", "64M", "64 MB", "-1MB", "1.5GB", "9999999999GB"],
    );
    check::<Instant>(
        &["2026-11-21T10:57:00Z", "2026-11-21T10:57:00.5+01:00"],
        &["2026-11-21", "2026-02-30T00:00:00Z", "now"],
    );
    check::<Sha256>(&[&"0a".repeat(32)], &[&"0A".repeat(32), &"0a".repeat(31), "sha256:00"]);
}

#[test]
fn what_is_written_is_read_again() {
    fn check<T: FromStr<Err: Debug> + Display + PartialEq + Debug>(text: &str, written: &str) {
        let value: T = text.parse().unwrap();
        assert_eq!(value.to_string(), written);
        assert_eq!(written.parse::<T>().unwrap(), value);
    }
    check::<Memory>("1000KB", "1MB");
    check::<Memory>("1500KB", "1500KB");
    check::<Memory>("0GB", "0KB");
    check::<Instant>("2026-11-21T11:57:00+01:00", "2026-11-21T10:57:00Z");
    check::<Address>("[0:0::1]:80", "[::1]:80");
    check::<Sha256>(&"0a".repeat(32), &"0a".repeat(32));
}

#[test]
fn a_scalar_is_the_text_that_was_meant() {
    let check = |json: &str, text: &str| {
        assert_eq!(serde_json::from_str::<Scalar>(json).unwrap(), Scalar::new(text));
    };
    check("\"x\"", "x");
    check("\"1.50\"", "1.50");
    check("8080", "8080");
    check("18446744073709551615", "18446744073709551615");
    check("true", "true");
    assert!(serde_json::from_str::<Scalar>("[1]").is_err());
}
