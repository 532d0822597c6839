use serde_json::json;

use super::*;

fn template(value: Value) -> GateTemplate {
    serde_json::from_value(value).unwrap()
}

fn given(value: Value) -> BTreeMap<ArgumentName, ArgumentValue> {
    serde_json::from_value(value).unwrap()
}

#[test]
fn an_argument_alone_keeps_its_type_and_one_among_text_becomes_text() {
    let lag = template(json!({
        "arguments": {"queue": {}, "most": {"default": 1000}, "fresh": {"default": true}},
        "uses": "metric",
        "with": {
            "query": "max(lag{queue=\"${{ queue }}\"})",
            "at_most": "${{most}}",
            "nested": [{"share": "${{ most }} of ${{ fresh }}"}, "${{ fresh }}", 7, null],
        },
    }));
    assert_eq!(
        lag.told(&given(json!({"queue": "orders"}))),
        json!({
            "query": "max(lag{queue=\"orders\"})",
            "at_most": 1000,
            "nested": [{"share": "1000 of true"}, true, 7, null],
        })
    );
    assert_eq!(
        lag.told(&given(json!({"queue": "q", "most": 0.5})))["at_most"],
        json!(0.5)
    );
}

/// What gates fill in themselves, and what stands in an argument, are left alone.
#[test]
fn nothing_but_an_argument_of_the_template_is_filled_in() {
    let metric = template(json!({
        "arguments": {"version": {}, "empty": {"default": ""}},
        "uses": "metric",
        "with": {
            "query": "up{version=\"${version}\", of=\"${{version}}\", job=~\"${new_addresses}\"}",
            "command": ["{platform}", "{{report}}", "$(date)", "${{ empty }}${{ empty }}"],
        },
    }));
    assert_eq!(
        metric.told(&given(json!({"version": "${{ empty }} ${wave}"}))),
        json!({
            "query": "up{version=\"${version}\", of=\"${{ empty }} ${wave}\", job=~\"${new_addresses}\"}",
            "command": ["{platform}", "{{report}}", "$(date)", ""],
        })
    );
}

#[test]
fn what_opens_and_is_no_argument_is_told() {
    assert_eq!(
        pieces("a ${{ rate }} b"),
        Ok(vec![Piece::Text("a "), Piece::Argument("rate"), Piece::Text(" b")])
    );
    assert_eq!(pieces(""), Ok(vec![]));
    for (text, wrong) in [
        ("${{ rate", "has no `}}` after it"),
        ("${{ two words }}", "does not hold the name of an argument"),
        ("${{}}", "does not hold the name of an argument"),
    ] {
        let told = pieces(text).unwrap_err();
        assert!(told.contains(wrong), "{told}");
    }
}
