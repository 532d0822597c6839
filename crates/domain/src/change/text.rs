//! The texts of a change, each a newtype that knows its rule.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;

use crate::id::{InvalidName, text_newtype};

const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
const PICTURES: [&str; 5] = [".png", ".jpg", ".jpeg", ".gif", ".webp"];

fn is_endpoint(text: &str) -> bool {
    text.split_once(' ').is_some_and(|(method, path)| {
        METHODS.contains(&method)
            && path.len() <= 500
            && path.starts_with('/')
            && path.bytes().all(|b| b.is_ascii_graphic() && b != b'?' && b != b'#')
    })
}

fn is_field(text: &str) -> bool {
    (1..=200).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
}

fn is_ticket(text: &str) -> bool {
    (1..=200).contains(&text.chars().count()) && !text.contains(char::is_control)
}

fn is_owner(text: &str) -> bool {
    (1..=100).contains(&text.chars().count()) && !text.contains(char::is_control) && text.trim() == text
}

fn is_flag(text: &str) -> bool {
    let first = text.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric());
    first && text.len() <= 128 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

fn is_web_address(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|rest| {
        let first = rest.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric());
        first
            && rest.len() <= 2_000
            && rest
                .bytes()
                .all(|b| b.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&b))
    })
}

fn is_picture_path(text: &str) -> bool {
    let is_part = |part: &str| {
        let first = part.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric());
        first && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
    };
    text.len() <= 200 && text.split('/').all(is_part) && PICTURES.iter().any(|ending| text.ends_with(ending))
}

text_newtype!(
    /// A request of the service's interface: `POST /v1/orders/{id}`.
    Endpoint, "method and path", is_endpoint,
    "a method in capitals, a space and a path without a query, such as `GET /v1/points/{id}`",
    r#"^(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) /[!"$->@-~]{0,499}$"#
);
text_newtype!(
    /// A field of a request or an answer, as its readers know it: `order.items[].price`.
    FieldName, "name of a field", is_field,
    "1 to 200 characters without spaces, such as `order.items[].price`",
    "^[!-~]{1,200}$"
);
text_newtype!(
    /// A ticket as its tracker names it: a key or an address.
    Ticket, "ticket", is_ticket,
    "1 to 200 characters on one line, such as `LOY-812`",
    r"^[^\p{Cc}]{1,200}$"
);
text_newtype!(
    /// A person or a team that sees to something.
    OwnerName, "owner", is_owner,
    "1 to 100 characters on one line, such as `Integrations team`",
    r"^[^\s\p{Cc}]([^\p{Cc}]{0,98}[^\s\p{Cc}])?$"
);
text_newtype!(
    /// The key of a flag.
    FlagName, "key of a flag", is_flag,
    "1 to 128 letters, digits, `.`, `_` and `-`, the first a letter or digit",
    "^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$"
);
text_newtype!(
    /// The address of a page.
    WebAddress, "web address", is_web_address,
    "it starts with `https://` or `http://` and has no spaces, such as `https://docs.example.com/points`",
    r"^https?://[A-Za-z0-9][!#-;=?-\[\]_a-z~]{0,1999}$"
);
text_newtype!(
    /// A picture's file, relative to the file that names it.
    PicturePath, "path of a picture", is_picture_path,
    "a relative path of letters, digits, `.`, `_` and `-` that ends in png, jpg, jpeg, gif or webp, such as `pictures/menu.png`",
    r"^([A-Za-z0-9][A-Za-z0-9._-]*/)*[A-Za-z0-9][A-Za-z0-9._-]*\.(png|jpg|jpeg|gif|webp)$"
);
