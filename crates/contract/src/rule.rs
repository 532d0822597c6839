//! The words that changes are told in: what changed, not how bad it is.

#[cfg(test)]
mod tests;

use std::fmt;

use serde::{Serialize, Serializer};

macro_rules! rules {
    ($($name:ident $id:literal $says:literal)*) => {
        /// What changed. Whether it breaks somebody is judged for each change.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Rule {
            $(#[doc = $says] $name,)*
        }

        impl Rule {
            pub const ALL: &[Self] = &[$(Self::$name),*];

            pub const fn id(self) -> &'static str {
                match self {
                    $(Self::$name => $id,)*
                }
            }

            /// One sentence about it.
            pub const fn says(self) -> &'static str {
                match self {
                    $(Self::$name => $says,)*
                }
            }
        }
    };
}

rules! {
    OperationAdded "operation-added" "An operation is new."
    OperationRemoved "operation-removed" "An operation is gone."
    OperationDeprecated "operation-deprecated" "An operation is deprecated now."
    OperationRevived "operation-revived" "An operation is not deprecated any more."
    OperationIdChanged "operation-id-changed" "An operation has another `operationId`."
    PathParameterRenamed "path-parameter-renamed" "A parameter of the path has another name."
    ServerAdded "server-added" "A server is new."
    ServerRemoved "server-removed" "A server is gone."
    WebhookAdded "webhook-added" "A webhook is new."
    WebhookRemoved "webhook-removed" "A webhook is gone."
    CallbackAdded "callback-added" "A callback is new."
    CallbackRemoved "callback-removed" "A callback is gone."
    SecurityNarrowed "security-narrowed" "A way to authorise a call is gone or needs more."
    SecurityWidened "security-widened" "There is another way to authorise a call."
    SecuritySchemeChanged "security-scheme-changed" "A security scheme works in another way."
    ParameterAdded "parameter-added" "A parameter that may be left out is new."
    ParameterAddedRequired "parameter-added-required" "A parameter that has to be there is new."
    ParameterRemoved "parameter-removed" "A parameter is gone."
    ParameterBecameRequired "parameter-became-required" "A parameter may not be left out any more."
    ParameterBecameOptional "parameter-became-optional" "A parameter may be left out now."
    ParameterFormChanged "parameter-form-changed" "A parameter is written in another way (`style`, `explode`, `content`)."
    ParameterOrderChanged "parameter-order-changed" "Parameters stand in another order."
    ParameterDeprecated "parameter-deprecated" "A parameter is deprecated now."
    BodyAdded "body-added" "A body that may be left out is new."
    BodyAddedRequired "body-added-required" "A body that has to be there is new."
    BodyRemoved "body-removed" "A body is gone."
    BodyBecameRequired "body-became-required" "A body may not be left out any more."
    BodyBecameOptional "body-became-optional" "A body may be left out now."
    MediaTypeAdded "media-type-added" "A media type is new."
    MediaTypeRemoved "media-type-removed" "A media type is gone."
    EncodingChanged "encoding-changed" "Parts of a body are written in another way (`encoding`)."
    ResponseAdded "response-added" "A status is new."
    ResponseRemoved "response-removed" "A status is gone."
    HeaderAdded "header-added" "A header of a response is new."
    HeaderRemoved "header-removed" "A header of a response is gone."
    HeaderBecameRequired "header-became-required" "A header of a response is always there now."
    HeaderBecameOptional "header-became-optional" "A header of a response may be missing now."
    PropertyAdded "property-added" "A property is new."
    PropertyAddedRequired "property-added-required" "A property that has to be there is new."
    PropertyRemoved "property-removed" "A property is gone."
    PropertyBecameRequired "property-became-required" "A property may not be left out any more."
    PropertyBecameOptional "property-became-optional" "A property may be left out now."
    PropertyHidden "property-hidden" "A property does not go this way any more (`readOnly`, `writeOnly`)."
    PropertyShown "property-shown" "A property goes this way now (`readOnly`, `writeOnly`)."
    AdditionalPropertiesChanged "additional-properties-changed" "Properties that are not named are treated in another way."
    PatternPropertiesChanged "pattern-properties-changed" "Properties by a pattern are treated in another way."
    TypeChanged "type-changed" "The type is another."
    NullAdded "null-added" "Null is a value now."
    NullRemoved "null-removed" "Null is no value any more."
    EnumAdded "enum-added" "The values are listed now."
    EnumRemoved "enum-removed" "The values are not listed any more."
    EnumValueAdded "enum-value-added" "A value of the list is new."
    EnumValueRemoved "enum-value-removed" "A value of the list is gone."
    EnumOrderChanged "enum-order-changed" "The values of the list stand in another order."
    FormatChanged "format-changed" "The format is another."
    PatternChanged "pattern-changed" "The pattern is another."
    LengthChanged "length-changed" "The length of a string is bounded in another way."
    LowerBoundChanged "lower-bound-changed" "The lower bound of a number is another."
    UpperBoundChanged "upper-bound-changed" "The upper bound of a number is another."
    UnitChanged "unit-changed" "A number is a multiple of something else."
    EntryCountChanged "entry-count-changed" "The number of entries of a list is bounded in another way."
    UniquenessChanged "uniqueness-changed" "Whether entries of a list may be equal has changed."
    PropertyCountChanged "property-count-changed" "The number of properties is bounded in another way."
    AlternativeAdded "alternative-added" "An alternative of `oneOf` or `anyOf` is new."
    AlternativeRemoved "alternative-removed" "An alternative of `oneOf` or `anyOf` is gone."
    DiscriminatorChanged "discriminator-changed" "What tells alternatives apart is another."
    ConditionChanged "condition-changed" "A condition is another (`not`, `if`, `contains`, `dependent…`, `unevaluated…`)."
    DefaultChanged "default-changed" "What is taken for a missing value is another."
    DefaultAdded "default-added" "What is taken for a missing value is said now."
    SchemaDeprecated "schema-deprecated" "A schema is deprecated now."
    SchemaRenamed "schema-renamed" "A schema has another name."
    SchemaChanged "schema-changed" "A schema takes other values."
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

impl Serialize for Rule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.id())
    }
}
