use std::path::PathBuf;
use std::time::Instant;

use tidegate_domain::calendar::{HOURS, read_instant};
use tidegate_domain::time::Duration;
use tidegate_store::{Fact, FactChange};

use super::meter::Look;
use super::*;

fn service() -> ServiceName {
    ServiceName::new("shop").unwrap()
}

fn tenant(name: &str) -> TenantName {
    TenantName::new(name).unwrap()
}

fn at(text: &str) -> Timestamp {
    read_instant(text).unwrap()
}

fn zones(of: &[(&str, &str)]) -> BTreeMap<TenantName, TimeZoneName> {
    of.iter()
        .map(|(name, zone)| (tenant(name), zone.parse().unwrap()))
        .collect()
}

fn came(from: Timestamp, seconds: u32, requests: &[(&str, u64)]) -> Came {
    Came {
        from,
        until: from + Duration::from_secs(seconds),
        requests: requests
            .iter()
            .map(|(name, requests)| (tenant(name), *requests))
            .collect(),
    }
}

fn hourly(traffic: &Traffic, name: &str, hour: usize) -> f64 {
    traffic.profile().unwrap().tenants[&tenant(name)].hourly[hour]
}

async fn rows(store: &Store) -> BTreeMap<String, usize> {
    let facts = store.facts("shop", "traffic").await.unwrap();
    facts.into_iter().map(|fact| (fact.key, fact.body.len())).collect()
}

#[tokio::test]
async fn each_tenant_is_measured_by_its_own_clocks_and_a_quiet_one_is_known_to_be_quiet() {
    let traffic = Traffic::new(Store::memory(), service());
    let tenants = [tenant("acme"), tenant("bolt"), tenant("cato")];
    let zones = zones(&[("acme", "Europe/Berlin"), ("bolt", "America/New_York")]);
    // A Monday at noon, UTC.
    let noon = at("2026-11-23T12:00:00Z");
    traffic.add(
        &came(noon, 36, &[("acme", 10), ("bolt", 20), ("stranger", 5)]),
        tenants.iter(),
        &zones,
    );
    let known = traffic.known(|_| true);
    assert_eq!(known.len(), 3, "who is no tenant is not measured");
    // One hour known is the same all week; in the next hour the three differ.
    traffic.add(
        &came(noon + Duration::from_secs(3_600), 36, &[("acme", 1)]),
        tenants.iter(),
        &zones,
    );
    assert_eq!(
        (hourly(&traffic, "acme", 13), hourly(&traffic, "acme", 14)),
        (1_000.0, 100.0)
    );
    assert_eq!(
        (hourly(&traffic, "bolt", 7), hourly(&traffic, "bolt", 8)),
        (2_000.0, 0.0)
    );
    assert_eq!((hourly(&traffic, "cato", 12), hourly(&traffic, "cato", 13)), (0.0, 0.0));
    let measured = traffic.profile().unwrap().measured.unwrap();
    assert_eq!((measured.until, measured.whole), (noon + Duration::from_secs(3_636), 0));
}

#[tokio::test]
async fn a_crash_loses_what_was_not_written_and_adds_nothing_twice() {
    let store = Store::memory();
    let traffic = Traffic::load(store.clone(), service()).await.unwrap();
    assert_eq!(traffic.profile(), None);
    let (acme, none) = ([tenant("acme")], BTreeMap::new());
    let nine = at("2026-11-23T09:00:00Z");
    traffic.add(&came(nine, 600, &[("acme", 1_000)]), acme.iter(), &none);
    assert_eq!(traffic.write().await.unwrap(), 1);
    assert_eq!(traffic.write().await.unwrap(), 0, "nothing has changed");
    traffic.add(
        &came(nine + Duration::from_secs(600), 600, &[("acme", 7_000)]),
        acme.iter(),
        &none,
    );
    assert_eq!(hourly(&traffic, "acme", 9), 24_000.0);
    drop(traffic);
    let traffic = Traffic::load(store.clone(), service()).await.unwrap();
    assert_eq!(
        hourly(&traffic, "acme", 9),
        6_000.0,
        "the requests are lost, and the time with them"
    );
    traffic.add(
        &came(nine + Duration::from_secs(1_200), 600, &[("acme", 1_000)]),
        acme.iter(),
        &none,
    );
    assert_eq!(hourly(&traffic, "acme", 9), 6_000.0);
    assert_eq!(traffic.write().await.unwrap(), 1);
    let again = Traffic::load(store, service()).await.unwrap();
    assert_eq!(again.profile().unwrap().tenants, traffic.profile().unwrap().tenants);
}

#[tokio::test]
async fn who_is_no_tenant_any_more_is_forgotten_and_begins_anew() {
    let store = Store::memory();
    let traffic = Traffic::load(store.clone(), service()).await.unwrap();
    let both = [tenant("acme"), tenant("bolt")];
    let nine = at("2026-11-23T09:00:00Z");
    traffic.add(&came(nine, 60, &[("bolt", 60)]), both.iter(), &BTreeMap::new());
    traffic.write().await.unwrap();
    assert_eq!(rows(&store).await.len(), 2);
    traffic.keep_only(|name| *name != tenant("bolt"));
    traffic.write().await.unwrap();
    assert_eq!(rows(&store).await.into_keys().collect::<Vec<_>>(), ["acme"]);
    // Removed and added again between two times of writing.
    traffic.add(
        &came(nine + Duration::from_secs(60), 60, &[("acme", 60)]),
        both.iter(),
        &BTreeMap::new(),
    );
    traffic.keep_only(|name| *name != tenant("acme"));
    traffic.add(
        &came(nine + Duration::from_secs(120), 60, &[]),
        both.iter(),
        &BTreeMap::new(),
    );
    traffic.write().await.unwrap();
    assert_eq!(rows(&store).await.len(), 2);
    assert_eq!(hourly(&traffic, "acme", 9), 0.0);
}

#[tokio::test]
async fn a_row_that_cannot_be_understood_is_measured_anew_and_the_others_are_kept() {
    let store = Store::memory();
    let traffic = Traffic::load(store.clone(), service()).await.unwrap();
    let nine = at("2026-11-23T09:00:00Z");
    traffic.add(
        &came(nine, 60, &[("acme", 60)]),
        [tenant("acme")].iter(),
        &BTreeMap::new(),
    );
    traffic.write().await.unwrap();
    let bad = [
        "",
        "1 UTC",
        "1 UTC !",
        "1 Atlantis/Sunk AAAA",
        "1 UTC AAAA",
        "x UTC AAAA",
    ];
    let puts: Vec<FactChange> = (0..)
        .zip(bad)
        .map(|(n, body): (usize, &str)| {
            FactChange::Put(Fact {
                kind: "traffic".to_owned(),
                key: format!("t{n}"),
                body: body.to_owned(),
            })
        })
        .collect();
    store.change_facts("shop", &puts).await.unwrap();
    let read = Traffic::load(store, service()).await.unwrap();
    assert_eq!(read.known(|_| true).into_keys().collect::<Vec<_>>(), [tenant("acme")]);
}

#[tokio::test]
async fn the_clocks_of_a_tenant_are_set_right_without_losing_what_is_known() {
    let traffic = Traffic::new(Store::memory(), service());
    let acme = [tenant("acme")];
    let monday = at("2026-11-23T00:00:00Z");
    for hour in 0..168_u16 {
        let requests = if hour == 9 { 500 } else { 5 };
        let from = monday + Duration::from_hours(hour);
        traffic.add(&came(from, 3_600, &[("acme", requests)]), acme.iter(), &BTreeMap::new());
    }
    assert_eq!(hourly(&traffic, "acme", 9), 500.0);
    assert_eq!(traffic.profile().unwrap().measured.unwrap().whole, 1);
    let zones = zones(&[("acme", "Europe/Berlin")]);
    traffic.add(&came(monday + Duration::from_hours(168), 1, &[]), acme.iter(), &zones);
    assert_eq!(
        (hourly(&traffic, "acme", 9), hourly(&traffic, "acme", 10)),
        (5.0, 500.0)
    );
}

#[test]
fn only_time_between_two_looks_at_the_same_gateways_is_known() {
    let look = |seconds: i64, gateways: &[&str]| Look {
        at: Timestamp(seconds * 1_000),
        processes: gateways.iter().map(|name| (*name).to_owned()).collect(),
    };
    let earlier = look(100, &["main/1"]);
    assert_eq!(look(105, &["main/1"]).since(&earlier), Some(Timestamp(100_000)));
    assert_eq!(look(105, &["main/2"]).since(&earlier), None, "another process");
    assert_eq!(look(105, &["main/1", "edge/1"]).since(&earlier), None, "one more");
    assert_eq!(look(400, &["main/1"]).since(&earlier), None, "the machine was asleep");
    assert_eq!(look(90, &["main/1"]).since(&earlier), None, "the clock was put back");
    assert_eq!(look(100, &["main/1"]).since(&earlier), None);
}

/// `cargo test -p tidegate-server --lib traffic -- --nocapture` shows the figures.
#[tokio::test]
async fn ten_thousand_tenants_cost_little() {
    let folder = tempfile::tempdir().unwrap();
    let path: PathBuf = folder.path().join("store.db");
    let store = Store::open(&path).await.unwrap();
    let traffic = Traffic::load(store.clone(), service()).await.unwrap();
    let names: Vec<TenantName> = (0..10_000).map(|n| tenant(&format!("tenant-{n}"))).collect();
    let places = ["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Asia/Tokyo"];
    let zones: BTreeMap<TenantName, TimeZoneName> = names
        .iter()
        .zip(places.iter().cycle())
        .map(|(name, zone)| (name.clone(), zone.parse().unwrap()))
        .collect();
    let monday = at("2026-11-23T00:00:00Z");
    for hour in 0..HOURS as u16 {
        let requests = names
            .iter()
            .zip(0_u64..)
            .map(|(name, n)| (name.clone(), n * u64::from(hour % 24)));
        let from = monday + Duration::from_hours(hour);
        let until = from + Duration::from_hours(1);
        traffic.add(
            &Came {
                from,
                until,
                requests: requests.collect(),
            },
            names.iter(),
            &zones,
        );
    }
    let looks = Instant::now();
    for second in 0..20_u32 {
        let requests = names.iter().map(|name| (name.clone(), 3)).collect();
        let from = monday + Duration::from_secs(7 * 86_400 + 5 * second);
        let until = from + Duration::from_secs(5);
        traffic.add(&Came { from, until, requests }, names.iter(), &zones);
    }
    let look = looks.elapsed() / 20;
    let writing = Instant::now();
    assert_eq!(traffic.write().await.unwrap(), 10_000);
    let written = writing.elapsed();
    let reading = Instant::now();
    let again = Traffic::load(store.clone(), service()).await.unwrap();
    let read = reading.elapsed();
    let making = Instant::now();
    let profile = again.profile().unwrap();
    let made = making.elapsed();
    assert_eq!(profile.tenants.len(), 10_000);
    assert_eq!(profile.measured.unwrap().whole, 10_000);
    let bytes: usize = rows(&store).await.iter().map(|(key, body)| key.len() + body).sum();
    let json = serde_json::to_string(&profile).unwrap().len();
    println!(
        "10,000 tenants: a look takes {look:.1?}, writing all {written:.1?}, reading all {read:.1?}, the profile {made:.1?}; \
         {} bytes a tenant in the store, {} bytes a tenant in traffic.json",
        bytes / 10_000,
        json / 10_000
    );
    assert!(bytes / 10_000 < 760, "{bytes}");
    assert!(json < 16 * 1024 * 1024, "a plan with it fits a request: {json}");
}
