//! Recorded responses of an orders service, with noise, and with faults of which each has to be found and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_evidence::shadow::{ALPHA, Comparison, Record, Report, Rules};
use tidegate_evidence::{Misfit, Verdict};

use crate::Effort;
use crate::limits::Limits;
use crate::random::Random;

const PAIRS: u64 = 2_000;
/// What may be missed of recordings: a fault of 1 % shows in 20 pairs on average, and in fewer than 10 of some.
const MISSED_MOST: f64 = 0.02;

/// What is wrong with the new version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    Renamed,
    Removed,
    Retyped,
    Reordered,
    OffByALittle,
    Rare,
    Slower,
}

pub const FAULTS: [Fault; 7] = [
    Fault::Renamed,
    Fault::Removed,
    Fault::Retyped,
    Fault::Reordered,
    Fault::OffByALittle,
    Fault::Rare,
    Fault::Slower,
];

impl Fault {
    fn about(self) -> &'static str {
        match self {
            Self::Renamed => "a field is renamed",
            Self::Removed => "a field is removed",
            Self::Retyped => "a number is a string",
            Self::Reordered => "an array is in another order",
            Self::OffByALittle => "a number is off by 0.01",
            Self::Rare => "a value is wrong in 1 %",
            Self::Slower => "all responses take 1.3 times as long",
        }
    }

    /// The fields that have to be named.
    fn fields(self) -> &'static [&'static str] {
        match self {
            Self::Renamed => &["$.total", "$.sum"],
            Self::Removed => &["$.currency"],
            Self::Retyped => &["$.points"],
            Self::Reordered => &["$.lines"],
            Self::OffByALittle => &["$.tax"],
            Self::Rare => &["$.tier"],
            Self::Slower => &[],
        }
    }
}

/// One answer to the `order`-th request.
fn answer(order: u64, faults: &[Fault], random: &mut Random) -> Record {
    let has = |fault| faults.contains(&fault);
    let fails = random.share() < 0.003;
    let (total, points) = (order % 97 + 10, order % 500);
    let total_name = if has(Fault::Renamed) { "sum" } else { "total" };
    let currency = if has(Fault::Removed) {
        ""
    } else {
        r#""currency":"EUR","#
    };
    let points = if has(Fault::Retyped) {
        format!("\"{points}\"")
    } else {
        points.to_string()
    };
    let tax = total as f64 * 0.19 + if has(Fault::OffByALittle) { 0.01 } else { 0.0 };
    let tier = if has(Fault::Rare) && random.share() < 0.01 {
        "none"
    } else {
        "gold"
    };
    let mut lines = [1, 2, 3].map(|line| format!(r#"{{"id":{line},"quantity":{}}}"#, (order + line) % 7));
    if has(Fault::Reordered) {
        lines.reverse();
    }
    // From here on it differs from one answer of one version to the next.
    let promotion = if random.share() < 0.05 {
        r#","promotion":"spring""#
    } else {
        ""
    };
    let stock = 100 - (random.share() * 1.4) as u64;
    let tags = if random.share() < 0.1 {
        r#"["new","hot"]"#
    } else {
        r#"["hot","new"]"#
    };
    let body = format!(
        r#"{{"{total_name}":{total},{currency}"points":{points},"tax":{tax:.4},"tier":"{tier}","lines":[{}],"stock":{stock},"tags":{tags},"generated_at":"2026-11-24T06:00:00.{:09}Z","trace":"{:016x}"{promotion}}}"#,
        lines.join(","),
        random.next() % 1_000_000_000,
        random.next(),
    );
    let etag = format!("\"{:x}\"", (random.share() * 5.0) as u64);
    let slower = if has(Fault::Slower) { 1.3 } else { 1.0 };
    Record {
        id: order.to_string(),
        method: "GET".to_owned(),
        path: format!("/orders/{order}"),
        tenant: None,
        status: if fails { 503 } else { 200 },
        headers: BTreeMap::from([("etag".to_owned(), vec![etag])]),
        body: if fails { b"{}".to_vec() } else { body.into_bytes() },
        milliseconds: Some(80.0 * slower * (0.7 * random.normal()).exp()),
    }
}

/// Three recordings of `pairs` requests: by the old version twice, and by a new one with these faults.
pub fn compared(seed: u64, pairs: u64, faults: &[Fault], has_noise: bool) -> Result<Report, Misfit> {
    let mut random = Random::new(seed, 11);
    let mut comparison = Comparison::new(Rules::default(), has_noise);
    for order in 1000..1000 + pairs {
        let old = answer(order, &[], &mut random);
        let noise = answer(order, &[], &mut random);
        let new = answer(order, faults, &mut random);
        comparison.observe(&old, &new, has_noise.then_some(&noise))?;
    }
    comparison.report()
}

/// Whether each fault is named, and how many fields are named that are sound.
pub fn found(report: &Report, faults: &[Fault]) -> (Vec<bool>, usize) {
    let named: BTreeSet<&str> = report
        .fields(Verdict::Fail)
        .map(|(_, field)| field.field.as_str())
        .collect();
    let is_slow = report.endpoints.iter().any(|endpoint| {
        let latency = endpoint.latency.as_ref();
        latency.is_some_and(|latency| latency.decision.verdict == Verdict::Fail)
    });
    let is_found = |fault: &Fault| match fault {
        Fault::Slower => is_slow,
        Fault::Renamed | Fault::Removed | Fault::Retyped | Fault::Reordered | Fault::OffByALittle | Fault::Rare => {
            fault.fields().iter().all(|field| named.contains(field))
        }
    };
    let expected: BTreeSet<&str> = faults.iter().flat_map(|fault| fault.fields()).copied().collect();
    let invented = named.difference(&expected).count() + usize::from(is_slow && !faults.contains(&Fault::Slower));
    (faults.iter().map(is_found).collect(), invented)
}

pub fn print(effort: Effort, limits: &mut Limits) -> Result<(), Misfit> {
    let runs = effort.hours as u64;
    println!("{runs} recordings of {PAIRS} requests each.\n");
    println!("| what is wrong | found | recordings in which anything sound is named |");
    println!("| --- | --- | --- |");
    let (mut each, mut invented) = ([0; FAULTS.len()], 0);
    for run in 0..runs {
        let (found, wrong) = found(&compared(effort.seed + run, PAIRS, &FAULTS, true)?, &FAULTS);
        for (count, is_found) in each.iter_mut().zip(found) {
            *count += usize::from(is_found);
        }
        invented += usize::from(wrong > 0);
    }
    for (fault, count) in FAULTS.iter().zip(each) {
        println!("| {}, with all others | {count} | {invented} |", fault.about());
        limits.share(fault.about(), runs as usize - count, runs as usize, MISSED_MOST);
    }
    limits.share("sound fields named beside faults", invented, runs as usize, ALPHA);
    for fault in FAULTS {
        let (mut is_found, mut invented) = (0, 0);
        for run in 0..runs {
            let (found, wrong) = found(&compared(effort.seed + run, PAIRS, &[fault], true)?, &[fault]);
            is_found += usize::from(found[0]);
            invented += usize::from(wrong > 0);
        }
        println!("| {}, alone | {is_found} | {invented} |", fault.about());
        limits.share(fault.about(), runs as usize - is_found, runs as usize, MISSED_MOST);
        limits.share("sound fields named beside a fault", invented, runs as usize, ALPHA);
    }
    let verdicts = equal(effort.seed, runs)?;
    println!(
        "\nThe new version is the old one: pass {}, inconclusive {}, fail {}.",
        verdicts[0], verdicts[1], verdicts[2]
    );
    limits.share("an equal version fails", verdicts[2], runs as usize, ALPHA);
    Ok(())
}

/// An equal version that passes, is left open, fails.
pub fn equal(seed: u64, runs: u64) -> Result<[usize; 3], Misfit> {
    let mut verdicts = [0; 3];
    for run in 0..runs {
        let place = match compared(seed + run, PAIRS, &[], true)?.verdict {
            Verdict::Pass => 0,
            Verdict::Inconclusive => 1,
            Verdict::Fail | Verdict::NoData | Verdict::Error => 2,
        };
        verdicts[place] += 1;
    }
    Ok(verdicts)
}
