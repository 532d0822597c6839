use super::*;

#[test]
fn edges_grow_and_cover_a_minute() {
    assert!(LATENCY_EDGES_MICROS.is_sorted_by(|a, b| a < b));
    assert!(LATENCY_EDGES_MICROS.len() < 64);
    let last = LATENCY_EDGES_MICROS[LATENCY_EDGES_MICROS.len() - 1];
    assert!((50_000_000..100_000_000).contains(&last), "{last}");
}

#[test]
fn a_latency_falls_into_the_bin_below_its_edge() {
    assert_eq!(latency_bin(0), 0);
    assert_eq!(latency_bin(LATENCY_EDGES_MICROS[3]), 3);
    assert_eq!(latency_bin(LATENCY_EDGES_MICROS[3] + 1), 4);
    assert_eq!(latency_bin(u64::MAX), LATENCY_EDGES_MICROS.len());
}

#[test]
fn the_word_of_a_reason_is_its_wire_form() {
    for reason in ErrorReason::ALL {
        assert_eq!(serde_json::to_value(reason).unwrap(), reason.word());
    }
}
