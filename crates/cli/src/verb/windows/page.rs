//! The days of a tenant as a page of at most 80 columns, which says the same without color.

use jiff::civil::Time;
use tidegate_domain::calendar::{Day, Hour, Local, Opening, Reason};
use tidegate_domain::time::Timestamp;

use super::Picture;
use crate::paint::{Paint, Tone};

const COLUMNS: usize = 80;
/// `Mon 23 Nov  ` and the 24 hours, with what parts them from the words.
const MARGIN: usize = 12 + 24 + 2;

pub(super) struct Page<'p> {
    picture: &'p Picture,
    paint: Paint,
}

impl<'p> Page<'p> {
    pub(super) fn new(picture: &'p Picture, paint: Paint) -> Self {
        Self { picture, paint }
    }

    pub(super) fn draw(&self) -> String {
        let mut page = format!("{}\n", self.paint.paint(Tone::Title, &self.title()));
        for line in self.next() {
            page.push_str(&format!("{line}\n"));
        }
        let mut year = None;
        for day in &self.picture.days {
            if year != Some(day.date.year()) {
                year = Some(day.date.year());
                page.push_str(&format!("\n{:<12}0  3  6  9  12 15 18 21\n", day.date.year()));
            }
            page.push_str(&self.row(day));
        }
        page.push_str(&format!("\n{}\n", self.legend()));
        page
    }

    fn title(&self) -> String {
        let class = &self.picture.class;
        let calendar = class.calendar.as_ref();
        let calendar = calendar.map_or_else(|| "no calendar".to_owned(), |name| format!("calendar `{name}`"));
        format!("{} in {}, {calendar}", self.picture.tenant, class.zone)
    }

    fn local(&self, at: Timestamp) -> String {
        Local::new(at, &self.picture.class.zone).to_string()
    }

    /// When it may move next, until when, and when again.
    fn next(&self) -> Vec<String> {
        let picture = self.picture;
        let asked = self.local(picture.asked);
        let Some(next) = &picture.next else {
            return vec![format!("from {asked} on it can never move")];
        };
        let mut lines = vec![if next.at == picture.asked {
            format!("may move at {asked}")
        } else {
            format!("may move from {}", self.local(next.at))
        }];
        lines.push(format!("  because {}", self.why(next)));
        lines.push(match next.closes {
            Some(closes) => format!("  until {}", self.local(closes)),
            None => "  without an end".to_owned(),
        });
        if let (Some(again), Some(_)) = (&picture.opens_again, next.closes) {
            lines.push(format!("  and again from {}", self.local(again.at)));
        }
        lines
    }

    fn why(&self, opening: &Opening) -> String {
        opening.reason.words(&self.picture.class.zone)
    }

    fn row(&self, day: &Day) -> String {
        let hours: String = day.hours.iter().map(|hour| self.cell(*hour)).collect();
        let date = day.date.strftime("%a %d %b").to_string();
        let mut lines = wrapped(&self.words(day), COLUMNS - MARGIN).into_iter();
        let first = lines.next().unwrap_or_default();
        let mut row = format!("{date:<12}{hours}  {first}").trim_end().to_owned();
        row.push('\n');
        for line in lines {
            row.push_str(&format!("{:MARGIN$}{line}\n", ""));
        }
        row
    }

    fn cell(&self, hour: Hour) -> String {
        let (sign, tone) = sign(hour);
        self.paint.paint(tone, sign)
    }

    /// What is to be known of a day: the people, the clocks, the windows.
    fn words(&self, day: &Day) -> String {
        let mut words = Vec::new();
        match (&day.working, &day.holiday) {
            (_, Some(holiday)) => words.push(format!("holiday: {holiday}")),
            (Some(Ok(true)), None) => words.push("working day".to_owned()),
            (Some(Ok(false)), None) => words.push("no working day".to_owned()),
            (Some(Err(_)), None) => words.push(format!("holidays of {} not known", day.date.year())),
            (None, None) => {}
        }
        if let Some(change) = day.clocks {
            words.push(format!(
                "clocks go from {} to {}",
                clock(change.before),
                clock(change.after)
            ));
        }
        let mut told = Vec::new();
        for stretch in &day.stretches {
            let reason = match &stretch.openness.reason {
                Reason::Within { window } => format!("open: {window}"),
                Reason::Frozen { freeze, because: None } => format!("frozen: {freeze}"),
                Reason::Frozen {
                    freeze,
                    because: Some(why),
                } => format!("frozen: {freeze} ({why})"),
                Reason::Unrestricted | Reason::Outside { .. } | Reason::Opens { .. } | Reason::Moved { .. } => continue,
            };
            if !told.contains(&reason) {
                told.push(reason);
            }
        }
        words.extend(told);
        words.join("; ")
    }

    fn legend(&self) -> String {
        let signs = [
            (Hour::Open, "may move"),
            (Hour::Partly, "for a part of the hour"),
            (Hour::Frozen, "frozen"),
            (Hour::Closed, "closed"),
            (Hour::Skipped, "no such hour"),
        ];
        let told = signs.map(|(hour, words)| format!("{} {words}", self.cell(hour)));
        told.join("   ")
    }
}

fn sign(hour: Hour) -> (&'static str, Tone) {
    match hour {
        Hour::Open => ("#", Tone::Good),
        Hour::Partly => ("+", Tone::Busy),
        Hour::Frozen => ("x", Tone::Bad),
        Hour::Closed => (".", Tone::Faint),
        Hour::Skipped => ("/", Tone::Faint),
    }
}

/// `02:30`.
pub(super) fn clock(time: Time) -> String {
    time.strftime("%H:%M").to_string()
}

/// Words in lines of at most `width` characters; a longer word has a line of its own.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
