use std::collections::BTreeSet;

use super::*;

fn shown(hourly: Vec<f64>, peak_hours: BTreeSet<u8>, hours_measured: f64, hours_known: usize) -> TrafficProfile {
    let tenant = TenantTraffic {
        time_zone: "Europe/Berlin".to_owned(),
        hours_measured,
        hours_known,
        hourly,
        peak_hours,
    };
    TrafficProfile {
        schema_version: 1,
        until_ms: Some(1_795_000_000_000),
        tenants: [("acme".parse().unwrap(), tenant)].into(),
    }
}

#[test]
fn a_week_is_drawn_day_by_day_with_its_peaks_in_words() {
    let hourly = (0..HOURS).map(|hour| {
        if hour < 120 && (9..17).contains(&(hour % 24)) {
            800.0
        } else {
            10.0
        }
    });
    let peaks = (0..5)
        .flat_map(|day| (10..16).map(move |hour| day * 24 + hour))
        .collect();
    let page = week(&"acme".parse().unwrap(), &shown(hourly.collect(), peaks, 504.0, HOURS));
    assert!(page.starts_with("acme, by the clocks of Europe/Berlin\n"), "{page}");
    assert!(
        page.contains("Mon  ▁▁▁▁▁▁▁▁▁████████▁▁▁▁▁▁▁  6560 requests\n"),
        "{page}"
    );
    assert!(page.contains("Sun  ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁  240 requests\n"), "{page}");
    assert!(page.contains("peaks: Mon, Tue, Wed, Thu, Fri 10:00-16:00\n"), "{page}");
    assert!(
        page.ends_with("measured over 3.0 weeks, 168 of 168 hours of the week\n"),
        "{page}"
    );
}

#[test]
fn nothing_and_next_to_nothing_are_told_as_that() {
    let none = TrafficProfile {
        schema_version: 1,
        until_ms: None,
        tenants: BTreeMap::new(),
    };
    assert!(list(&none).starts_with("no traffic has been measured yet"));
    assert!(week(&"acme".parse().unwrap(), &none).contains("no traffic of `acme`"));
    let quiet = shown(vec![0.0; HOURS], BTreeSet::new(), 0.1, 1);
    let page = week(&"acme".parse().unwrap(), &quiet);
    assert!(page.contains("Mon  ........................  0 requests\n"), "{page}");
    assert!(
        page.contains("no peak\nmeasured over 6 min, 1 of 168 hours of the week\n"),
        "{page}"
    );
    assert!(list(&quiet).contains("1 of 168"), "{}", list(&quiet));
}
