//! What a scenario's plan says about when: the approvals, notices and windows of a release.

use std::collections::BTreeMap;

use serde_json::json;
use tidegate_domain::calendar::{Calendars, Class, Period};
use tidegate_domain::files::TimeZoneName;
use tidegate_domain::id::{ApprovalName, RoleName, TenantName, Version};
use tidegate_domain::plan::{Due, NoticeKey, PlannedApproval, PlannedNotice, PlannedWave, Schedule};
use tidegate_domain::policy::{Before, NoticeKind};

use crate::script::Release;

pub fn schedule(wanted: &Release, version: &Version, waves: &[PlannedWave]) -> Schedule {
    let approval = PlannedApproval {
        name: ApprovalName::new("board").expect("a name"),
        roles: [approver()].into(),
        count: wanted.approvals,
        before: Before::Release,
        expires: None,
        afterwards: false,
    };
    let mut schedule = Schedule {
        approvals: (wanted.approvals > 0).then_some(approval).into_iter().collect(),
        notices: notices(wanted, version, waves),
        ..Schedule::default()
    };
    if wanted.windows {
        let free = schedule.base.clone();
        schedule.calendars = calendars();
        let windows = (0..).zip(&schedule.calendars.windows).map(|(place, _)| place).collect();
        let zone = TimeZoneName::utc();
        schedule.classes = vec![
            free,
            Class {
                zone,
                calendar: None,
                windows,
            },
        ];
        schedule.tenants = names(waves)
            .step_by(2)
            .map(|name| (name.clone(), 1))
            .collect::<BTreeMap<_, _>>();
    }
    schedule
}

pub fn approver() -> RoleName {
    RoleName::new("approver").expect("a name")
}

/// Most of the day, with edges in the hour in which much happens.
fn calendars() -> Calendars {
    let window = |from: &str, until: &str| {
        json!({ "name": format!("from-{}", from.replace(':', "-")), "kind": "allow", "on": "mon-sun", "from": from,
            "until": until, "time_zone": "UTC" })
    };
    let freeze = json!({ "name": "quarter", "kind": "freeze", "rrule": "FREQ=DAILY", "from": "00:50", "until": "01:05",
        "time_zone": "UTC", "reason": "invoices" });
    let windows = [
        window("00:15", "02:00"),
        window("04:00", "12:00"),
        window("13:00", "23:00"),
        freeze,
    ];
    serde_json::from_value(json!({ "windows": windows })).expect("windows as people write them")
}

fn notices(wanted: &Release, version: &Version, waves: &[PlannedWave]) -> Vec<PlannedNotice> {
    let Some(length) = wanted.notice else {
        return Vec::new();
    };
    let of_wave = |wave: &PlannedWave| {
        let notice = |name: &TenantName| PlannedNotice {
            key: NoticeKey::new(version, &wave.name, NoticeKind::Notice, Err(name), None),
            kind: NoticeKind::Notice,
            wave: wave.name.clone(),
            customer: None,
            contact: None,
            audience: None,
            tenants: [name.clone()].into(),
            due: Due::Applied,
            deadline: None,
            period: Some(Period::Elapsed(length)),
            required: true,
            nothing_needed: false,
            validate_before: None,
            because: "it is told of every move".into(),
        };
        wave.tenants.keys().map(notice).collect::<Vec<_>>()
    };
    waves.iter().flat_map(of_wave).collect()
}

fn names(waves: &[PlannedWave]) -> impl Iterator<Item = &TenantName> {
    waves.iter().flat_map(|wave| wave.tenants.keys())
}
