//! The gate `replay`: recorded requests are sent to the instances of both versions, and the answers compared.
//!
//! Each request goes to the old version first, then to the new one and to the old one once more: what the old version answers
//! differently from itself is noise. Nothing that may change something is sent unless the playbook says so, and no secret of
//! a recording either. What workers and jobs make of recorded input is compared in the same way, by a program that is run with both
//! artifacts.

mod finding;
mod har;
mod lines;
mod programs;
mod send;
#[cfg(test)]
mod tests;
mod with;
mod workload;

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use futures_util::{StreamExt as _, stream};
use serde_json::Value;
use tidegate_domain::event::{Judgement, Verdict};
use tidegate_evidence::shadow::Comparison;
use tokio::task::spawn_blocking;

use self::programs::Programs;
use self::send::{Counts, Place, Replay, Seen};
use self::with::{Expect, With};
use self::workload::{LeftOut, Workload};
use super::pairing::pairings;
use super::{Gate, Running, Target, make_room, running};

pub const GATE: Gate = Gate {
    name: "replay",
    validate: |with| Use::read(with).map(|_| ()),
    suits: |with, project| match Use::read(with)? {
        Use::Requests(with) => with.check_names(project),
        Use::Programs(programs) => programs.check_names(project),
    },
    run,
};

/// What is replayed.
enum Use {
    Requests(With),
    Programs(Programs),
}

impl Use {
    fn read(with: &Value) -> Result<Self, String> {
        if with.get("command").is_some() {
            Programs::read(with).map(Self::Programs)
        } else {
            With::read(with).map(Self::Requests)
        }
    }
}

/// What is wrong with the files that it names, if anything is.
pub(super) fn check_files(with: &Value, directory: &Path) -> Result<(), String> {
    let with = match Use::read(with)? {
        Use::Requests(with) => with,
        Use::Programs(programs) => return programs.check_files(directory),
    };
    let workloads = workloads(&with, directory)?;
    if workloads.iter().all(|workload| workload.entries.is_empty()) {
        let left_out = left_out(&workloads).in_words();
        return Err(format!("no request of the workloads would be sent{left_out}"));
    }
    Ok(())
}

fn run(with: Value, target: Target) -> Running {
    running(with, Use::read, |with| async move {
        let judged = match with {
            Use::Requests(with) => judge(with, &target).await,
            Use::Programs(programs) => programs.judge(&target).await,
        };
        judged.unwrap_or_else(|judgement| judgement)
    })
}

fn workloads(with: &With, directory: &Path) -> Result<Vec<Workload>, String> {
    let read = |of| Workload::read(with, of, directory);
    with.workloads.iter().map(read).collect()
}

fn left_out(workloads: &[Workload]) -> LeftOut {
    let mut all = LeftOut::default();
    for workload in workloads {
        all.add(workload.left_out);
    }
    all
}

async fn judge(with: With, target: &Target) -> Result<Judgement, Judgement> {
    let error = |reason| Judgement::new(Verdict::Error, reason);
    let pairings = pairings(target, &with.component)?;
    let has_old = pairings.iter().any(|pairing| !pairing.old.is_empty());
    if !has_old && with.expect == Expect::Old {
        return Err(without_old(target));
    }
    let directory = target.directory.clone();
    // Files may be long, and others are served meanwhile.
    let read = spawn_blocking(move || workloads(&with, &directory).map(|workloads| (with, workloads)));
    let read = read.await.map_err(|broken| error(broken.to_string()))?;
    let (with, workloads) = read.map_err(error)?;
    make_room(&target.kept).map_err(error)?;
    let places: Vec<Place> = pairings.into_iter().map(Place::new).collect();
    let seen = Mutex::new(Seen {
        comparison: Comparison::new(with.rules().map_err(error)?, has_old),
        counts: Counts::default(),
    });
    let replay = Replay {
        with: &with,
        places: &places,
        homes: &target.homes,
        seen: &seen,
    };
    let sending: Vec<_> = workloads.iter().map(|workload| replay.go(workload)).collect();
    stream::iter(sending)
        .buffer_unordered(with.parallel)
        .collect::<()>()
        .await;
    let seen = seen.into_inner().unwrap_or_else(PoisonError::into_inner);
    conclude(&with, seen, left_out(&workloads), target).map_err(error)
}

/// A first version has nothing to be compared with.
fn without_old(target: &Target) -> Judgement {
    if target.has_old {
        let mut judgement = Judgement::new(
            Verdict::Inconclusive,
            "no old version runs here to compare with".to_owned(),
        );
        judgement.needs = Some("`expect: recorded`, where the files have answers".to_owned());
        return judgement;
    }
    let reason = "no tenant of the wave is on a version yet: there is nothing to compare with";
    Judgement::new(Verdict::Pass, reason.to_owned())
}

fn conclude(with: &With, seen: Seen, left_out: LeftOut, target: &Target) -> Result<Judgement, String> {
    let Seen { comparison, counts } = seen;
    let report = comparison.report().map_err(|misfit| misfit.to_string())?;
    finding::keep(&report, &target.kept)?;
    let mut judgement = finding::judge(&report, &target.kept);
    let of = match with.expect {
        Expect::Old => "of the old version's answers",
        Expect::Recorded => "of the recorded answers",
    };
    if 2 * counts.silent > counts.pairs {
        judgement.verdict = Verdict::Error;
        judgement.reason = format!(
            "the old version did not answer {} of {} requests",
            counts.silent, counts.pairs
        );
    } else if 2 * counts.fine < counts.pairs && judgement.verdict == Verdict::Pass {
        judgement.verdict = Verdict::Inconclusive;
        judgement.reason = format!(
            "only {} of {} {of} have a status below 400, so little was compared",
            counts.fine, counts.pairs
        );
        judgement.needs = Some(if left_out.secret_headers > 0 {
            format!(
                "requests that are answered: {} headers that hold secrets by their names were not sent, and `secret_headers` has some sent",
                left_out.secret_headers
            )
        } else {
            "requests that are answered".to_owned()
        });
    }
    judgement.reason.push_str(&left_out.in_words());
    judgement.reason.push_str(&counts.in_words());
    Ok(judgement)
}

impl Counts {
    fn in_words(self) -> String {
        let told = [
            (self.homeless, "of tenants that live in none of the cells"),
            (self.without_answer, "without a recorded answer"),
            (self.too_long, "with an answer that is too long"),
        ];
        let told = told.into_iter().filter(|(count, _)| *count > 0);
        let told: Vec<String> = told.map(|(count, what)| format!("{count} requests {what}")).collect();
        if told.is_empty() {
            String::new()
        } else {
            format!("; not compared: {}", told.join(", "))
        }
    }
}
