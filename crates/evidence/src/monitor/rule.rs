//! What can be asked, and of which numbers.

use crate::pair::TRIALS_MAX;
use crate::words::grouped;

use super::{Assignment, Bucket, Counts, Metric, Misfit, Rule};

/// Of alpha, where a part is spent on the history. A history is long, so little is enough for it.
const SHARE_OF_COUNTS: f64 = 0.8;

impl Rule {
    /// What is spent on the counts of now. Where tenants were assigned, the rest is spent on their history.
    pub(super) fn alpha_of_counts(&self) -> f64 {
        match self.assignment {
            Assignment::Requests => self.alpha,
            Assignment::Tenants => self.alpha * SHARE_OF_COUNTS,
        }
    }

    /// # Errors
    ///
    /// A number that is out of its range, or one that is missing.
    pub fn check(&self) -> Result<(), Misfit> {
        let share = |number: f64| number > 0.0 && number < 1.0;
        let between = "write a number between 0 and 1, such as `0.01`";
        if !share(self.alpha) {
            return Err(Misfit::new("/alpha", format!("alpha is {}", self.alpha), between));
        }
        if !(self.margin.is_finite() && self.margin >= 1.0) {
            let problem = format!("the margin is {}", self.margin);
            return Err(Misfit::new(
                "/margin",
                problem,
                "write a ratio from 1 on, such as `1.5`",
            ));
        }
        if let Some(tolerance) = self.tolerance.filter(|tolerance| !share(*tolerance)) {
            return Err(Misfit::new(
                "/tolerance",
                format!("the tolerance is {tolerance}"),
                between,
            ));
        }
        match (self.metric, self.assignment) {
            (Metric::Errors, _) => Ok(()),
            (Metric::Latency, _) => self.check_edges(),
            (Metric::Volume, Assignment::Tenants) => Err(Misfit::new(
                "/assignment",
                "tenants bring as many requests as they have, so their share says nothing",
                "write `\"assignment\": \"requests\"`, or watch their own volume with `tidegate alerts replay`",
            )),
            (Metric::Volume, Assignment::Requests) => match self.weight {
                Some(weight) if share(weight) => Ok(()),
                Some(weight) => Err(Misfit::new("/weight", format!("the weight is {weight}"), between)),
                None => Err(Misfit::new(
                    "/weight",
                    "volume is compared with a weight, and there is none",
                    "write the share of requests that the new version should get, such as `\"weight\": 0.05`",
                )),
            },
        }
    }

    fn check_edges(&self) -> Result<(), Misfit> {
        let edges = &self.edges_ms;
        let rising = edges.is_sorted_by(|a, b| a < b) && edges.iter().all(|edge| edge.is_finite());
        if rising && !edges.is_empty() {
            return Ok(());
        }
        let problem = if edges.is_empty() {
            "latency is compared by bins, and there are no edges"
        } else {
            "the edges of the bins do not rise"
        };
        let remedy = "write the upper edges of the bins in rising order, such as `\"edges_ms\": [50, 100, 200]`";
        Err(Misfit::new("/edges_ms", problem, remedy))
    }

    /// The counts that this metric compares.
    fn check_counts(&self, counts: &Counts, place: &str) -> Result<(), Misfit> {
        let misfit =
            |field: &str, problem: String, remedy: &str| Err(Misfit::new(format!("{place}/{field}"), problem, remedy));
        if counts.n > TRIALS_MAX {
            let remedy = "a bucket holds a few seconds: write shorter ones";
            return misfit("n", format!("{} requests in one bucket", grouped(counts.n)), remedy);
        }
        match self.metric {
            Metric::Volume => Ok(()),
            Metric::Errors if counts.events > counts.n => {
                let problem = format!("{} events among {} requests", grouped(counts.events), grouped(counts.n));
                misfit(
                    "events",
                    problem,
                    "events are counted among the requests `n`: correct either of them",
                )
            }
            Metric::Errors => Ok(()),
            Metric::Latency => {
                let (bins, edges) = (counts.hist.len(), self.edges_ms.len());
                if bins != edges + 1 {
                    let problem = format!("{bins} bins for {edges} edges");
                    return misfit(
                        "hist",
                        problem,
                        "write one bin for each edge and one more above the last",
                    );
                }
                let sum = counts.hist.iter().try_fold(0_u64, |sum, bin| sum.checked_add(*bin));
                match sum.filter(|sum| *sum <= TRIALS_MAX) {
                    Some(_) => Ok(()),
                    None => {
                        let problem = format!("more than {} requests in one bucket", grouped(TRIALS_MAX));
                        misfit("hist", problem, "a bucket holds a few seconds: write shorter ones")
                    }
                }
            }
        }
    }

    pub(super) fn check_bucket(&self, bucket: &Bucket) -> Result<(), Misfit> {
        if !bucket.t.is_finite() {
            return Err(Misfit::new("/t", "the time is no number", "write seconds"));
        }
        self.check_counts(&bucket.old, "/old")?;
        self.check_counts(&bucket.new, "/new")
    }
}
