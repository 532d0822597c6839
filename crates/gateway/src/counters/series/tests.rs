use super::*;

#[test]
fn one_client_fails_once_in_a_bucket_however_often_it_tries() {
    let mut clients = ErrorClients::default();
    for (client, at) in [(1, 10_000), (1, 10_001), (2, 19_999), (1, 19_999)] {
        clients.saw(client, at);
    }
    assert_eq!(clients.count, 2);
    clients.saw(1, 20_000);
    clients.saw(1, 29_000);
    assert_eq!(clients.count, 3, "the next bucket counts it again");
    clients.saw(1, 15_000);
    assert_eq!(clients.count, 4, "a clock that was set back begins another one");
}

#[test]
fn more_clients_than_are_told_apart_are_not_counted() {
    let mut clients = ErrorClients::default();
    for client in 0..ERROR_CLIENTS_MAX as u64 + 10 {
        clients.saw(client, 10_000);
    }
    assert_eq!(clients.count, ERROR_CLIENTS_MAX as u64);
}
