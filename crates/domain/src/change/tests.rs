use super::*;

fn change(id: &str, kind: ChangeKind, impact: Impact, audience: &[Audience]) -> Change {
    let told = |audience: &Audience| (*audience, format!("{id} for {audience}"));
    Change {
        id: ChangeId::new(id).unwrap(),
        title: format!("Title of {id}"),
        kind,
        impact,
        endpoints: BTreeSet::new(),
        fields: BTreeSet::new(),
        flag: None,
        opt_in: None,
        deadline: None,
        action: None,
        owner: None,
        documentation: Vec::new(),
        pictures: Vec::new(),
        sections: audience.iter().map(told).collect(),
    }
}

#[test]
fn an_audience_is_told_what_is_for_it_and_what_asks_most_first() {
    use Audience::{Developer, Internal, Marketing};
    let changes = [
        change("b", ChangeKind::Fixed, Impact::None, &[Developer]),
        change("a", ChangeKind::Fixed, Impact::None, &[Developer, Marketing]),
        change("c", ChangeKind::Added, Impact::None, &[Developer]),
        change("d", ChangeKind::Removed, Impact::Breaking, &[Developer, Internal]),
        change("e", ChangeKind::Security, Impact::Additive, &[Internal]),
    ];
    let ids = |changes: &[Change], audience| -> Vec<String> {
        let entries = entries_for(changes, audience);
        entries.iter().map(|entry| entry.id.to_string()).collect()
    };
    assert_eq!(ids(&changes, Developer), ["d", "c", "a", "b"]);
    assert_eq!(ids(&changes, Internal), ["d", "e"]);
    assert_eq!(ids(&changes, Audience::Operations), Vec::<String>::new());
    assert_eq!(entries_for(&changes, Marketing)[0].text, "a for marketing");
    let mut other_order = changes.clone();
    other_order.reverse();
    assert_eq!(ids(&other_order, Developer), ids(&changes, Developer));
}

#[test]
fn texts_hold_what_they_say() {
    for good in ["GET /v1/points/{id}", "DELETE /"] {
        assert!(Endpoint::new(good).is_ok(), "{good}");
    }
    for bad in ["get /v1", "/v1", "GET v1", "GET  /v1", "GET /v1?x=1", "GET /v 1"] {
        assert!(Endpoint::new(bad).is_err(), "{bad}");
    }
    for bad in [
        "/etc/passwd.png",
        "../x.png",
        "a/../x.png",
        "x.svg",
        ".png",
        "a//b.png",
        "x",
    ] {
        assert!(PicturePath::new(bad).is_err(), "{bad}");
    }
    for bad in [
        "javascript:alert(1)",
        "https://",
        "https:///x",
        "https://a b",
        "ftp://a",
        "https://a\"b",
    ] {
        assert!(WebAddress::new(bad).is_err(), "{bad}");
    }
}
