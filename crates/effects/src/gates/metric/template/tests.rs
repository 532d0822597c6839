use tidegate_domain::id::{CellName, Version};

use super::*;
use crate::gates;

fn slot(component: &str, cell: &str, addresses: &[&str]) -> TargetSlot {
    TargetSlot {
        cell: CellName::new(cell).unwrap(),
        component: ComponentName::new(component).unwrap(),
        addresses: addresses.iter().map(|address| address.parse().unwrap()).collect(),
    }
}

fn target() -> Target {
    Target {
        version: Version::new("2.0.1+b7").unwrap(),
        slots: vec![
            slot("api", "us", &["127.0.0.1:40002", "[::1]:40001"]),
            slot("web", "eu", &["127.0.0.1:50000"]),
        ],
        old: vec![
            slot("api", "us", &["127.0.0.1:30001"]),
            slot("web", "eu", &["127.0.0.1:50000"]),
        ],
        ..gates::tests::target(&[], &[])
    }
}

#[track_caller]
fn filled(written: &str, expected: &str) {
    let values = Values::of(&target(), None, true);
    let template = Template::read(written).unwrap();
    assert_eq!(template.fill(&values).unwrap(), expected);
}

#[test]
fn arguments_are_text_where_a_label_is_compared() {
    filled(r#"up{v="${version}"}"#, r#"up{v="2.0.1+b7"}"#);
    filled(
        r#"up{v != '${version}', w =~ "${wave}.*"}"#,
        r#"up{v != '2.0.1+b7', w =~ "first.*"}"#,
    );
    filled(r#"up{v=~"x${version}"}"#, r#"up{v=~"x2\\.0\\.1\\+b7"}"#);
    filled(
        r#"sum(up{instance=~"${new_addresses}",cell!~"${cells}"})"#,
        r#"sum(up{instance=~"(?:127\\.0\\.0\\.1:40002|\\[::1\\]:40001)",cell!~"(?:eu|us)"})"#,
    );
    filled(
        r#"up{a="\"",instance=~"http://${old_addresses}/.*"}"#,
        r#"up{a="\"",instance=~"http://(?:127\\.0\\.0\\.1:30001)/.*"}"#,
    );
}

#[test]
fn what_is_no_argument_stays() {
    for query in [
        r#"label_replace(up, "a", "${1}-${name}", "b", "(.*)")"#,
        "up # ${version} and an ' apostrophe\n > 0",
        r#"up{a=~"x$"}"#,
        r"up{a=~`\`}",
        r#"up{a="${1}"}"#,
        r#"up{a="\\"} # it's"#,
    ] {
        filled(query, query);
    }
}

#[test]
fn what_cannot_be_filled_in_is_refused() {
    for (query, problem) in [
        ("", "it is empty"),
        ("up_${version}", "stands outside of a text"),
        (
            r#"label_replace(up, "a", "${version}", "b", ".*")"#,
            "no label is compared",
        ),
        (r#"count_values("${wave}", up)"#, "no label is compared"),
        (r#"up == "${version}""#, "no label is compared"),
        (r"up{a=`${version}`}", "back quotes"),
        (r#"up{a="${cells}"}"#, "is a list"),
        (r#"up{a!="${new_addresses}"}"#, "is a list"),
        (
            r#"up{a="${verion}"}"#,
            "there is no argument `${verion}`; there are: `${version}`, `${wave}`",
        ),
        (r#"up{a="b}"#, "does not end"),
        (r#"up{a="b\"}"#, "does not end"),
    ] {
        let refused = Template::read(query).unwrap_err();
        assert!(refused.contains(problem), "{query}: {refused}");
    }
    assert!(Template::read(&"a".repeat(BYTES_MAX + 1)).is_err());
}

#[test]
fn who_is_compared() {
    let web = ComponentName::new("web").unwrap();
    let unchanged = Values::of(&target(), Some(&web), true);
    assert!(unchanged.is_unchanged && unchanged.new_addresses.is_empty() && unchanged.old_addresses.is_empty());
    let together = Values::of(&target(), Some(&web), false);
    assert!(!together.is_unchanged);
    assert_eq!(together.new_addresses, ["127.0.0.1:50000"]);
    let template = Template::read(r#"up{i=~"${new_addresses}"}"#).unwrap();
    assert_eq!(template.fill(&unchanged), Err(Argument::NewAddresses));
    assert!(template.uses(Argument::NewAddresses) && !template.uses(Argument::Cells));
    let worker = ComponentName::new("worker").unwrap();
    let nobody = Values::of(&target(), Some(&worker), true);
    assert!(nobody.new_addresses.is_empty() && !nobody.is_unchanged);
}

#[test]
fn a_value_cannot_leave_its_quotes() {
    assert_eq!(quoted(r#"a"b\'c"#, '"'), r#"a\"b\\'c"#);
    assert_eq!(quoted(r#"a"b'c"#, '\''), r#"a"b\'c"#);
    assert_eq!(literally("a.b|c"), r"a\.b\|c");
}
