//! How changes are shown on a terminal.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use tidegate_domain::change::{Audience, Change, Entry, Ships, entries_for};
use tidegate_domain::id::ChangeId;

use crate::table::{count, table};

/// All changes by their ids; for one audience those it is told of, in the order in which it is told.
pub fn in_order(changes: &[Change], audience: Option<Audience>) -> Vec<&Change> {
    let Some(audience) = audience else {
        return changes.iter().collect();
    };
    let entries = entries_for(changes, audience);
    let told = entries.iter();
    told.filter_map(|entry| changes.iter().find(|change| change.id == *entry.id))
        .collect()
}

/// The release files that list a change.
pub fn listing<'a>(releases: &'a BTreeMap<String, BTreeSet<ChangeId>>, id: &ChangeId) -> Vec<&'a str> {
    let listing = releases.iter().filter(|(_, listed)| listed.contains(id));
    listing.map(|(name, _)| name.as_str()).collect()
}

/// A change as one audience reads it.
pub fn entry(change: &Change, audience: Audience) -> Option<Entry<'_>> {
    entries_for([change], audience).pop()
}

pub fn list(changes: &[&Change], releases: &BTreeMap<String, BTreeSet<ChangeId>>) -> String {
    let rows: Vec<[String; 6]> = changes
        .iter()
        .map(|change| {
            let audience: Vec<&str> = change.audience().map(Audience::word).collect();
            let listing = listing(releases, &change.id);
            [
                change.id.to_string(),
                change.kind.to_string(),
                change.impact.to_string(),
                audience.join(", "),
                change.deadline.as_ref().map_or("-".to_owned(), ToString::to_string),
                if listing.is_empty() {
                    "-".to_owned()
                } else {
                    listing.join(", ")
                },
            ]
        })
        .collect();
    let titles = ["change", "kind", "impact", "audience", "deadline", "release"];
    format!("{}{}\n", table(titles, &rows), count(rows.len(), "change"))
}

pub fn show(change: &Change, audience: Option<Audience>) -> String {
    let mut page = format!("{}\n", change.title);
    line(&mut page, "change", change.id.as_str());
    line(&mut page, "kind", change.kind.word());
    line(&mut page, "impact", change.impact.word());
    for (name, value) in [
        ("endpoint", texts(&change.endpoints)),
        ("field", texts(&change.fields)),
        ("flag", texts(&change.flag)),
        ("action", texts(&change.action)),
        ("deadline", texts(&change.deadline)),
    ] {
        for value in value {
            line(&mut page, name, &value);
        }
    }
    if let Some(opt_in) = &change.opt_in {
        let ships = match opt_in.ships {
            Ships::Disabled => "disabled",
            Ships::Enabled => "enabled",
        };
        line(&mut page, "opt in", &format!("ships {ships}; {}", opt_in.how));
    }
    for link in &change.documentation {
        line(&mut page, "read on", &format!("{}: {}", link.title, link.address));
    }
    for picture in &change.pictures {
        line(&mut page, "picture", &format!("{} ({})", picture.file, picture.shows));
    }
    for (of, text) in &change.sections {
        if audience.is_none_or(|audience| audience == *of) {
            let _ = write!(page, "\n{}\n\n{text}\n", of.heading());
        }
    }
    page
}

fn texts<'a, T: ToString + 'a>(values: impl IntoIterator<Item = &'a T>) -> Vec<String> {
    values.into_iter().map(ToString::to_string).collect()
}

fn line(page: &mut String, name: &str, text: &str) {
    let _ = writeln!(page, "  {name:<10} {}", text.trim_end());
}
