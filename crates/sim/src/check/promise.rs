//! What a plan promises: read from the plan as it was checked and, where there are any, from the files it was made of.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::ToSpan as _;
use jiff::civil::Date;
use tidegate_domain::calendar::{Calendars, Class, Period, Subject, WhenOpenEnds, Window, WindowKind};
use tidegate_domain::files::{self, PlaybookFile, Project, Tenant, TimeZoneName};
use tidegate_domain::id::{Actor, ApprovalName, CustomerName, RoleName, TenantName, WaveName};
use tidegate_domain::plan::{Plan, PlannedNotice, PlannedWave};
use tidegate_domain::policy::{ApprovalPoint, Before, Downtime, Gap, OnUnmigrated, ReservationRule, Skip, WhenSilent};
use tidegate_domain::release::ReleaseKind;
use tidegate_domain::time::{Duration, Timestamp};

use super::clock::{self, Covered, Whose};

/// A plan as it was when it was checked.
#[derive(Debug)]
pub struct Promise {
    pub plan: Plan,
    pub planned: Timestamp,
    pub planned_by: Option<Actor>,
    /// Without them the plan's own word counts.
    pub project: Option<Arc<Project>>,
}

/// People who have to agree.
#[derive(Debug)]
pub struct Asked<'a> {
    pub name: &'a ApprovalName,
    pub roles: &'a BTreeSet<RoleName>,
    pub count: u32,
    pub before: Before,
    pub expires: Option<Duration>,
}

/// What a tenant has to be told, and how long before.
pub struct Owed<'a> {
    pub notice: &'a PlannedNotice,
    pub period: Option<Period>,
}

impl Promise {
    /// Nobody had a version before: nothing is asked of such a release.
    fn is_install(&self) -> bool {
        let mut tenants = self.plan.waves.iter().flat_map(|wave| wave.tenants.values());
        tenants.all(|tenant| tenant.from.is_none())
    }

    fn playbook(&self) -> Option<&PlaybookFile> {
        let project = self.project.as_ref().filter(|_| !self.is_install())?;
        project.playbooks.get(&project.service.playbook)
    }

    pub fn skips(&self, what: Skip) -> bool {
        let emergency = self.plan.release.kind == ReleaseKind::Emergency;
        let skips = self.playbook().map(|playbook| &playbook.emergency.skips);
        emergency && skips.is_some_and(|skips| skips.contains(&what))
    }

    pub fn wave(&self, name: &WaveName) -> Option<&PlannedWave> {
        self.plan.waves.iter().find(|wave| wave.name == *name)
    }

    /// The wave that a tenant was planned in. `None`: it came later.
    pub fn wave_of(&self, tenant: &TenantName) -> Option<&PlannedWave> {
        let mut waves = self.plan.waves.iter();
        waves.find(|wave| wave.tenants.contains_key(tenant))
    }

    fn file_wave(&self, name: &WaveName) -> Option<&files::Wave> {
        self.playbook()?.waves.iter().find(|wave| wave.name == *name)
    }

    pub fn class_index(&self, tenant: &TenantName) -> u16 {
        self.plan.schedule.tenants.get(tenant).copied().unwrap_or_default()
    }

    fn class(&self, tenant: &TenantName) -> Option<&Class> {
        self.plan.schedule.classes.get(usize::from(self.class_index(tenant)))
    }

    fn declared(&self, tenant: &TenantName) -> Option<&Tenant> {
        self.wave_of(tenant)?;
        let project = self.project.as_ref().filter(|_| !self.is_install())?;
        project.tenants.tenants.iter().find(|declared| declared.id == *tenant)
    }

    fn calendars(&self) -> &Calendars {
        let of_files = self.project.as_ref().map(|project| &project.calendars);
        of_files.unwrap_or(&self.plan.schedule.calendars)
    }

    /// By whose clocks and calendar a tenant is told and moved.
    pub fn whose(&self, tenant: &TenantName) -> Whose<'_> {
        let calendars = self.calendars();
        if let Some(declared) = self.declared(tenant) {
            let calendar = declared.calendar.as_ref();
            let of_calendar = calendar.and_then(|name| calendars.calendars.get(name)?.time_zone.as_ref());
            let zone = declared.time_zone.as_ref().or(of_calendar);
            return Whose {
                zone: zone.cloned().unwrap_or_else(TimeZoneName::utc),
                calendar,
                calendars,
            };
        }
        let class = self.class(tenant).unwrap_or(&self.plan.schedule.base);
        Whose {
            zone: class.zone.clone(),
            calendar: class.calendar.as_ref(),
            calendars,
        }
    }

    /// What the playbook itself counts in.
    pub fn base(&self) -> Whose<'_> {
        let calendars = self.calendars();
        let Some(playbook) = self.playbook() else {
            let base = &self.plan.schedule.base;
            return Whose {
                zone: base.zone.clone(),
                calendar: base.calendar.as_ref(),
                calendars,
            };
        };
        let calendar = playbook.calendar.as_ref();
        let zone = calendar.and_then(|name| calendars.calendars.get(name)?.time_zone.clone());
        Whose {
            zone: zone.unwrap_or_else(TimeZoneName::utc),
            calendar,
            calendars,
        }
    }

    /// The windows that a tenant moves in.
    pub fn windows(&self, tenant: &TenantName) -> Vec<&Window> {
        let all = &self.calendars().windows;
        let (Some(declared), Some(playbook)) = (self.declared(tenant), self.playbook()) else {
            let places = self.class(tenant).map(|class| class.windows.as_slice());
            let places = places.unwrap_or_default().iter();
            return places.filter_map(|place| all.get(usize::from(*place))).collect();
        };
        let of_wave = self.wave_of(tenant).and_then(|wave| self.file_wave(&wave.name));
        let windows = of_wave
            .and_then(|wave| wave.windows.as_ref())
            .or(playbook.windows.as_ref());
        let is_obeyed = |window: &Window| {
            let (skip, listed) = match window.kind {
                WindowKind::Allow => (Skip::Windows, windows),
                WindowKind::Freeze => (Skip::Freezes, playbook.freezes.as_ref()),
            };
            !self.skips(skip) && listed.is_none_or(|listed| listed.contains(&window.name))
        };
        let own = all
            .iter()
            .filter(|window| window.tenants.selects(Subject::from(declared)));
        own.filter(|window| is_obeyed(window)).collect()
    }

    /// A window that is open for the tenant lets a wave finish that has begun in it.
    pub fn lets_finish(&self, tenant: &TenantName, at: Timestamp) -> bool {
        let zone = self.whose(tenant).zone;
        let covered = Covered::of(&self.windows(tenant), &zone, at).unwrap_or_default();
        let lets = |window: &&Window| window.when_open_ends == WhenOpenEnds::FinishWave;
        covered.allowing.into_iter().any(|window| lets(&window))
    }

    /// The first instant that the plan itself names for a tenant; for one that came later, what it names for its like.
    pub fn start(&self, tenant: &TenantName, came_later: Option<&WaveName>) -> Option<Timestamp> {
        let wave = match came_later {
            Some(moved_by) => self.wave(moved_by),
            None => self.wave_of(tenant),
        }?;
        wave.starts.get(&self.class_index(tenant))?.at
    }

    /// The first day of a tenant's clocks on which it may move, by the playbook's days and its cadence. The day of the release
    /// is that of the planning at the earliest.
    pub fn first_day(&self, tenant: &TenantName) -> Option<Date> {
        let (playbook, wave) = (self.playbook()?, self.wave_of(tenant)?);
        if self.skips(Skip::Cadence) {
            return None;
        }
        // What patches another release counts on from that one's first day, which other rules look after.
        self.plan.release.patches.is_none().then_some(())?;
        let today = clock::date(&self.base().zone, self.planned);
        let leaves = self.release_day(playbook, today);
        let is_first = self.plan.waves.first().is_some_and(|first| first.name == wave.name);
        let day = match self.file_wave(&wave.name).and_then(|wave| wave.day) {
            // The first wave leaves with the release, and makes its day where no cadence does.
            _ if is_first => leaves.map(|_| 1)?,
            day => day?,
        };
        let first = leaves.unwrap_or(today);
        first.checked_add((i64::from(day) - 1).days()).ok()
    }

    fn release_day(&self, playbook: &PlaybookFile, today: Date) -> Option<Date> {
        let cadence = playbook.cadence.as_ref()?;
        if !playbook.train.boards.contains(&self.plan.release.kind) {
            return None;
        }
        let Period::Weeks(weeks) = cadence.every else {
            return None;
        };
        let on = cadence.on?;
        let monday = |date: Date| date.saturating_sub(i64::from(date.weekday().to_monday_zero_offset()).days());
        let anchor = monday(cadence.from.map_or(jiff::civil::date(1970, 1, 1), |day| day.0));
        let is_one = |date: &Date| {
            let since = anchor
                .until(monday(*date))
                .map_or(0, |span| i64::from(span.get_days()) / 7);
            on.contains(date.weekday()) && since.rem_euclid(i64::from(weeks.max(1))) == 0
        };
        let catches = |date: &Date| {
            let base = self.base();
            let begins = clock::midnight(&base.zone, *date);
            let cut_off = playbook.train.cut_off.and_then(|period| base.before(begins, period));
            cut_off.is_none_or(|cut_off| self.planned <= cut_off)
        };
        // Yesterday is not over everywhere.
        let days = (-1..800_i64).filter_map(|days| today.checked_add(days.days()).ok());
        days.into_iter().filter(is_one).find(catches)
    }

    pub fn gap(&self, wave: &WaveName) -> Gap {
        if self.skips(Skip::Gaps) {
            return Gap::ZERO;
        }
        let of_file = self.file_wave(wave).map(|wave| wave.gap);
        let of_plan = || self.wave(wave).map(|wave| wave.policy.gap);
        of_file.or_else(of_plan).unwrap_or(Gap::ZERO)
    }

    /// Who has to agree before something starts.
    pub fn asked(&self) -> Vec<Asked<'_>> {
        let Some(playbook) = self.playbook() else {
            let planned = self
                .plan
                .schedule
                .approvals
                .iter()
                .filter(|planned| !planned.afterwards);
            return planned
                .map(|planned| Asked {
                    name: &planned.name,
                    roles: &planned.roles,
                    count: planned.count,
                    before: planned.before.clone(),
                    expires: planned.expires,
                })
                .collect();
        };
        let kind = self.plan.release.kind;
        let rules = playbook.approvals.iter().filter(|_| !self.skips(Skip::Approvals));
        rules
            .filter(|rule| rule.releases.is_empty() || rule.releases.contains(&kind))
            .filter_map(|rule| {
                Some(Asked {
                    name: &rule.name,
                    roles: &rule.roles,
                    count: rule.count,
                    before: self.point(&rule.before)?,
                    expires: rule.expires,
                })
            })
            .collect()
    }

    /// What waits for an approval: of an environment the first wave that comes there, and nothing where none does.
    fn point(&self, written: &ApprovalPoint) -> Option<Before> {
        Some(match written {
            ApprovalPoint::Release => Before::Release,
            ApprovalPoint::Wave(name) => Before::Wave(name.clone()),
            ApprovalPoint::Environment(environment) => {
                let there = |wave: &&PlannedWave| wave.environments(&self.plan.release).contains(environment);
                Before::Wave(self.plan.waves.iter().find(there)?.name.clone())
            }
        })
    }

    /// What a tenant is owed. A rule that no notice was planned for is told by the name of its kind.
    pub fn owed(&self, tenant: &TenantName) -> Result<Vec<Owed<'_>>, &'static str> {
        let of_tenant = |notice: &&PlannedNotice| notice.tenants.contains(tenant);
        let planned: Vec<&PlannedNotice> = self.plan.schedule.notices.iter().filter(of_tenant).collect();
        let (Some(playbook), Some(wave)) = (self.playbook(), self.wave_of(tenant)) else {
            let required = planned.into_iter().filter(|notice| notice.required);
            return Ok(required
                .map(|notice| Owed {
                    notice,
                    period: notice.period,
                })
                .collect());
        };
        let (kind, impact) = (self.plan.release.kind, self.plan.release.impact());
        let rules = playbook.notices.iter().filter(|rule| {
            rule.is_required()
                && (rule.releases.is_empty() || rule.releases.contains(&kind))
                && (rule.impact.is_empty() || rule.impact.contains(&impact))
                && (rule.waves.is_empty() || rule.waves.contains(&wave.name))
                && rule
                    .downtime
                    .is_none_or(|wanted| wanted == self.plan.release.downtime.is_some())
        });
        let mut all = Vec::new();
        for rule in rules {
            let of_rule = planned.iter().filter(|notice| notice.kind == rule.kind);
            let owed: Vec<Owed<'_>> = of_rule
                .map(|notice| Owed {
                    notice,
                    period: rule.at_least,
                })
                .collect();
            if owed.is_empty() {
                return Err(rule.kind.as_str());
            }
            all.extend(owed);
        }
        Ok(all)
    }

    /// Which customer has to have tried the release on an earlier wave before the tenant moves, and what its silence means.
    pub fn validation(&self, tenant: &TenantName) -> Option<(&CustomerName, WhenSilent)> {
        let wave = self.wave_of(tenant)?;
        let asked = self.file_wave(&wave.name)?.validation.as_ref()?;
        let customer = self.declared(tenant)?.customer.as_ref()?;
        let mut earlier = self.wave(&asked.of)?.tenants.keys();
        let has_one = earlier.any(|tried| self.declared(tried).and_then(|it| it.customer.as_ref()) == Some(customer));
        has_one.then_some((customer, asked.when_silent))
    }

    /// What becomes of tenants that it would break.
    pub fn on_unmigrated(&self) -> Option<OnUnmigrated> {
        self.playbook()?.on_unmigrated
    }

    /// Whether tenants may choose when they move, and how many at one time.
    pub fn reservations(&self) -> Option<ReservationRule> {
        match &self.project {
            Some(project) => project.playbooks.get(&project.service.playbook)?.reservations,
            None => self.plan.policy.reservations,
        }
    }

    /// How long tenants may be out of service while they are switched.
    pub fn downtime(&self) -> Option<Downtime> {
        let Some(project) = &self.project else {
            return self.plan.policy.downtime;
        };
        let allowed = project.playbooks.get(&project.service.playbook)?.downtime;
        let longest = self.plan.release.downtime?;
        Some(Downtime {
            longest,
            ..allowed.unwrap_or_default()
        })
    }

    /// The hours of a tenant's peak, where the wave it was planned in bakes through it.
    pub fn peak(&self, tenant: &TenantName) -> Option<&BTreeSet<u8>> {
        self.plan.schedule.peaks.get(tenant)
    }
}
