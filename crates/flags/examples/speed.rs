//! Prints what an evaluation and a load cost: run it with `--release` on an idle machine.
//!
//! A third of the flags has no targeting, a third asks for one of eight tenants and a version, a third splits into four. "compiled for
//! each question" does what flagd's server does: it reads the rule anew.

#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "it measures, and says so on standard output"
)]

use std::error::Error;
use std::hint::black_box;
use std::time::Instant;

use serde_json::{Map, Value as Json, json};
use tidegate_flags::{Snapshot, load, load_document};

const ROUNDS: usize = 7;

fn flag(number: usize) -> Json {
    let tenants: Vec<String> = (0..8).map(|place| format!("tenant-{}", number + place)).collect();
    let targeting = match number % 3 {
        0 => json!({}),
        1 => json!({"if": [
            {"and": [{"in": [{"var": "tenant"}, tenants]}, {"sem_ver": [{"var": "version"}, ">=", "2.0.0"]}]},
            "on",
            "off",
        ]}),
        _ => json!({"fractional": [["on", 25], ["off", 25], ["high", 25], ["low", 25]]}),
    };
    json!({
        "state": "ENABLED",
        "variants": {"on": true, "off": false, "high": true, "low": false},
        "defaultVariant": "off",
        "targeting": targeting,
        "metadata": {"owner": "ann", "kind": "release"},
    })
}

fn set(count: usize) -> Json {
    let flags: Map<String, Json> = (0..count)
        .map(|number| (format!("flag-{number}"), flag(number)))
        .collect();
    json!({"flags": flags})
}

/// The least of several rounds, in seconds: what the machine does beside only ever adds.
fn best(mut work: impl FnMut()) -> f64 {
    let round = |_| {
        let started = Instant::now();
        work();
        started.elapsed().as_secs_f64()
    };
    (0..ROUNDS).map(round).fold(f64::INFINITY, f64::min)
}

fn main() -> Result<(), Box<dyn Error>> {
    let document =
        json!({"tenant": "tenant-4", "version": "2.1.0", "plan": "gold", "targetingKey": "user-17", "seats": 12});
    let context = document.as_object().ok_or("an object")?;
    let text = set(10_000).to_string();
    let (snapshot, problems) = load(&Snapshot::default(), &text);
    assert!(problems.is_empty(), "the flags are sound");

    for (what, key) in [
        ("no targeting", "flag-0"),
        ("in and sem_ver", "flag-1"),
        ("fractional of four", "flag-2"),
    ] {
        const TIMES: usize = 200_000;
        let seconds = best(|| {
            for _ in 0..TIMES {
                black_box(snapshot.evaluate(black_box(key), black_box(context), 1_795_000_000, &()));
            }
        });
        println!("one flag, {what}: {:.0} ns", seconds * 1e9 / TIMES as f64);
        let one = json!({"flags": {key: snapshot.flag(key).ok_or("the flag is there")?.definition()}});
        let seconds = best(|| {
            for _ in 0..2_000 {
                let (snapshot, _) = load_document(&Snapshot::default(), &one);
                black_box(snapshot.evaluate(key, context, 1_795_000_000, &()));
            }
        });
        println!("  compiled for each question: {:.0} ns", seconds * 1e9 / 2_000.0);
    }
    let all = best(|| {
        assert_eq!(
            snapshot
                .evaluate_all(black_box(context), 1_795_000_000, &())
                .map(black_box)
                .count(),
            10_000
        );
    });
    println!("10,000 flags: {:.2} ms, {:.0} ns each", all * 1e3, all * 1e5);
    let loading = best(|| {
        black_box(load(&Snapshot::default(), &text));
    });
    println!("loading 10,000 flags of {} bytes: {:.0} ms", text.len(), loading * 1e3);
    Ok(())
}
