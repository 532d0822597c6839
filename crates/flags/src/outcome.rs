//! What an evaluation answers, in flagd's words.

use serde::Serialize;
use serde_json::Value as Json;

use crate::snapshot::Variant;

/// Why a value is what it is. flagd never answers `SPLIT`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Reason {
    /// The flag has no targeting.
    Static,
    /// The targeting came to nothing.
    Default,
    TargetingMatch,
    Disabled,
}

impl Reason {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Static => "STATIC",
            Self::Default => "DEFAULT",
            Self::TargetingMatch => "TARGETING_MATCH",
            Self::Disabled => "DISABLED",
        }
    }
}

/// Why there is no value: OpenFeature's error codes, sent with the reason `ERROR`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ErrorCode {
    FlagNotFound,
    /// The targeting cannot be computed for this context, or the flag's definition cannot be read.
    ParseError,
    /// The value is not of the kind that was asked for.
    TypeMismatch,
    /// The targeting came to something that is not one of the flag's variants.
    General,
}

impl ErrorCode {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FlagNotFound => "FLAG_NOT_FOUND",
            Self::ParseError => "PARSE_ERROR",
            Self::TypeMismatch => "TYPE_MISMATCH",
            Self::General => "GENERAL",
        }
    }
}

/// The kind of value a caller asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Boolean,
    Text,
    /// `ResolveInt` and `ResolveFloat` alike: see [`whole`].
    Number,
    Object,
    /// Whatever the flag has, as OFREP asks.
    Any,
}

impl Kind {
    fn takes(self, value: &Json) -> bool {
        match self {
            Self::Boolean => value.is_boolean(),
            Self::Text => value.is_string(),
            Self::Number => value.is_number(),
            Self::Object => value.is_object(),
            Self::Any => !value.is_null(),
        }
    }
}

/// The answer to one question.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Outcome<'a> {
    Resolved {
        variant: &'a Variant,
        reason: Reason,
    },
    /// No value: the caller's own default holds. The reason is `DISABLED`, or `DEFAULT` for a flag without a default variant.
    CallersDefault(Reason),
    Failed(ErrorCode),
}

impl<'a> Outcome<'a> {
    /// The same, where the value is of the kind that was asked for.
    #[must_use]
    pub fn of_kind(self, kind: Kind) -> Self {
        match self {
            Self::Resolved { variant, .. } if !kind.takes(&variant.value) => Self::Failed(ErrorCode::TypeMismatch),
            Self::Resolved { .. } | Self::CallersDefault(_) | Self::Failed(_) => self,
        }
    }

    /// As `flagd.evaluation.v1` answers: it has no word for "no default variant" and calls the flag not found.
    #[must_use]
    pub fn for_evaluation_v1(self) -> Self {
        match self {
            Self::CallersDefault(Reason::Default) => Self::Failed(ErrorCode::FlagNotFound),
            Self::Resolved { .. } | Self::CallersDefault(_) | Self::Failed(_) => self,
        }
    }

    pub fn variant(&self) -> Option<&'a Variant> {
        match self {
            Self::Resolved { variant, .. } => Some(variant),
            Self::CallersDefault(_) | Self::Failed(_) => None,
        }
    }

    /// The reason as it is sent.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Resolved { reason, .. } | Self::CallersDefault(reason) => reason.as_str(),
            Self::Failed(_) => "ERROR",
        }
    }
}

/// A number as `ResolveInt` sends it: the fraction is cut off, and what does not fit is the nearest that does.
pub fn whole(number: f64) -> i64 {
    number as i64
}
