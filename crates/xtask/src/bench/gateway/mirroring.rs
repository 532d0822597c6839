//! `bench shadow`: what mirroring costs, and whether clients feel it.
//!
//! One gateway, once with mirroring and once without, in turns; nothing else changes. First the requests are mirrored to a version that never
//! answers, under a steady load: the clients' time must not be resolvably longer. Then to one that does, under full load: a tenth of the requests may cost
//! at most a quarter more processor time.

use std::io::Read as _;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::thread;
use std::time::Duration;

use super::super::figure::{Figure, Limit, Report, median};
use super::super::workshop::{Folder, build};
use super::super::{Rounds, tool};
use super::contender::Contender;
use super::load::Load;
use super::publisher::{Publisher, Wish};
use super::steady::{Steady, Times};
use super::tenants;
use super::upstream::Upstream;

/// The interval below needs so many.
const PAIRS: usize = 20;
/// Of 20 differences the sixth and the fifteenth hold the median between them with a probability of 0.96 (the sign test, turned around).
const OUTERMOST: usize = 5;
/// A gateway asks for its wish each second.
const HEARD_AFTER: Duration = Duration::from_millis(2_200);
const SHARE: f64 = 0.1;

/// What the gateway needed for one run.
struct Cost {
    processor_micros: f64,
    requests: f64,
    mirrored: f64,
}

/// The same load with mirroring and without.
struct Pair<T> {
    on: T,
    off: T,
}

/// A gateway whose clients' requests are mirrored when that is wished.
struct Mirrored {
    gateway: Contender,
    publisher: Publisher,
}

pub fn run(root: &Path, rounds: Rounds) -> Result<Report, String> {
    let binary = build(root)?;
    let nginx = tool::from_apt(root, "nginx")?;
    let wrk = tool::from_apt(root, "wrk")?;
    let h2load = tool::from_apt_as(root, "h2load", "nghttp2-client")?;
    let folder = Folder::make()?;
    let upstream = Upstream::start(&nginx, &folder.0)?;
    let (load, steady) = (Load::new(wrk, &folder.0)?, Steady::new(h2load, &folder.0));
    let [one, two] = upstream.versions;
    let start = |name: &str, shadow| {
        let publisher = Publisher::start(&super::contender::table(&[one, two, shadow]))?;
        let gateway = Contender::following(&binary, &folder.0.join(name), &publisher)?;
        gateway.check()?;
        load.run(gateway.address, 1)?;
        Ok::<_, String>(Mirrored { gateway, publisher })
    };
    let mirrored = start("hung", hung()?)?;
    let felt = pairs("hung", &mirrored, || {
        // As much hangs as may.
        steady.run(mirrored.gateway.address, 1)?;
        steady.run(mirrored.gateway.address, rounds.seconds)
    })?;
    drop(mirrored);
    let mirrored = start("answering", two)?;
    let costs = pairs("answering", &mirrored, || cost(&mirrored, &load, rounds.seconds))?;
    Ok(Report {
        name: "shadow",
        figures: of_latency(&felt).into_iter().chain(of_cost(&costs)).collect(),
    })
}

/// Takes connections and never says anything.
fn hung() -> Result<SocketAddr, String> {
    let cannot = |error| format!("cannot listen: {error}");
    let listener = TcpListener::bind("127.0.0.1:0").map_err(cannot)?;
    let address = listener.local_addr().map_err(cannot)?;
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || while stream.read(&mut [0; 4096]).is_ok_and(|count| count > 0) {});
        }
    });
    Ok(address)
}

/// Every second pair begins without.
fn pairs<T>(name: &str, mirrored: &Mirrored, measure: impl Fn() -> Result<T, String>) -> Result<Vec<Pair<T>>, String> {
    let wish: &Wish = &mirrored.publisher.wish;
    let once = |tap: String| {
        wish.set(tap);
        thread::sleep(HEARD_AFTER);
        measure()
    };
    let pair = |number: usize| {
        eprintln!("{name} shadow: pair {} of {PAIRS}", number + 1);
        let pair = if number.is_multiple_of(2) {
            let on = once(tap(number))?;
            Pair {
                on,
                off: once(String::new())?,
            }
        } else {
            let off = once(String::new())?;
            Pair {
                on: once(tap(number))?,
                off,
            }
        };
        Ok(pair)
    };
    (0..PAIRS).map(pair).collect()
}

fn cost(mirrored: &Mirrored, load: &Load, seconds: u64) -> Result<Cost, String> {
    let Mirrored { gateway, publisher } = mirrored;
    // Connections are opened.
    load.run(gateway.address, 1)?;
    let before_mirrored = publisher.wish.mirrored();
    let before = gateway.processor_time()?;
    let done = load.run(gateway.address, seconds)?;
    let used = gateway.processor_time()?.saturating_sub(before);
    thread::sleep(HEARD_AFTER);
    Ok(Cost {
        processor_micros: used.as_secs_f64() * 1e6 / done.requests,
        requests: done.requests,
        mirrored: publisher.wish.mirrored().saturating_sub(before_mirrored) as f64,
    })
}

/// A tenth of everything, to the third version.
fn tap(number: usize) -> String {
    let names: Vec<String> = tenants().map(|(tenant, _)| format!("\"{tenant}\"")).collect();
    format!(
        "{{\"id\": \"tap-{number}\", \"lease_ms\": 10000, \"plan\": {{\"component\": \"web\", \"tenants\": [{}], \
         \"versions\": {{\"cell/1\": \"cell/3\", \"cell/2\": \"cell/3\"}}, \"basis_points\": {}, \
         \"endpoints\": [{{\"method\": \"GET\", \"path\": \"/**\"}}], \"body_bytes_max\": 65536, \"in_flight_max\": 100, \
         \"timeout_ms\": 5000}}}}",
        names.join(", "),
        (SHARE * 10_000.0) as u16,
    )
}

fn of_latency(pairs: &[Pair<Times>]) -> Vec<Figure> {
    type Value = fn(&Times) -> f64;
    let (p99, mean): (Value, Value) = (|times| times.p99_ms, |times| times.mean_ms);
    let figure = |name, unit, ours, limit| Figure {
        name,
        unit,
        ours,
        peers: Vec::new(),
        limit,
    };
    let interval = |value: Value| {
        let mut changes: Vec<f64> = pairs.iter().map(|pair| value(&pair.on) - value(&pair.off)).collect();
        changes.sort_by(f64::total_cmp);
        (changes[OUTERMOST], changes[changes.len() - 1 - OUTERMOST])
    };
    let (low, high) = interval(mean);
    let (p99_low, p99_high) = interval(p99);
    let middle = |value: Value, of: fn(&Pair<Times>) -> &Times| {
        let values: Vec<f64> = pairs.iter().map(|pair| value(of(pair))).collect();
        median(&values)
    };
    let of_both = |name, value| Figure {
        name,
        unit: "ms",
        ours: middle(value, |pair| &pair.on),
        peers: vec![("off", middle(value, |pair| &pair.off))],
        limit: None,
    };
    vec![
        of_both("hung_latency_mean", mean),
        of_both("hung_latency_p99", p99),
        // Above 0 it would be shown to be longer.
        figure("hung_mean_change_from", "ms", low, Some(Limit::Ours(0.0))),
        figure("hung_mean_change_to", "ms", high, None),
        figure("hung_p99_change_from", "ms", p99_low, Some(Limit::Ours(0.0))),
        figure("hung_p99_change_to", "ms", p99_high, None),
    ]
}

fn of_cost(pairs: &[Pair<Cost>]) -> Vec<Figure> {
    let processor = |of: fn(&Pair<Cost>) -> &Cost| {
        let values: Vec<f64> = pairs.iter().map(|pair| of(pair).processor_micros).collect();
        median(&values)
    };
    let ratios: Vec<f64> = pairs
        .iter()
        .map(|pair| pair.on.processor_micros / pair.off.processor_micros)
        .collect();
    let shares: Vec<f64> = pairs
        .iter()
        .map(|pair| 100.0 * pair.on.mirrored / pair.on.requests)
        .collect();
    let figure = |name, unit, ours, limit| Figure {
        name,
        unit,
        ours,
        peers: Vec::new(),
        limit,
    };
    vec![
        Figure {
            name: "cpu_per_request",
            unit: "us",
            ours: processor(|pair| &pair.on),
            peers: vec![("off", processor(|pair| &pair.off))],
            limit: None,
        },
        figure("cpu_ratio", "x", median(&ratios), Some(Limit::Ours(1.25))),
        figure("mirrored_share", "%", median(&shares), None),
    ]
}
