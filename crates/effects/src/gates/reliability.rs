//! The gate `reliability`: the new instances are disturbed while they are under load, and have to come back in time and within an
//! error budget.
//!
//! Only slots that no tenant uses are touched. The driver brings instances back as it always does; what is judged is whether it
//! succeeds, how long it takes, and how many requests fail meanwhile.

mod course;
mod dependency;
#[cfg(test)]
mod tests;
mod with;

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tidegate_domain::event::{Judgement, Verdict};
use tokio::time::Instant;

use self::course::{Course, Happening};
use self::with::With;
use super::load::generator::{Generator, Outcome, Sent};
use super::load::judge::{Seen, rate_not_reached, share};
use super::load::schedule::{Mix, Shot, Side};
use super::pairing::pairings;
use super::pool::Pool;
use super::{Gate, Running, Target, check_component, make_room, running};

pub const GATE: Gate = Gate {
    name: "reliability",
    validate: |with| With::read(with).map(|_| ()),
    suits: |with, project| check_component(&With::read(with)?.component, project),
    run,
};

fn run(with: Value, target: Target) -> Running {
    running(with, With::read, |with| async move {
        judge(&with, &target).await.unwrap_or_else(|judgement| judgement)
    })
}

async fn judge(with: &With, target: &Target) -> Result<Judgement, Judgement> {
    let error = |reason: String| Judgement::new(Verdict::Error, reason);
    dependency::bring_back(with, target).await.map_err(error)?;
    pairings(target, &with.component)?;
    let hands = target
        .hands
        .as_ref()
        .ok_or_else(|| error("this server has no hold of instances".to_owned()))?;
    let slots = hands.slots_of(&with.component);
    if slots.is_empty() {
        return Err(in_use(with));
    }
    make_room(&target.kept).map_err(error)?;
    let pool = Arc::new(Pool::of_groups(slots.len()));
    let course = Course {
        with,
        target,
        hands,
        slots: &slots,
        pool: &pool,
        begin: Instant::now(),
        aside: std::sync::Mutex::default(),
    };
    course.refresh();
    let under_load = async {
        let is_over = AtomicBool::new(false);
        let disturbed = async {
            let happened = course.run().await;
            is_over.store(true, Ordering::SeqCst);
            happened
        };
        tokio::join!(load(with, &pool, course.begin, &is_over), disturbed)
    };
    let (sent, happened) = tokio::select! {
        done = under_load => done,
        () = course.follow() => return Err(error("nobody follows the instances".to_owned())),
    };
    let happened = happened.map_err(error)?;
    keep(&sent, &happened, target).map_err(error)?;
    Ok(conclude(with, &sent, &happened))
}

/// Tenants are not there to be disturbed.
fn in_use(with: &With) -> Judgement {
    let reason = format!(
        "tenants use all instances of `{}` in the cells of the wave already, so nothing was disturbed",
        with.component
    );
    let mut judgement = Judgement::new(Verdict::Inconclusive, reason);
    judgement.needs = Some("this gate in the first wave of each cell".to_owned());
    judgement
}

/// Requests at their rate, until all is over.
async fn load(with: &With, pool: &Arc<Pool>, begin: Instant, is_over: &AtomicBool) -> Vec<Sent> {
    let generator = Generator {
        requests: with.requests.clone(),
        old: Arc::new(Pool::new(&[])),
        new: Arc::clone(pool),
        timeout: with.timeout.to_std(),
        in_flight_at_most: with.in_flight_at_most,
    };
    let weights: Vec<u32> = with.requests.iter().map(|ask| ask.weight).collect();
    let (mut mix, gap) = (Mix::new(&weights), Duration::from_secs(1) / with.rate);
    let shots = (0..u32::MAX).map(|number| Shot {
        at: gap * number,
        side: Side::New,
        pair: Some(0),
        request: mix.next(),
    });
    let shots = shots.take_while(|_| !is_over.load(Ordering::SeqCst));
    generator.run(begin, shots).await
}

fn conclude(with: &With, sent: &[Sent], happened: &[Happening]) -> Judgement {
    let seen = Seen::of(sent, Side::New);
    let told: Vec<String> = happened.iter().map(|happening| happening.in_words(sent)).collect();
    let lost = happened.iter().find_map(|happening| {
        let state = happening.ready.as_ref().err()?;
        Some(format!("{}, and was not ready again in time ({state})", happening.what))
    });
    let (verdict, why, needs) = if let Some(lost) = lost {
        (Verdict::Fail, lost, None)
    } else {
        let answer = if seen.has_reached() {
            share("errors", seen.errors(), with.errors_at_most_percent / 100.0)
        } else {
            rate_not_reached()
        };
        (answer.verdict, answer.why, answer.needs)
    };
    let reason = format!("{why}: {} ({})", told.join("; "), seen.in_words("load"));
    let mut judgement = Judgement::new(verdict, reason);
    judgement.needs =
        needs.map(|needs| needs.replace("a longer stage", "a higher `rate`, a longer `pause` or more `times`"));
    judgement.requests = seen.errors().trials;
    judgement
}

impl Happening {
    /// Requests whose instant was while it was disturbed, and those of them that failed.
    fn requests(&self, sent: &[Sent]) -> (usize, usize) {
        let meanwhile = sent
            .iter()
            .filter(|sent| (self.from..=self.until).contains(&sent.shot.at));
        let failed = meanwhile.clone().filter(|sent| sent.outcome == Outcome::Failed);
        (meanwhile.count(), failed.count())
    }

    fn in_words(&self, sent: &[Sent]) -> String {
        let (requests, failed) = self.requests(sent);
        let ready = match &self.ready {
            Ok(after) => format!("ready again after {} ms", after.as_millis()),
            Err(_) => "not ready again".to_owned(),
        };
        format!(
            "{}: {ready}, {failed} of {requests} requests failed meanwhile",
            self.what
        )
    }
}

/// Each disturbance, and each second of the load.
fn keep(sent: &[Sent], happened: &[Happening], target: &Target) -> Result<(), String> {
    let disturbances: Vec<Value> = happened
        .iter()
        .map(|happening| {
            let (requests, failed) = happening.requests(sent);
            json!({
                "what": happening.what,
                "from_ms": milliseconds(happening.from),
                "until_ms": milliseconds(happening.until),
                "ready_after_ms": happening.ready.as_ref().ok().copied().map(milliseconds),
                "state": happening.ready.as_ref().err(),
                "requests": requests,
                "failed": failed,
            })
        })
        .collect();
    let last = sent.iter().map(|sent| sent.shot.at.as_secs()).max().unwrap_or(0);
    let seconds: Vec<Value> = (0..=last)
        .map(|second| {
            let of = || sent.iter().filter(move |sent| sent.shot.at.as_secs() == second);
            let count = |outcome| of().filter(|sent| sent.outcome == outcome).count();
            json!({"second": second, "requests": of().count(), "failed": count(Outcome::Failed), "dropped": count(Outcome::Dropped)})
        })
        .collect();
    let report = json!({"disturbances": disturbances, "load": seconds});
    let path = target.kept.join("report.json");
    fs::write(&path, format!("{report:#}")).map_err(|error| format!("`{}` cannot be written: {error}", path.display()))
}

fn milliseconds(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
