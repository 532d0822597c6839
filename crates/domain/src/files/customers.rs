//! `customers.yaml`: who owns tenants, and whom of them to tell.

use std::borrow::Borrow;
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::text::TimeZoneName;
use crate::change::Audience;
use crate::id::{ContactName, CustomerName, InvalidName, text_newtype};

/// The customers of the service.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CustomersFile {
    /// All customers.
    pub customers: Vec<Customer>,
}

/// Who owns tenants, and is told what happens to them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Customer {
    /// The name of the customer, as `customer` of its tenants gives it.
    pub id: CustomerName,
    /// Whom to tell.
    #[serde(default)]
    pub contacts: Vec<Contact>,
}

/// Somebody who is told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Contact {
    /// The name of the contact, which no other of the customer has.
    pub name: ContactName,
    /// What they are told about.
    #[schemars(length(min = 1))]
    pub audience: BTreeSet<Audience>,
    /// Where they are reached.
    pub address: MailAddress,
    /// The language they are written to in. Left out, `en`.
    #[serde(default = "english")]
    pub locale: Locale,
    /// The time zone that times are told in. Left out, that of the tenant.
    pub time_zone: Option<TimeZoneName>,
}

fn english() -> Locale {
    Locale::new("en").expect("a literal of the right shape")
}

fn is_mail_address(text: &str) -> bool {
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_graphic() && !b"@<>,;\"".contains(&b));
    text.len() <= 254
        && text
            .split_once('@')
            .is_some_and(|(name, host)| plain(name) && plain(host) && host.contains('.'))
}

fn is_locale(text: &str) -> bool {
    let (language, region) = match text.split_once('-') {
        Some((language, region)) => (language, Some(region)),
        None => (text, None),
    };
    (2..=3).contains(&language.len())
        && language.bytes().all(|b| b.is_ascii_lowercase())
        && region.is_none_or(|region| region.len() == 2 && region.bytes().all(|b| b.is_ascii_uppercase()))
}

text_newtype!(
    /// Where a contact is reached by mail.
    MailAddress, "mail address", is_mail_address,
    "a name, `@` and a host, such as `ops@globex.example`",
    r#"^[^@<>,;"\s]+@[^@<>,;"\s]+\.[^@<>,;"\s]+$"#
);
text_newtype!(
    /// A language, with a region where it matters.
    Locale, "language", is_locale,
    "a language such as `en` or `de`, with a region such as `en-GB` where it matters",
    "^[a-z]{2,3}(-[A-Z]{2})?$"
);
