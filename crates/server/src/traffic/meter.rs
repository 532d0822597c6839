//! The loop that measures: it looks at the counters every few seconds, and takes only what came within a time that is wholly known.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration as Wait;

use tidegate_domain::files::TimeZoneName;
use tidegate_domain::id::TenantName;
use tidegate_domain::time::{Duration, Timestamp};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep};

use super::{Came, Traffic};
use crate::control::{Control, in_words};
use crate::counters::Counters;
use crate::gateways::Gateways;
use crate::{clock, project};

/// An hour is looked at so often; what came at the turn of two counts for the first.
const LOOK_EVERY: Wait = Wait::from_secs(5);

/// Looks that are farther apart say nothing of the time between: the machine was asleep, or its clock was put.
const GAP_MAX: Duration = Duration::from_secs(60);

/// Counters come every second. Where none has come for so long, what came meanwhile is not known.
const AGE_MAX: Duration = Duration::from_secs(10);

/// How often rows are written. A crash loses what was measured since.
const WRITE_EVERY: Wait = Wait::from_secs(15 * 60);

/// How often the files are asked for the time zones of tenants.
const ZONES_EVERY: Wait = Wait::from_secs(10 * 60);

/// Measures for ever.
#[derive(Debug)]
pub struct Meter {
    pub control: Control,
    pub counters: Arc<Counters>,
    pub gateways: Gateways,
    pub traffic: Traffic,
    /// The folder with the files of the project.
    pub project: PathBuf,
}

/// When something was known of all gateways, and which these were.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    pub at: Timestamp,
    pub processes: BTreeSet<String>,
}

impl Meter {
    pub async fn run(self) {
        self.control.confirmed().await;
        let mut zones = self.zones().await.unwrap_or_default();
        let (mut asked, mut written) = (Instant::now(), Instant::now());
        let mut last = None;
        loop {
            sleep(LOOK_EVERY).await;
            if asked.elapsed() >= ZONES_EVERY {
                asked = Instant::now();
                if let Some(read) = self.zones().await {
                    zones = read;
                }
            }
            last = self.look(last, &zones, clock::now());
            if written.elapsed() >= WRITE_EVERY {
                written = Instant::now();
                if let Err(error) = self.traffic.write().await {
                    tracing::error!(trouble = in_words(&error), "cannot keep the traffic of tenants");
                }
            }
        }
    }

    /// Takes what has come since the last look, and answers what the next one is counted from.
    fn look(&self, last: Option<Look>, zones: &BTreeMap<TenantName, TimeZoneName>, now: Timestamp) -> Option<Look> {
        let requests = self.counters.take_requests();
        let look = self.all_known(now);
        let state = self.control.view();
        let seats = &state.state.seats;
        self.traffic.keep_only(|name| seats.contains_key(name));
        if let Some(from) = last.zip(look.as_ref()).and_then(|(last, look)| look.since(&last)) {
            let came = Came {
                from,
                until: now,
                requests,
            };
            self.traffic.add(&came, seats.keys(), zones);
        }
        look
    }

    /// `None` while a gateway is silent, or none is there: what it serves meanwhile is not known.
    fn all_known(&self, now: Timestamp) -> Option<Look> {
        let processes = self.gateways.processes_known();
        let is_fresh = self.counters.newest().is_some_and(|newest| now - newest <= AGE_MAX);
        let silent = self.gateways.status().iter().any(|gateway| gateway.lapsed);
        let known = !processes.is_empty() && is_fresh && !silent && self.counters.has_heard(&processes);
        known.then(|| Look {
            at: now,
            processes: processes.into_iter().collect(),
        })
    }

    /// The time zone of each tenant, as plans have it. `None` where the files have mistakes: what was known before is not worse.
    async fn zones(&self) -> Option<BTreeMap<TenantName, TimeZoneName>> {
        let folder = self.project.clone();
        let read = spawn_blocking(move || {
            let project = project::read(&folder)?;
            let tenants = project.tenants.tenants.iter();
            let zone = |tenant| project.calendars.class(tenant).ok();
            let zones = tenants.filter_map(|tenant| Some((tenant.id.clone(), zone(tenant)?.zone)));
            Ok::<_, project::ProjectError>(zones.collect())
        });
        match read.await {
            Ok(Ok(zones)) => Some(zones),
            Ok(Err(error)) => {
                tracing::warn!(
                    trouble = in_words(&error),
                    "the time zones of tenants cannot be read; they stay as they were"
                );
                None
            }
            Err(_) => None,
        }
    }
}

impl Look {
    /// Where the time begins that is known from an earlier look to this one: at that look, unless gateways have come or gone between
    /// them, or too much time has passed.
    pub fn since(&self, earlier: &Self) -> Option<Timestamp> {
        let passed = self.at - earlier.at;
        let is_known = passed > Duration::ZERO && passed <= GAP_MAX && self.processes == earlier.processes;
        is_known.then_some(earlier.at)
    }
}
