//! The job of a product that has one.

use std::fmt;

use tidegate_domain::calendar::Schedule;
use tidegate_domain::release::{JobPer, JobTerms, MissedRuns};
use tidegate_domain::time::Duration;

use super::print::offset;
use super::read::{Read, duration};

/// When it is run, for whom, and how long each run takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobLine {
    pub every: Duration,
    pub takes: Duration,
    pub per: JobPer,
    pub missed: MissedRuns,
}

impl JobLine {
    pub fn read(words: &[&str]) -> Read<Self> {
        let mut line = Self {
            every: Duration::from_hours(1),
            takes: Duration::ZERO,
            per: JobPer::Tenant,
            missed: MissedRuns::All,
        };
        for word in words {
            match word.split_once('=').unwrap_or((word, "")) {
                ("every", value) => line.every = duration(value)?,
                ("takes", value) => line.takes = duration(value)?,
                ("per", "cell") => line.per = JobPer::Cell,
                ("missed", "once") => line.missed = MissedRuns::Once,
                _ => return Err("a job has every=D, takes=D, per=cell and missed=once"),
            }
        }
        Ok(line)
    }

    pub fn terms(self) -> JobTerms {
        JobTerms {
            per: self.per,
            schedule: Some(Schedule::Every(self.every)),
            missed: self.missed,
            ..JobTerms::default()
        }
    }
}

impl fmt::Display for JobLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "job every={} takes={}", offset(self.every), offset(self.takes))?;
        if self.per == JobPer::Cell {
            write!(f, " per=cell")?;
        }
        if self.missed == MissedRuns::Once {
            write!(f, " missed=once")?;
        }
        Ok(())
    }
}
