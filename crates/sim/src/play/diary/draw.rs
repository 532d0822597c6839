//! A diary on paper, and as a document.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{Diary, Event, SCHEMA_VERSION};
use crate::play::instant;

impl Diary {
    /// For people: a heading a day in the reader's zone, a line an event with both clocks, and how it ended.
    #[must_use]
    pub fn draw(&self) -> String {
        let mut page = String::new();
        let _ = writeln!(
            page,
            "Simulated from {}: nothing of this has happened.",
            instant::words(self.begins, &self.zone)
        );
        let mut day = String::new();
        for event in &self.events {
            let today = self.day(event);
            if today != day {
                let _ = writeln!(page, "\n{today}");
                day = today;
            }
            let _ = writeln!(page, "  {}  {}", self.clocks(event), event.text);
        }
        page.push('\n');
        for outcome in &self.outcomes {
            let on_it = match outcome.tenants_on_it {
                1 => "1 tenant is on it".to_owned(),
                count => format!("{count} tenants are on it"),
            };
            let _ = writeln!(
                page,
                "Release {} is {}, {on_it}: {}",
                outcome.release, outcome.outcome, outcome.reason
            );
        }
        page
    }

    fn day(&self, event: &Event) -> String {
        let local = instant::local(event.at, &self.zone);
        let day = local.map_or_else(|| event.at.to_string(), |at| at.strftime("%a %-d %b %Y").to_string());
        match instant::name(&self.zone, event.at).as_str() {
            "UTC" => format!("{day}, UTC"),
            zone => format!("{day}, {zone} and UTC"),
        }
    }

    /// The reader's and that of the machines, with its day where it has another.
    fn clocks(&self, event: &Event) -> String {
        let (local, utc) = (
            instant::local(event.at, &self.zone),
            instant::local(event.at, &jiff::tz::TimeZone::UTC),
        );
        let (Some(local), Some(utc)) = (local, utc) else {
            return event.at.to_string();
        };
        let other_day = local.date() != utc.date();
        let utc = utc.strftime(if other_day { "%a %H:%M:%SZ" } else { "%H:%M:%SZ" });
        format!("{} {:>13}", local.strftime("%H:%M:%S"), utc.to_string())
    }

    /// For programs.
    #[must_use]
    pub fn document(&self) -> Value {
        let event = |event: &Event| {
            let mut line = json!({
                "at": instant::machine(event.at, &self.zone),
                "kind": event.kind,
                "tenants": event.tenants,
                "text": event.text,
            });
            if let Some(release) = &event.release {
                line["release"] = json!(release);
            }
            if let Some(wave) = &event.wave {
                line["wave"] = json!(wave);
            }
            line
        };
        json!({
            "schema_version": SCHEMA_VERSION,
            "service": self.service,
            "begins": instant::machine(self.begins, &self.zone),
            "events": self.events.iter().map(event).collect::<Vec<_>>(),
            "outcomes": self.outcomes,
        })
    }
}
