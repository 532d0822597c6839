//! Parameters of operations, and headers of responses.

use std::collections::BTreeMap;

use crate::change::{Breaks, Policy};
use crate::document::{Documents, Located};
use crate::judge::Flow;
use crate::problem::Problem;
use crate::rule::Rule;

use super::operation::path_names;
use super::{Both, Comparer, Finding, Part, Scope};

/// By where it stands and its name, which for paths is its place and for headers is in lower case.
type Parameters<'d> = BTreeMap<(String, String), Located<'d>>;

impl<'d> Comparer<'d> {
    pub(super) fn parameters(
        &mut self,
        scope: &Scope,
        items: &Both<'d>,
        both: &Both<'d>,
        paths: (&str, &str),
    ) -> Result<(), Problem> {
        let (old, old_order) = parameters(self.old, &items.old, &both.old, paths.0)?;
        let (new, new_order) = parameters(self.new, &items.new, &both.new, paths.1)?;
        for (key, before) in &old {
            match new.get(key) {
                Some(after) => {
                    let both = Both {
                        old: before.clone(),
                        new: after.clone(),
                    };
                    self.parameter(scope, &both, &path_of(before))?;
                }
                // The path says that it is gone.
                None if key.0 == "path" => {}
                None => {
                    let breaks = Breaks::From(Policy::Contract);
                    self.tell_parameter(scope, (Rule::ParameterRemoved, breaks, "is gone"), Some(before), None);
                }
            }
        }
        for after in new
            .iter()
            .filter(|(key, _)| !old.contains_key(*key))
            .map(|(_, after)| after)
        {
            let told = match (after.flag("required"), scope.flow(Part::Request)) {
                (true, Flow::ToServer) => (
                    Rule::ParameterAddedRequired,
                    Breaks::From(Policy::Wire),
                    "is new and required",
                ),
                (true | false, Flow::ToServer | Flow::FromServer) => (Rule::ParameterAdded, Breaks::Nobody, "is new"),
            };
            self.tell_parameter(scope, told, None, Some(after));
        }
        let common = |order: &[(String, String)], other: &Parameters<'d>| -> Vec<_> {
            order.iter().filter(|key| other.contains_key(*key)).cloned().collect()
        };
        if common(&old_order, &new) != common(&new_order, &old) {
            let rule = Rule::ParameterOrderChanged;
            let finding = Finding::new(
                rule,
                scope.direction(Part::Request),
                Breaks::From(Policy::Sdk),
                "request",
                rule.says(),
            );
            self.tell(Some(&scope.operation), finding.at(Some(&both.old), Some(&both.new)));
        }
        Ok(())
    }

    fn parameter(&mut self, scope: &Scope, both: &Both<'d>, path: &str) -> Result<(), Problem> {
        if self.same(both) {
            return Ok(());
        }
        let flow = scope.flow(Part::Request);
        let required = |at: &Located<'d>| at.flag("required") || at.text("in") == Some("path");
        let told = match (required(&both.old), required(&both.new)) {
            (false, true) => Some((Rule::ParameterBecameRequired, flow == Flow::ToServer, "is required now")),
            (true, false) => Some((
                Rule::ParameterBecameOptional,
                flow == Flow::FromServer,
                "may be left out now",
            )),
            (true, true) | (false, false) => None,
        };
        if let Some((rule, breaks, what)) = told {
            let breaks = if breaks {
                Breaks::From(Policy::Wire)
            } else {
                Breaks::Nobody
            };
            self.tell_parameter(scope, (rule, breaks, what), Some(&both.old), Some(&both.new));
        }
        if both.old.text("name") != both.new.text("name") && both.old.text("in") == Some("path") {
            let told = (
                Rule::PathParameterRenamed,
                Breaks::From(Policy::Sdk),
                "has another name",
            );
            self.tell_parameter(scope, told, Some(&both.old), Some(&both.new));
        }
        if !both.old.flag("deprecated") && both.new.flag("deprecated") {
            let told = (Rule::ParameterDeprecated, Breaks::Nobody, "is deprecated now");
            self.tell_parameter(scope, told, Some(&both.old), Some(&both.new));
        }
        if form(&both.old) != form(&both.new) {
            let told = (
                Rule::ParameterFormChanged,
                Breaks::From(Policy::Wire),
                "is written in another way",
            );
            self.tell_parameter(scope, told, Some(&both.old), Some(&both.new));
        }
        self.value(scope, Part::Request, both, path)
    }

    /// What a parameter or header holds, as a schema of its own or in its one media type.
    fn value(&mut self, scope: &Scope, part: Part, both: &Both<'d>, path: &str) -> Result<(), Problem> {
        let schema = |at: &Located<'d>| {
            let content = at
                .get("content")
                .and_then(|content| content.members().next().map(|(_, of)| of));
            at.get("schema").or_else(|| content?.get("schema"))
        };
        match (schema(&both.old), schema(&both.new)) {
            (Some(old), Some(new)) => self.message(scope, part, &Both { old, new }, path),
            (None, Some(_)) | (_, None) => Ok(()),
        }
    }

    fn tell_parameter(
        &mut self,
        scope: &Scope,
        (rule, breaks, what): (Rule, Breaks, &str),
        old: Option<&Located<'d>>,
        new: Option<&Located<'d>>,
    ) {
        let Some(at) = old.or(new) else {
            return;
        };
        let message = format!(
            "the {} parameter `{}` {what}",
            at.text("in").unwrap_or("query"),
            at.text("name").unwrap_or("")
        );
        let finding = Finding::new(rule, scope.direction(Part::Request), breaks, &path_of(at), message);
        self.tell(Some(&scope.operation), finding.at(old, new));
    }

    /// Headers of a response.
    pub(super) fn headers(&mut self, scope: &Scope, both: &Both<'d>, path: &str) -> Result<(), Problem> {
        let old = headers(self.old, &both.old)?;
        let new = headers(self.new, &both.new)?;
        let to_server = scope.flow(Part::Response) == Flow::ToServer;
        for (name, (written, before)) in &old {
            let path = format!("{path}.headers.{written}");
            let Some((_, after)) = new.get(name) else {
                let from = if before.flag("required") && !to_server {
                    Policy::Wire
                } else {
                    Policy::Contract
                };
                let told = (Rule::HeaderRemoved, Breaks::From(from), "is gone");
                self.tell_header(scope, told, &path, Some(before), None);
                continue;
            };
            let both = Both {
                old: before.clone(),
                new: after.clone(),
            };
            if self.same(&both) {
                continue;
            }
            let told = match (before.flag("required"), after.flag("required")) {
                (false, true) => Some((Rule::HeaderBecameRequired, to_server, "is always there now")),
                (true, false) => Some((Rule::HeaderBecameOptional, !to_server, "may be missing now")),
                (true, true) | (false, false) => None,
            };
            if let Some((rule, breaks, what)) = told {
                let breaks = if breaks {
                    Breaks::From(Policy::Wire)
                } else {
                    Breaks::Nobody
                };
                self.tell_header(scope, (rule, breaks, what), &path, Some(before), Some(after));
            }
            self.value(scope, Part::Response, &both, &path)?;
        }
        for (_, (written, after)) in new.iter().filter(|(name, _)| !old.contains_key(*name)) {
            let breaks = if after.flag("required") && to_server {
                Breaks::From(Policy::Wire)
            } else {
                Breaks::Nobody
            };
            let path = format!("{path}.headers.{written}");
            self.tell_header(scope, (Rule::HeaderAdded, breaks, "is new"), &path, None, Some(after));
        }
        Ok(())
    }

    fn tell_header(
        &mut self,
        scope: &Scope,
        (rule, breaks, what): (Rule, Breaks, &str),
        path: &str,
        old: Option<&Located<'d>>,
        new: Option<&Located<'d>>,
    ) {
        let name = path.rsplit_once(".headers.").map_or(path, |(_, name)| name);
        let message = format!("the header `{name}` {what}");
        let finding = Finding::new(rule, scope.direction(Part::Response), breaks, path, message);
        self.tell(Some(&scope.operation), finding.at(old, new));
    }
}

fn path_of(at: &Located<'_>) -> String {
    format!(
        "request.{}.{}",
        at.text("in").unwrap_or("query"),
        at.text("name").unwrap_or("")
    )
}

/// Those of the operation win over those of its path. With the order in which they are written.
fn parameters<'d>(
    documents: &'d Documents,
    item: &Located<'d>,
    operation: &Located<'d>,
    path: &str,
) -> Result<(Parameters<'d>, Vec<(String, String)>), Problem> {
    let mut found = Parameters::new();
    let mut order = Vec::new();
    let names = path_names(path);
    for list in [item.get("parameters"), operation.get("parameters")]
        .into_iter()
        .flatten()
    {
        for entry in list.entries() {
            let at = documents.resolve(&entry)?;
            let place = at.text("in").unwrap_or("query").to_owned();
            let name = at.text("name").unwrap_or("");
            let name = match place.as_str() {
                "path" => names
                    .iter()
                    .position(|other| *other == name)
                    .map_or(name.to_owned(), |place| format!("{place}")),
                "header" => name.to_lowercase(),
                _ => name.to_owned(),
            };
            let key = (place, name);
            order.retain(|other| *other != key);
            order.push(key.clone());
            found.insert(key, at);
        }
    }
    Ok((found, order))
}

/// By the name in lower case: the name as it is written, and the header.
type Headers<'d> = BTreeMap<String, (&'d str, Located<'d>)>;

fn headers<'d>(documents: &'d Documents, response: &Located<'d>) -> Result<Headers<'d>, Problem> {
    let mut headers = Headers::new();
    if let Some(at) = response.get("headers") {
        for (name, header) in at.members() {
            headers.insert(name.to_lowercase(), (name, documents.resolve(&header)?));
        }
    }
    Ok(headers)
}

/// How a value becomes text: with the defaults of OpenAPI 3.1.1, "Parameter Object".
fn form(at: &Located<'_>) -> (String, bool, bool, Option<String>) {
    let default = match at.text("in") {
        Some("query" | "cookie") | None => "form",
        Some(_) => "simple",
    };
    let style = at.text("style").unwrap_or(default).to_owned();
    let explode = at
        .value
        .get("explode")
        .and_then(serde_json::Value::as_bool)
        .unwrap_or(style == "form");
    let content = at
        .get("content")
        .and_then(|content| content.members().next().map(|(name, _)| name.to_lowercase()));
    (style, explode, at.flag("allowReserved"), content)
}
