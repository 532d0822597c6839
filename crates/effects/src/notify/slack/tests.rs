use jsonschema::Validator;

use super::super::tests::receiver::{Answer, Heard, Receiver as Listener};
use super::super::tests::{message, secret};
use super::super::{Message, State, check, send};
use super::*;

/// As Slack takes it: what does not have its form is refused.
fn taken(form: &Validator, heard: &Heard) -> Answer {
    match form.iter_errors(&heard.json()).next() {
        None => Answer::of(200, "ok"),
        Some(error) => Answer::of(400, &format!("invalid_blocks: {error} at {}", error.instance_path())),
    }
}

fn form() -> Validator {
    let schema: Value = serde_json::from_str(include_str!("tests/message.schema.json")).unwrap();
    jsonschema::validator_for(&schema).unwrap()
}

/// What comes of a message, and the message.
async fn posted(message: Message) -> (Outcome, Value) {
    let form = form();
    let listener = Listener::answering(move |heard| taken(&form, heard)).await;
    let (_folder, found) = secret(&listener.url("/services/T0/B0/x"));
    let with = json!({"url": found});
    check("slack", &with).unwrap();
    let outcome = send("slack", with, message).await;
    (outcome, listener.heard()[0].json())
}

#[tokio::test]
async fn a_message_has_the_form_that_slack_publishes_in_every_state() {
    for state in [State::Raised, State::Escalated, State::Acknowledged, State::Resolved] {
        let (outcome, _) = posted(message(state)).await;
        assert_eq!(outcome, Outcome::Delivered { reference: None });
    }
    let (_, told) = posted(message(State::Raised)).await;
    assert_eq!(
        told["text"],
        "[critical] Raised: errors of checkout are 12 times as frequent as usual"
    );
    let links = &told["blocks"][3]["elements"][0]["text"];
    assert_eq!(
        links,
        "<https://wiki.example.com/errors?of=shop&amp;in=eu|Runbook>  <https://tidegate.example.com/alerts/1|Alert>"
    );
}

#[tokio::test]
async fn nothing_that_others_wrote_is_a_mention_or_a_link() {
    let mut hostile = message(State::Raised);
    hostile.title = "<!channel> & <@U024BE7LH> &lt;".to_owned();
    hostile.text = "<https://evil.example.com|Runbook> <!here>\n> quoted".to_owned();
    hostile.owner = Some("<!subteam^S1>".to_owned());
    hostile.runbook = Some("https://example.com/a|b>c<d".to_owned());
    let (outcome, told) = posted(hostile).await;
    assert_eq!(outcome, Outcome::Delivered { reference: None });
    let written = told.to_string();
    for forbidden in ["<!", "<@", "<https://evil"] {
        assert!(!written.contains(forbidden), "{written}");
    }
    assert_eq!(
        told["blocks"][0]["text"]["text"],
        "*Raised: &lt;!channel&gt; &amp; &lt;@U024BE7LH&gt; &amp;lt;*"
    );
    assert!(
        written.contains("<https://example.com/a%7Cb%3Ec%3Cd|Runbook>"),
        "{written}"
    );
}

#[tokio::test]
async fn a_long_message_is_cut_and_not_refused() {
    for character in ["&", "x", "\u{1f525}", "\n"] {
        let mut long = message(State::Raised);
        long.title = character.repeat(10_000);
        long.text = character.repeat(10_000);
        long.owner = Some(character.repeat(10_000));
        long.runbook = Some(format!("https://example.com/{}", "x".repeat(10_000)));
        let (outcome, _) = posted(long).await;
        assert_eq!(outcome, Outcome::Delivered { reference: None }, "{character:?}");
    }
}

#[test]
fn what_is_escaped_is_as_short_as_it_has_to_be_and_no_escape_is_cut() {
    assert_eq!(escaped("a&b", 100), "a&amp;b");
    for most in 1..40 {
        let cut = escaped(&"&<>".repeat(20), most);
        assert!(cut.chars().count() <= most, "{cut}");
        let rest = cut
            .trim_end_matches('…')
            .replace("&amp;", "")
            .replace("&lt;", "")
            .replace("&gt;", "");
        assert_eq!(rest, "", "{cut}");
    }
}

#[tokio::test]
async fn slack_asks_for_time_and_says_what_is_wrong() {
    for (answer, expected) in [
        (
            (429, "rate_limited"),
            Outcome::Retry {
                reason: "Slack answered 429 Too Many Requests: rate_limited".to_owned(),
                after: Some(tidegate_domain::time::Duration::from_secs(7)),
            },
        ),
        (
            (404, "no_service"),
            Outcome::refused("Slack answered 404 Not Found: no_service"),
        ),
        (
            (410, "channel_is_archived"),
            Outcome::refused("Slack answered 410 Gone: channel_is_archived"),
        ),
    ] {
        let (status, body) = answer;
        let listener = Listener::answering(move |_| Answer::of(status, body).with("retry-after", "7")).await;
        let (_folder, found) = secret(&listener.url("/services/T0/B0/x"));
        assert_eq!(
            send("slack", json!({"url": found}), message(State::Raised)).await,
            expected
        );
    }
}
