use super::*;
use crate::fixture::tenant;

const INTERVAL: Duration = Duration::from_secs(300);

fn totals(requests: u64) -> BTreeMap<TenantName, Totals> {
    let totals = Totals {
        requests,
        ..Totals::default()
    };
    BTreeMap::from([(tenant("acme"), totals)])
}

fn cut(meter: &mut Meter, requests: u64, second: i64) -> Option<u64> {
    let bucket = meter.cut(totals(requests), INTERVAL, Timestamp(second * 1_000))?;
    Some(bucket.counts.get(&tenant("acme")).map_or(0, |totals| totals.requests))
}

#[test]
fn a_bucket_is_what_came_between_two_borders() {
    let mut meter = Meter::default();
    assert!(meter.is_due(INTERVAL, Timestamp(10_000)));
    assert_eq!(
        cut(&mut meter, 1_000, 301),
        None,
        "nobody knows since when that was counted"
    );
    assert!(!meter.is_due(INTERVAL, Timestamp(599_000)));
    assert!(meter.is_due(INTERVAL, Timestamp(600_000)));
    assert_eq!(cut(&mut meter, 1_010, 600), Some(10));
    assert_eq!(cut(&mut meter, 1_010, 900), Some(0));
}

#[test]
fn what_is_not_known_is_no_silence() {
    let mut meter = Meter::default();
    cut(&mut meter, 10, 300);
    meter.is_incomplete();
    assert_eq!(cut(&mut meter, 10, 600), None, "a gateway was silent");
    assert_eq!(cut(&mut meter, 30, 900), Some(20));
    assert_eq!(cut(&mut meter, 40, 9_000), None, "the machine slept");
    assert_eq!(cut(&mut meter, 45, 9_300), Some(5));
    assert_eq!(cut(&mut meter, 50, 9_000), None, "the clock was set back");
}
