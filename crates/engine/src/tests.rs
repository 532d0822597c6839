use std::cell::RefCell;

use tidegate_domain::effect::Lane;
use tidegate_domain::event::{Event, EventKind, Judgement, Verdict};
use tidegate_domain::id::{Actor, CellName, ServiceName, TenantName, Version};
use tidegate_domain::step::Refused;
use tidegate_domain::time::{Duration, Timestamp};
use tidegate_store::{Store, complete_now};

use super::*;
use crate::turn::entry;

const NOW: Timestamp = Timestamp(1_000_000);

fn service() -> ServiceName {
    ServiceName::new("shop").unwrap()
}

fn event(kind: EventKind) -> Event {
    Event {
        actor: Actor::principal("ada"),
        reason: Some("because".to_owned()),
        kind,
    }
}

#[test]
fn an_event_is_taken_once_and_told_apart_by_its_key() {
    let store = Store::memory();
    complete_now(async {
        let kind = EventKind::TenantAdded {
            tenant: TenantName::new("acme").unwrap(),
            cell: CellName::new("eu").unwrap(),
        };
        let first = put_event(&store, &service(), "k1", &event(kind.clone()), NOW)
            .await
            .unwrap();
        let second = put_event(&store, &service(), "k1", &event(kind), NOW).await.unwrap();
        assert_eq!(first, second);
        let turned = turn(&store, &service(), NOW).await.unwrap();
        assert_eq!((turned.taken.len(), turned.changed), (1, true));
        let again = turn(&store, &service(), NOW).await.unwrap();
        assert_eq!((again.taken.len(), again.changed), (0, false));
        assert_eq!(load(&store, &service()).await.unwrap().0, 1);
    });
}

#[test]
fn a_refused_command_is_answered_and_written_down() {
    let store = Store::memory();
    complete_now(async {
        let version = Version::new("9.9.9").unwrap();
        put_event(
            &store,
            &service(),
            "k",
            &event(EventKind::Resume {
                version: version.clone(),
            }),
            NOW,
        )
        .await
        .unwrap();
        let turned = turn(&store, &service(), NOW).await.unwrap();
        assert_eq!(
            turned.taken[0].refused,
            Some(Refused::NoSuchRelease { release: version })
        );
        assert!(!turned.changed);
    });
}

#[test]
fn nothing_is_leased_where_nothing_is_due() {
    let store = Store::memory();
    let seen = RefCell::new(0);
    let lease = Lease {
        owner: "one",
        length: Duration::from_secs(60),
        limit: 10,
    };
    let done = complete_now(perform(&store, Lane::Gate, &lease, NOW, async |_| {
        *seen.borrow_mut() += 1;
        Done::Over(Judgement::new(Verdict::Pass, ""))
    }));
    assert_eq!((done.unwrap(), seen.into_inner()), (0, 0));
}

#[test]
fn ten_thousand_events_take_few_turns() {
    let store = Store::memory();
    let add = |n: usize| {
        let kind = EventKind::TenantAdded {
            tenant: TenantName::new(&format!("t{n}")).unwrap(),
            cell: CellName::new("eu").unwrap(),
        };
        entry(&format!("k{n}"), &event(kind), NOW)
    };
    let events: Vec<_> = (0..10_000).map(add).collect();
    complete_now(store.put_events("shop", &events)).unwrap();
    let (mut turns, mut taken) = (0, 0);
    loop {
        let turned = complete_now(turn(&store, &service(), NOW)).unwrap();
        turns += 1;
        taken += turned.taken.len();
        if !turned.more {
            break;
        }
    }
    assert_eq!(taken, 10_000);
    assert!(turns <= 50, "{turns}");
}
