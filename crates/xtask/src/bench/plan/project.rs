//! A project of many tenants: six waves, calendars with holidays in twelve zones, windows, freezes, notices and approvals.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use super::super::workshop::write;

/// When it is planned: a Monday.
pub const NOW: &str = "2026-11-02T08:00:00Z";
pub const TODAY: &str = "2026-11-02";

/// A calendar in each: its name, zone and file of holidays.
const CALENDARS: [(&str, &str, &str); 12] = [
    ("de", "Europe/Berlin", "de.ics"),
    ("gb", "Europe/London", "gb-eng.ics"),
    ("fr", "Europe/Paris", "fr.ics"),
    ("nl", "Europe/Amsterdam", "nl.ics"),
    ("pl", "Europe/Warsaw", "pl.ics"),
    ("us-east", "America/New_York", "us.ics"),
    ("us-west", "America/Los_Angeles", "us.ics"),
    ("us-central", "America/Chicago", "us.ics"),
    ("in", "Asia/Kolkata", "in.ics"),
    ("jp", "Asia/Tokyo", "jp.ics"),
    ("au-east", "Australia/Sydney", "au.ics"),
    ("au-island", "Australia/Lord_Howe", "au.ics"),
];

/// How many tenants a customer has.
const TENANTS_OF_A_CUSTOMER: usize = 4;

const PLAYBOOK: &str = "
name: six-waves
calendar: de
cadence: {every: 1 week, on: tuesday}
waves:
  - {name: pilot, select: {labels: {tier: pilot}}, bake: {least: 4h, longest: 2d, requests: 500}}
  - {name: opted-in, select: {opt_in: true}, gap: 1 working day, bake: {least: 4h, longest: 2d, requests: 500}}
  - {name: tenth, select: {percentage: 10}, gap: 1 working day, bake: {least: 4h, longest: 2d, requests: 500}}
  - {name: eu, select: {cell: eu}, gap: 1 day, bake: {least: 4h, longest: 2d, requests: 500}}
  - {name: us, select: {cell: us}, gap: 1 day, bake: {least: 4h, longest: 2d, requests: 500}}
  - {name: rest, select: {rest: true}, gap: 1 day, bake: {least: 4h, longest: 2d, requests: 500}}
notices:
  - {kind: notice, at_least: 5 working days}
  - {kind: reminder, at_least: 1 day, at_most: 2 days}
  - {kind: confirmation, audience: [developer]}
approvals:
  - {name: production, count: 2}
  - {name: everybody, before: {wave: rest}}
rollback_window: 3d
";

const RELEASE: &str = "version: 2.0.0\ncomponents: {api: {artifact: api}}\n";

pub struct Project<'a> {
    pub tenants: usize,
    /// Where the files of holidays are.
    pub holidays: &'a Path,
}

impl Project<'_> {
    /// Writes it into a folder of its own inside `folder`.
    pub fn write(&self, folder: &Path) -> Result<PathBuf, String> {
        let root = folder.join(format!("plan-{}", self.tenants));
        for inside in ["playbooks", "holidays"] {
            let path = root.join(inside);
            fs::create_dir_all(&path).map_err(|error| format!("cannot make `{}`: {error}", path.display()))?;
        }
        for (_, _, file) in CALENDARS {
            let (from, to) = (self.holidays.join(file), root.join("holidays").join(file));
            fs::copy(&from, &to).map_err(|error| format!("cannot copy `{}`: {error}", from.display()))?;
        }
        write(&root.join("tidegate.yaml"), &service())?;
        write(&root.join("tenants.yaml"), &self.tenants())?;
        write(&root.join("customers.yaml"), &self.customers())?;
        write(&root.join("playbooks/six-waves.yaml"), PLAYBOOK)?;
        write(&root.join("release.yaml"), RELEASE)?;
        write(&root.join("api"), "what is planned is not started")?;
        Ok(root)
    }

    fn tenants(&self) -> String {
        let mut text = "tenants:\n".to_owned();
        for number in 0..self.tenants {
            let (calendar, _, _) = CALENDARS[number % CALENDARS.len()];
            let cell = ["eu", "us", "ap"][number % 3];
            let customer = number / TENANTS_OF_A_CUSTOMER;
            let tier = if number % 100 == 0 { "pilot" } else { "standard" };
            let opt_in = number % 17 == 0;
            // Infallible: a `String` takes all that is written to it.
            let _ = writeln!(
                text,
                "  - {{id: t{number}, cell: {cell}, customer: c{customer}, calendar: {calendar}, labels: {{tier: {tier}}}, opt_in: {opt_in}}}"
            );
        }
        text
    }

    fn customers(&self) -> String {
        let mut text = "customers:\n".to_owned();
        for number in 0..self.tenants.div_ceil(TENANTS_OF_A_CUSTOMER) {
            let _ = writeln!(
                text,
                "  - {{id: c{number}, contacts: [{{name: ops, audience: [operations, developer], address: ops@c{number}.example}}]}}"
            );
        }
        text
    }
}

fn service() -> String {
    let mut text = "
service: shop
playbook: six-waves
cells: [{name: eu}, {name: us}, {name: ap}]
gateway: {tenant_from: [{header: x-tenant}]}
components: [{name: api, command: ['{artifact}']}]
windows:
  - {name: night, kind: allow, on: mon-fri, from: '22:00', until: '04:00', time_zone: tenant}
  - {name: weekend, kind: allow, on: sat-sun, from: '06:00', until: '20:00', time_zone: tenant}
  - {name: black-friday, kind: freeze, from: 2026-11-26T00:00, until: 2026-12-01T00:00, time_zone: tenant, reason: Black Friday}
calendars:
"
    .to_owned();
    for (name, zone, file) in CALENDARS {
        let _ = writeln!(
            text,
            "  {name}: {{time_zone: {zone}, working_days: mon-fri, holidays: holidays/{file}}}"
        );
    }
    text
}
