//! Who works here, and what each is trusted with.

use std::collections::BTreeSet;

use tidegate_domain::id::RoleName;

/// By their names. `ada` applies plans, `pia` makes them, `dan` is trusted with nothing.
pub const PEOPLE: [(&str, &[&str]); 9] = [
    ("ada", &["approver", "operator"]),
    ("bob", &["approver"]),
    ("cyd", &["approver", "security"]),
    ("dan", &[]),
    ("eve", &["security"]),
    ("fay", &["approver"]),
    ("gus", &["approver", "security"]),
    ("hal", &["security"]),
    ("pia", &["approver", "security"]),
];

/// What a person is trusted with; `None`: nobody here is called so.
#[must_use]
pub fn roles(person: &str) -> Option<BTreeSet<RoleName>> {
    let (_, roles) = PEOPLE.iter().find(|(name, _)| *name == person)?;
    Some(roles.iter().filter_map(|role| RoleName::new(role).ok()).collect())
}
