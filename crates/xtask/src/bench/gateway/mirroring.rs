//! `bench shadow`: what mirroring costs, and whether clients feel it.
//!
//! One gateway, once with mirroring and once without, in turns; nothing else changes. First the requests are mirrored to a version that never
//! answers: the clients' time must not be resolvably longer. Then to one that does: a tenth of the requests may cost at most a quarter more processor time.

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
use super::tenants;
use super::upstream::Upstream;

/// The interval below needs so many.
const PAIRS: usize = 20;
/// Of 20 differences the sixth and the fifteenth hold the median between them with a probability of 0.96 (the sign test, turned around).
const OUTERMOST: usize = 5;
/// A gateway asks for its wish each second.
const HEARD_AFTER: Duration = Duration::from_millis(2_200);
const SHARE: f64 = 0.1;

/// What clients and the gateway had of one run.
struct Run {
    p99_ms: f64,
    mean_ms: f64,
    processor_micros: f64,
    requests: f64,
    mirrored: f64,
}

/// The same load with mirroring and without.
struct Pair {
    on: Run,
    off: Run,
}

pub fn run(root: &Path, rounds: Rounds) -> Result<Report, String> {
    let binary = build(root)?;
    let nginx = tool::from_apt(root, "nginx")?;
    let wrk = tool::from_apt(root, "wrk")?;
    let folder = Folder::make()?;
    let upstream = Upstream::start(&nginx, &folder.0)?;
    let load = Load::new(wrk, &folder.0)?;
    let mut figures = Vec::new();
    for (name, shadow) in [("hung", hung()?), ("answering", upstream.versions[1])] {
        let [one, two] = upstream.versions;
        let publisher = Publisher::start(&super::contender::table(&[one, two, shadow]))?;
        let gateway = Contender::following(&binary, &folder.0.join(name), &publisher)?;
        gateway.check()?;
        load.run(gateway.address, 1)?;
        let pairs = (0..PAIRS).map(|number| {
            eprintln!("{name} shadow: pair {} of {PAIRS}", number + 1);
            pair(&gateway, &load, &publisher.wish, (number, rounds.seconds))
        });
        let pairs: Vec<Pair> = pairs.collect::<Result<_, _>>()?;
        match name {
            "hung" => figures.extend(of_latency(&pairs)),
            _ => figures.extend(of_cost(&pairs)),
        }
    }
    Ok(Report {
        name: "shadow",
        figures,
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
fn pair(gateway: &Contender, load: &Load, wish: &Wish, (number, seconds): (usize, u64)) -> Result<Pair, String> {
    let once = |mirrors: bool| {
        wish.set(if mirrors { tap(number) } else { String::new() });
        thread::sleep(HEARD_AFTER);
        // Connections are opened, and as much hangs as may.
        load.run(gateway.address, 1)?;
        let before_mirrored = wish.mirrored();
        let before = gateway.processor_time()?;
        let done = load.run(gateway.address, seconds)?;
        let used = gateway.processor_time()?.saturating_sub(before);
        thread::sleep(HEARD_AFTER);
        Ok::<_, String>(Run {
            p99_ms: done.p99_ms,
            mean_ms: done.seconds * 1e3 * super::load::CONNECTIONS as f64 / done.requests,
            processor_micros: used.as_secs_f64() * 1e6 / done.requests,
            requests: done.requests,
            mirrored: wish.mirrored().saturating_sub(before_mirrored) as f64,
        })
    };
    let (on, off) = if number.is_multiple_of(2) {
        let on = once(true)?;
        (on, once(false)?)
    } else {
        let off = once(false)?;
        (once(true)?, off)
    };
    wish.set(String::new());
    Ok(Pair { on, off })
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

fn of_latency(pairs: &[Pair]) -> Vec<Figure> {
    type Value = fn(&Run) -> f64;
    let (p99, mean): (Value, Value) = (|run| run.p99_ms, |run| run.mean_ms);
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
    let middle = |value: Value, of: fn(&Pair) -> &Run| {
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

fn of_cost(pairs: &[Pair]) -> Vec<Figure> {
    let processor = |of: fn(&Pair) -> &Run| {
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
