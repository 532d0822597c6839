//! What is kept of the responses that were compared: counts, and one example of each difference.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use crate::monitor::Misfit;

use super::difference::{Differences, Shown};
use super::endpoint::endpoint;
use super::field::{Field, Kind};
use super::latency::Latency;
use super::record::Record;
use super::report::{Report, report};
use super::rules::Rules;

/// Beyond these, endpoints are one: their paths have identifiers that nobody recognised.
const ENDPOINTS_MAX: usize = 500;
/// Of one endpoint. Beyond these, fields are one.
const FIELDS_MAX: usize = 2_000;
/// The name of what is beyond a bound.
const OTHERS: &str = "(others)";

/// Compares pair after pair. It grows with the endpoints and fields that differ, not with the pairs.
#[derive(Debug)]
pub struct Comparison {
    rules: Rules,
    has_noise: bool,
    endpoints: BTreeMap<String, Endpoint>,
}

/// The pairs of one endpoint.
#[derive(Debug)]
pub(super) struct Endpoint {
    pub pairs: u64,
    pub fields: BTreeMap<(Field, Kind), Tally>,
    pub latency: Latency,
}

/// Pairs in which a field differs.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// The new version from the old one.
    pub new: u64,
    /// The old version from itself.
    pub noise: u64,
    /// The new version alone, of those.
    pub only_new: u64,
    pub only_noise: u64,
    pub example: Option<(Shown, Shown)>,
}

impl Comparison {
    /// With noise, each pair comes with a second answer of the old version.
    pub fn new(rules: Rules, has_noise: bool) -> Self {
        Self {
            rules,
            has_noise,
            endpoints: BTreeMap::new(),
        }
    }

    /// Takes in what the old and the new version have answered to one request, and the old one once more.
    ///
    /// # Errors
    ///
    /// Times that are no times; [`Record::read`] gives none of these.
    pub fn observe(&mut self, old: &Record, new: &Record, noise: Option<&Record>) -> Result<(), Misfit> {
        let found = Differences::between(old, new, &self.rules);
        let of_noise = noise.map(|noise| Differences::between(old, noise, &self.rules));
        let name = endpoint(&old.method, &old.path, &self.rules.endpoints);
        let endpoint = self.endpoint(name)?;
        endpoint.pairs += 1;
        if let (Some(old), Some(new)) = (old.milliseconds, new.milliseconds) {
            endpoint.latency.observe(old, new)?;
        }
        endpoint.count(found, of_noise.unwrap_or_default());
        Ok(())
    }

    /// What is to be said about all pairs.
    ///
    /// # Errors
    ///
    /// As [`Comparison::observe`].
    pub fn report(self) -> Result<Report, Misfit> {
        report(self.endpoints, self.has_noise)
    }

    fn endpoint(&mut self, name: String) -> Result<&mut Endpoint, Misfit> {
        let is_known = self.endpoints.contains_key(&name);
        let name = if is_known || self.endpoints.len() < ENDPOINTS_MAX {
            name
        } else {
            OTHERS.to_owned()
        };
        match self.endpoints.entry(name) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(place) => Ok(place.insert(Endpoint {
                pairs: 0,
                fields: BTreeMap::new(),
                latency: Latency::new()?,
            })),
        }
    }
}

impl Endpoint {
    fn count(&mut self, found: Differences, of_noise: Differences) {
        // Two fields of one pair may fall together beyond the bound, and count once.
        let (mut new, mut noise) = (BTreeMap::new(), BTreeSet::new());
        for ((field, kind), example) in found.0 {
            new.entry((self.bounded(field, kind), kind)).or_insert(example);
        }
        for (field, kind) in of_noise.0.into_keys() {
            noise.insert((self.bounded(field, kind), kind));
        }
        for key in &noise {
            let tally = self.fields.entry(key.clone()).or_default();
            tally.noise += 1;
            tally.only_noise += u64::from(!new.contains_key(key));
        }
        for (key, example) in new {
            let is_alone = !noise.contains(&key);
            let tally = self.fields.entry(key).or_default();
            tally.new += 1;
            tally.only_new += u64::from(is_alone);
            tally.example.get_or_insert(example);
        }
    }

    fn bounded(&self, field: Field, kind: Kind) -> Field {
        if self.fields.len() < FIELDS_MAX || self.fields.contains_key(&(field.clone(), kind)) {
            field
        } else {
            Field::Json(OTHERS.to_owned())
        }
    }
}
