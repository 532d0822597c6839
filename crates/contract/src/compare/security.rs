//! Who may call.

use std::collections::{BTreeMap, BTreeSet};

use crate::change::{Breaks, Direction, Policy};
use crate::document::{Documents, Located};
use crate::rule::Rule;

use super::{Both, Comparer, Finding, Scope};

/// One way to be let in: schemes, with the scopes that each needs.
type Way<'d> = BTreeMap<&'d str, BTreeSet<&'d str>>;

impl<'d> Comparer<'d> {
    /// Who was let in has to be let in.
    pub(super) fn security(&mut self, scope: &Scope, both: &Both<'d>) {
        let (old_at, old) = ways(self.old, &both.old);
        let (new_at, new) = ways(self.new, &both.new);
        let path = "request.security";
        let lets_in = |ways: &[Way<'d>], by: &Way<'d>| ways.iter().any(|way| needs_no_more(way, by));
        for way in old.iter().filter(|way| !lets_in(&new, way)) {
            let message = format!("{} does not suffice any more", words(way));
            let finding = Finding::new(
                Rule::SecurityNarrowed,
                Direction::Request,
                Breaks::From(Policy::Wire),
                path,
                message,
            );
            self.tell(Some(&scope.operation), finding.at(old_at.as_ref(), new_at.as_ref()));
        }
        for way in new.iter().filter(|way| !lets_in(&old, way)) {
            let message = format!("{} suffices now", words(way));
            let finding = Finding::new(Rule::SecurityWidened, Direction::Request, Breaks::Nobody, path, message);
            self.tell(Some(&scope.operation), finding.at(old_at.as_ref(), new_at.as_ref()));
        }
        let used: BTreeSet<&str> = old.iter().flat_map(|way| way.keys().copied()).collect();
        for name in used {
            self.scheme(scope, name);
        }
    }

    fn scheme(&mut self, scope: &Scope, name: &str) {
        let find = |documents: &'d Documents| documents.root().get("components")?.get("securitySchemes")?.get(name);
        let (Some(old), Some(new)) = (find(self.old), find(self.new)) else {
            return;
        };
        let both = Both { old, new };
        if self.same(&both) {
            return;
        }
        let message = format!("the security scheme `{name}` works in another way");
        let breaks = Breaks::From(Policy::Wire);
        let finding = Finding::new(
            Rule::SecuritySchemeChanged,
            Direction::Request,
            breaks,
            "request.security",
            message,
        );
        self.tell(Some(&scope.operation), finding.at(Some(&both.old), Some(&both.new)));
    }
}

/// Where it is said, and the ways. An operation without a word of its own has those of the document; nothing said lets
/// everybody in.
fn ways<'d>(documents: &'d Documents, operation: &Located<'d>) -> (Option<Located<'d>>, Vec<Way<'d>>) {
    let at = operation.get("security").or_else(|| documents.root().get("security"));
    let mut ways: Vec<Way<'d>> = Vec::new();
    for entry in at.iter().flat_map(Located::entries) {
        let of = |at: Located<'d>| {
            at.value
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|scope| scope.as_str())
                .collect()
        };
        ways.push(entry.members().map(|(name, scopes)| (name, of(scopes))).collect());
    }
    if ways.is_empty() {
        ways.push(Way::new());
    }
    (at, ways)
}

fn needs_no_more(way: &Way<'_>, than: &Way<'_>) -> bool {
    way.iter()
        .all(|(name, scopes)| than.get(name).is_some_and(|known| scopes.is_subset(known)))
}

fn words(way: &Way<'_>) -> String {
    let part = |(name, scopes): (&&str, &BTreeSet<&str>)| match scopes.len() {
        0 => format!("`{name}`"),
        _ => format!(
            "`{name}` with {}",
            scopes
                .iter()
                .map(|scope| format!("`{scope}`"))
                .collect::<Vec<_>>()
                .join(", ")
        ),
    };
    match way.len() {
        0 => "no authorisation".to_owned(),
        _ => way.iter().map(part).collect::<Vec<_>>().join(" and "),
    }
}
