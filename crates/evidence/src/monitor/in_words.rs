//! A verdict in a sentence, and what it would take to have one.

use crate::e_value;
use crate::judgement::Verdict;
use crate::promotion;
use crate::words::{grouped, percent, rounded};

use super::{Monitor, Subject};

impl Monitor {
    pub(super) fn reason(&self, verdict: Verdict, log_e: f64, interval: (f64, Option<f64>)) -> String {
        let numbers = match &self.subject {
            Subject::Errors(comparison) => comparison.in_words("errors"),
            Subject::Latency(latency) => latency.in_words(),
            Subject::Volume(volume) => volume.in_words(),
        };
        let said = match verdict {
            Verdict::Fail => match interval {
                (low, _) if low >= 1.0 => format!(": the ratio is at least {}", rounded(low)),
                (_, Some(high)) if high <= 1.0 => format!(": the ratio is at most {}", rounded(high)),
                _ => ": beyond chance".to_owned(),
            },
            Verdict::Pass => ": good enough, and nothing speaks against it".to_owned(),
            Verdict::Inconclusive => ": neither worse beyond chance nor shown to be good".to_owned(),
            Verdict::NoData | Verdict::Error => ": nothing to compare".to_owned(),
        };
        let (now, needed) = (e_value::from_log(log_e), 1.0 / self.rule.alpha);
        let now = if now < 1e6 { rounded(now) } else { format!("{now:.1e}") };
        let since = if self.failed && log_e < needed.ln() {
            "it had reached"
        } else {
            "fails at"
        };
        format!("{numbers}{said} (E = {now}, {since} {})", rounded(needed))
    }

    pub(super) fn needs(&self, log_e: f64) -> String {
        if self.shown && log_e > 0.0 {
            return format!("the evidence against it, E = {}, to fall to 1", rounded(log_e.exp()));
        }
        if self.shown {
            return "it to become again as good as it was shown to be".to_owned();
        }
        let Some(tolerance) = self.rule.tolerance else {
            return match (&self.subject, self.rule.margin > 1.0) {
                (Subject::Errors(_) | Subject::Latency(_), true) => format!(
                    "more requests, until the ratio is known to be below {}",
                    rounded(self.rule.margin)
                ),
                (Subject::Volume(_), true) => {
                    "more requests, until the split is known to be within the margin".to_owned()
                }
                (Subject::Errors(_) | Subject::Latency(_) | Subject::Volume(_), false) => {
                    "a `tolerance`, or a `margin` above 1: without one nothing can be shown to be good".to_owned()
                }
            };
        };
        let at_most = percent(tolerance);
        match &self.subject {
            Subject::Errors(comparison) => format!(
                "{} more requests without an error show at most {at_most}",
                grouped(promotion::missing(comparison.new, tolerance))
            ),
            Subject::Latency(latency) => format!(
                "{} more requests, none of them slower than the old version's p99, show at most {at_most}",
                grouped(promotion::missing(latency.slow(), tolerance))
            ),
            Subject::Volume(_) => {
                format!("more requests, until at most {at_most} of the new version's are known to be missing")
            }
        }
    }
}
