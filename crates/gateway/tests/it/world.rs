//! A gateway with a table file, and tables for it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tidegate_gateway::table::{
    ClientSource, ComponentRule, FORMAT, Instance, Phase, Policy, PreviewKey, Route, Slot, SlotId, Table, TenantName,
    TenantSource, Version, VersionKey,
};
use tidegate_gateway::{Gateway, Options, Source};

use crate::client;
use crate::upstream::Upstream;

pub const PREVIEW_KEY: &str = "000102030405060708090a0b0c0d0e0f";

pub struct World {
    pub gateway: Option<Gateway>,
    pub address: SocketAddr,
    pub internal: SocketAddr,
    pub admin: SocketAddr,
    pub directory: tempfile::TempDir,
    pub table: Table,
}

/// Two versions of one component `web` in the cell `eu`, and a gateway that serves `acme` and `globex` from the old one.
pub async fn world(old: &Upstream, new: &Upstream) -> World {
    World::start(table(&[old.address], &[new.address])).await
}

pub fn table(old: &[SocketAddr], new: &[SocketAddr]) -> Table {
    let slot = |label: &str, addresses: &[SocketAddr]| Slot {
        component: "web".into(),
        version: label.to_owned(),
        cell: "eu".to_owned(),
        instances: addresses
            .iter()
            .enumerate()
            .map(|(number, address)| Instance {
                id: number.to_string().into(),
                address: *address,
            })
            .collect(),
        phase: Phase::Active,
    };
    let version = |label: &str| Version {
        label: label.to_owned(),
        cell: "eu".to_owned(),
        slots: [("web".into(), SlotId::from(format!("web.{label}")))].into(),
    };
    Table {
        format: FORMAT,
        epoch: "test".to_owned(),
        generation: 1,
        service: "shop".to_owned(),
        tenant_from: vec![TenantSource::Host("{tenant}.shop.example".to_owned())],
        client_from: ClientSource::Header("x-user".to_owned()),
        components: vec![ComponentRule {
            name: "web".into(),
            host: None,
            path: "/".to_owned(),
            policy: Policy {
                first_byte_ms: 5_000,
                ..Policy::default()
            },
        }],
        slots: [
            ("web.old".into(), slot("old", old)),
            ("web.new".into(), slot("new", new)),
        ]
        .into(),
        versions: [("eu/old".into(), version("old")), ("eu/new".into(), version("new"))].into(),
        routes: ["acme", "globex"]
            .map(|tenant| (TenantName::from(tenant), Route::to("eu/old")))
            .into_iter()
            .collect(),
        answers: tidegate_gateway::table::Answers::default(),
        preview_key: Some(PreviewKey::from_hexadecimal(PREVIEW_KEY)),
    }
}

pub fn options(directory: &Path, source: Source) -> Options {
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    Options {
        id: "g1".to_owned(),
        listen: any,
        tls: None,
        internal: Some(any),
        admin: any,
        state_dir: directory.to_owned(),
        source,
        linger: Duration::from_millis(300),
        grace: Duration::from_secs(3),
        fault: None,
    }
}

/// Polls until it is so; fails after a while.
pub async fn until<F: Future<Output = bool>>(what: &str, mut is_so: impl FnMut() -> F) {
    let begun = Instant::now();
    while !is_so().await {
        assert!(begun.elapsed() < Duration::from_secs(10), "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

impl World {
    pub async fn start(table: Table) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("routes.json");
        write(&path, &table);
        let gateway = Gateway::start(options(directory.path(), Source::File(path)))
            .await
            .unwrap();
        let world = World {
            address: gateway.listening(),
            internal: gateway.internal().unwrap(),
            admin: gateway.admin(),
            gateway: Some(gateway),
            directory,
            table,
        };
        world.until_generation().await;
        world
    }

    /// Changes the table; returns when the gateway uses it.
    pub async fn change(&mut self, change: impl FnOnce(&mut Table)) {
        self.publish(change);
        self.until_generation().await;
    }

    /// Changes the table and does not wait.
    pub fn publish(&mut self, change: impl FnOnce(&mut Table)) {
        change(&mut self.table);
        self.table.generation += 1;
        write(&self.file(), &self.table);
    }

    /// Changes the route of one tenant.
    pub async fn route(&mut self, tenant: &str, change: impl FnOnce(&mut Route)) {
        self.change(|table| reroute(table, tenant, change)).await;
    }

    pub async fn get(&self, tenant: &str, path: &str) -> client::Answer {
        client::send(self.address, client::get(tenant, path)).await
    }

    pub async fn health(&self) -> serde_json::Value {
        client::send(self.admin, client::get("admin", "/healthz")).await.json()
    }

    async fn until_generation(&self) {
        let generation = self.table.generation;
        until("table in use", || async move {
            self.health().await["table"]["generation"] == generation
        })
        .await;
    }

    fn file(&self) -> PathBuf {
        self.directory.path().join("routes.json")
    }
}

pub fn reroute(table: &mut Table, tenant: &str, change: impl FnOnce(&mut Route)) {
    let mut routes: std::collections::BTreeMap<TenantName, Route> = table
        .routes
        .iter()
        .map(|(tenant, route)| (tenant.clone(), route.clone()))
        .collect();
    change(routes.get_mut(tenant).unwrap());
    table.routes = routes.into_iter().collect();
}

pub fn to_new(route: &mut Route) {
    route.version = VersionKey::from("eu/new");
}

/// As whoever follows expects it: never half a file.
fn write(path: &Path, table: &Table) {
    let new = path.with_extension("written");
    std::fs::write(&new, serde_json::to_vec(table).unwrap()).unwrap();
    std::fs::rename(new, path).unwrap();
}
