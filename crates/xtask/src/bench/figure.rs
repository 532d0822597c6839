//! A figure, and a report of figures for people and for programs.

use std::fmt::Write as _;

/// The version of the JSON document.
const SCHEMA_VERSION: u32 = 1;

/// All figures of one benchmark.
pub struct Report {
    pub name: &'static str,
    pub figures: Vec<Figure>,
}

/// One number of ours, beside that of each peer.
pub struct Figure {
    pub name: &'static str,
    pub unit: &'static str,
    pub ours: f64,
    pub peers: Vec<(&'static str, f64)>,
    pub limit: Option<Limit>,
}

/// What the figure may be at most.
pub enum Limit {
    Ours(f64),
    /// As a multiple of the peer's.
    Ratio(&'static str, f64),
}

/// Which end of a series of measurements is the good one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Best {
    Least,
    Most,
}

impl Best {
    /// The best of `values`, which are not empty.
    pub fn of(self, values: &[f64]) -> f64 {
        let best = match self {
            Best::Least => f64::min,
            Best::Most => f64::max,
        };
        values.iter().copied().reduce(best).unwrap_or(f64::NAN)
    }
}

/// The middle of `values`, which are not empty; of an even number the mean of the two in the middle.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let upper = sorted.len() / 2;
    match sorted.len() {
        0 => f64::NAN,
        count if count.is_multiple_of(2) => f64::midpoint(sorted[upper - 1], sorted[upper]),
        _ => sorted[upper],
    }
}

impl Figure {
    fn ratio(&self, peer: f64) -> f64 {
        self.ours / peer
    }

    /// The limit in words and whether it is kept. A figure that could not be taken keeps no limit.
    fn judged(&self) -> Option<(String, bool)> {
        match self.limit.as_ref()? {
            Limit::Ours(most) => Some((format!("at most {most} {}", self.unit), self.ours <= *most)),
            Limit::Ratio(name, most) => {
                let peer = self.peers.iter().find(|(peer, _)| peer == name);
                let kept = peer.is_some_and(|(_, value)| self.ratio(*value) <= *most);
                Some((format!("at most {most} x {name}"), kept))
            }
        }
    }

    fn json(&self) -> String {
        let object = |value: fn(&Self, f64) -> f64| {
            let members = self
                .peers
                .iter()
                .map(|(peer, figure)| format!("\"{peer}\": {}", number(value(self, *figure))));
            format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
        };
        let limit = self.judged().map_or(String::new(), |(words, kept)| {
            format!(", \"limit\": \"{words}\", \"kept\": {kept}")
        });
        format!(
            "{{\"figure\": \"{}\", \"unit\": \"{}\", \"ours\": {}, \"peers\": {}, \"ratio\": {}{limit}}}",
            self.name,
            self.unit,
            number(self.ours),
            object(|_, peer| peer),
            object(Self::ratio),
        )
    }
}

impl Report {
    /// Whether every limit is kept.
    pub fn holds(&self) -> bool {
        self.figures
            .iter()
            .all(|figure| figure.judged().is_none_or(|(_, kept)| kept))
    }

    pub fn json(&self) -> String {
        let figures: Vec<String> = self.figures.iter().map(Figure::json).collect();
        format!(
            "{{\"schema_version\": {SCHEMA_VERSION}, \"name\": \"{}\", \"figures\": [\n  {}\n]}}",
            self.name,
            figures.join(",\n  ")
        )
    }

    pub fn table(&self) -> String {
        let mut peers: Vec<&str> = Vec::new();
        for (peer, _) in self.figures.iter().flat_map(|figure| &figure.peers) {
            if !peers.contains(peer) {
                peers.push(peer);
            }
        }
        let mut table = format!("{:30}  {:6}  {:>10}", "figure", "unit", "ours");
        for peer in &peers {
            let _ = write!(table, "  {peer:>18}");
        }
        table.push_str("  limit\n");
        for figure in &self.figures {
            let _ = write!(
                table,
                "{:30}  {:6}  {:>10}",
                figure.name,
                figure.unit,
                number(figure.ours)
            );
            for peer in &peers {
                let value = figure.peers.iter().find(|(name, _)| name == peer);
                let cell = value.map_or(String::new(), |(_, value)| {
                    format!("{} ({:.2} x)", number(*value), figure.ratio(*value))
                });
                let _ = write!(table, "  {cell:>18}");
            }
            if let Some((words, kept)) = figure.judged() {
                let _ = write!(table, "  {words}: {}", if kept { "kept" } else { "MISSED" });
            }
            table.push('\n');
        }
        table
    }
}

/// With as many digits as mean something. JSON has no word for what is not a number.
fn number(value: f64) -> String {
    if !value.is_finite() {
        return "null".to_owned();
    }
    match value.abs() {
        large if large >= 1_000.0 => format!("{value:.0}"),
        middle if middle >= 100.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}
