use tidegate_domain::id::TenantName;

use super::super::State;
use super::super::tests::message;
use super::*;

#[test]
fn a_line_is_one_line_whatever_it_is_made_of() {
    for (written, told) in [
        ("as it is", "as it is"),
        ("a\r\nBcc: b@example.com", "a Bcc: b@example.com"),
        ("a\u{0}\u{7}\u{1b}[31mb", "a [31mb"),
        ("a\u{2028}b\u{85}c", "a b c"),
        ("  a   b\t", "a b"),
        ("", ""),
    ] {
        assert_eq!(one_line(written), told);
    }
}

#[test]
fn what_is_cut_says_so_and_is_not_longer_than_it_may_be() {
    assert_eq!(cut("äöü", 3), "äöü");
    assert_eq!(cut("äöüß", 3), "äö…");
    assert_eq!(cut("a b c", 3), "a…");
    let mut long = message(State::Raised);
    long.title = "x".repeat(10_000);
    long.text = "y\n".repeat(10_000);
    assert_eq!(headline(&long).chars().count(), "Raised: ".len() + TITLE_CHARACTERS_MAX);
    assert_eq!(text(&long).chars().count(), TEXT_CHARACTERS_MAX);
}

#[test]
fn the_facts_are_those_that_are_known() {
    let mut message = message(State::Acknowledged);
    let told = |message: &Message| {
        facts(message)
            .into_iter()
            .map(|(name, value)| format!("{name}: {value}"))
            .collect::<Vec<_>>()
    };
    let all = [
        "Severity: critical",
        "Kind: errors",
        "Service: shop",
        "Cell: eu-1",
        "Tenants: tenant-000, tenant-001",
        "Customer: acme",
        "Since: 2027-01-15T08:00:00Z",
        "Release in progress: 2.1.0",
        "Owner: Checkout team",
        "Acknowledged by: ada",
    ];
    assert_eq!(told(&message), all);
    message.tenants = Tenants {
        count: 12,
        names: vec![TenantName::new("acme").unwrap(), TenantName::new("beta").unwrap()],
    };
    assert_eq!(told(&message)[4], "Tenants: acme, beta and 10 more (12 tenants)");
    message.tenants = Tenants::default();
    message.cell = None;
    message.customer = None;
    message.release = None;
    message.owner = None;
    message.by = None;
    assert_eq!(told(&message), [all[0], all[1], all[2], all[6]]);
}

#[test]
fn a_link_is_an_address_of_the_web() {
    let mut message = message(State::Raised);
    assert_eq!(links(&message).len(), 2);
    for refused in [
        "javascript:alert(1)",
        "https://example.com/a b",
        "https://example.com/\r\nx",
        "runbook.md",
        "",
    ] {
        message.runbook = Some(refused.to_owned());
        assert_eq!(
            links(&message),
            [("Alert", "https://tidegate.example.com/alerts/1")],
            "{refused}"
        );
    }
}
