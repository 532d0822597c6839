//! Bodies of requests, and responses.

use std::collections::BTreeMap;

use crate::change::{Breaks, Policy};
use crate::document::{Documents, Located};
use crate::judge::Flow;
use crate::problem::Problem;
use crate::rule::Rule;

use super::{Both, Comparer, Finding, Part, Scope};

impl<'d> Comparer<'d> {
    pub(super) fn request_body(&mut self, scope: &Scope, both: &Both<'d>) -> Result<(), Problem> {
        let old = both
            .old
            .get("requestBody")
            .map(|at| self.old.resolve(&at))
            .transpose()?;
        let new = both
            .new
            .get("requestBody")
            .map(|at| self.new.resolve(&at))
            .transpose()?;
        let to_server = scope.flow(Part::Request) == Flow::ToServer;
        let when = |breaks: bool, from: Policy| if breaks { Breaks::From(from) } else { Breaks::Nobody };
        let required = |at: &Option<Located<'d>>| at.as_ref().map(|at| at.flag("required"));
        let told = match (required(&old), required(&new)) {
            (None, Some(true)) => Some((Rule::BodyAddedRequired, when(to_server, Policy::Wire))),
            (None, Some(false)) => Some((Rule::BodyAdded, Breaks::Nobody)),
            (Some(true), None) if !to_server => Some((Rule::BodyRemoved, Breaks::From(Policy::Wire))),
            (Some(_), None) => Some((Rule::BodyRemoved, Breaks::From(Policy::Contract))),
            (Some(false), Some(true)) => Some((Rule::BodyBecameRequired, when(to_server, Policy::Wire))),
            (Some(true), Some(false)) => Some((Rule::BodyBecameOptional, when(!to_server, Policy::Wire))),
            (None, None) | (Some(true), Some(true)) | (Some(false), Some(false)) => None,
        };
        if let Some((rule, breaks)) = told {
            let finding = Finding::new(rule, scope.direction(Part::Request), breaks, "request", rule.says());
            self.tell(Some(&scope.operation), finding.at(old.as_ref(), new.as_ref()));
        }
        match (old, new) {
            (Some(old), Some(new)) => self.content(scope, Part::Request, &Both { old, new }, "request"),
            (None, Some(_)) | (_, None) => Ok(()),
        }
    }

    pub(super) fn responses(&mut self, scope: &Scope, both: &Both<'d>) -> Result<(), Problem> {
        let old = responses(self.old, &both.old)?;
        let new = responses(self.new, &both.new)?;
        for (status, before) in &old {
            // A status that is not named any more may still be one of a range.
            let after = new
                .get(status)
                .or_else(|| new.get(&range(status)))
                .or_else(|| new.get("DEFAULT"));
            let path = format!("response.{}", status.to_lowercase());
            if let Some(after) = after {
                let both = Both {
                    old: before.clone(),
                    new: after.clone(),
                };
                if !self.same(&both) {
                    self.content(scope, Part::Response, &both, &path)?;
                    self.headers(scope, &both, &path)?;
                }
                continue;
            }
            let from = if status.starts_with('2') {
                Policy::Wire
            } else {
                Policy::Contract
            };
            let breaks = if is_success_or_range(status) {
                Breaks::From(from)
            } else {
                Breaks::Nobody
            };
            let message = format!("the status {} is gone", status.to_lowercase());
            let finding = Finding::new(
                Rule::ResponseRemoved,
                scope.direction(Part::Response),
                breaks,
                &path,
                message,
            );
            self.tell(Some(&scope.operation), finding.at(Some(before), None));
        }
        for (status, after) in new.iter().filter(|(status, _)| !old.contains_key(*status)) {
            let path = format!("response.{}", status.to_lowercase());
            let message = format!("the status {} is new", status.to_lowercase());
            let finding = Finding::new(
                Rule::ResponseAdded,
                scope.direction(Part::Response),
                Breaks::Nobody,
                &path,
                message,
            );
            self.tell(Some(&scope.operation), finding.at(None, Some(after)));
            // Who reads any answer by a range or by `default` reads this one so.
            if let Some(before) = old.get(&range(status)).or_else(|| old.get("DEFAULT")) {
                let both = Both {
                    old: before.clone(),
                    new: after.clone(),
                };
                self.content(scope, Part::Response, &both, &path)?;
            }
        }
        Ok(())
    }

    /// The media types of a body.
    fn content(&mut self, scope: &Scope, part: Part, both: &Both<'d>, path: &str) -> Result<(), Problem> {
        let (old, new) = (media_types(&both.old), media_types(&both.new));
        let to_server = scope.flow(part) == Flow::ToServer;
        for (name, before) in &old {
            let Some(after) = new.get(name).or_else(|| covering(&new, name)) else {
                let from = if old.len() == 1 || to_server {
                    Policy::Wire
                } else {
                    Policy::Contract
                };
                let finding = Finding::new(
                    Rule::MediaTypeRemoved,
                    scope.direction(part),
                    Breaks::From(from),
                    path,
                    format!("the media type `{name}` is gone"),
                );
                self.tell(Some(&scope.operation), finding.at(Some(before), None));
                continue;
            };
            self.media_type(
                scope,
                part,
                &Both {
                    old: before.clone(),
                    new: after.clone(),
                },
                path,
            )?;
        }
        for (name, after) in new.iter().filter(|(name, _)| !old.contains_key(*name)) {
            let message = format!("the media type `{name}` is new");
            let finding = Finding::new(
                Rule::MediaTypeAdded,
                scope.direction(part),
                Breaks::Nobody,
                path,
                message,
            );
            self.tell(Some(&scope.operation), finding.at(None, Some(after)));
        }
        Ok(())
    }

    fn media_type(&mut self, scope: &Scope, part: Part, both: &Both<'d>, path: &str) -> Result<(), Problem> {
        let unsame = match (both.old.get("encoding"), both.new.get("encoding")) {
            (Some(old), Some(new)) => !self.same(&Both { old, new }),
            (None, None) => false,
            (None, Some(_)) | (Some(_), None) => true,
        };
        if unsame {
            let rule = Rule::EncodingChanged;
            let finding = Finding::new(rule, scope.direction(part), Breaks::Unknown, path, rule.says());
            self.tell(Some(&scope.operation), finding.at(Some(&both.old), Some(&both.new)));
        }
        let any = |at: &Located<'d>| Located {
            place: at.place.clone(),
            value: &serde_json::Value::Bool(true),
        };
        match (both.old.get("schema"), both.new.get("schema")) {
            (None, None) => Ok(()),
            // Nothing said is anything.
            (old, new) => {
                let both = Both {
                    old: old.unwrap_or_else(|| any(&both.old)),
                    new: new.unwrap_or_else(|| any(&both.new)),
                };
                self.message(scope, part, &both, path)
            }
        }
    }
}

/// By the status in capitals: `200`, `4XX`, `DEFAULT`.
fn responses<'d>(documents: &'d Documents, operation: &Located<'d>) -> Result<BTreeMap<String, Located<'d>>, Problem> {
    let mut found = BTreeMap::new();
    if let Some(at) = operation.get("responses") {
        for (status, response) in at.members().filter(|(status, _)| !status.starts_with("x-")) {
            found.insert(status.to_uppercase(), documents.resolve(&response)?);
        }
    }
    Ok(found)
}

fn range(status: &str) -> String {
    status.chars().take(1).chain("XX".chars()).collect()
}

/// A single error that is not given any more breaks nobody; an answer that was given does.
fn is_success_or_range(status: &str) -> bool {
    matches!(status.chars().next(), Some('1' | '2' | '3'))
}

/// By the name in lower case, without parameters.
fn media_types<'d>(at: &Located<'d>) -> BTreeMap<String, Located<'d>> {
    let content = at.get("content");
    let members = content.iter().flat_map(Located::members);
    members
        .map(|(name, of)| (name.split(';').next().unwrap_or(name).trim().to_lowercase(), of))
        .collect()
}

/// The range that takes in a media type.
fn covering<'m, 'd>(of: &'m BTreeMap<String, Located<'d>>, name: &str) -> Option<&'m Located<'d>> {
    let (kind, _) = name.split_once('/')?;
    of.get(&format!("{kind}/*")).or_else(|| of.get("*/*"))
}
