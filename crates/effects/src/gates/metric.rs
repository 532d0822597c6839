//! The gate `metric`: numbers that Prometheus has, or what speaks its HTTP API, held to a limit or compared between the new version and the old one.
//!
//! What is not a number of now, whole and from who should have it, passes nothing: each way to lack one has its sentence.

mod answer;
mod counters;
mod limit;
mod samples;
mod server;
mod template;
#[cfg(test)]
mod tests;
mod with;

use serde_json::Value;
use tidegate_domain::event::{Judgement, Verdict};
use tokio::time::{Instant, sleep};

use self::server::Asked;
use self::template::Values;
use self::with::{Metric, Question, Time};
use super::{Gate, Running, Target, check_component, running};

pub const GATE: Gate = Gate {
    name: "metric",
    validate: |with| Metric::read(with).map(|_| ()),
    suits: |with, project| match Metric::read(with)?.component {
        Some(component) => check_component(&component, project),
        None => Ok(()),
    },
    run,
};

/// Why there is no number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lack {
    /// Nobody has measured it, or not lately.
    NoData,
    /// It cannot be asked for, or the answer cannot be judged.
    Error,
}

#[derive(Debug, PartialEq, Eq)]
struct Lacking {
    lack: Lack,
    /// One sentence.
    reason: String,
}

impl Lacking {
    fn no_data(reason: String) -> Self {
        Self {
            lack: Lack::NoData,
            reason,
        }
    }

    fn error(reason: String) -> Self {
        Self {
            lack: Lack::Error,
            reason,
        }
    }

    fn verdict(&self) -> Verdict {
        match self.lack {
            Lack::NoData => Verdict::NoData,
            Lack::Error => Verdict::Error,
        }
    }

    fn judgement(self) -> Judgement {
        Judgement::new(self.verdict(), self.reason)
    }
}

fn run(with: Value, target: Target) -> Running {
    running(with, Metric::read, |metric| async move {
        judge(&metric, &target).await.unwrap_or_else(Lacking::judgement)
    })
}

async fn judge(metric: &Metric, target: &Target) -> Result<Judgement, Lacking> {
    let asked = Asked::new(&metric.server, metric.stale_after)?;
    let values = |apart| Values::of(target, metric.component.as_ref(), apart);
    match &metric.question {
        Question::Limit(limit) => limit::judge(&asked, limit, &values(false)).await,
        Question::Counters(_) | Question::Samples(_) if !target.has_old => Ok(Judgement::new(
            Verdict::Pass,
            "no tenant of the wave is on a version yet: there is nothing to compare with",
        )),
        Question::Counters(compared) => counters::judge(&asked, compared, &values(true)).await,
        Question::Samples(compared) => samples::judge(&asked, compared, &values(true)).await,
    }
}

/// Where a comparison asks for instances and both versions have the same, it needs none.
fn unchanged(values: &Values, asks_for_instances: bool) -> Option<Judgement> {
    (asks_for_instances && values.is_unchanged).then(|| {
        Judgement::new(
            Verdict::Pass,
            "the release does not change what is asked: it runs on the instances it ran on before",
        )
    })
}

/// How long more is waited for.
struct Patience {
    until: Instant,
    every: std::time::Duration,
}

impl Patience {
    fn of(time: Time) -> Self {
        Self {
            until: Instant::now() + time.retry_for.to_std(),
            every: time.every.to_std(),
        }
    }

    /// Waits for the next look, until the time is over.
    async fn lasts(&self) -> bool {
        let goes_on = Instant::now() < self.until;
        if goes_on {
            sleep(self.every).await;
        }
        goes_on
    }
}

fn verdict(judged: &Result<Judgement, Lacking>) -> Verdict {
    match judged {
        Ok(judgement) => judgement.verdict,
        Err(lacking) => lacking.verdict(),
    }
}
