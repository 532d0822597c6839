//! The files of a project, drawn: playbooks, tenants in several zones, customers, calendars, windows, and releases.

use std::collections::BTreeMap;

use tidegate_domain::id::{CellName, TenantName, Version};
use tidegate_domain::time::Timestamp;

use crate::random::Random;

const ZONES: [&str; 7] = [
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "America/St_Johns",
    "Pacific/Apia",
];

/// Days off on which the clocks change, or people expect to work.
const HOLIDAYS: &str = "BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//Tidegate//Simulation//EN
X-TIDEGATE-YEARS:2025-2030
BEGIN:VEVENT
UID:1@simulated
DTSTART;VALUE=DATE:20260330
SUMMARY:A day off
END:VEVENT
BEGIN:VEVENT
UID:2@simulated
DTSTART;VALUE=DATE:20261026
SUMMARY:Another
END:VEVENT
BEGIN:VEVENT
UID:3@simulated
DTSTART;VALUE=DATE:20261224
SUMMARY:The third
END:VEVENT
END:VCALENDAR
";

const CHANGE: &str = "---
kind: changed
audience: [developer]
impact: breaking
deadline: 2027-12-01
action: Read the new field.
---

# A field moves

## Developers

It stands elsewhere.
";

/// What a project is drawn for.
pub struct Drawn<'a> {
    pub random: &'a mut Random,
    /// What not every project uses comes from it.
    pub features: &'a mut Random,
    pub begins: Timestamp,
    pub cells: &'a [CellName],
    pub tenants: &'a [TenantName],
    pub versions: &'a [Version],
    /// How the worker shares its work, where there is one.
    pub worker: Option<&'static str>,
}

impl Drawn<'_> {
    /// By their paths.
    pub fn files(&mut self) -> BTreeMap<String, String> {
        let windows = self.windows();
        let mut files = BTreeMap::from([
            ("changes/loud.md".to_owned(), CHANGE.to_owned()),
            ("customers.yaml".to_owned(), self.customers()),
            ("holidays/here.ics".to_owned(), HOLIDAYS.to_owned()),
            ("playbooks/simulated.yaml".to_owned(), self.playbook(&windows)),
            ("tenants.yaml".to_owned(), self.tenants()),
            ("tidegate.yaml".to_owned(), self.service(&windows)),
        ]);
        let downtime = files["playbooks/simulated.yaml"].contains("\ndowntime:");
        for version in self.versions {
            let mut text = self.release(version);
            if downtime {
                text.push_str(super::features::planned_downtime(self.features));
            }
            files.insert(format!("releases/{version}.yaml"), text);
        }
        files
    }

    pub fn word(&mut self, of: &[&str]) -> String {
        (*self.random.pick(of)).to_owned()
    }

    /// One of several, or nothing where it is empty; behind a key.
    pub fn field(&mut self, key: &str, of: &[&str]) -> String {
        let value = *self.random.pick(of);
        if value.is_empty() {
            String::new()
        } else {
            format!(", {key}: {value}")
        }
    }

    fn service(&mut self, windows: &[(String, String)]) -> String {
        let cells: Vec<String> = self.cells.iter().map(|cell| format!("{{name: {cell}}}")).collect();
        let mut text = format!(
            "service: loyalty\nplaybook: simulated\ncells: [{}]\ngateway: {{tenant_from: [{{header: x-tenant}}]}}\n",
            cells.join(", ")
        );
        text.push_str("components:\n  - {name: api, command: ['{artifact}']}\n");
        text.push_str("  - {name: admin, match: {path: /admin}, command: ['{artifact}']}\n");
        if let Some(worker) = self.worker {
            text.push_str(&format!(
                "  - {{name: ledger, kind: worker, ownership: {worker}, command: ['{{artifact}}']}}\n"
            ));
        }
        text.push_str("calendars:\n");
        text.push_str(&format!(
            "  office: {{time_zone: {}, working_days: mon-fri, holidays: holidays/here.ics}}\n",
            self.word(&ZONES)
        ));
        text.push_str(&format!(
            "  desert: {{time_zone: {}, working_days: sun-thu}}\n",
            self.word(&ZONES)
        ));
        if !windows.is_empty() {
            text.push_str("windows:\n");
        }
        for (_, window) in windows {
            text.push_str(&format!("  - {{{window}}}\n"));
        }
        text
    }

    /// Each with its name.
    fn windows(&mut self) -> Vec<(String, String)> {
        let mut windows = Vec::new();
        for index in 0..self.random.below(4) {
            let name = format!("open-{}", index + 1);
            let (from, until) = *self.random.pick(&[
                ("02:00", "04:00"),
                ("22:00", "06:00"),
                ("01:30", "02:30"),
                ("02:15", "03:00"),
                ("00:00", "12:00"),
                ("09:00", "17:00"),
                ("23:30", "23:45"),
            ]);
            let mut window = format!("name: {name}, kind: allow, from: '{from}', until: '{until}'");
            window.push_str(&self.field("on", &["", "", "mon-fri", "'tue,thu,sat'", "sat-sun", "sun"]));
            window.push_str(&self.field("when_open_ends", &["", "", "finish-wave"]));
            window.push_str(&self.whom());
            windows.push((name, window));
        }
        for index in 0..self.random.below(3) {
            let name = format!("closed-{}", index + 1);
            let mut window = format!("name: {name}, kind: freeze, reason: stocktaking");
            if self.random.percent(60) {
                let (from, days) = (self.random.between(1, 300), self.random.between(1, 5));
                let begins = self.begins.0 + i64::from(from) * 3_600_000;
                let local = |at: i64| Timestamp(at).to_string()[..16].to_owned();
                let ends = begins + i64::from(days) * 86_400_000;
                window.push_str(&format!(", from: {}, until: {}", local(begins), local(ends)));
            } else {
                let hours = [("12:00", "13:30"), ("00:00", "02:30"), ("02:30", "02:45")];
                let (from, until) = *self.random.pick(&hours);
                window.push_str(&format!(", from: '{from}', until: '{until}'"));
                window.push_str(&self.field("on", &["", "mon-fri", "sun"]));
            }
            window.push_str(&self.whom());
            windows.push((name, window));
        }
        windows
    }

    /// By whose clocks a window opens, and for whom.
    fn whom(&mut self) -> String {
        let mut text = self.field("time_zone", &["tenant", "tenant", ZONES[0], ZONES[1], ZONES[3], "UTC"]);
        let tenants = match self.random.below(6) {
            0 => format!("{{cell: {}}}", self.random.pick(self.cells)),
            1 => format!("{{tenants: [{}]}}", self.random.pick(self.tenants)),
            2 => "{customer: c1}".to_owned(),
            3 => "{tag: retail}".to_owned(),
            _ => return text,
        };
        text.push_str(&format!(", tenants: {tenants}"));
        text
    }

    fn tenants(&mut self) -> String {
        let mut text = "tenants:\n".to_owned();
        for (index, tenant) in self.tenants.iter().enumerate() {
            let cell = self.random.pick(self.cells).clone();
            let mut line = format!("id: {tenant}, cell: {cell}");
            line.push_str(&self.field("customer", &["c1", "c1", "c2", "c3", ""]));
            line.push_str(&self.field(
                "time_zone",
                &["", "", ZONES[0], ZONES[1], ZONES[2], ZONES[3], ZONES[5], ZONES[6]],
            ));
            line.push_str(&self.field("calendar", &["office", "office", "desert", ""]));
            line.push_str(&self.field("opt_in", &["", "", "true"]));
            // Labels that windows select by are those of somebody.
            let tags: &[&str] = if index == 0 {
                &["[retail]"]
            } else {
                &["", "", "[retail]"]
            };
            line.push_str(&self.field("labels", tags));
            text.push_str(&format!("  - {{{line}}}\n"));
        }
        text
    }

    fn customers(&mut self) -> String {
        let mut text = "customers:\n".to_owned();
        text.push_str("  - {id: c1, contacts: [{name: ops, audience: [operations], address: ops@c1.example}, ");
        text.push_str("{name: dev, audience: [developer], address: dev@c1.example}]}\n");
        text.push_str("  - {id: c2, contacts: [{name: dev, audience: [developer], address: dev@c2.example}]}\n");
        text.push_str("  - {id: c3, contacts: []}\n");
        text
    }

    fn release(&mut self, version: &Version) -> String {
        let kind = self.word(&[
            "scheduled",
            "scheduled",
            "scheduled",
            "emergency",
            "patch",
            "configuration",
        ]);
        let mut text = format!("version: {version}\nkind: {kind}\n");
        if kind == "emergency" {
            text.push_str("reason: It cannot wait.\n");
        }
        text.push_str("components:\n  api: {artifact: dist/api}\n");
        let first = self.versions.first() == Some(version);
        for component in ["admin", "ledger"]
            .into_iter()
            .take(1 + usize::from(self.worker.is_some()))
        {
            if first || self.random.percent(70) {
                text.push_str(&format!("  {component}: {{artifact: dist/{component}}}\n"));
            }
        }
        if self.random.percent(30) {
            text.push_str("changes: [loud]\n");
        }
        if self.random.percent(15) && !first {
            text.push_str(&format!("reversible: {{until: {}}}\n", self.word(&["bake", "confirm"])));
        }
        text.push_str(&super::steps::of_file(self.random));
        text.push_str(&super::features::patches(self.features, version, self.versions));
        text
    }
}
