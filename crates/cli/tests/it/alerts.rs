//! `alerts replay`, without a server.

use crate::workspace::{Ended, Workspace};

/// Three weeks of ten a minute from Monday 2 November 2026 on, without the lines that `count` leaves out.
fn series(count: impl Fn(usize) -> Option<u32>) -> String {
    let mut text = "instant,count\n".to_owned();
    for minute in 0..21 * 1_440 {
        if let Some(count) = count(minute) {
            let second = 1_793_577_600 + minute as i64 * 60;
            text.push_str(&format!("{second},{count}\n"));
        }
    }
    text
}

fn replayed(text: &str, options: &[&str]) -> Ended {
    let workspace = Workspace::empty();
    workspace.write("counts.csv", text);
    workspace.run(&[&["alerts", "replay", "counts.csv"], options].concat())
}

/// Noon of the third Wednesday.
const NOON: usize = 16 * 1_440 + 720;

#[test]
fn an_outage_is_one_alarm_with_its_beginning_and_its_end() {
    let outage = series(|minute| Some(if (NOON..NOON + 60).contains(&minute) { 0 } else { 10 }));
    let document = replayed(&outage, &["--json"]).succeeded().json();
    let alarms = document["alarms"].as_array().unwrap();
    assert_eq!(alarms.len(), 1, "{document}");
    assert_eq!(alarms[0]["direction"], "drop");
    assert_eq!(alarms[0]["since"], "2026-11-18T12:00:00+00:00");
    assert_eq!(
        alarms[0]["at"], "2026-11-18T12:05:00+00:00",
        "50 are missing, and about 30 suffice"
    );
    assert_eq!(alarms[0]["ended_because"], "recovered");
    assert_eq!(document["bucket_seconds"], 300);
    replayed(&outage, &["--exit-code", "--zone", "Europe/Berlin"])
        .ended_with(3)
        .shows("drop   2026-11-18T13:00:00+01:00")
        .shows("1 alarm in 6048 intervals of 300 s, 0 without a count");
}

#[test]
fn lines_that_are_missing_are_no_zeros() {
    let gap = series(|minute| (!(NOON..NOON + 60).contains(&minute)).then_some(10));
    let document = replayed(&gap, &["--json", "--exit-code"]).succeeded().json();
    assert_eq!(document["missing_buckets"], 12);
    assert_eq!(document["alarms"].as_array().unwrap().len(), 0);
}

#[test]
fn a_spike_is_found_and_too_little_is_said() {
    let spike = series(|minute| Some(if (NOON..NOON + 60).contains(&minute) { 50 } else { 10 }));
    replayed(&spike, &[])
        .succeeded()
        .shows("spike")
        .shows("more than expected");
    let rare = series(|minute| Some(u32::from(minute % 720 == 0)));
    replayed(&rare, &[])
        .succeeded()
        .shows("0 alarms")
        .shows("drops are not monitorable: 2.0 are expected in a day");
    replayed("2026-11-24 06:00,17\n2026-11-24T06:05:00Z, 17.0\n", &[])
        .succeeded()
        .shows("not monitorable: less than a day has been seen");
}

#[test]
fn lines_that_cannot_be_are_refused_with_their_number() {
    for (line, problem) in [
        ("yesterday,5", "`yesterday` is not an instant"),
        ("2026-11-24T06:05:00Z", "is not an instant and a count"),
        ("2026-11-24T06:05:00Z,-1", "`-1` is not a count"),
        ("2026-11-24T06:05:00Z,NaN", "`NaN` is not a count"),
        (
            "2026-11-24T06:00:00Z,5",
            "the line before is of 2026-11-24T06:00:00Z, and this one is not later",
        ),
    ] {
        let text = format!("instant,count\n2026-11-24T06:00:00Z,5\n{line}\n");
        replayed(&text, &["--json"])
            .ended_with(1)
            .says("cannot read the counts of `counts.csv:3`")
            .says(problem)
            .says("help: ");
    }
    replayed("instant,count\n", &[])
        .ended_with(1)
        .says("`counts.csv` has no counts");
    replayed("", &["--zone", "Moon"])
        .ended_with(2)
        .says("`Moon` is no time zone");
    Workspace::empty()
        .run(&["alerts", "replay", "gone.csv"])
        .ended_with(1)
        .says("cannot read `gone.csv`");
}
