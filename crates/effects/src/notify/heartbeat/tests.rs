use serde_json::json;

use super::super::tests::receiver::{Answer, Receiver as Listener};
use super::super::tests::{message, secret};
use super::super::{State, check, send};
use super::*;

#[tokio::test]
async fn each_heartbeat_is_a_request_as_the_service_wants_it() {
    let listener = Listener::answering(|_| Answer::of(200, "OK")).await;
    let (_folder, found) = secret(&listener.url("/ping/5f1a"));
    for (with, method) in [
        (json!({"url": found}), "GET"),
        (json!({"url": found, "method": "POST"}), "POST"),
        (json!({"url": found, "method": "HEAD"}), "HEAD"),
    ] {
        check("heartbeat", &with).unwrap();
        let outcome = send("heartbeat", with, message(State::Heartbeat)).await;
        assert_eq!(outcome, Outcome::Delivered { reference: None });
        let heard = listener.heard();
        let heard = heard.last().unwrap();
        assert_eq!((heard.method.as_str(), heard.path.as_str()), (method, "/ping/5f1a"));
        assert_eq!(heard.body, "");
    }
    assert!(check("heartbeat", &json!({"url": found, "method": "DELETE"})).is_err());
}
