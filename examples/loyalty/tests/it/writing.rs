//! Writing from two processes at once, one of which is killed again and again.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tidegate_loyalty::audit;

use crate::instance::{Instance, post};

const WRITES: usize = 400;
const KILLS: usize = 5;

/// Sends to the instances in turn until one answers; the same id each time, as a client that wants its points would.
fn earn(addresses: &Mutex<[SocketAddr; 2]>, number: usize) {
    let headers = format!("x-tidegate-tenant: acme\r\nidempotency-key: id-{number}\r\n");
    for attempt in number.. {
        let address = addresses.lock().unwrap()[attempt % 2];
        let answer = post(
            address,
            &format!("/points/m{}", number % 7),
            &headers,
            r#"{"points":1}"#,
        );
        if matches!(answer, Ok((200, _))) {
            return;
        }
    }
}

#[test]
fn each_id_takes_effect_once_whoever_is_killed() {
    let data = tempfile::tempdir().unwrap();
    let steady = Instance::start(data.path(), "api");
    let mut killed = Instance::start(data.path(), "api");
    let addresses = Arc::new(Mutex::new([steady.address, killed.address]));
    let next = Arc::new(AtomicUsize::new(0));
    let writers: Vec<_> = (0..8)
        .map(|_| {
            let (addresses, next) = (Arc::clone(&addresses), Arc::clone(&next));
            std::thread::spawn(move || {
                while let number @ ..WRITES = next.fetch_add(1, Ordering::Relaxed) {
                    earn(&addresses, number);
                }
            })
        })
        .collect();
    for kill in 1..=KILLS {
        crate::instance::until("more is written", || {
            next.load(Ordering::Relaxed) >= WRITES * kill / (KILLS + 1)
        });
        killed.kill();
        killed = Instance::start(data.path(), "api");
        addresses.lock().unwrap()[1] = killed.address;
    }
    writers.into_iter().for_each(|writer| writer.join().unwrap());

    let audit = audit::tenant(data.path(), &"acme".parse().unwrap()).unwrap();
    assert_eq!(audit.applied.len(), WRITES);
    assert_eq!(audit.applied.values().max(), Some(&1));
}
