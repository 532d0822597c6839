//! When each class of tenants moves, what is sent before, and how long a plan made now holds.
//!
//! Tenants are looked at once, to find their class; everything else is computed for classes, of which there are few.

mod day;
mod members;
mod notices;
mod peak;
mod start;
mod train;
mod validations;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::civil::Date;

use self::members::{Known, Members};
use self::start::{Asked, Moment, Never};
use super::build::PlanInput;
use super::report::{About, ClassReport, MissedDay, Problem, ProblemKind};
use super::{LeftBehind, NoticeKey, PlannedWave, Schedule};
use crate::calendar::{CalendarError, Calendars, Class, LocalDate, Subject, WindowKind};
use crate::change::Impact;
use crate::files::{Contact, PlaybookFile, Tenant, TimeZoneName, Wave};
use crate::id::{CustomerName, TenantName, WaveName, WindowName};
use crate::policy::{Gap, Skip};
use crate::release::{Release, ReleaseKind};
use crate::service::RunPhase;
use crate::time::Timestamp;

/// What a plan says of time.
#[derive(Default)]
pub(super) struct Timetable {
    pub(super) schedule: Schedule,
    /// By wave: when and why its classes are expected to move.
    pub(super) expected: Vec<BTreeMap<u16, ClassReport>>,
    /// By wave: tenants whose peak is not waited for.
    pub(super) excused: Vec<BTreeSet<TenantName>>,
    pub(super) missed: Vec<MissedDay>,
    /// Planning again before this leads to the same decisions. `None`: time alone changes nothing.
    pub(super) valid_until: Option<Timestamp>,
}

/// Everything that decides about time.
pub(super) struct Clockwork<'a> {
    input: &'a PlanInput,
    playbook: &'a PlaybookFile,
    release: &'a Release,
    impact: Impact,
    declared: &'a BTreeMap<&'a TenantName, &'a Tenant>,
    contacts: BTreeMap<&'a CustomerName, &'a [Contact]>,
    calendars: &'a Calendars,
    /// The calendar that the playbook itself counts in.
    base: Class,
    skips: BTreeSet<Skip>,
    /// What an earlier run of the release has proven to be sent.
    proofs: BTreeMap<&'a NoticeKey, Timestamp>,
    classes: Vec<Class>,
    index: BTreeMap<Class, u16>,
    missed: Vec<MissedDay>,
    valid_until: Option<Timestamp>,
    problems: Vec<Problem>,
}

impl<'a> Clockwork<'a> {
    pub(super) fn new(
        input: &'a PlanInput,
        playbook: &'a PlaybookFile,
        (release, impact): (&'a Release, Impact),
        declared: &'a BTreeMap<&'a TenantName, &'a Tenant>,
    ) -> Self {
        let calendars = &input.project.calendars;
        let skips = match release.kind {
            ReleaseKind::Emergency => playbook.emergency.skips.clone(),
            ReleaseKind::Scheduled | ReleaseKind::Patch | ReleaseKind::Feature | ReleaseKind::Configuration => {
                BTreeSet::new()
            }
        };
        Self {
            input,
            playbook,
            release,
            impact,
            declared,
            contacts: input
                .project
                .customers
                .customers
                .iter()
                .map(|it| (&it.id, it.contacts.as_slice()))
                .collect(),
            calendars,
            base: base_class(calendars, playbook),
            skips,
            proofs: input.proofs(),
            classes: Vec::new(),
            index: BTreeMap::new(),
            missed: Vec::new(),
            valid_until: None,
            problems: Vec::new(),
        }
    }

    /// Plans when `waves` move. Tenants that never can are taken out of them, and stand in nobody else's way.
    pub(super) fn timetable(
        mut self,
        waves: &mut Vec<PlannedWave>,
        left_behind: &mut BTreeMap<TenantName, LeftBehind>,
        problems: &mut Vec<Problem>,
    ) -> Timetable {
        let mut members = Vec::new();
        for wave in waves.iter_mut() {
            members.push(self.classify(wave, left_behind));
        }
        keep_moving(waves, &mut members, &mut Vec::<()>::new());
        // What is patched has left already.
        let begun = self.begun();
        let mut cadence = self.leaves_on(begun, waves, &members);
        let (mut expected, mut all_peaks, mut all_excused) = (Vec::new(), BTreeMap::new(), Vec::new());
        let mut from = Moment::now(self.input.now);
        let mut first_day = begun.or(cadence);
        let mut place = 0;
        loop {
            let count = waves.len();
            let Some(wave) = waves.get_mut(place) else { break };
            from = self.behind_gap(wave, from, place);
            let asked = self.asked(&wave.name, from, first_day, cadence, place);
            let known = &mut members[place];
            let (reports, end) = self.wave(wave, &asked, known, left_behind);
            if place == 0 && wave.tenants.is_empty() && count > 1 {
                // Nobody of it can ever move: the release leaves with the next one.
                keep_moving(waves, &mut members, &mut Vec::<()>::new());
                cadence = self.leaves_on(begun, waves, &members);
                first_day = begun.or(cadence);
                continue;
            }
            if place == 0 && first_day.is_none() {
                first_day = self.first_day(&reports, from);
            }
            let (peaks, excused) = self.peaks(wave);
            from = self.after_bake(end, wave, &peaks, &members[place]);
            all_peaks.extend(peaks);
            all_excused.push(excused);
            expected.push(reports);
            place += 1;
        }
        // A wave whose tenants can never move is no wave.
        let mut told: Vec<_> = expected.into_iter().zip(all_excused).collect();
        keep_moving(waves, &mut members, &mut told);
        let (expected, all_excused) = told.into_iter().unzip();
        let notices = self.notices(waves, &members);
        let approvals = self.approvals(waves);
        let validations = self.validations(waves, &members);
        let counts_days = self.playbook.waves.iter().any(|wave| wave.day.is_some());
        problems.append(&mut self.problems);
        Timetable {
            schedule: Schedule {
                calendars: self.calendars.clone(),
                base: self.base,
                first_day: first_day.filter(|_| counts_days).map(LocalDate),
                classes: self.classes,
                tenants: waves.iter().zip(&members).flat_map(classes_of).collect(),
                peaks: all_peaks,
                notices,
                approvals,
                validations,
                migrations: Vec::new(),
            },
            expected,
            excused: all_excused,
            missed: self.missed,
            valid_until: self.valid_until,
        }
    }

    /// From when a wave can move, behind the gap after the one before.
    fn behind_gap(&mut self, wave: &mut PlannedWave, from: Moment, place: usize) -> Moment {
        // A run waits as long as its plan says.
        if self.skips.contains(&Skip::Gaps) {
            wave.policy.gap = Gap::ZERO;
        }
        match place {
            0 => from,
            _ => self.after_gap(from, wave.policy.gap),
        }
    }

    /// The day of the cadence, where it has one and the release has not begun with what it patches.
    fn leaves_on(&mut self, begun: Option<Date>, waves: &[PlannedWave], members: &[Members<'_>]) -> Option<Date> {
        self.missed.clear();
        match begun {
            Some(_) => None,
            None => self.release_day(&self.leaving(waves, members)),
        }
    }

    /// The first day of the release that this one patches, where that is on its way or nobody is on it any more.
    fn begun(&self) -> Option<Date> {
        let run = self.input.state.run(self.release.patches.as_ref()?)?;
        match run.phase {
            RunPhase::Completed { .. } => None,
            RunPhase::Queued
            | RunPhase::Moving
            | RunPhase::RolledBack { .. }
            | RunPhase::Aborted { .. }
            | RunPhase::Superseded { .. } => run.schedule.first_day.map(|day| day.0),
        }
    }

    /// Finds the class of every tenant of a wave.
    fn classify(&mut self, wave: &mut PlannedWave, left_behind: &mut BTreeMap<TenantName, LeftBehind>) -> Members<'a> {
        let mut members = Members::default();
        let obeyed = self.obeyed(&wave.name);
        let mut refused: BTreeMap<String, (CalendarError, Vec<TenantName>)> = BTreeMap::new();
        let nothing = BTreeMap::new();
        for (name, planned) in &wave.tenants {
            let declared = self.declared.get(name).copied();
            let class = match declared {
                Some(tenant) => self.calendars.class(tenant),
                None => self.calendars.class(Subject {
                    id: name,
                    customer: None,
                    cell: Some(&planned.cell),
                    labels: &nothing,
                    time_zone: None,
                    calendar: None,
                }),
            };
            match class {
                Ok(mut class) => {
                    class
                        .windows
                        .retain(|place| obeyed.get(usize::from(*place)).copied().unwrap_or_default());
                    members.push(Known {
                        class: self.class_index(class),
                        customer: declared.and_then(|tenant| tenant.customer.as_ref()),
                    });
                }
                Err(error) => {
                    let refused = refused.entry(error.to_string()).or_insert_with(|| (error, Vec::new()));
                    refused.1.push(name.clone());
                }
            }
        }
        for (error, names) in refused.into_values() {
            self.exclude(wave, &names, left_behind, &error.to_string(), |problem| {
                of_calendar(problem, &error)
            });
        }
        members
    }

    fn class_index(&mut self, class: Class) -> u16 {
        if let Some(index) = self.index.get(&class) {
            return *index;
        }
        // More classes than there are zones, calendars and sets of windows together are not to be had.
        let index = u16::try_from(self.classes.len()).unwrap_or(u16::MAX);
        self.classes.push(class.clone());
        self.index.insert(class, index);
        index
    }

    /// Which windows tenants of a wave keep to, by their place.
    fn obeyed(&self, wave: &WaveName) -> Vec<bool> {
        let own = self.file_wave(wave).and_then(|wave| wave.windows.as_ref());
        let windows = own.or(self.playbook.windows.as_ref());
        let freezes = self.playbook.freezes.as_ref();
        let listed = |list: Option<&Vec<WindowName>>, name: &WindowName| list.is_none_or(|list| list.contains(name));
        let obeyed = self.calendars.windows.iter().map(|window| match window.kind {
            WindowKind::Allow => !self.skips.contains(&Skip::Windows) && listed(windows, &window.name),
            WindowKind::Freeze => !self.skips.contains(&Skip::Freezes) && listed(freezes, &window.name),
        });
        obeyed.collect()
    }

    /// The wave as the playbook has it.
    fn file_wave(&self, name: &WaveName) -> Option<&'a Wave> {
        self.playbook.waves.iter().find(|wave| wave.name == *name)
    }

    fn asked(
        &self,
        wave: &WaveName,
        from: Moment,
        first_day: Option<Date>,
        cadence: Option<Date>,
        place: usize,
    ) -> Asked {
        let file = self.file_wave(wave);
        let day = file
            .and_then(|wave| wave.day)
            .filter(|_| !self.skips.contains(&Skip::Cadence));
        // The first wave leaves on the release day, whether it says so or not.
        let day = day.or((place == 0).then_some(1));
        let date = |day: u16| first_day.map(|first| (day, day::later(first, day.saturating_sub(1))));
        Asked {
            from,
            day: day.and_then(date),
            cadence,
            // What does not board the train is urgent: it does not wait for a quiet time.
            quietest: self.playbook.train.boards.contains(&self.release.kind)
                && file.and_then(|wave| wave.quietest).unwrap_or(self.playbook.quietest),
        }
    }

    /// Plans the classes of a wave. Back comes when the last of them has moved.
    fn wave(
        &mut self,
        wave: &mut PlannedWave,
        asked: &Asked,
        members: &mut Members<'a>,
        left_behind: &mut BTreeMap<TenantName, LeftBehind>,
    ) -> (BTreeMap<u16, ClassReport>, Moment) {
        let mut reports = BTreeMap::new();
        let mut end = asked.from;
        let mut by_class: BTreeMap<u16, Vec<TenantName>> = BTreeMap::new();
        for (name, known) in members.of(wave) {
            by_class.entry(known.class).or_default().push(name.clone());
        }
        let owed = self.owed(wave, members);
        for (index, names) in by_class {
            let class = self.classes[usize::from(index)].clone();
            let owed = owed.get(&index).map_or(&[][..], Vec::as_slice);
            match self.start(&class, asked, owed, names.iter()) {
                Ok((start, moment, report)) => {
                    if start.at.is_some() || start.window.is_some() {
                        wave.starts.insert(index, start);
                    }
                    end = end.max(moment);
                    reports.insert(index, report);
                }
                Err(never) => {
                    members.exclude(index);
                    self.never(wave, &class, &names, &never, left_behind);
                }
            }
        }
        // What is open already stays open.
        let ahead = wave.starts.values().filter_map(|start| start.at);
        for at in ahead.filter(|at| *at > self.input.now).collect::<Vec<_>>() {
            self.holds_until(at);
        }
        (reports, end)
    }

    fn never(
        &mut self,
        wave: &mut PlannedWave,
        class: &Class,
        names: &[TenantName],
        never: &Never,
        left_behind: &mut BTreeMap<TenantName, LeftBehind>,
    ) {
        match never {
            Never::Calendar(error) => {
                self.exclude(wave, names, left_behind, &error.to_string(), |problem| {
                    of_calendar(problem, error)
                });
            }
            Never::NoOpening(from) => {
                let openness = self.calendars.is_open(class, *from);
                // The freeze that forbids it, or the first of the windows none of which opens.
                let mut windows = self.calendars.windows_of(class).map(|window| &window.name);
                let about = openness.window.as_ref().or(windows.next());
                let about = about.map(|window| About::Window(window.clone()));
                let because = format!("no window opens for it: {}", openness.reason.words(&class.zone));
                self.exclude(wave, names, left_behind, &because, |problem| Problem {
                    kind: ProblemKind::WindowNeverOpens,
                    remedy: "correct the times of its windows and freezes in tidegate.yaml, or whom they are for"
                        .to_owned(),
                    about: about.or(problem.about.clone()),
                    ..problem
                });
            }
        }
    }

    /// Takes tenants out of a wave, with the problem that `shaped` makes of it.
    fn exclude(
        &mut self,
        wave: &mut PlannedWave,
        names: &[TenantName],
        left_behind: &mut BTreeMap<TenantName, LeftBehind>,
        because: &str,
        shaped: impl FnOnce(Problem) -> Problem,
    ) {
        let Some(first) = names.first() else { return };
        let who = match names.len() {
            1 => format!("tenant `{first}` does not move"),
            more => format!("{more} tenants do not move, `{first}` among them"),
        };
        let problem = Problem::excludes(ProblemKind::Calendar, format!("{who}: {because}"), "");
        let because: Arc<str> = because.into();
        self.problems.push(shaped(problem.about(About::Tenant(first.clone()))));
        for name in names {
            if let Some(planned) = wave.tenants.remove(name) {
                let left = LeftBehind {
                    cell: planned.cell,
                    on: planned.from,
                    because: because.clone(),
                };
                left_behind.insert(name.clone(), left);
            }
        }
    }

    /// The day that days of the release are counted from, where no cadence says so: that of the first start.
    fn first_day(&mut self, reports: &BTreeMap<u16, ClassReport>, from: Moment) -> Option<Date> {
        self.playbook.waves.iter().find(|wave| wave.day.is_some())?;
        let start = reports.values().map(|report| report.expected).min().unwrap_or(from.at);
        let date = day::date(&self.base.zone, start);
        self.holds_until(day::begins(&self.base.zone, day::later(date, 1)));
        Some(date)
    }

    fn after_gap(&mut self, from: Moment, gap: Gap) -> Moment {
        let at = match gap {
            Gap::Elapsed(elapsed) => return from.plus(elapsed),
            Gap::Counted(period) => self.calendars.earliest_start(&self.base, from.at, &period),
        };
        match at {
            Ok(at) => Moment { at, ..from },
            Err(error) => {
                let message = format!("the gap of {gap} cannot be counted: {error}");
                let problem = Problem::blocks(ProblemKind::Calendar, message, "").about(About::Playbook);
                self.problems.push(of_calendar(problem, &error));
                from
            }
        }
    }

    /// Made at this instant or later, the plan may be another.
    fn holds_until(&mut self, at: Timestamp) {
        if at >= self.input.now {
            self.valid_until = Some(self.valid_until.map_or(at, |until| until.min(at)));
        }
    }
}

/// What the playbook itself counts in.
pub(super) fn base_class(calendars: &Calendars, playbook: &PlaybookFile) -> Class {
    let calendar = playbook.calendar.as_ref();
    let zone = calendar.and_then(|name| calendars.calendars.get(name)?.time_zone.clone());
    Class {
        zone: zone.unwrap_or_else(TimeZoneName::utc),
        calendar: calendar.cloned(),
        windows: Vec::new(),
    }
}

/// A problem that a calendar or a window makes is about that, wherever it is met.
fn of_calendar(problem: Problem, error: &CalendarError) -> Problem {
    let (kind, about) = match error {
        CalendarError::HolidaysUnknown { calendar, .. } => {
            (ProblemKind::CalendarEnds, Some(About::Calendar(calendar.clone())))
        }
        CalendarError::HolidaysNotRead { calendar, .. } => {
            (ProblemKind::Calendar, Some(About::Calendar(calendar.clone())))
        }
        CalendarError::BrokenWindow { window, .. } => {
            let window = WindowName::new(window).ok();
            (ProblemKind::WindowNeverOpens, window.map(About::Window))
        }
        CalendarError::UnknownCalendar(_) | CalendarError::NoCalendar | CalendarError::OutOfRange(_) => {
            (ProblemKind::Calendar, None)
        }
    };
    Problem {
        kind,
        remedy: error.help(),
        about: about.or(problem.about),
        ..problem
    }
}

fn classes_of((wave, members): (&PlannedWave, &Members<'_>)) -> impl Iterator<Item = (TenantName, u16)> {
    members.of(wave).map(|(name, known)| (name.clone(), known.class))
}

/// Drops the waves without tenants, and what stands beside them.
fn keep_moving<T>(waves: &mut Vec<PlannedWave>, members: &mut Vec<Members<'_>>, told: &mut Vec<T>) {
    let stays: Vec<bool> = waves.iter().map(|wave| !wave.tenants.is_empty()).collect();
    keep(waves, &stays);
    keep(members, &stays);
    keep(told, &stays);
}

/// Leaves in a list what stands where `stays` is true.
fn keep<T>(list: &mut Vec<T>, stays: &[bool]) {
    let mut stays = stays.iter();
    list.retain(|_| stays.next().copied().unwrap_or(true));
}
