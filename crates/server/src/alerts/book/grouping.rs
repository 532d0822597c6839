//! One outage is one page: which alarms are one alert, and whom it is for.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_domain::files::AlertRoute;
use tidegate_domain::id::{CustomerName, Version};
use tidegate_domain::service::{Run, Service};
use tidegate_domain::time::{Duration, Timestamp};
use tidegate_effects::notify;

use super::{Book, Situation, watcher};
use crate::alerts::alert::{Alarm, Alert, Receiver, State, Subject, Symptom};
use crate::alerts::words;

/// What begins later is another matter, and tells people again.
const JOIN_WITHIN: Duration = Duration::from_secs(1_800);
/// An outage of several cells shows in all of them within so many buckets.
const EVERYWHERE_BUCKETS: i64 = 3;

impl Book {
    /// An alarm joins the alert that it belongs to, or is one of its own.
    pub(super) fn begin(&mut self, alarm: Alarm, situation: Situation<'_>, now: Timestamp) {
        let customer = customer(&alarm.subject, situation);
        let receiver = receiver(&alarm, customer, situation);
        let silenced = self.silence_of(&alarm.subject, alarm.kind, alarm.cell.as_ref(), customer, now);
        let interval = situation.file.watch.interval;
        let home = self.alerts.values().find(|alert| {
            alert.receiver == receiver
                && alert.silenced.is_some() == silenced.is_some()
                && belongs(&alarm, alert, interval, now)
        });
        match home.map(|alert| alert.id.clone()) {
            Some(id) => self.join(&id, alarm, now),
            None => self.raise(alarm, receiver, silenced, situation, now),
        }
    }

    fn join(&mut self, id: &str, alarm: Alarm, now: Timestamp) {
        let Some(alert) = self.alerts.get_mut(id) else { return };
        alert.joined = now;
        alert.cells.extend(alarm.cell.clone());
        alert.since = alert.since.min(alarm.since);
        let is_worse = alarm.severity < alert.severity;
        alert.severity = alert.severity.min(alarm.severity);
        let reason = format!("{}: {}", alarm.subject, alarm.says);
        add(alert, alarm);
        self.note("alert_joined", id, &watcher(), &reason, now);
        if is_worse && self.alerts[id].silenced.is_none() {
            self.tell_raised(id, now);
        }
    }

    fn raise(
        &mut self,
        alarm: Alarm,
        receiver: Receiver,
        silenced: Option<String>,
        situation: Situation<'_>,
        now: Timestamp,
    ) {
        let id = self.name(&alarm, now);
        let is_silenced = silenced.is_some();
        let mut alert = Alert {
            id: id.clone(),
            state: State::Raised,
            kind: alarm.kind,
            severity: alarm.severity,
            cells: alarm.cell.iter().cloned().collect(),
            symptoms: BTreeMap::new(),
            since: alarm.since,
            raised: now,
            joined: now,
            receiver,
            release: release(&alarm, situation.state),
            silenced,
            acknowledged: None,
            resolved: None,
            escalations: 0,
            told: BTreeSet::new(),
            messages: Vec::new(),
        };
        let reason = format!("{}: {}", alarm.subject, alarm.says);
        add(&mut alert, alarm);
        self.alerts.insert(id.clone(), alert);
        self.changed(&id, &watcher(), &reason, now);
        if !is_silenced {
            self.tell_raised(&id, now);
        }
    }

    /// No two alarms of one subject and kind begin in one second.
    fn name(&self, alarm: &Alarm, now: Timestamp) -> String {
        let (kind, second) = (alarm.kind.as_str(), now.0.div_euclid(1_000));
        let name = match &alarm.subject {
            Subject::Cell(cell) => format!("{kind}-{second}@{cell}"),
            Subject::Gateway(gateway) => format!("{kind}-{second}@{gateway}"),
            Subject::Tenant(tenant) => format!("{kind}-{second}-{tenant}"),
        };
        match self.alerts.contains_key(&name) {
            true => format!("{name}~{}", self.alerts.len()),
            false => name,
        }
    }
}

/// Whether it is the same matter, going by when and where it began.
fn belongs(alarm: &Alarm, alert: &Alert, interval: Duration, now: Timestamp) -> bool {
    if !alert.is_open() || now - alert.joined > JOIN_WITHIN {
        return false;
    }
    let is_same_cell = alarm.cell.as_ref().is_none_or(|cell| alert.cells.contains(cell));
    let is_of_whole = |subject: &Subject| match subject {
        Subject::Cell(cell) => alarm.cell.as_ref() == Some(cell),
        Subject::Gateway(_) | Subject::Tenant(_) => false,
    };
    let is_same_kind = alert.kind == alarm.kind;
    let is_at_once = (now - alert.raised).as_millis() <= EVERYWHERE_BUCKETS * interval.as_millis();
    alert.symptoms.contains_key(&alarm.subject)
        || (is_same_kind && (is_same_cell || is_at_once))
        || alert.symptoms.keys().any(is_of_whole)
        || (alarm.subject.is_whole() && alarm.cell.is_some() && is_same_cell)
}

fn add(alert: &mut Alert, alarm: Alarm) {
    let symptom = Symptom {
        severity: alarm.severity,
        since: alarm.since,
        says: alarm.says,
        ended: None,
    };
    let kinds = alert.symptoms.entry(alarm.subject).or_default();
    kinds.insert(alarm.kind, symptom);
}

pub(super) fn customer<'a>(subject: &Subject, situation: Situation<'a>) -> Option<&'a CustomerName> {
    situation.customers.get(subject.tenant()?)
}

fn receiver(alarm: &Alarm, customer: Option<&CustomerName>, situation: Situation<'_>) -> Receiver {
    let fits = |route: &&AlertRoute| {
        route.kinds.as_ref().is_none_or(|kinds| kinds.contains(&alarm.kind))
            && route.cell.as_ref().is_none_or(|cell| alarm.cell.as_ref() == Some(cell))
            && route.customer.as_ref().is_none_or(|wanted| customer == Some(wanted))
            && route
                .tenant
                .as_ref()
                .is_none_or(|tenant| alarm.subject.tenant() == Some(tenant))
            && route.severity.is_none_or(|severity| severity == alarm.severity)
    };
    let route = situation.file.routes.iter().find(fits);
    let role = route.map_or(tidegate_domain::files::AlertRole::Developers, |route| route.role);
    let receivers = situation.file.roles.of(role);
    let of_route = route.and_then(|route| route.owner.clone());
    Receiver {
        role,
        channels: receivers
            .map(|receivers| receivers.channels.clone())
            .unwrap_or_default(),
        owner: of_route.or_else(|| receivers.and_then(|receivers| receivers.owner.clone())),
        runbook: route.and_then(|route| Some(route.runbook.as_ref()?.to_string())),
        customer: route.and_then(|route| route.customer.clone()),
    }
}

/// The newest release in flight that moves whom the alarm is about; of a whole cell, the newest of all.
fn release(alarm: &Alarm, state: &Service) -> Option<Version> {
    let concerns = |run: &&Run| match alarm.subject.tenant() {
        Some(tenant) => run.waves.iter().any(|wave| wave.members.contains_key(tenant)),
        None => true,
    };
    let mut runs = state.runs.iter().rev().filter(|run| run.in_flight());
    runs.find(concerns).map(|run| run.version.clone())
}

/// What a message about an alert says.
pub(super) fn message(
    alert: &Alert,
    state: notify::State,
    service: &tidegate_domain::id::ServiceName,
    now: Timestamp,
) -> notify::Message {
    let names: Vec<_> = alert.tenants().cloned().collect();
    notify::Message {
        id: alert.id.clone(),
        state,
        at: now,
        kind: alert.kind,
        severity: alert.severity,
        title: words::title(alert),
        text: words::text(alert),
        service: service.clone(),
        cell: (alert.cells.len() == 1).then(|| alert.cells.first().cloned()).flatten(),
        tenants: notify::Tenants {
            count: names.len(),
            names: names.into_iter().take(notify::TENANTS_MAX).collect(),
        },
        customer: alert.receiver.customer.clone(),
        role: alert.receiver.role,
        owner: alert.receiver.owner.clone(),
        runbook: alert.receiver.runbook.clone(),
        release: alert.release.clone(),
        since: alert.since,
        by: alert
            .acknowledged
            .as_ref()
            .map(|acknowledged| acknowledged.by.to_string()),
        link: None,
    }
}
