//! Days with a job, drawn from a stream of its own: days with it and without it are otherwise the same.

use tidegate_domain::release::{JobPer, MissedRuns};
use tidegate_domain::time::Duration;

use crate::random::Random;
use crate::script::{JobLine, Script};

const STREAM: u64 = 0x5ca1_ab1e_0000_0008;

/// Of a hundred days.
const WITH_JOB: u32 = 40;

/// Some runs take longer than the time between two of them.
pub fn of_day(seed: u64, script: &mut Script) {
    let mut random = Random::new(seed ^ STREAM);
    let line = JobLine {
        every: Duration::from_secs(*random.pick(&[900, 1_020, 3_600])),
        takes: Duration::from_secs(*random.pick(&[0, 20, 90, 600, 1_500])),
        per: *random.pick(&[JobPer::Tenant, JobPer::Tenant, JobPer::Cell]),
        missed: *random.pick(&[MissedRuns::All, MissedRuns::All, MissedRuns::Once]),
    };
    script.job = random.percent(WITH_JOB).then_some(line);
}
