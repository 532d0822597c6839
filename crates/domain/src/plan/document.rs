//! The plan as one document for programs: every tenant's what, when and why, every instant with its zone.

mod changed;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Value, json};

pub use self::changed::{ChangedDocument, LastPlanDocument, MovedDocument, StandDocument};
use super::report::{ClassReport, PlanReport, Problem, ProblemPlace, Severity, WaveReport};
use super::{Due, NoticeKey, Plan, PlannedNotice, PlannedWave};
use crate::calendar::Local;
use crate::change::Audience;
use crate::files::{self, Diagnostic, TimeZoneName};
use crate::id::{ApprovalName, CellName, ContactName, CustomerName, Digest, RoleName, TenantName, Version, WaveName};
use crate::policy::{Bake, Before, Canary, Downtime, NoticeKind, Through, WhenSilent, gate_names};
use crate::time::{Duration, Timestamp};

/// An instant by RFC 9557, such as `2026-11-24T06:00:00+01:00[Europe/Berlin]`.
type Instant = String;

/// Of [`Plan`] and [`PlanReport`] together. Without a plan only the problems are told.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Document {
    pub schema_version: u32,
    pub digest: Option<Digest>,
    pub release: Option<Version>,
    pub waves: Vec<WaveDocument>,
    pub tenants: Vec<TenantDocument>,
    pub notices: Vec<NoticeDocument>,
    pub approvals: Vec<ApprovalDocument>,
    pub validations: Vec<ValidationDocument>,
    /// How long the tenants of a batch are out of service.
    pub downtime: Option<Downtime>,
    pub problems: Vec<ProblemDocument>,
    /// Left out where there is nothing to compare with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changed_since: Option<ChangedDocument>,
    /// Planning again before this leads to the same decisions if nothing else changes.
    pub valid_until: Option<Instant>,
    pub basis: Basis,
}

/// What the plan was made of.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Basis {
    pub generation: u64,
    pub digests: BTreeMap<String, Digest>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WaveDocument {
    pub name: WaveName,
    /// Where it is one; else see `cells`.
    pub cell: Option<CellName>,
    pub cells: BTreeSet<CellName>,
    pub tenants: Vec<TenantName>,
    /// When the first of its tenants is expected to move.
    pub start: Instant,
    pub reason: String,
    pub window: Option<WindowDocument>,
    /// A share of the requests before it is switched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canary: Option<String>,
    pub bake: BakeDocument,
    pub gates: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WindowDocument {
    pub name: Option<String>,
    pub opens: Option<Instant>,
    pub closes: Option<Instant>,
    pub reason: String,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BakeDocument {
    /// The earliest end.
    pub until: Instant,
    pub reason: String,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TenantDocument {
    pub id: TenantName,
    /// `None`: it is left behind.
    pub wave: Option<WaveName>,
    pub start: Option<Instant>,
    pub reason: String,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NoticeDocument {
    pub key: NoticeKey,
    pub kind: NoticeKind,
    pub tenants: Arc<BTreeSet<TenantName>>,
    pub customer: Option<CustomerName>,
    pub contact: Option<ContactName>,
    pub audience: Option<Audience>,
    pub due: Instant,
    pub deadline: Option<Instant>,
    pub required: bool,
    pub reason: Arc<str>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ApprovalDocument {
    pub name: ApprovalName,
    pub roles: BTreeSet<RoleName>,
    pub count: u32,
    pub before: Before,
    pub expires: Option<Duration>,
    pub afterwards: bool,
    /// What waits for it starts then.
    pub deadline: Option<Instant>,
}

/// A customer who is asked to try the release on an earlier wave, and to report, before these tenants move.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ValidationDocument {
    pub customer: CustomerName,
    pub of: WaveName,
    pub tried_on: BTreeSet<TenantName>,
    pub wave: WaveName,
    pub tenants: BTreeSet<TenantName>,
    pub when_silent: WhenSilent,
}

/// Something that stands in the way, or that the reader should know.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ProblemDocument {
    pub severity: Severity,
    /// A stable word.
    pub kind: Value,
    pub message: String,
    #[serde(rename = "where")]
    pub place: Option<ProblemPlace>,
    pub remedy: Option<String>,
}

impl From<&Problem> for ProblemDocument {
    fn from(problem: &Problem) -> Self {
        Self {
            severity: problem.severity,
            kind: json!(problem.kind),
            message: problem.message.clone(),
            place: problem.place.clone(),
            remedy: Some(problem.remedy.clone()),
        }
    }
}

impl From<&Diagnostic> for ProblemDocument {
    /// A mistake in a file.
    fn from(diagnostic: &Diagnostic) -> Self {
        let place = diagnostic.place.as_ref();
        Self {
            severity: match diagnostic.severity {
                files::Severity::Error => Severity::Blocks,
                files::Severity::Confined => Severity::Excludes,
                files::Severity::Warning => Severity::Warns,
            },
            kind: json!(diagnostic.code),
            message: diagnostic.message.clone(),
            place: Some(ProblemPlace {
                file: diagnostic.file.clone(),
                line: place.map_or(1, |place| place.line),
            }),
            remedy: diagnostic
                .help
                .clone()
                .or_else(|| Some(diagnostic.label.clone()).filter(|label| !label.is_empty())),
        }
    }
}

impl Document {
    /// There is no plan, for the files have mistakes.
    #[must_use]
    pub fn of_mistakes(schema_version: u32, diagnostics: &[Diagnostic]) -> Self {
        Self {
            schema_version,
            digest: None,
            release: None,
            waves: Vec::new(),
            tenants: Vec::new(),
            notices: Vec::new(),
            approvals: Vec::new(),
            validations: Vec::new(),
            downtime: None,
            problems: diagnostics.iter().map(ProblemDocument::from).collect(),
            changed_since: None,
            valid_until: None,
            basis: Basis {
                generation: 0,
                digests: BTreeMap::new(),
            },
        }
    }

    /// `plan` comes with its digest.
    #[must_use]
    pub fn new(
        schema_version: u32,
        release: &Version,
        plan: Option<(&Plan, &Digest)>,
        report: &PlanReport,
        now: Timestamp,
    ) -> Self {
        let digest = plan.map(|(_, digest)| digest.clone());
        let plan = plan.map(|(plan, _)| plan);
        let reader = plan.map(|plan| Reader { plan, report, now });
        let utc = TimeZoneName::utc();
        let zone = plan.map_or(&utc, |plan| &plan.schedule.base.zone);
        Self {
            schema_version,
            digest,
            release: Some(release.clone()),
            waves: reader.as_ref().map(Reader::waves).unwrap_or_default(),
            tenants: reader.as_ref().map(Reader::tenants).unwrap_or_default(),
            notices: reader.as_ref().map(Reader::notices).unwrap_or_default(),
            approvals: reader.as_ref().map(Reader::approvals).unwrap_or_default(),
            validations: reader.as_ref().map(Reader::validations).unwrap_or_default(),
            downtime: plan.and_then(|plan| plan.policy.downtime),
            problems: report.problems.iter().map(ProblemDocument::from).collect(),
            changed_since: ChangedDocument::new(report, zone),
            valid_until: report.valid_until.map(|at| Local::new(at, zone).rfc9557()),
            basis: Basis {
                generation: report.generation,
                digests: report.basis.clone(),
            },
        }
    }
}

struct Reader<'a> {
    plan: &'a Plan,
    report: &'a PlanReport,
    now: Timestamp,
}

impl<'a> Reader<'a> {
    fn pairs(&self) -> impl Iterator<Item = (&'a PlannedWave, &'a WaveReport)> {
        self.plan.waves.iter().zip(&self.report.waves)
    }

    fn base(&self) -> &'a TimeZoneName {
        &self.plan.schedule.base.zone
    }

    fn waves(&self) -> Vec<WaveDocument> {
        let waves = self.pairs().map(|(wave, report)| WaveDocument {
            name: wave.name.clone(),
            cell: report.cells.first().filter(|_| report.cells.len() == 1).cloned(),
            cells: report.cells.clone(),
            tenants: wave.tenants.keys().cloned().collect(),
            start: Local::new(report.not_before, self.base()).rfc9557(),
            reason: match first_class(report) {
                Some((class, first)) => first.in_words(&report.because, self.plan.zone_of(class)),
                None => report.because.clone(),
            },
            window: self.window(wave, report),
            canary: wave.policy.canary.as_ref().map(canary_in_words),
            bake: BakeDocument {
                until: Local::new(end(report), self.base()).rfc9557(),
                reason: bake_in_words(&wave.policy.bake),
            },
            gates: gate_names(&wave.policy.gates),
        });
        waves.collect()
    }

    fn window(&self, wave: &PlannedWave, report: &WaveReport) -> Option<WindowDocument> {
        let (class, first) = first_class(report)?;
        let window = wave.starts.get(&class)?.window.as_ref()?;
        let zone = self.plan.zone_of(class);
        let instant = |at: Option<Timestamp>| at.map(|at| Local::new(at, zone).rfc9557());
        Some(WindowDocument {
            name: window.name.as_ref().map(ToString::to_string),
            opens: instant(window.opens),
            closes: instant(window.closes),
            reason: first.in_words(&report.because, zone),
        })
    }

    fn tenants(&self) -> Vec<TenantDocument> {
        let mut all: BTreeMap<&TenantName, TenantDocument> = BTreeMap::new();
        for (wave, report) in self.pairs() {
            // Text is made for a class, of which there are few.
            let mut texts: BTreeMap<u16, (Instant, String)> = BTreeMap::new();
            for (id, tenant) in &wave.tenants {
                let class = self.plan.schedule.class_index(id);
                let (start, why) = texts.entry(class).or_insert_with(|| {
                    let zone = self.plan.zone_of(class);
                    let known = report.classes.get(&class);
                    let start = known.map_or(report.not_before, |class| class.expected);
                    let why = known.map_or(report.because.clone(), |class| class.in_words(&report.because, zone));
                    (Local::new(start, zone).rfc9557(), why)
                });
                let document = TenantDocument {
                    id: id.clone(),
                    wave: Some(wave.name.clone()),
                    start: Some(start.clone()),
                    reason: format!("{}; {why}", tenant.because),
                };
                all.insert(id, document);
            }
        }
        for (id, left) in &self.plan.left_behind {
            let document = TenantDocument {
                id: id.clone(),
                wave: None,
                start: None,
                reason: left.because.to_string(),
            };
            all.insert(id, document);
        }
        all.into_values().collect()
    }

    fn notices(&self) -> Vec<NoticeDocument> {
        let ends: BTreeMap<&str, Timestamp> = self
            .report
            .waves
            .iter()
            .map(|report| (report.wave.as_str(), end(report)))
            .collect();
        // Of thousands of notices nearly all have one of a few instants.
        let mut texts: BTreeMap<(&TimeZoneName, Timestamp), Instant> = BTreeMap::new();
        let notices = self.plan.schedule.notices.iter().map(|notice| {
            let zone = self.zone(notice);
            let mut text = |at| {
                let text = texts
                    .entry((zone, at))
                    .or_insert_with(|| Local::new(at, zone).rfc9557());
                text.clone()
            };
            let due = match notice.due {
                Due::Applied => self.now,
                Due::At(at) => at,
                Due::Confirmed => ends.get(notice.wave.as_str()).copied().unwrap_or(self.now),
            };
            NoticeDocument {
                key: notice.key.clone(),
                kind: notice.kind,
                tenants: notice.tenants.clone(),
                customer: notice.customer.clone(),
                contact: notice.contact.clone(),
                audience: notice.audience,
                due: text(due),
                deadline: notice.deadline.map(text),
                required: notice.required,
                reason: notice.because.clone(),
            }
        });
        notices.collect()
    }

    fn validations(&self) -> Vec<ValidationDocument> {
        let planned = self.plan.schedule.validations.iter();
        let documents = planned.map(|planned| ValidationDocument {
            customer: planned.customer.clone(),
            of: planned.of.clone(),
            tried_on: planned.tried_on.clone(),
            wave: planned.wave.clone(),
            tenants: planned.tenants.clone(),
            when_silent: planned.when_silent,
        });
        documents.collect()
    }

    /// That of the first tenant that a notice is about.
    fn zone(&self, notice: &PlannedNotice) -> &'a TimeZoneName {
        let class = notice
            .tenants
            .first()
            .map(|tenant| self.plan.schedule.class_index(tenant));
        class.map_or(self.base(), |class| self.plan.zone_of(class))
    }

    fn approvals(&self) -> Vec<ApprovalDocument> {
        let approvals = self.plan.schedule.approvals.iter().map(|approval| {
            let waits = match &approval.before {
                Before::Release => self.report.waves.first(),
                Before::Wave(name) => self.report.waves.iter().find(|report| report.wave == *name),
            };
            ApprovalDocument {
                name: approval.name.clone(),
                roles: approval.roles.clone(),
                count: approval.count,
                before: approval.before.clone(),
                expires: approval.expires,
                afterwards: approval.afterwards,
                deadline: waits.map(|report| Local::new(report.not_before, self.base()).rfc9557()),
            }
        });
        approvals.collect()
    }
}

/// The class of a wave that moves first.
pub(super) fn first_class(report: &WaveReport) -> Option<(u16, &ClassReport)> {
    let first = report.classes.iter().min_by_key(|(_, class)| class.expected);
    first.map(|(index, class)| (*index, class))
}

/// When a wave can be over at the earliest.
fn end(report: &WaveReport) -> Timestamp {
    let last = report.classes.values().map(|class| class.expected).max();
    last.unwrap_or(report.not_before) + report.least_canary.unwrap_or_default() + report.least_bake
}

/// How many requests are tried before a wave is switched, and for how long.
#[must_use]
pub fn canary_in_words(canary: &Canary) -> String {
    format!(
        "{} % of each tenant's clients first, {} to {}, judged over at least {} requests after {} to warm up",
        canary.share, canary.least, canary.longest, canary.requests, canary.warm_up
    )
}

/// How long a wave is watched, and what for.
#[must_use]
pub fn bake_in_words(bake: &Bake) -> String {
    if bake.longest.is_zero() {
        return "none: there is no earlier version to compare with".to_owned();
    }
    let requests = match bake.requests {
        1 => "1 request".to_owned(),
        n => format!("{n} requests"),
    };
    let peak = match bake.through {
        Some(Through::Peak) => ", and until each tenant has had its next peak",
        None => "",
    };
    format!(
        "{} to {}, judged over at least {requests}{peak}",
        bake.least, bake.longest
    )
}
