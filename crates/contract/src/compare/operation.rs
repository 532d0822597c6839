//! Paths, webhooks and callbacks.

use std::collections::{BTreeMap, BTreeSet};

use crate::change::{Breaks, Policy};
use crate::document::Located;
use crate::problem::Problem;
use crate::rule::Rule;

use super::{Both, Comparer, Finding, Kind, Part, Scope};

const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/// An operation with the parameters that it shares with others of its path.
#[derive(Debug, Clone)]
struct Entry<'d> {
    path: String,
    item: Located<'d>,
    at: Located<'d>,
}

/// By what is the same in both versions: the path without the names of its parameters, and the method.
type Entries<'d> = BTreeMap<(String, &'static str), Entry<'d>>;

impl<'d> Comparer<'d> {
    pub(super) fn operations(&mut self) -> Result<(), Problem> {
        for (name, kind) in [("paths", Kind::Plain), ("webhooks", Kind::Webhook)] {
            let (old, new) = (self.old.root().get(name), self.new.root().get(name));
            self.items(old.as_ref(), new.as_ref(), kind, "")?;
        }
        Ok(())
    }

    /// The operations of a map of path items.
    fn items(
        &mut self,
        old: Option<&Located<'d>>,
        new: Option<&Located<'d>>,
        kind: Kind,
        outer: &str,
    ) -> Result<(), Problem> {
        let old = entries(old, |at| self.old.resolve(&at))?;
        let new = entries(new, |at| self.new.resolve(&at))?;
        let (added, removed) = match kind {
            Kind::Plain => (Rule::OperationAdded, Rule::OperationRemoved),
            Kind::Webhook => (Rule::WebhookAdded, Rule::WebhookRemoved),
            Kind::Callback => (Rule::CallbackAdded, Rule::CallbackRemoved),
        };
        // A message that is not sent any more breaks nobody's parser, but everybody who waits for it.
        let gone = if kind == Kind::Plain {
            Policy::Wire
        } else {
            Policy::Contract
        };
        let all: BTreeSet<_> = old.keys().chain(new.keys()).cloned().collect();
        for key in all {
            let (before, after) = (old.get(&key), new.get(&key));
            let path = before.or(after).map_or("", |entry| entry.path.as_str());
            let scope = Scope {
                operation: format!("{outer}{} {path}", key.1.to_uppercase()),
                kind,
            };
            let (rule, breaks, what) = match (before, after) {
                (Some(before), Some(after)) => {
                    self.operation(&scope, before, after)?;
                    continue;
                }
                (_, None) => (removed, Breaks::From(gone), "gone"),
                (None, Some(_)) => (added, Breaks::Nobody, "new"),
            };
            let message = format!("`{}` is {what}", scope.operation);
            let finding = Finding::new(rule, scope.direction(Part::Request), breaks, "", message);
            let finding = finding.at(before.map(|entry| &entry.at), after.map(|entry| &entry.at));
            self.tell(Some(&scope.operation), finding);
        }
        Ok(())
    }

    fn operation(&mut self, scope: &Scope, old: &Entry<'d>, new: &Entry<'d>) -> Result<(), Problem> {
        let both = Both {
            old: old.at.clone(),
            new: new.at.clone(),
        };
        if scope.kind == Kind::Plain {
            self.security(scope, &both);
        }
        let items = Both {
            old: old.item.clone(),
            new: new.item.clone(),
        };
        if old.path == new.path && self.same(&items) {
            return Ok(());
        }
        self.described(scope, &both);
        self.parameters(scope, &items, &both, (&old.path, &new.path))?;
        self.request_body(scope, &both)?;
        self.responses(scope, &both)?;
        self.callbacks(scope, &both)
    }

    fn described(&mut self, scope: &Scope, both: &Both<'d>) {
        let rule = match (both.old.flag("deprecated"), both.new.flag("deprecated")) {
            (false, true) => Some(Rule::OperationDeprecated),
            (true, false) => Some(Rule::OperationRevived),
            (true, true) | (false, false) => None,
        };
        let mut told = rule.map(|rule| (rule, Breaks::Nobody, rule.says().to_owned()));
        let (before, after) = (both.old.text("operationId"), both.new.text("operationId"));
        if before.is_some() && before != after {
            let name = |name: Option<&str>| name.map_or_else(|| "none".to_owned(), |name| format!("`{name}`"));
            let message = format!("the `operationId` was {} and is {}", name(before), name(after));
            self.tell_operation(
                scope,
                both,
                (Rule::OperationIdChanged, Breaks::From(Policy::Sdk), message),
            );
        }
        if let Some(told) = told.take() {
            self.tell_operation(scope, both, told);
        }
    }

    fn tell_operation(&mut self, scope: &Scope, both: &Both<'d>, (rule, breaks, message): (Rule, Breaks, String)) {
        let finding = Finding::new(rule, scope.direction(Part::Request), breaks, "", message);
        self.tell(Some(&scope.operation), finding.at(Some(&both.old), Some(&both.new)));
    }

    fn callbacks(&mut self, scope: &Scope, both: &Both<'d>) -> Result<(), Problem> {
        let (old, new) = (both.old.get("callbacks"), both.new.get("callbacks"));
        let members = [&old, &new].into_iter().flatten().flat_map(Located::members);
        let names: BTreeSet<&str> = members.map(|(name, _)| name).collect();
        for name in names {
            let get = |at: &Option<Located<'d>>| at.as_ref().and_then(|at| at.get(name));
            let before = get(&old).map(|at| self.old.resolve(&at)).transpose()?;
            let after = get(&new).map(|at| self.new.resolve(&at)).transpose()?;
            let outer = format!("{} callback {name}: ", scope.operation);
            self.items(before.as_ref(), after.as_ref(), Kind::Callback, &outer)?;
        }
        Ok(())
    }
}

fn entries<'d>(
    map: Option<&Located<'d>>,
    resolve: impl Fn(Located<'d>) -> Result<Located<'d>, Problem>,
) -> Result<Entries<'d>, Problem> {
    let mut entries = Entries::new();
    let Some(map) = map else {
        return Ok(entries);
    };
    for (path, item) in map.members().filter(|(path, _)| !path.starts_with("x-")) {
        let item = resolve(item)?;
        for method in METHODS {
            if let Some(at) = item.get(method) {
                let entry = Entry {
                    path: path.to_owned(),
                    item: item.clone(),
                    at,
                };
                entries.insert((template(path), method), entry);
            }
        }
    }
    Ok(entries)
}

/// A path without the names of its parameters.
fn template(path: &str) -> String {
    let mut out = String::new();
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((_, behind)) = after.split_once('}') else {
            break;
        };
        out.push_str(before);
        out.push_str("{}");
        rest = behind;
    }
    out.push_str(rest);
    out
}

/// The names of the parameters of a path, in order.
pub(super) fn path_names(path: &str) -> Vec<&str> {
    path.split('{')
        .skip(1)
        .filter_map(|part| part.split_once('}').map(|(name, _)| name))
        .collect()
}
