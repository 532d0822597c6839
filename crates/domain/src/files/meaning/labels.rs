use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crate::files::diagnostic::{Code, Finding, Report, shown};
use crate::files::nearest::nearest;
use crate::files::tree::{Entry, Node, Value};

/// The labels that tenants have, with their values.
pub(super) type Labels<'n> = BTreeMap<&'n str, BTreeSet<Cow<'n, str>>>;

/// The labels of all tenants of a file.
pub(super) fn of(tenants: &Node) -> Labels<'_> {
    let mut labels = Labels::new();
    for tenant in tenants.items_of("tenants") {
        for label in tenant.entries_of("labels") {
            labels.entry(&label.key).or_default().extend(scalar(&label.value));
        }
        for tag in tenant.items_of("labels").iter().filter_map(Node::text) {
            labels.entry(tag).or_default().insert(Cow::Borrowed("true"));
        }
    }
    labels
}

/// What a tenant has as a label; a tag is `true`.
pub(super) fn of_tenant<'n>(tenant: &'n Node, name: &str) -> Option<Cow<'n, str>> {
    let labels = tenant.field("labels")?;
    let is_tag = labels.items().iter().any(|tag| tag.text() == Some(name));
    let tag = is_tag.then_some(Cow::Borrowed("true"));
    tag.or_else(|| labels.field(name).and_then(scalar))
}

/// Warns of a label that no tenant has.
pub(super) fn check_entry(report: &mut Report<'_>, label: &Entry, labels: &Labels<'_>) {
    if let Some(wanted) = scalar(&label.value) {
        check(
            report,
            &label.key,
            &wanted,
            (&label.key_span, &label.value.span),
            labels,
        );
    }
}

/// Tenants come and go, so a label that none has is no error. `place` is where its name and its value stand.
pub(super) fn check(
    report: &mut Report<'_>,
    name: &str,
    wanted: &str,
    place: (&Range<usize>, &Range<usize>),
    labels: &Labels<'_>,
) {
    if report.is_full() {
        return;
    }
    let finding = match labels.get(name) {
        Some(values) if values.contains(wanted) => return,
        Some(values) => {
            let message = format!("no tenant has `{name}: {wanted}`");
            let finding = Finding::warning(Code::NoEffect, place.1, message);
            finding.meant(nearest(wanted, values.iter().map(AsRef::as_ref)))
        }
        None => {
            let message = format!("no tenant has a label {}", shown(name));
            let finding = Finding::warning(Code::NoEffect, place.0, message);
            finding.meant(nearest(name, labels.keys().copied()))
        }
    };
    report.push(finding);
}

/// The text of a value of a label, as [`crate::files::Scalar`] keeps it.
pub(super) fn scalar(node: &Node) -> Option<Cow<'_, str>> {
    match &node.value {
        Value::Text(text) => Some(Cow::Borrowed(text)),
        Value::Number(number) => Some(Cow::Owned(number.to_string())),
        Value::Boolean(boolean) => Some(Cow::Owned(boolean.to_string())),
        Value::Null | Value::List(_) | Value::Map(_) | Value::Refused => None,
    }
}
