//! Fake runs of jobs: each takes its time from when it was first asked for, whoever asks again, and some fail.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use tidegate_domain::effect::EffectId;
use tidegate_domain::event::{Judgement, Verdict};
use tidegate_domain::time::{Duration, Timestamp};
use tidegate_engine::Done;

/// Of so many runs one fails.
const FAILS: u32 = 7;

/// When each run that was begun ends. It outlives the server, as a shim does.
#[derive(Debug, Clone, Default)]
pub struct Runs {
    takes: Duration,
    ends: Rc<RefCell<BTreeMap<EffectId, Timestamp>>>,
}

impl Runs {
    pub fn taking(takes: Duration) -> Self {
        Self {
            takes,
            ..Self::default()
        }
    }

    /// A copy that goes its own way.
    pub fn fork(&self) -> Self {
        Self {
            takes: self.takes,
            ends: Rc::new(RefCell::new(self.ends.borrow().clone())),
        }
    }

    pub fn answer(&self, id: &EffectId, now: Timestamp) -> Done {
        let mut ends = self.ends.borrow_mut();
        let at = *ends.entry(id.clone()).or_insert(now + self.takes);
        if at > now {
            let why = "it goes on".to_owned();
            return Done::Again { at, why };
        }
        let number = id
            .as_str()
            .rsplit('/')
            .next()
            .and_then(|number| number.parse::<u32>().ok());
        Done::Over(match number {
            Some(number) if number % FAILS == 0 => Judgement::new(Verdict::Fail, "it ended with code 1"),
            Some(_) | None => Judgement::new(Verdict::Pass, "it ended with code 0"),
        })
    }
}
