//! When each request is due: every class at its own steady rate, however long the answers take.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::clock::monotonic_micros;
use super::config::{Class, Config};
use super::exchange::{Due, Sender};
use super::random::Random;
use super::tally::Tally;

/// Requests being sent, one task for each class.
#[derive(Debug)]
pub struct Sending {
    classes: Vec<JoinHandle<()>>,
    in_flight: Arc<Semaphore>,
    in_flight_max: u32,
}

pub fn start(config: &Config, tally: &Arc<Mutex<Tally>>) -> Sending {
    let sender = Arc::new(Sender::new(config.clone(), Arc::clone(tally)));
    let in_flight = Arc::new(Semaphore::new(config.in_flight_max as usize));
    let due = Class::ALL.into_iter().filter(|class| config.rates.of(*class) > 0.0);
    let classes = due.zip(1..).map(|(class, place)| {
        let lane = Lane {
            class,
            interval: Duration::from_secs_f64(1.0 / config.rates.of(class)),
            tenants: config.tenants.len(),
            random: Random::seeded(config.seed.wrapping_add(place)),
            sender: Arc::clone(&sender),
            in_flight: Arc::clone(&in_flight),
            tally: Arc::clone(tally),
        };
        tokio::spawn(lane.run())
    });
    Sending {
        classes: classes.collect(),
        in_flight,
        in_flight_max: config.in_flight_max,
    }
}

impl Sending {
    /// Sends nothing new, and waits for what is under way; each request has its limit of time.
    pub async fn stop(self) {
        for class in &self.classes {
            class.abort();
        }
        for class in self.classes {
            // Aborted, as asked.
            let _ = class.await;
        }
        let _all = self.in_flight.acquire_many(self.in_flight_max).await;
    }
}

#[derive(Debug)]
struct Lane {
    class: Class,
    interval: Duration,
    tenants: usize,
    random: Random,
    sender: Arc<Sender>,
    in_flight: Arc<Semaphore>,
    tally: Arc<Mutex<Tally>>,
}

impl Lane {
    async fn run(mut self) {
        let (start, start_micros) = (Instant::now(), monotonic_micros());
        // Classes of the same rate do not all send at the same instant.
        let mut after = self.interval.mul_f64(self.random.below(1_000) as f64 / 1_000.0);
        loop {
            tokio::time::sleep_until(start + after).await;
            self.send(start_micros + u64::try_from(after.as_micros()).unwrap_or(u64::MAX));
            after += self.interval;
        }
    }

    fn send(&mut self, scheduled_micros: u64) {
        let due = Due {
            class: self.class,
            tenant: self.random.below(self.tenants),
            scheduled_micros,
            random: Random::seeded(self.random.next()),
        };
        let Ok(permit) = Arc::clone(&self.in_flight).try_acquire_owned() else {
            self.tally.lock().unwrap_or_else(PoisonError::into_inner).dropped();
            return;
        };
        let sender = Arc::clone(&self.sender);
        tokio::spawn(async move {
            sender.send(due).await;
            drop(permit);
        });
    }
}
