mod process;
mod real;

use serde_json::{Value, json};

use super::super::tests::mistake;
use super::super::{State, check};
use super::*;

fn written(more: Value) -> Value {
    let mut with =
        json!({"server": "smtp.example.com", "from": "Tidegate <tidegate@example.com>", "to": "ops@example.com"});
    let Value::Object(more) = more else { panic!("no fields") };
    with.as_object_mut().unwrap().extend(more);
    with
}

#[test]
fn the_port_is_that_of_the_encryption_where_none_is_said() {
    for (more, encryption, port) in [
        (json!({}), Encryption::Tls, 465),
        (json!({"encryption": "starttls"}), Encryption::Starttls, 587),
        (
            json!({"encryption": "none", "server": "localhost"}),
            Encryption::None,
            25,
        ),
        (json!({"port": 2525}), Encryption::Tls, 2525),
    ] {
        let with: With = told(&written(more)).unwrap();
        assert_eq!((with.encryption, with.port), (encryption, port));
    }
    let login = json!({"user": "tidegate", "password": {"environment": "SMTP_PASSWORD"}});
    check("mail", &written(login)).unwrap();
}

#[test]
fn a_use_that_cannot_be_is_told() {
    for (with, words) in [
        (json!({}), "missing field `server`"),
        (written(json!({"server": ""})), "`server` is no host"),
        (
            written(json!({"server": "smtp.example.com\r\nQUIT"})),
            "`server` is no host",
        ),
        (written(json!({"encryption": "none"})), "use `tls` or `starttls`"),
        (
            written(json!({"encryption": "opportunistic"})),
            "unknown variant `opportunistic`",
        ),
        (written(json!({"user": "tidegate"})), "say both `user` and `password`"),
        (
            written(json!({"to": "a@example.com, b@example.com"})),
            "`to` is no single address",
        ),
        (written(json!({"to": "ops"})), "`to` is no single address"),
        (
            written(json!({"to": "ops@example.com\r\nBcc: b@example.com"})),
            "`to` is no single address",
        ),
        (
            written(json!({"from": "T\r\nBcc: b@example.com <t@example.com>"})),
            "`from` is no single address",
        ),
        (
            written(json!({"from": "<t@example.com>\n"})),
            "`from` is no single address",
        ),
    ] {
        let mistake = mistake("mail", with);
        assert!(mistake.contains(words), "{mistake}");
    }
}
