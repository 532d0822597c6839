//! The calendar of a plan: what is due when, day by day as text, or drawn as SVG.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use tidegate_domain::calendar::Local;
use tidegate_domain::plan::{Due, Plan, PlanReport};
use tidegate_domain::time::Timestamp;

/// What is due at an instant.
enum Event {
    Notice { kind: &'static str, wave: String },
    Deadline { kind: &'static str, wave: String },
    Start { wave: String, tenants: usize },
}

impl Event {
    fn in_words(&self, count: usize) -> String {
        match self {
            Self::Notice { kind, wave } => format!("{kind} to wave {wave} is due ({count})"),
            Self::Deadline { kind, wave } => format!("{kind} to wave {wave} is late from here on ({count})"),
            Self::Start { wave, tenants } => format!("wave {wave} starts ({tenants} tenants)"),
        }
    }
}

/// Everything that is due, in the order of time; equal things are counted.
fn events(plan: &Plan, report: &PlanReport, now: Timestamp) -> Vec<(Timestamp, Event, usize)> {
    let mut notices: BTreeMap<(Timestamp, &'static str, String, bool), usize> = BTreeMap::new();
    for notice in &plan.schedule.notices {
        let due = match notice.due {
            Due::Applied => Some(now),
            Due::At(at) => Some(at),
            Due::Confirmed => None,
        };
        let times = due
            .map(|at| (at, false))
            .into_iter()
            .chain(notice.deadline.map(|at| (at, true)));
        for (at, late) in times {
            *notices
                .entry((at, notice.kind.as_str(), notice.wave.to_string(), late))
                .or_default() += 1;
        }
    }
    let notices = notices.into_iter().map(|((at, kind, wave, late), count)| {
        let event = if late {
            Event::Deadline { kind, wave }
        } else {
            Event::Notice { kind, wave }
        };
        (at, event, count)
    });
    let starts = plan.waves.iter().zip(&report.waves).flat_map(|(wave, told)| {
        let mut starts: BTreeMap<Timestamp, usize> = BTreeMap::new();
        for tenant in wave.tenants.keys() {
            let class = told.classes.get(&plan.schedule.class_index(tenant));
            *starts
                .entry(class.map_or(told.not_before, |class| class.expected))
                .or_default() += 1;
        }
        starts.into_iter().map(|(at, tenants)| {
            let wave = wave.name.to_string();
            (at, Event::Start { wave, tenants }, tenants)
        })
    });
    let mut events: Vec<_> = notices.chain(starts).collect();
    events.sort_by_key(|(at, _, _)| *at);
    events
}

/// A line for everything that is due.
pub fn text(plan: &Plan, report: &PlanReport, now: Timestamp) -> String {
    let zone = &plan.schedule.base.zone;
    let mut page = format!(
        "Release {} of {}, times of {zone}\n",
        plan.release.version, plan.service
    );
    for (at, event, count) in events(plan, report, now) {
        let _ = writeln!(
            page,
            "  {:<32} {}",
            Local::new(at, zone).to_string(),
            event.in_words(count)
        );
    }
    page
}

const LEFT: i64 = 140;
const WIDTH: i64 = 960;
const ROW: i64 = 28;

/// A row for each wave: its windows as bars, starts as marks, notices as dots.
pub fn svg(plan: &Plan, report: &PlanReport, now: Timestamp) -> String {
    let events = events(plan, report, now);
    let first = events.iter().map(|(at, _, _)| at.0).min().unwrap_or(now.0).min(now.0);
    let last = events.iter().map(|(at, _, _)| at.0).max().unwrap_or(now.0) + 86_400_000;
    let x = |at: i64| LEFT + (at.clamp(first, last) - first) * (WIDTH - LEFT - 20) / (last - first).max(1);
    let rows = i64::try_from(plan.waves.len()).unwrap_or(0);
    let height = (rows + 2) * ROW;
    let zone = &plan.schedule.base.zone;
    let mut page = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <title>Release {} of {}, times of {zone}</title>\n",
        plan.release.version, plan.service
    );
    for (row, wave) in (0_i64..).zip(&plan.waves) {
        let y = (row + 1) * ROW;
        let _ = writeln!(page, "<text x=\"8\" y=\"{}\">{}</text>", y + 16, wave.name);
        for window in wave.starts.values().filter_map(|start| start.window.as_ref()) {
            let (from, to) = (
                x(window.opens.map_or(first, |at| at.0)),
                x(window.closes.map_or(last, |at| at.0)),
            );
            let name = window.name.as_ref().map_or("open", |name| name.as_str());
            let _ = writeln!(
                page,
                "<rect x=\"{from}\" y=\"{}\" width=\"{}\" height=\"14\" fill=\"#cfe8cf\"><title>{name}</title></rect>",
                y + 5,
                (to - from).max(1)
            );
        }
    }
    for (at, event, count) in &events {
        let (wave, color) = match event {
            Event::Notice { wave, .. } => (wave, "#2b6cb0"),
            Event::Deadline { wave, .. } => (wave, "#c05621"),
            Event::Start { wave, .. } => (wave, "#1a202c"),
        };
        let row = (0_i64..)
            .zip(&plan.waves)
            .find(|(_, known)| known.name.as_str() == wave)
            .map_or(0, |(row, _)| row);
        let _ = writeln!(
            page,
            "<circle cx=\"{}\" cy=\"{}\" r=\"4\" fill=\"{color}\"><title>{}: {}</title></circle>",
            x(at.0),
            (row + 1) * ROW + 12,
            Local::new(*at, zone),
            event.in_words(*count)
        );
    }
    let foot = (rows + 1) * ROW + 16;
    let ends = [(first, "start"), (last, "end")];
    for (at, anchor) in ends {
        let _ = writeln!(
            page,
            "<text x=\"{}\" y=\"{foot}\" text-anchor=\"{anchor}\">{}</text>",
            x(at),
            Local::new(Timestamp(at), zone)
        );
    }
    page.push_str("</svg>\n");
    page
}
