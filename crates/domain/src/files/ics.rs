//! Files of holidays: iCalendar (RFC 5545), as far as whole days need it.
//!
//! Read are the events of one calendar: `DTSTART` and `DTEND` as dates, `SUMMARY`, `RRULE` of days that return every year.
//! Cancelled events are no holidays; other components and properties are passed over. What would change the days and is not
//! read (a time of day, `EXDATE`, `RDATE`, an event that replaces another) is refused, so that no holiday is lost in silence.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Range, RangeInclusive};

use jiff::ToSpan as _;
use jiff::civil::Date;

use self::line::Line;
use super::diagnostic::{Code, Finding, Report, shown};
use crate::calendar::{Holidays, LocalDate, Recurrence, RuleText};

mod line;

/// What says for which years the file tells all holidays: `2026-2030`.
const YEARS: &str = "X-TIDEGATE-YEARS";
/// An event is a holiday or a few, not a season.
const DAYS_MAX: i64 = 60;
/// How far days that return every year are followed.
const LAST_YEAR: i16 = 2100;
/// More than any country has in two hundred years.
const EVENTS_MAX: usize = 20_000;

/// The holidays of a file; its mistakes go to the report.
pub(super) fn read(report: &mut Report<'_>) -> Holidays {
    let source = report.source();
    if source.text.len() > super::BYTES_MAX {
        let message = format!(
            "the file has {} bytes; Tidegate reads up to {}",
            source.text.len(),
            super::BYTES_MAX
        );
        report.push(Finding::of_file(Code::Limit, message));
        return Holidays::default();
    }
    let mut calendar = Calendar::default();
    for line in line::unfold(&source.text) {
        match Line::read(&line) {
            Ok(line) => calendar.take(&line, report),
            Err(finding) => report.push(finding),
        }
        if report.is_full() || calendar.events > EVENTS_MAX {
            break;
        }
    }
    calendar.finish(report)
}

/// What has been read of a file.
#[derive(Default)]
struct Calendar {
    /// The components that are open, outermost first.
    open: Vec<Open>,
    event: Option<Event>,
    events: usize,
    is_over: bool,
    /// The years that the file says it speaks for.
    stated: Option<RangeInclusive<i16>>,
    /// The years that an event of one day begins in.
    dated: BTreeSet<i16>,
    /// The years that the days which return every year reach.
    recurring: BTreeSet<i16>,
    days: BTreeMap<Date, String>,
}

struct Open {
    name: String,
    span: Range<usize>,
}

/// An event whose end has not been read yet.
struct Event {
    span: Range<usize>,
    start: Option<Date>,
    end: Option<(Date, Range<usize>)>,
    summary: Option<String>,
    rule: Option<(RuleText, Range<usize>)>,
    is_cancelled: bool,
    /// Something is wrong with it that is reported already.
    is_refused: bool,
}

impl Calendar {
    fn take(&mut self, line: &Line<'_>, report: &mut Report<'_>) {
        let outside = self.open.is_empty();
        match line.name.as_str() {
            "BEGIN" => self.begin(line, report),
            "END" => self.end(line, report),
            _ if outside => {
                let message = format!("{} stands outside of the calendar", shown(&line.name));
                report.push(
                    Finding::error(Code::Ics, &line.span, message)
                        .help("a calendar file begins with `BEGIN:VCALENDAR` and ends with `END:VCALENDAR`"),
                );
                // One finding is enough for a file that is something else.
                self.open.push(Open {
                    name: "VCALENDAR".to_owned(),
                    span: line.span.clone(),
                });
            }
            YEARS if self.open.len() == 1 => self.state_years(line, report),
            _ if self.open.len() == 2 => {
                if let Some(event) = &mut self.event {
                    event.take(line, report);
                }
            }
            _ => {}
        }
    }

    fn begin(&mut self, line: &Line<'_>, report: &mut Report<'_>) {
        let name = line.value.to_ascii_uppercase();
        if self.open.is_empty() && (name != "VCALENDAR" || self.is_over) {
            let message = format!("{} begins outside of the calendar", shown(&line.value));
            let finding = Finding::error(Code::Ics, &line.span, message);
            report.push(finding.help("keep one `BEGIN:VCALENDAR` with all events inside it"));
        }
        if self.open.len() == 1 && name == "VEVENT" {
            self.events += 1;
            self.event = Some(Event {
                span: line.span.clone(),
                start: None,
                end: None,
                summary: None,
                rule: None,
                is_cancelled: false,
                is_refused: false,
            });
        }
        let span = line.span.clone();
        self.open.push(Open { name, span });
    }

    fn end(&mut self, line: &Line<'_>, report: &mut Report<'_>) {
        let name = line.value.to_ascii_uppercase();
        let Some(open) = self.open.last().filter(|open| open.name == name) else {
            let message = format!("{} ends here, but it is not what was begun last", shown(&line.value));
            let finding = Finding::error(Code::Ics, &line.span, message);
            report.push(match self.open.last() {
                Some(open) => finding.help(format!("write `END:{}` first", open.name)),
                None => finding.help("remove this line"),
            });
            return;
        };
        self.is_over = open.name == "VCALENDAR";
        self.open.pop();
        if self.open.len() == 1
            && let Some(event) = self.event.take()
        {
            self.add(event, report);
        }
    }

    fn state_years(&mut self, line: &Line<'_>, report: &mut Report<'_>) {
        let years = line.value.split_once('-').and_then(|(first, last)| {
            let (first, last) = (line::digits::<i16>(first, 4)?, line::digits::<i16>(last, 4)?);
            (first <= last && last <= LAST_YEAR).then_some(first..=last)
        });
        if years.is_none() {
            let message = format!("{} are no years", shown(&line.value));
            let finding = Finding::error(Code::Ics, &line.value_span(), message);
            report.push(finding.help(format!("write the first and the last: `{YEARS}:2026-2030`")));
        }
        self.stated = years;
    }

    /// Takes the days of an event in.
    fn add(&mut self, event: Event, report: &mut Report<'_>) {
        if event.is_refused || event.is_cancelled {
            return;
        }
        let Some(start) = event.start else {
            let message = "this event has no day".to_owned();
            let finding = Finding::error(Code::Ics, &event.span, message);
            report.push(finding.help("add `DTSTART;VALUE=DATE:` and the day, such as `DTSTART;VALUE=DATE:20261225`"));
            return;
        };
        let length = match length(start, event.end.as_ref()) {
            Ok(length) => length,
            Err(finding) => return report.push(finding),
        };
        let name = event.summary.filter(|name| !name.is_empty());
        let name = name.unwrap_or_else(|| "holiday".to_owned());
        let Some((rule, span)) = event.rule else {
            self.dated.insert(start.year());
            self.mark(start, length, &name);
            return;
        };
        match Recurrence::new(&rule, Some(LocalDate(start))) {
            Ok(days) => {
                self.mark(start, length, &name);
                let end = Date::constant(LAST_YEAR, 12, 31);
                days.until(end).for_each(|day| self.mark(day, length, &name));
                self.recurring
                    .extend(start.year()..=days.last().unwrap_or(end).min(end).year());
            }
            Err(error) => report.push(Finding::error(Code::Ics, &span, error.to_string())),
        }
    }

    fn mark(&mut self, start: Date, length: i64, name: &str) {
        for day in (0..length).filter_map(|day| start.checked_add(day.days()).ok()) {
            let names = self.days.entry(day).or_default();
            // Two holidays on one day are one day off; one holiday told twice is one holiday.
            if names.is_empty() {
                name.clone_into(names);
            } else if !names.split("; ").any(|known| known == name) {
                names.push_str("; ");
                names.push_str(name);
            }
        }
    }

    fn finish(mut self, report: &mut Report<'_>) -> Holidays {
        if report.has_errors() {
            // What follows of a mistake is no news.
        } else if let Some(open) = self.open.pop() {
            let message = format!("`{}` is begun and never ended", open.name);
            let finding = Finding::error(Code::Ics, &open.span, message);
            report.push(finding.help(format!("end it with `END:{}`", open.name)));
        } else if !self.is_over {
            let finding = Finding::of_file(Code::Ics, "there is no calendar in this file".to_owned());
            report.push(finding.help("a calendar file begins with `BEGIN:VCALENDAR` and ends with `END:VCALENDAR`"));
        } else if self.days.is_empty() && self.stated.is_none() {
            let finding = Finding::of_file(Code::Ics, "there is no holiday in this file".to_owned());
            report.push(finding.help(format!(
                "add events with `DTSTART;VALUE=DATE:`; where there are none, say for which years: `{YEARS}:2026-2030`"
            )));
        }
        let years = match self.stated {
            Some(years) => years.collect(),
            None if self.dated.is_empty() => self.recurring,
            None => self.dated,
        };
        Holidays { years, days: self.days }
    }
}

impl Event {
    fn take(&mut self, line: &Line<'_>, report: &mut Report<'_>) {
        let before = report.len();
        match line.name.as_str() {
            "DTSTART" => self.start = line.date(report).or(self.start),
            "DTEND" => {
                let end = line.date(report).map(|date| (date, line.value_span()));
                self.end = end.or(self.end.take());
            }
            "SUMMARY" => self.summary = Some(line.text()),
            "STATUS" => self.is_cancelled = line.value.eq_ignore_ascii_case("CANCELLED"),
            "RRULE" => match line.value.parse::<RuleText>() {
                Ok(rule) if line.value.contains("FREQ=YEARLY") => self.rule = Some((rule, line.value_span())),
                Ok(_) => report.push(
                    Finding::error(
                        Code::Ics,
                        &line.value_span(),
                        "this holiday does not return yearly".to_owned(),
                    )
                    .help("write `FREQ=YEARLY`, or an event for each day"),
                ),
                Err(error) => report.push(Finding::error(Code::Ics, &line.value_span(), error.to_string())),
            },
            "EXDATE" | "RDATE" | "RECURRENCE-ID" | "DURATION" => report.push(
                Finding::error(
                    Code::Ics,
                    &line.span,
                    format!("`{}` is not read in a file of holidays", line.name),
                )
                .help("write an event for each holiday, with `DTSTART;VALUE=DATE:` and `DTEND;VALUE=DATE:`"),
            ),
            _ => {}
        }
        self.is_refused |= report.len() > before;
    }
}

/// How many days an event has. `DTEND` is the first day after it.
fn length(start: Date, end: Option<&(Date, Range<usize>)>) -> Result<i64, Finding> {
    let Some((end, span)) = end else { return Ok(1) };
    let days = i64::from((*end - start).get_days());
    let (message, help) = if days < 1 {
        (
            "this event ends before it has begun",
            "`DTEND` is the first day after the event: the day after `DTSTART`, or later",
        )
    } else if days > DAYS_MAX {
        (
            "this event is too long for a holiday",
            "`DTEND` is the first day after the event; 60 days are the most",
        )
    } else {
        return Ok(days);
    };
    Err(Finding::error(Code::Ics, span, message.to_owned()).help(help))
}

#[cfg(test)]
mod tests;
