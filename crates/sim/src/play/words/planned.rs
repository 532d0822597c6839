//! What the diary says of a plan: who moves when, and why then.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_domain::id::{RoleName, TenantName, WaveName};
use tidegate_domain::plan::{
    ClassReport, Due, Plan, PlannedApproval, PlannedValidation, PlannedWave, StartReason, WaveReport,
};
use tidegate_domain::policy::{Before, Downtime, GateUse, Skip};

use super::{Words, count, names};

impl Words<'_> {
    /// A line for the tenants of a wave that move at the same time for the same reasons.
    pub fn planned(&self, plan: &Plan, wave: &PlannedWave, report: &WaveReport) -> Vec<(Vec<TenantName>, String)> {
        let gates: Vec<&str> = wave.policy.gates.iter().map(GateUse::label).collect();
        let gates = if gates.is_empty() {
            String::new()
        } else {
            format!("; gates: {}", gates.join(", "))
        };
        let mut groups: BTreeMap<String, Vec<TenantName>> = BTreeMap::new();
        for tenant in wave.tenants.keys() {
            let class = report.classes.get(&plan.schedule.class_index(tenant));
            groups
                .entry(self.start(class, report))
                .or_default()
                .push(tenant.clone());
        }
        let line = |(start, tenants): (String, Vec<TenantName>)| {
            let who = names(tenants.iter());
            let text = format!("plan: wave {} moves {who}: {start}{gates}", wave.name);
            (tenants, text)
        };
        groups.into_iter().map(line).collect()
    }

    /// A line for the messages of one kind that are due at the same time for the same reason.
    pub fn notices(&self, plan: &Plan) -> Vec<(WaveName, Vec<TenantName>, String)> {
        let mut groups: BTreeMap<(WaveName, String, String), (usize, BTreeSet<TenantName>)> = BTreeMap::new();
        for notice in &plan.schedule.notices {
            let due = match notice.due {
                Due::Applied => "as soon as applied".to_owned(),
                Due::At(at) if at <= self.now => "as soon as applied".to_owned(),
                Due::At(at) => self.at(at),
                Due::Confirmed => format!("when wave {} is confirmed", notice.wave),
            };
            let latest = notice.deadline.filter(|at| notice.due != Due::At(*at));
            let latest = latest.map_or_else(String::new, |at| format!(", {} at the latest", self.at(at)));
            let when = format!("{due}{latest}: {}", notice.because);
            let kind = notice.kind.as_str().to_owned();
            let (contacts, tenants) = groups.entry((notice.wave.clone(), kind, when)).or_default();
            *contacts += 1;
            tenants.extend(notice.tenants.iter().cloned());
        }
        let line = |((wave, kind, when), (contacts, tenants)): (_, (usize, BTreeSet<TenantName>))| {
            let tenants: Vec<TenantName> = tenants.into_iter().collect();
            let (to, about) = (count(contacts, "contact"), names(tenants.iter()));
            let text = format!("plan: {kind} of wave {wave} to {to} about {about}: {when}");
            (wave, tenants, text)
        };
        groups.into_iter().map(line).collect()
    }

    pub fn approval(&self, approval: &PlannedApproval) -> String {
        let roles: Vec<&str> = approval.roles.iter().map(RoleName::as_str).collect();
        let before = match (&approval.before, approval.afterwards) {
            (_, true) => "afterwards".to_owned(),
            (Before::Release, false) => "before the release".to_owned(),
            (Before::Wave(wave), false) => format!("before wave {wave}"),
        };
        let (name, roles) = (&approval.name, roles.join(" or "));
        format!("plan: approval {name} by {} of role {roles}, {before}", approval.count)
    }

    pub fn validation(&self, validation: &PlannedValidation) -> String {
        format!(
            "plan: customer {} tries wave {} before {} of wave {}",
            validation.customer,
            validation.of,
            names(validation.tenants.iter()),
            validation.wave
        )
    }

    pub fn downtime(&self, downtime: &Downtime) -> String {
        format!("plan: tenants are {}", downtime.in_words())
    }

    fn start(&self, class: Option<&ClassReport>, report: &WaveReport) -> String {
        match class.filter(|class| !class.because.is_empty()) {
            Some(class) => {
                let why: Vec<String> = class.because.iter().map(|reason| self.reason(reason)).collect();
                format!("{}: {}", self.at(class.expected), why.join(", "))
            }
            None => report.because.clone(),
        }
    }

    fn reason(&self, reason: &StartReason) -> String {
        match reason {
            StartReason::Cadence { date, .. } => format!("release day {date}"),
            StartReason::Day { day, date } => format!("day {day} of the release, {date}"),
            StartReason::Notice { kind, period } => format!("{} {period} before", kind.as_str()),
            StartReason::Opens { window } => format!("window {window} opens"),
            StartReason::Within { window } => format!("window {window} is open"),
            StartReason::Moved { from, freeze, reason } => {
                let reason = reason
                    .as_ref()
                    .map_or_else(String::new, |reason| format!(" ({reason})"));
                format!("moved from {} by freeze {freeze}{reason}", self.at(*from))
            }
            StartReason::Quietest { until, per_hour } => format!(
                "the quietest time until {}, {per_hour} requests an hour",
                self.at(*until)
            ),
            StartReason::Skipped { what } => {
                let what: Vec<&str> = what.iter().map(|skip| skipped(*skip)).collect();
                format!("an emergency waits for no {}", what.join(", "))
            }
        }
    }
}

fn skipped(skip: Skip) -> &'static str {
    match skip {
        Skip::Cadence => "release day",
        Skip::Windows => "window",
        Skip::Freezes => "freeze",
        Skip::Gaps => "gap",
        Skip::Approvals => "approval",
    }
}
