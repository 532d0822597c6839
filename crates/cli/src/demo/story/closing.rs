//! What a story ends with: what was sent, and what the databases hold of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};
use tidegate_loyalty::members::{self, MemberRow};

use super::load::tally::{Figures, Tally};
use super::stage::Stage;
use crate::error::CliError;
use crate::verb;

#[derive(Debug, Default)]
pub struct Closing {
    figures: Figures,
    written: BTreeMap<String, u64>,
    rows: Rows,
    failures: Vec<String>,
    gaps: Vec<Duration>,
}

/// What was acknowledged, looked for on disk.
#[derive(Debug, Default, PartialEq, Eq)]
struct Rows {
    found: u64,
    lost: u64,
    doubled: u64,
    /// Another content than the last one that was acknowledged, or a content of another tenant.
    wrong: u64,
}

impl Closing {
    /// Ends the load, and reads the databases of all cells.
    pub fn of(stage: &Stage) -> Result<Self, CliError> {
        stage.load.end();
        let mut found = Vec::new();
        for cell in stage.cells() {
            let rows = stage.runtime.block_on(members::rows(&stage.data(cell)));
            let rows = rows.map_err(|error| CliError::new("cannot read the members").because(error))?;
            found.extend(rows.into_iter().map(|row| (*cell, row)));
        }
        stage.check_server()?;
        let mut tally = stage.load.tally();
        let mut failures = stage.faults.clone();
        let rows = Rows::compare(&tally, &found, &mut failures);
        failures.append(&mut tally.failures);
        Ok(Self {
            figures: tally.figures,
            written: tally.written.clone(),
            rows,
            failures,
            gaps: stage.gaps.clone(),
        })
    }

    fn zeros(&self) -> [(&'static str, u64); 6] {
        [
            ("lost", self.figures.lost),
            ("answered for the wrong tenant", self.figures.wrong_tenant),
            ("answered with an earlier name", self.figures.stale),
            ("rows lost", self.rows.lost),
            ("rows doubled", self.rows.doubled),
            ("rows with the wrong content", self.rows.wrong),
        ]
    }

    /// Nothing lost, doubled or wrong, and something was written.
    pub fn is_good(&self) -> bool {
        self.zeros().into_iter().all(|(_, count)| count == 0) && self.failures.is_empty() && self.rows.found > 0
    }

    pub fn document(&self) -> Value {
        json!({
            "schema_version": verb::SCHEMA_VERSION,
            "requests": {
                "sent": self.figures.sent, "declared": self.figures.declared, "lost": self.figures.lost,
                "wrong_tenant": self.figures.wrong_tenant, "stale": self.figures.stale,
            },
            "written": self.written,
            "rows": {
                "found": self.rows.found, "lost": self.rows.lost,
                "doubled": self.rows.doubled, "wrong": self.rows.wrong,
            },
            "server": {
                "kills": self.gaps.len(),
                "back_ms_max": self.gaps.iter().max().map(Duration::as_millis),
            },
            "failures": self.failures,
        })
    }

    pub fn table(&self, took: Duration) -> String {
        let mut table = String::from("\n");
        let mut row = |name: &str, count: u64| {
            let _ = writeln!(table, "{name:<34}{count:>10}");
        };
        row("requests sent", self.figures.sent);
        row("told what is declared", self.figures.declared);
        for (version, count) in &self.written {
            row(&format!("writes acknowledged by {version}"), *count);
        }
        row("rows found", self.rows.found);
        self.zeros().into_iter().for_each(|(name, count)| row(name, count));
        if let Some(longest) = self.gaps.iter().max() {
            let (times, longest) = (self.gaps.len(), longest.as_millis());
            let _ = writeln!(table, "server killed {times} times, back within {longest} ms");
        }
        for failure in &self.failures {
            let _ = writeln!(table, "failure: {failure}");
        }
        let verdict = if self.is_good() {
            "nothing was lost"
        } else {
            "something was lost or is wrong: see above"
        };
        let _ = writeln!(table, "{verdict}; {:.0} s in all", took.as_secs_f64());
        table
    }
}

impl Rows {
    fn compare(tally: &Tally, found: &[(&str, MemberRow)], failures: &mut Vec<String>) -> Self {
        let mut rows = Self::default();
        let mut seen = BTreeSet::new();
        for (cell, row) in found {
            rows.found += 1;
            let tenant = tally.tenants.get(&row.tenant);
            let last = tenant.and_then(|tenant| tenant.members.get(&row.id));
            // A content names its tenant. What nobody acknowledged may be there, but nothing else may be at its place.
            let is_own = row
                .name
                .as_deref()
                .is_some_and(|name| name.strip_prefix(&row.tenant).is_some_and(|rest| rest.starts_with(' ')));
            let is_last = last.is_none_or(|last| row.name.as_ref() == Some(last));
            let is_home = tenant.is_some_and(|tenant| tenant.cell == *cell);
            if !seen.insert((&row.tenant, &row.id)) {
                rows.doubled += 1;
                failures.push(format!("member {} of {} is there twice", row.id, row.tenant));
            } else if !is_own || !is_last || !is_home || row.columns_differ {
                rows.wrong += 1;
                failures.push(format!("in cell {cell} there is {row:?}, not {last:?}"));
            }
        }
        for (name, tenant) in &tally.tenants {
            let missing = tenant.members.keys().filter(|id| !seen.contains(&(name, *id))).count();
            if missing > 0 {
                rows.lost += missing as u64;
                failures.push(format!("{missing} members of {name} are gone"));
            }
        }
        failures.truncate(20);
        rows
    }
}

#[cfg(test)]
mod tests;
