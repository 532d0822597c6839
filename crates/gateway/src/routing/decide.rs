//! From a request's head to what is to be done with it.

use std::sync::Arc;

use http::HeaderValue;
use http::header::HeaderName;
use http::request::Parts;

use super::compile::header;
use super::snapshot::{Component, ComponentHolds, Route, Snapshot, Tenant, TenantIdentity, Version, VersionIdentity};
use crate::clock;
use crate::counters::Counters;
use crate::protocol::ErrorReason;
use crate::proxy::header as own;
use crate::table::{Closed, Mode, Policy, TenantName};
use crate::tenant::{self, Found, TenantSources};
use crate::upstream::Slot;

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asker {
    /// A client, who may say anything.
    Client,
    /// A component of the service, whose word on tenant and version is taken.
    Component,
}

/// What is to be done with a request.
#[derive(Debug)]
pub(crate) struct Decision {
    pub(crate) tenant: Arc<TenantIdentity>,
    /// Stands for the tenant's client.
    pub(crate) client: u64,
    pub(crate) policy: Policy,
    pub(crate) verdict: Verdict,
}

#[derive(Debug)]
pub(crate) enum Verdict {
    Forward(Forward),
    Hold {
        holds: Arc<ComponentHolds>,
        until_ms: Option<u64>,
    },
    Maintenance {
        retry_after_s: u32,
        message: String,
    },
}

/// Why nothing is to be done with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turned {
    Refused(ErrorReason),
    Closed(Closed),
}

impl From<ErrorReason> for Turned {
    fn from(reason: ErrorReason) -> Self {
        Self::Refused(reason)
    }
}

/// Where a request goes.
#[derive(Debug)]
pub(crate) struct Forward {
    pub(crate) serial: u64,
    pub(crate) version: Arc<VersionIdentity>,
    pub(crate) slot: Arc<Slot>,
    /// Of the component in the snapshot.
    pub(crate) position: usize,
    /// The slot to ask for an asset that this one lacks.
    pub(crate) assets_from: Option<Arc<Slot>>,
    /// How many bytes to take off the path.
    pub(crate) stripped: usize,
    pub(crate) sources: Arc<TenantSources>,
}

/// Seconds until then, rounded up; `usual` where that is over.
fn retry_after(until_ms: u64, usual: u32) -> u32 {
    match until_ms.saturating_sub(clock::unix_ms()) {
        0 => usual,
        left => u32::try_from(left.div_ceil(1_000)).unwrap_or(u32::MAX),
    }
}

impl Snapshot {
    pub(crate) fn decide(
        &self,
        head: &Parts,
        host: &str,
        peer: &str,
        asker: Asker,
        counters: &Counters,
    ) -> Result<Decision, Turned> {
        let found = match asker {
            Asker::Client => self.sources.find(head, host)?,
            Asker::Component => said_by_component(head)?,
        };
        let (name, tenant) = self
            .tenants
            .get_key_value(&*found.tenant)
            .ok_or(ErrorReason::TenantUnknown)?;
        if let Some(closed) = tenant.route.closed
            && (closed == Closed::Suspended || asker == Asker::Client)
        {
            return Err(Turned::Closed(closed));
        }
        let path = &head.uri.path()[found.stripped..];
        let path = if path.is_empty() { "/" } else { path };
        let client = tenant::client_hash(&self.client, head, peer);
        let version = self.version(head, asker, name, &tenant.route, client)?;
        let (position, component, slot) = self.component(version, host, path)?;
        let identity = tenant.identity(name, version, counters)?;
        let forward = || {
            let route = &tenant.route;
            let is_split = route
                .split
                .as_ref()
                .is_some_and(|split| Arc::ptr_eq(&split.version, version));
            // A client of a split may have loaded its page before the split began.
            let before = if is_split {
                Some(&*route.version)
            } else {
                route.assets_from.as_deref()
            };
            let before = before.and_then(|version| version.slots[position].clone());
            Verdict::Forward(Forward {
                serial: self.serial,
                version: version.identity.clone(),
                assets_from: before.filter(|before| !Arc::ptr_eq(before, slot)),
                slot: slot.clone(),
                position,
                stripped: found.stripped,
                sources: self.sources.clone(),
            })
        };
        let verdict = match &tenant.route.mode {
            Mode::Serve => forward(),
            Mode::Hold { until_ms } if until_ms.is_some_and(|until_ms| until_ms <= clock::unix_ms()) => forward(),
            Mode::Hold { until_ms } => Verdict::Hold {
                holds: component.holds.clone(),
                until_ms: *until_ms,
            },
            Mode::Maintenance {
                retry_after_s,
                until_ms,
                message,
            } => Verdict::Maintenance {
                retry_after_s: until_ms.map_or(*retry_after_s, |until_ms| retry_after(until_ms, *retry_after_s)),
                message: message.clone(),
            },
        };
        Ok(Decision {
            tenant: identity,
            client,
            policy: component.policy,
            verdict,
        })
    }

    /// The most telling rule that matches, of those whose component the version has.
    fn component<'a>(
        &'a self,
        version: &'a Version,
        host: &str,
        path: &str,
    ) -> Result<(usize, &'a Component, &'a Arc<Slot>), ErrorReason> {
        let candidates = self.components.iter().zip(&version.slots).enumerate();
        let mut served =
            candidates.filter_map(|(position, (component, slot))| Some((position, component, slot.as_ref()?)));
        served
            .find(|(_, component, _)| component.matches(host, path))
            .ok_or(ErrorReason::ComponentUnknown)
    }

    /// The tenant's version, or the one of a split, of a preview, or of the call that this one is a part of.
    fn version<'a>(
        &'a self,
        head: &Parts,
        asker: Asker,
        tenant: &TenantName,
        route: &'a Route,
        client: u64,
    ) -> Result<&'a Arc<Version>, ErrorReason> {
        if let Some(preview) = head.headers.get(own::PREVIEW) {
            let verifier = self.preview.as_ref().ok_or(ErrorReason::PreviewRefused)?;
            let key = verifier
                .verify(preview.as_bytes(), tenant, clock::unix_ms())
                .ok_or(ErrorReason::PreviewRefused)?;
            return self.versions.get(key).ok_or(ErrorReason::PreviewRefused);
        }
        let Some(split) = &route.split else {
            return Ok(&route.version);
        };
        let is_split = match asker {
            Asker::Client => {
                let place = tenant::hash(format!("{}/{tenant}/{client:x}", split.salt).as_bytes()) % 10_000;
                place < u64::from(split.basis_points)
            }
            Asker::Component => {
                let said = text(head, &own::VERSION);
                said == Some(split.version.identity.key.as_str())
            }
        };
        Ok(if is_split { &split.version } else { &route.version })
    }
}

impl Tenant {
    fn identity(
        &self,
        name: &TenantName,
        version: &Arc<Version>,
        counters: &Counters,
    ) -> Result<Arc<TenantIdentity>, ErrorReason> {
        let make = || -> Result<Arc<TenantIdentity>, ErrorReason> {
            Ok(Arc::new(TenantIdentity {
                header: header(name.as_str()).map_err(|_| ErrorReason::TenantUnknown)?,
                series: counters.series(name, &version.identity.label, &version.identity.cell),
            }))
        };
        if !Arc::ptr_eq(version, &self.route.version) {
            return make();
        }
        match self.identity.get() {
            Some(identity) => Ok(identity.clone()),
            None => {
                let identity = make()?;
                Ok(self.identity.get_or_init(|| identity).clone())
            }
        }
    }
}

fn said_by_component(head: &Parts) -> Result<Found<'_>, ErrorReason> {
    let tenant = text(head, &own::TENANT).ok_or(ErrorReason::TenantMissing)?;
    Ok(Found {
        tenant: tenant.into(),
        stripped: 0,
    })
}

fn text<'a>(head: &'a Parts, name: &HeaderName) -> Option<&'a str> {
    head.headers.get(name).map(HeaderValue::to_str)?.ok()
}
