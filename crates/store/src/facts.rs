//! Facts: what happened at run time to one thing (a tenant's notice, a token, a gateway), a row each.

use std::collections::BTreeMap;

/// One fact of a service.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Fact {
    pub kind: String,
    pub key: String,
    pub body: String,
}

/// A fact stated or withdrawn. In one list the last change of a key counts; withdrawing what is not there is fine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FactChange {
    Put(Fact),
    Delete { kind: String, key: String },
}

/// The changes as both stores apply them: for each kind and key its new body, or `None` where it goes.
pub(crate) fn net(changes: &[FactChange]) -> BTreeMap<(&str, &str), Option<&str>> {
    changes
        .iter()
        .map(|change| match change {
            FactChange::Put(fact) => ((&*fact.kind, &*fact.key), Some(&*fact.body)),
            FactChange::Delete { kind, key } => ((&**kind, &**key), None),
        })
        .collect()
}
