//! Points and coupons of every tenant: the event log folded into memory, and writes that take effect once per id across
//! processes.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::events::{Effect, Event, EventLog, EventLogError};
use crate::tenant::Tenant;

/// What a coupon is worth.
const COUPON_POINTS: i64 = 50;

#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    #[error("cannot use the data of tenant `{tenant}`")]
    EventLog { tenant: Tenant, source: Arc<EventLogError> },
    #[error("the writing of tenant `{tenant}` was given up")]
    GivenUp { tenant: Tenant },
}

/// The data of one cell: one directory per tenant.
#[derive(Debug)]
pub struct Store {
    root: PathBuf,
    tenants: Mutex<HashMap<Tenant, Arc<TenantStore>>>,
}

#[derive(Debug)]
pub struct TenantStore {
    tenant: Tenant,
    directory: PathBuf,
    waiting: Mutex<Vec<Waiting>>,
    state: Mutex<Option<State>>,
}

#[derive(Debug)]
struct State {
    log: EventLog,
    accounts: Accounts,
}

#[derive(Debug)]
struct Waiting {
    request: WriteRequest,
    answer: oneshot::Sender<Result<Written, StoreError>>,
}

#[derive(Debug, Clone)]
pub struct WriteRequest {
    /// The idempotency id.
    pub id: String,
    pub member: String,
    pub wish: Wish,
}

#[derive(Debug, Clone)]
pub enum Wish {
    Earn { points: i64 },
    Redeem { coupon: String },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// On disk as event `number`; the member now has `points`.
    Applied { number: u64, points: i64 },
    /// The id had arrived before, as event `number`.
    Repeated { number: u64, points: i64 },
    /// Somebody redeemed this coupon before; nothing was written.
    CouponSpent,
}

/// The log of one tenant, summed up.
#[derive(Debug, Default)]
pub struct Accounts {
    events: u64,
    repeated: u64,
    members: BTreeMap<String, i64>,
    ids: HashMap<String, u64>,
    coupons: HashMap<String, String>,
}

impl Store {
    pub fn new(root: &Path) -> Store {
        Store {
            root: root.to_owned(),
            tenants: Mutex::default(),
        }
    }

    pub fn tenant(&self, tenant: &Tenant) -> Arc<TenantStore> {
        let mut tenants = held(&self.tenants);
        let store = tenants.entry(tenant.clone()).or_insert_with(|| {
            Arc::new(TenantStore {
                tenant: tenant.clone(),
                directory: self.root.join(tenant.as_str()),
                waiting: Mutex::default(),
                state: Mutex::default(),
            })
        });
        Arc::clone(store)
    }

    /// Whether data can be written now: makes a file, syncs it and removes it.
    ///
    /// # Errors
    /// Why not.
    pub fn probe(&self) -> Result<(), std::io::Error> {
        std::fs::create_dir_all(&self.root)?;
        let path = self.root.join(format!(".probe-{}", std::process::id()));
        let file = std::fs::File::create(&path)?;
        std::io::Write::write_all(&mut &file, b"ready")?;
        file.sync_data()?;
        std::fs::remove_file(&path)
    }
}

impl TenantStore {
    /// Looks at the accounts as they are on disk now, whoever wrote them.
    ///
    /// # Errors
    /// The event log cannot be read.
    pub async fn read<T: Send + 'static>(
        self: &Arc<Self>,
        look: impl FnOnce(&Accounts) -> T + Send + 'static,
    ) -> Result<T, StoreError> {
        let this = Arc::clone(self);
        let work = tokio::task::spawn_blocking(move || {
            let mut state = held(&this.state);
            let State { log, accounts } = this.opened(&mut state)?;
            loop {
                let events = log.read().map_err(|error| this.failed(error))?;
                if events.is_empty() {
                    return Ok(look(accounts));
                }
                events.iter().for_each(|event| accounts.apply(event));
            }
        });
        work.await.unwrap_or_else(|_| Err(self.given_up()))
    }

    /// Writes once per id, whatever process the same id reaches. Durable when answered. Requests that arrive while another one
    /// syncs share the next sync.
    ///
    /// # Errors
    /// The event log cannot be written; the request may be repeated with the same id.
    pub async fn write(self: &Arc<Self>, request: WriteRequest) -> Result<Written, StoreError> {
        let (answer, answered) = oneshot::channel();
        held(&self.waiting).push(Waiting { request, answer });
        let this = Arc::clone(self);
        tokio::task::spawn_blocking(move || this.commit_waiting());
        answered.await.unwrap_or_else(|_| Err(self.given_up()))
    }

    fn commit_waiting(&self) {
        let mut state = held(&self.state);
        let batch = std::mem::take(&mut *held(&self.waiting));
        if batch.is_empty() {
            return;
        }
        let (requests, answers): (Vec<_>, Vec<_>) = batch.into_iter().map(|one| (one.request, one.answer)).unzip();
        // A caller that went away needs no answer, hence the ignored results.
        match self.commit(&mut state, &requests) {
            Ok(written) => {
                for (answer, written) in answers.into_iter().zip(written) {
                    let _ = answer.send(Ok(written));
                }
            }
            Err(error) => {
                // What reached the disk is unknown: read it all again.
                *state = None;
                for answer in answers {
                    let _ = answer.send(Err(error.clone()));
                }
            }
        }
    }

    fn commit(&self, state: &mut Option<State>, requests: &[WriteRequest]) -> Result<Vec<Written>, StoreError> {
        let State { log, accounts } = self.opened(state)?;
        let mut log = log.lock().map_err(|error| self.failed(error))?;
        for event in log.catch_up().map_err(|error| self.failed(error))? {
            accounts.apply(&event);
        }
        let mut events = Vec::new();
        let mut written = Vec::new();
        for request in requests {
            let (event, answer) = accounts.decide(request);
            if let Some(event) = event {
                accounts.apply(&event);
                events.push(event);
            }
            written.push(answer);
        }
        log.append(&events).map_err(|error| self.failed(error))?;
        Ok(written)
    }

    fn opened<'a>(&self, state: &'a mut Option<State>) -> Result<&'a mut State, StoreError> {
        if state.is_none() {
            let log = EventLog::open(&self.directory).map_err(|error| self.failed(error))?;
            *state = Some(State {
                log,
                accounts: Accounts::default(),
            });
        }
        Ok(state.as_mut().expect("was just filled"))
    }

    fn failed(&self, error: EventLogError) -> StoreError {
        StoreError::EventLog {
            tenant: self.tenant.clone(),
            source: Arc::new(error),
        }
    }

    fn given_up(&self) -> StoreError {
        StoreError::GivenUp {
            tenant: self.tenant.clone(),
        }
    }
}

impl Accounts {
    pub fn points(&self, member: &str) -> i64 {
        self.members.get(member).copied().unwrap_or(0)
    }

    pub fn members(&self) -> &BTreeMap<String, i64> {
        &self.members
    }

    /// Records in the log, those without effect included.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// Requests that arrived again.
    pub fn repeated(&self) -> u64 {
        self.repeated
    }

    pub fn coupons(&self) -> &HashMap<String, String> {
        &self.coupons
    }

    fn decide(&self, request: &WriteRequest) -> (Option<Event>, Written) {
        let number = self.events + 1;
        let before = self.points(&request.member);
        let event = |effect| Event {
            number,
            id: request.id.clone(),
            member: request.member.clone(),
            effect,
        };
        if let Some(first) = self.ids.get(&request.id) {
            let answer = Written::Repeated {
                number: *first,
                points: before,
            };
            return (Some(event(Effect::Repeated)), answer);
        }
        let (effect, points) = match &request.wish {
            Wish::Earn { points } => (Effect::Earned { points: *points }, *points),
            Wish::Redeem { coupon } if self.coupons.contains_key(coupon) => {
                return (None, Written::CouponSpent);
            }
            Wish::Redeem { coupon } => {
                let (coupon, points) = (coupon.clone(), COUPON_POINTS);
                (Effect::Redeemed { coupon, points }, points)
            }
        };
        let points = before.saturating_add(points);
        (Some(event(effect)), Written::Applied { number, points })
    }

    fn apply(&mut self, event: &Event) {
        self.events = event.number;
        let Some(points) = event.effect.points() else {
            self.repeated += 1;
            return;
        };
        let total = self.members.entry(event.member.clone()).or_default();
        *total = total.saturating_add(points);
        self.ids.insert(event.id.clone(), event.number);
        if let Effect::Redeemed { coupon, .. } = &event.effect {
            self.coupons.insert(coupon.clone(), event.member.clone());
        }
    }
}

/// A panic elsewhere must not stop the service; what it left half done is re-read from disk.
fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
