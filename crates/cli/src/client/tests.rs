use serde_json::json;

use super::*;

#[test]
fn arguments_are_encoded_and_those_without_a_value_left_out() {
    let path = with_query(
        "/v1/tenants",
        &[
            ("cell", None),
            ("version", Some("1.0.0+a")),
            ("reason", Some("so & so")),
        ],
    );
    assert_eq!(path, "/v1/tenants?version=1.0.0%2Ba&reason=so%20%26%20so");
    assert_eq!(with_query("/v1/tenants", &[("cell", None)]), "/v1/tenants");
}

fn told(status: StatusCode, document: &Value) -> CliError {
    problem(status, &serde_json::to_vec(document).unwrap())
}

#[test]
fn a_problem_is_told_with_its_help_and_each_thing_in_the_way() {
    let document = json!({
        "type": "/problems/not-planned", "title": "Unprocessable Content", "status": 422,
        "detail": "there is no plan as long as something blocks",
        "problems": [
            {"severity": "warns", "message": "wave `first` selects no tenant", "remedy": "see its `select`"},
            {"severity": "error", "message": "unknown field `cel`", "file": "tenants.yaml", "line": 7, "column": 5},
        ],
    });
    let error = told(StatusCode::UNPROCESSABLE_ENTITY, &document);
    assert_eq!(
        (error.exit, error.message.as_str()),
        (Exit::Refused, "there is no plan as long as something blocks")
    );
    let expected = "warning: wave `first` selects no tenant\nhelp: see its `select`\n\n\
        error: unknown field `cel`\n  --> tenants.yaml:7:5";
    assert_eq!(error.diagnostics.as_deref(), Some(expected));
}

#[test]
fn only_what_somebody_refuses_counts_as_refused() {
    let document = json!({"type": "/problems/x", "title": "x", "status": 404, "detail": "there is no release 9"});
    assert_eq!(told(StatusCode::NOT_FOUND, &document).exit, Exit::Error);
    assert_eq!(told(StatusCode::FORBIDDEN, &document).exit, Exit::Refused);
    let broken = problem(StatusCode::BAD_GATEWAY, b"<html>");
    assert_eq!(broken.message, "the server answered 502 Bad Gateway");
}

#[test]
fn an_address_that_is_none_is_refused_with_an_example() {
    for wrong in ["127.0.0.1:7070", "https://127.0.0.1", "http://", ""] {
        let error = Client::new(wrong, "tg_x".to_owned())
            .err()
            .unwrap_or_else(|| panic!("{wrong} is taken"));
        assert!(
            error.help.is_some_and(|help| help.contains("http://127.0.0.1:7070")),
            "{wrong}"
        );
    }
}
