use super::*;

#[test]
fn what_is_spread_over_a_run_comes_as_often_as_it_should() {
    for (count, places) in [(0, 10), (1, 60), (3, 30), (10, 10), (20, 500), (60, 1_000)] {
        let due = (0..places).filter(|place| is_due(count, *place, places));
        assert_eq!(due.count(), count, "{count} over {places}");
    }
    assert!(!is_due(3, 30, 30), "beyond the end");
}
