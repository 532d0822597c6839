use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::super::tests::receiver::{Answer, Receiver as Listener};
use super::*;

async fn asked(url: &str) -> Outcome {
    let uri = address(url, Way::Private).unwrap();
    let receiver = Receiver {
        name: "it",
        secret: None,
    };
    send(json(uri, "{}".to_owned()), receiver).await
}

async fn answered(answer: impl Fn() -> Answer + Send + Sync + 'static) -> Outcome {
    let listener = Listener::answering(move |_| answer()).await;
    asked(&listener.url("/")).await
}

#[test]
fn an_address_is_encrypted_or_of_this_machine_where_what_is_sent_is_secret() {
    for (url, private, open) in [
        ("https://example.com/x", true, true),
        ("http://localhost:9093", true, true),
        ("http://127.0.0.1/x", true, true),
        ("http://[::1]:80/x", true, true),
        ("http://example.com/x", false, true),
        ("http://127.0.0.1.example.com/", false, true),
        ("http://localhost@example.com/", false, false),
        ("https://user:password@example.com/", false, false),
        ("ftp://example.com/", false, false),
        ("/path", false, false),
        ("example.com", false, false),
        ("https://exa mple.com/", false, false),
        ("https://example.com/\r\nx: y", false, false),
        ("", false, false),
    ] {
        assert_eq!(address(url, Way::Private).is_ok(), private, "{url}");
        assert_eq!(address(url, Way::Open).is_ok(), open, "{url}");
    }
}

#[tokio::test]
async fn what_an_answer_means() {
    for status in [200, 201, 202, 204] {
        let outcome = answered(move || Answer::of(status, "")).await;
        assert_eq!(outcome, Outcome::Delivered { reference: None }, "{status}");
    }
    for status in [301, 302, 307, 400, 401, 403, 404, 405, 410, 413, 422] {
        let outcome = answered(move || Answer::of(status, "not so").with("location", "http://127.0.0.1:1/")).await;
        assert!(
            matches!(&outcome, Outcome::Refused { reason } if reason.ends_with(": not so")),
            "{outcome:?}"
        );
    }
    for status in [408, 425, 429, 500, 502, 503, 504] {
        let outcome = answered(move || Answer::of(status, "")).await;
        assert!(matches!(&outcome, Outcome::Retry { after: None, .. }), "{outcome:?}");
    }
}

#[tokio::test]
async fn a_receiver_says_when_to_come_again_and_is_not_believed_more_than_an_hour() {
    let after = async |value: String| match answered(move || Answer::of(429, "slow").with("retry-after", &value)).await
    {
        Outcome::Retry { after, .. } => after,
        outcome => panic!("{outcome:?}"),
    };
    assert_eq!(after("30".to_owned()).await, Some(Duration::from_secs(30)));
    assert_eq!(after("0".to_owned()).await, Some(Duration::ZERO));
    assert_eq!(after("99999999999".to_owned()).await, Some(PAUSE_MAX));
    assert_eq!(after("-5".to_owned()).await, None);
    assert_eq!(after("soon".to_owned()).await, None);
    // The past is at once.
    assert_eq!(
        after("Wed, 21 Oct 2015 07:28:00 GMT".to_owned()).await,
        Some(Duration::ZERO)
    );
    let instant = jiff::Timestamp::from_millisecond(now().0 + 90_000).unwrap();
    let written = instant.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let pause = after(written.clone()).await.unwrap();
    assert!((80_000..=90_000).contains(&pause.as_millis()), "{written}: {pause}");
}

#[tokio::test]
async fn what_is_said_of_a_refusal_is_one_short_line() {
    let outcome = answered(|| Answer::of(400, &format!("no\r\nlevel=error \u{1b}[31m{}", "x".repeat(10_000)))).await;
    let Outcome::Refused { reason } = outcome else {
        panic!("{outcome:?}")
    };
    assert!(!reason.contains(['\r', '\n', '\u{1b}']), "{reason}");
    assert!(reason.chars().count() < 250, "{}", reason.len());
}

#[tokio::test]
async fn a_message_that_was_taken_is_delivered_whatever_is_said_of_it() {
    let outcome = answered(|| Answer::of(200, &"thanks ".repeat(100_000))).await;
    assert_eq!(outcome, Outcome::Delivered { reference: None });
    // It takes the message, says so, and breaks off.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = [0; 1_024];
        let _ = stream.read(&mut head).await.unwrap();
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\nthank";
        stream.write_all(answer).await.unwrap();
    });
    assert_eq!(asked(&url).await, Outcome::Delivered { reference: None });
}

#[tokio::test]
async fn nobody_there_and_who_says_nothing_may_be_there_later() {
    let outcome = asked("http://127.0.0.1:1/").await;
    assert!(
        matches!(&outcome, Outcome::Retry { reason, .. } if reason.contains("cannot connect")),
        "{outcome:?}"
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move { drop(listener.accept().await.unwrap()) });
    assert!(matches!(asked(&url).await, Outcome::Retry { .. }));
}
