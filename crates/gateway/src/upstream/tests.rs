use std::sync::Arc;
use std::time::Duration;

use super::budget::RetryBudget;
use super::*;
use crate::table::Phase;

fn slot(count: u16) -> Slot {
    let instance = |number: u16| {
        Arc::new(Instance::new(
            number.to_string().into(),
            ([127, 0, 0, 1], number).into(),
        ))
    };
    Slot {
        load: Arc::new(SlotLoad::new()),
        instances: (1..=count).map(instance).collect(),
        phase: Phase::Active,
    }
}

#[test]
fn the_least_busy_instance_is_chosen() {
    let slot = slot(3);
    let busy = [
        Engaged::new(slot.instances[0].clone()),
        Engaged::new(slot.instances[1].clone()),
    ];
    for _ in 0..5 {
        assert_eq!(slot.choose(&[], 0).unwrap().address.port(), 3);
    }
    drop(busy);
    let mut chosen: Vec<u16> = (0..3).map(|_| slot.choose(&[], 0).unwrap().address.port()).collect();
    chosen.sort_unstable();
    assert_eq!(chosen, [1, 2, 3], "equals take turns");
}

#[test]
fn an_instance_that_fails_is_left_alone_for_a_while() {
    let slot = slot(2);
    for _ in 0..3 {
        slot.instances[0].failed(1_000);
    }
    let chosen = |now_ms| {
        (0..4)
            .map(|_| slot.choose(&[], now_ms).unwrap().address.port())
            .collect::<Vec<_>>()
    };
    assert_eq!(chosen(1_100), [2, 2, 2, 2]);
    assert!(chosen(2_000).contains(&1), "back for a try");
    slot.instances[0].failed(2_000);
    assert_eq!(chosen(2_600), [2, 2, 2, 2], "and away for longer");
    slot.instances[0].succeeded();
    assert!(chosen(2_600).contains(&1));
}

#[test]
fn where_all_have_failed_one_is_still_chosen() {
    let slot = slot(2);
    for instance in &slot.instances {
        (0..3).for_each(|_| instance.failed(0));
    }
    assert!(slot.choose(&[], 1).is_some());
    let tried = [slot.instances[0].clone()];
    assert_eq!(slot.choose(&tried, 1).unwrap().address.port(), 2);
    let all = [slot.instances[0].clone(), slot.instances[1].clone()];
    assert!(slot.choose(&all, 1).is_some());
    assert!(self::slot(0).choose(&[], 1).is_none());
}

#[test]
fn what_an_instance_allows_idle_connections_is_learnt() {
    let instance = Instance::new("a".into(), ([127, 0, 0, 1], 1).into());
    assert_eq!(instance.idle_limit(), Duration::from_secs(4));
    instance.learn_idle_limit(Duration::from_secs(60));
    assert_eq!(
        instance.idle_limit(),
        Duration::from_secs(4),
        "longer than is used anyway"
    );
    instance.learn_idle_limit(Duration::from_millis(8));
    assert_eq!(instance.idle_limit(), Duration::from_millis(6));
}

#[test]
fn retries_cost_more_than_requests_earn() {
    let budget = RetryBudget::new();
    let spent = (0..1_000).filter(|_| budget.spend(0)).count();
    assert_eq!(spent, 10, "what a second allows");
    let spent = (0..1_000).filter(|_| {
        budget.earn();
        budget.spend(0)
    });
    assert_eq!(spent.count(), 200, "a fifth");
    assert!(budget.spend(1_000), "another second");
}
