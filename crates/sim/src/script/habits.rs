//! What people do by themselves about what is asked of them.

use std::fmt;

use tidegate_domain::time::Duration;

use super::print::offset;
use super::read::{Read, duration};

/// How long each takes. `None`: nobody does it, until the faults end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Habits {
    /// One person after the other approves what waits for it.
    pub approve: Option<Duration>,
    /// Notices that are due are sent.
    pub notify: Option<Duration>,
    /// Customers who are asked to try a release report that it works.
    pub report: Option<Duration>,
    /// Tenants that a release would break migrate.
    pub migrate: Option<Duration>,
    /// What is held for good is resumed.
    pub resume: Option<Duration>,
    /// Freezes are lifted.
    pub lift: Option<Duration>,
}

impl Habits {
    /// With the faults gone everybody does what is asked; what is held stays held.
    pub const CALM: Self = Self {
        approve: Some(Duration::from_secs(60)),
        notify: Some(Duration::from_secs(60)),
        // Customers take longer than many a wave bakes, and longer than most gaps.
        report: Some(Duration::from_days(4)),
        migrate: Some(Duration::from_days(2)),
        resume: None,
        lift: Some(Duration::from_secs(60)),
    };

    pub fn read(words: &[&str]) -> Read<Self> {
        let mut habits = Self::default();
        for word in words {
            let (key, value) = word.split_once('=').unwrap_or((word, ""));
            let takes = Some(duration(value)?);
            match key {
                "approve" => habits.approve = takes,
                "notify" => habits.notify = takes,
                "report" => habits.report = takes,
                "migrate" => habits.migrate = takes,
                "resume" => habits.resume = takes,
                "lift" => habits.lift = takes,
                _ => return Err("the habits are approve=D, notify=D, report=D, migrate=D, resume=D and lift=D"),
            }
        }
        Ok(habits)
    }
}

impl fmt::Display for Habits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("people")?;
        let all = [
            ("approve", self.approve),
            ("notify", self.notify),
            ("report", self.report),
            ("migrate", self.migrate),
            ("resume", self.resume),
            ("lift", self.lift),
        ];
        all.into_iter()
            .filter_map(|(key, takes)| Some((key, takes?)))
            .try_for_each(|(key, takes)| write!(f, " {key}={}", offset(takes)))
    }
}
