//! The gateways. Each serves by a table of its own, persists before it confirms, refuses an older one, and goes on serving
//! when it is not heard. Who is registered is kept by the server's tables and outlives the server.

use std::collections::BTreeMap;
use std::sync::Arc;

use tidegate_domain::desired::{Desired, Route, Split};
use tidegate_domain::id::{CellName, SlotId, TenantName, Version};
use tidegate_domain::observed::GatewayReport;
use tidegate_domain::service::{Closed, Service};
use tidegate_domain::time::Timestamp;

use super::driver::{Driver, Reached};
use super::{Happening, World};
use crate::boundary::{Kind, Moment};
use crate::check::Checker;
use crate::product;
use crate::script::{GatewayMood, Planted};

const TAKE_MS: i64 = 100;
const LEASE_MS: i64 = 10_000;
const HAND_OVER_MS: i64 = 2_000;

#[derive(Debug, Clone, Default)]
pub struct Gateways {
    all: BTreeMap<String, Gateway>,
    registry: BTreeMap<String, Registered>,
    /// The last documents that were offered, for one that comes late.
    offered: Vec<Arc<Desired>>,
}

#[derive(Debug, Clone)]
struct Gateway {
    /// Persisted: what it serves now and after a restart.
    table: Option<Arc<Desired>>,
    connected: bool,
    serving: bool,
    take_ms: i64,
    /// Requests that take long: where, and until when.
    long: Vec<(SlotId, i64)>,
}

#[derive(Debug, Clone)]
struct Registered {
    confirmed: u64,
    lapsed: bool,
    /// Heard with a table of its own choice since it came or came back: from here on it counts for what is confirmed.
    caught_up: bool,
}

impl Gateway {
    fn new() -> Self {
        Self {
            table: None,
            connected: true,
            serving: true,
            take_ms: TAKE_MS,
            long: Vec::new(),
        }
    }

    fn generation(&self) -> u64 {
        self.table.as_ref().map_or(0, |table| table.generation)
    }

    fn slot(&self, tenant: &TenantName) -> Option<&SlotId> {
        self.slot_of(tenant, |route| &route.version)
    }

    /// The slot of a client whose requests a canary sends to the new version, where one does.
    fn slot_of_share(&self, tenant: &TenantName) -> Option<&SlotId> {
        self.slot_of(tenant, |route| {
            let split = route.split.as_ref();
            split.map_or(&route.version, |split| &split.version)
        })
    }

    fn slot_of(&self, tenant: &TenantName, version: impl Fn(&Route) -> &Version) -> Option<&SlotId> {
        let mut cells = self.table.as_ref()?.cells.values();
        cells.find_map(|cell| {
            let route = cell.routes.get(tenant).filter(|route| is_open(route))?;
            cell.versions.get(version(route))?.get(&product::api())
        })
    }
}

/// The versions that clients of the tenant reach: one of a split gets always the same of the two.
fn versions_of(route: &Route) -> impl Iterator<Item = &Version> {
    [&route.version]
        .into_iter()
        .chain(route.split.as_ref().map(|split| &split.version))
}

/// Who is out of service gets a page, and who is closed an answer.
fn is_open(route: &Route) -> bool {
    route.maintenance.is_none() && route.closed.is_none()
}

impl Gateways {
    pub fn new(names: &[String]) -> Self {
        let mut gateways = Self::default();
        for name in names {
            gateways.all.insert(name.clone(), Gateway::new());
            gateways.hear(name);
        }
        gateways
    }

    /// A gateway says where it is.
    fn hear(&mut self, name: &str) {
        let Some(gateway) = self.all.get(name).filter(|gateway| gateway.serving) else {
            return;
        };
        let highest = self.offered.last().map_or(0, |document| document.generation);
        let registered = self.registry.entry(name.to_owned()).or_insert(Registered {
            confirmed: 0,
            lapsed: false,
            caught_up: false,
        });
        registered.confirmed = gateway.generation();
        registered.lapsed = false;
        registered.caught_up |= gateway.generation() >= highest;
    }

    /// Every gateway has served this document for long.
    pub fn adopt(&mut self, document: &Arc<Desired>) {
        self.offered.push(Arc::clone(document));
        let names: Vec<String> = self.all.keys().cloned().collect();
        for name in names {
            if let Some(gateway) = self.all.get_mut(&name) {
                gateway.table = Some(Arc::clone(document));
            }
            self.hear(&name);
        }
    }

    pub fn report(&self) -> GatewayReport {
        let heard = || self.registry.iter().filter(|(_, registered)| !registered.lapsed);
        let mut in_flight: BTreeMap<SlotId, u64> = BTreeMap::new();
        for gateway in heard().filter_map(|(name, _)| self.all.get(name)) {
            for (slot, _) in &gateway.long {
                *in_flight.entry(slot.clone()).or_default() += 1;
            }
        }
        let lapsed = self.registry.iter().filter(|(_, registered)| registered.lapsed);
        GatewayReport {
            confirmed: self.registry.values().map(|registered| registered.confirmed).min(),
            in_flight,
            lapsed: lapsed.map(|(name, _)| name.clone()).collect(),
        }
    }

    pub fn end_requests(&mut self, at: i64) {
        for gateway in self.all.values_mut() {
            gateway.long.retain(|(_, until)| *until > at);
        }
    }

    /// One request for every tenant through every gateway that serves, by its own table.
    pub fn check_traffic(&self, driver: &Driver, checker: &mut Checker) {
        for (name, gateway) in &self.all {
            let Some(table) = gateway.table.as_ref().filter(|_| gateway.serving) else {
                continue;
            };
            for (cell, routes) in &table.cells {
                let open = routes.routes.iter().filter(|(_, route)| route.closed.is_none());
                let open = open.flat_map(|(tenant, route)| versions_of(route).map(move |version| (tenant, version)));
                for (tenant, version) in open {
                    let Some(slots) = routes.versions.get(version) else {
                        let detail =
                            format!("gateway {name}: tenant {tenant} is routed to {version}, which no slot runs");
                        checker.violate("no request is lost", detail);
                        continue;
                    };
                    for slot in slots.values() {
                        match driver.reached(cell, slot) {
                            Reached::Serving | Reached::Crashed => {}
                            wrong @ (Reached::NeverReady | Reached::Gone) => {
                                let detail = format!(
                                    "gateway {name}: tenant {tenant} is routed to slot {slot}, which is {wrong:?}"
                                );
                                checker.violate("no request is lost", detail);
                            }
                        }
                    }
                }
            }
        }
    }

    /// A slot is about to be stopped.
    pub fn check_stop(
        &self,
        cell: &CellName,
        slot: &SlotId,
        drain_until: Option<Timestamp>,
        now: Timestamp,
        checker: &mut Checker,
    ) {
        for (name, gateway) in &self.all {
            let Some(table) = gateway.table.as_ref().and_then(|table| table.cells.get(cell)) else {
                continue;
            };
            let leads_here = |version: &Version| {
                table
                    .versions
                    .get(version)
                    .is_some_and(|slots| slots.values().any(|id| id == slot))
            };
            let routed = table
                .routes
                .iter()
                .find(|(_, route)| versions_of(route).any(leads_here));
            if let Some((tenant, _)) = routed.filter(|_| gateway.serving) {
                let detail = format!("slot {slot} is stopped while gateway {name} routes tenant {tenant} there");
                checker.violate("a slot is stopped only when no table routes to it", detail);
            }
            let in_flight = gateway.long.iter().filter(|(id, _)| id == slot).count();
            if in_flight > 0 && drain_until.is_none_or(|until| now < until) {
                let detail = format!(
                    "slot {slot} is stopped with {in_flight} in flight at gateway {name}, before its time to drain is over"
                );
                checker.violate("no request is lost", detail);
            }
        }
    }

    /// What each gateway that serves would send to a cell, by the table it has.
    pub fn open_routes(&self) -> impl Iterator<Item = (&str, &TenantName, &CellName)> {
        let serving = self.all.iter().filter(|(_, gateway)| gateway.serving);
        let tables = serving.filter_map(|(name, gateway)| Some((name.as_str(), gateway.table.as_ref()?)));
        tables.flat_map(|(name, table)| {
            table.cells.iter().flat_map(move |(cell, desired)| {
                let open = desired.routes.iter().filter(|(_, route)| is_open(route));
                open.map(move |(tenant, _)| (name, tenant, cell))
            })
        })
    }

    /// The gateways that are heard and would send a request of the tenant to an instance.
    pub fn serves(&self, tenant: &TenantName) -> impl Iterator<Item = &str> {
        let heard = self.registry.iter();
        let heard = heard.filter(|(_, registered)| !registered.lapsed && registered.caught_up);
        let serving = heard.filter(move |(name, _)| {
            let gateway = self.all.get(*name);
            gateway.is_some_and(|gateway| gateway.slot(tenant).is_some())
        });
        serving.map(|(name, _)| name.as_str())
    }

    /// What those that are heard split who have the table of this generation, or a later one.
    pub fn splits(&self, generation: u64) -> impl Iterator<Item = (&str, &TenantName, &Split)> {
        let heard = self
            .heard()
            .filter(move |(_, gateway)| gateway.generation() >= generation);
        heard.flat_map(|(name, gateway)| {
            let cells = gateway.table.iter().flat_map(|table| table.cells.values());
            let routes = cells.flat_map(|cell| &cell.routes);
            routes.filter_map(move |(tenant, route)| Some((name, tenant, route.split.as_ref()?)))
        })
    }

    /// The versions that gateways which are heard serve a tenant.
    pub fn served(&self, cell: &CellName, tenant: &TenantName) -> impl Iterator<Item = (&str, Option<&Version>)> {
        self.heard().map(move |(name, gateway)| {
            let table = gateway.table.as_ref().and_then(|table| table.cells.get(cell));
            (name, table.and_then(|table| Some(&table.routes.get(tenant)?.version)))
        })
    }
}

impl Gateways {
    /// Some gateway that is heard lets requests of the tenant through.
    pub fn opens(&self, cell: &CellName, tenant: &TenantName) -> bool {
        let mut routes = self
            .tables()
            .filter_map(|table| table.cells.get(cell)?.routes.get(tenant));
        routes.any(is_open)
    }

    /// Those that are heard and have caught up.
    fn heard(&self) -> impl Iterator<Item = (&str, &Gateway)> {
        let heard = self.registry.iter().filter(|(_, it)| !it.lapsed && it.caught_up);
        heard.filter_map(|(name, _)| Some((name.as_str(), self.all.get(name)?)))
    }

    fn tables(&self) -> impl Iterator<Item = &Desired> {
        self.heard().filter_map(|(_, gateway)| gateway.table.as_deref())
    }

    /// What requests still reach in a cell, in words.
    pub fn reaches(&self, cell: &CellName, state: &Service) -> Option<String> {
        // Whoever it is: a tenant may be gone of which a slow gateway has not heard that.
        let here = self.tables().filter_map(|table| table.cells.get(cell));
        let mut routes = here.flat_map(|cell| &cell.routes);
        if let Some((tenant, _)) = routes.find(|(_, route)| is_open(route)) {
            return Some(format!("tenant {tenant} is served"));
        }
        let slots = &state.cells.get(cell)?.slots;
        let mut long = self.all.values().flat_map(|gateway| &gateway.long);
        let (slot, _) = long.find(|(slot, _)| slots.contains_key(slot))?;
        Some(format!("a request to slot {slot} is in flight"))
    }
}

impl World {
    /// Hands the published document to every gateway that is connected.
    pub fn offer(&mut self) {
        let Some(mut document) = self.server.published.clone() else {
            return;
        };
        if self
            .planted
            .values()
            .any(|all| all.contains(&Planted::ForgetsSuspensions))
        {
            let cells = Arc::make_mut(&mut document).cells.values_mut();
            let routes = cells.flat_map(|cell| cell.routes.values_mut());
            routes.for_each(|route| route.closed = route.closed.filter(|closed| *closed != Closed::Suspended));
        }
        self.keep_splits(&mut document);
        let fault = self.fault(Kind::Routes);
        if let Some(moment) = fault {
            self.hit(Kind::Routes, moment);
        }
        if fault == Some(Moment::Before) {
            return self.crash();
        }
        let known = self.gateways.offered.last().map_or(0, |last| last.generation);
        if document.generation > known {
            self.gateways.offered.push(Arc::clone(&document));
        }
        let names: Vec<String> = self.gateways.all.keys().cloned().collect();
        for name in names {
            self.reconnect_soon(&name, document.generation);
        }
        match fault {
            Some(Moment::After) => self.crash(),
            Some(Moment::Twice) => self.schedule(5_000, Happening::OfferStale(document.generation)),
            Some(Moment::Before) | None => {}
        }
    }

    /// Where that is planted, gateways are not told that a share was taken back.
    fn keep_splits(&self, document: &mut Arc<Desired>) {
        let is_planted = self.planted.values().any(|all| all.contains(&Planted::KeepsSplits));
        let Some(last) = self.gateways.offered.last().filter(|_| is_planted) else {
            return;
        };
        for (name, cell) in &mut Arc::make_mut(document).cells {
            let before = last.cells.get(name);
            for (tenant, route) in &mut cell.routes {
                let split = before.and_then(|cell| cell.routes.get(tenant)?.split.clone());
                route.split = route.split.take().or(split);
            }
        }
    }

    fn reconnect_soon(&mut self, name: &str, generation: u64) {
        let Some(gateway) = self.gateways.all.get(name) else {
            return;
        };
        if gateway.connected && gateway.serving {
            let (in_ms, gateway) = (gateway.take_ms, name.to_owned());
            self.schedule(in_ms, Happening::TableTaken { gateway, generation });
        }
    }

    pub fn offer_stale(&mut self, generation: u64) {
        let names: Vec<String> = self.gateways.all.keys().cloned().collect();
        for name in names {
            self.reconnect_soon(&name, generation);
        }
    }

    /// Persist, then serve, then confirm.
    pub fn table_taken(&mut self, name: &str, generation: u64) {
        let found = self
            .gateways
            .offered
            .iter()
            .find(|document| document.generation == generation);
        let document = found.cloned();
        let up = self.server.is_up();
        let Some(gateway) = self.gateways.all.get_mut(name) else {
            return;
        };
        if !gateway.serving {
            return;
        }
        if let Some(document) = document.filter(|document| document.generation > gateway.generation()) {
            gateway.table = Some(document);
        }
        if gateway.connected && up {
            self.gateways.hear(name);
            self.observe_soon();
        } else if gateway.connected {
            self.schedule(500, Happening::Reconnect(name.to_owned()));
        }
    }

    /// It is heard again, first with the table it has.
    pub fn reconnect(&mut self, name: &str) {
        if !self.server.is_up() {
            self.schedule(500, Happening::Reconnect(name.to_owned()));
            return;
        }
        let Some(gateway) = self.gateways.all.get_mut(name) else {
            return;
        };
        gateway.connected = true;
        self.gateways.hear(name);
        if let Some(document) = self.server.published.clone() {
            self.reconnect_soon(name, document.generation);
        }
        self.observe_soon();
    }

    pub fn lease_over(&mut self, name: &str) {
        let unheard = self.gateways.all.get(name).is_some_and(|gateway| !gateway.connected);
        if let Some(registered) = self.gateways.registry.get_mut(name).filter(|_| unheard) {
            registered.lapsed = true;
            registered.caught_up = false;
            self.observe_soon();
        }
    }

    pub fn gateway_mood(&mut self, name: &str, mood: GatewayMood) {
        let Some(gateway) = self.gateways.all.get_mut(name) else {
            return;
        };
        match mood {
            GatewayMood::Lapses => {
                gateway.connected = false;
                self.schedule(LEASE_MS, Happening::Lease(name.to_owned()));
            }
            GatewayMood::Returns => self.schedule(0, Happening::Reconnect(name.to_owned())),
            GatewayMood::Restarts => {
                gateway.connected = false;
                self.schedule(HAND_OVER_MS, Happening::Reconnect(name.to_owned()));
            }
            GatewayMood::Leaves => {
                // Its table goes with it: a gateway that ended in order does not serve an old one later.
                *gateway = Gateway::new();
                gateway.serving = false;
                self.gateways.registry.remove(name);
                self.observe_soon();
            }
            GatewayMood::Joins => {
                gateway.serving = true;
                self.schedule(0, Happening::Reconnect(name.to_owned()));
            }
            GatewayMood::Takes(length) => gateway.take_ms = length.as_millis(),
        }
    }

    pub fn calm_gateways(&mut self) {
        let names: Vec<String> = self.gateways.all.keys().cloned().collect();
        for name in names {
            self.gateway_mood(
                &name,
                GatewayMood::Takes(tidegate_domain::time::Duration::from_millis(100)),
            );
            self.gateway_mood(&name, GatewayMood::Joins);
        }
    }

    /// A request that takes long, through the first gateway that serves the tenant; that of a canary's share where there is one.
    pub fn long_request(&mut self, tenant: &TenantName, length_ms: i64) {
        let until = self.at + length_ms;
        for gateway in self.gateways.all.values_mut().filter(|gateway| gateway.serving) {
            if let Some(slot) = gateway.slot_of_share(tenant).cloned() {
                gateway.long.push((slot, until));
                break;
            }
        }
        self.observe_soon();
        self.schedule(length_ms + 1, Happening::Look);
    }
}
