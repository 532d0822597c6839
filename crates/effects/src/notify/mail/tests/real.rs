//! Against a receiver of its own, which is not ours.

use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, pem::PemObject as _};
use tidegate_domain::files::{AlertKind, AlertSeverity};

use super::super::super::tests::{message, secret};
use super::process::Mailbox as Receiver;
use super::*;

const CERTIFICATE: &[u8] = include_bytes!("localhost.pem");

async fn sent(with: Value, message: &Message) -> Outcome {
    check("mail", &with).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(CERTIFICATE).unwrap()).unwrap();
    let with: With = told(&with).unwrap();
    let outcome = attempt(&with, message, &Wire::trusting(roots)).await;
    outcome.unwrap_or_else(|end| end)
}

fn here(receiver: &Receiver, more: Value) -> Value {
    let mut with = written(json!({"server": "localhost", "port": receiver.port, "encryption": "none"}));
    let Value::Object(more) = more else { panic!("no fields") };
    with.as_object_mut().unwrap().extend(more);
    with
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_is_received_as_it_was_written() {
    let Some(mut receiver) = Receiver::open(&[]).await else {
        return;
    };
    let outcome = sent(here(&receiver, json!({})), &message(State::Raised)).await;
    let mail = receiver.next().await;
    let id = mail.header("message-id").to_owned();
    assert_eq!(
        outcome,
        Outcome::Delivered {
            reference: Some(id.clone())
        }
    );
    assert!(id.starts_with("<alert.") && id.ends_with("@example.com>"), "{id}");
    assert_eq!(
        (mail.from.as_str(), mail.to.as_slice()),
        ("tidegate@example.com", &["ops@example.com".to_owned()][..])
    );
    assert_eq!(mail.defects, Vec::<String>::new());
    assert_eq!(
        mail.header("subject"),
        "[critical] shop: Raised: errors of checkout are 12 times as frequent as usual"
    );
    assert_eq!(mail.header("from"), "Tidegate <tidegate@example.com>");
    assert_eq!(mail.header("to"), "ops@example.com");
    assert_eq!(mail.header("auto-submitted"), "auto-generated");
    assert!(mail.header("date").ends_with("+0000"), "{}", mail.header("date"));
    assert_eq!(
        mail.text,
        "Raised: errors of checkout are 12 times as frequent as usual\n\
        Nobody looks after it yet.\n\
        \n\
        31 of 1,000 requests failed in the last 5 minutes.\n\
        Expected are 2 to 4.\n\
        \n\
        Severity: critical\nKind: errors\nService: shop\nCell: eu-1\nTenants: tenant-000, tenant-001\nCustomer: acme\n\
        Since: 2027-01-15T08:00:00Z\nRelease in progress: 2.1.0\nOwner: Checkout team\n\
        \n\
        Runbook: https://wiki.example.com/errors?of=shop&in=eu\nAlert: https://tidegate.example.com/alerts/1\n\
        \n\
        You get this because alerts of shop for developers go to this address. Whoever keeps the project's files of Tidegate can change that."
    );

    // A second attempt is the same mail, and what follows is an answer to it.
    sent(here(&receiver, json!({})), &message(State::Raised)).await;
    assert_eq!(receiver.next().await.header("message-id"), id);
    sent(here(&receiver, json!({})), &message(State::Acknowledged)).await;
    let mail = receiver.next().await;
    assert_ne!(mail.header("message-id"), id);
    assert_eq!(mail.header("in-reply-to"), id);
    assert_eq!(mail.header("references"), id);
    assert!(mail.text.contains("Acknowledged by: ada\n"), "{}", mail.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_message_is_one_mail_to_one_address() {
    let Some(mut receiver) = Receiver::open(&[]).await else {
        return;
    };
    let mut hostile = message(State::Raised);
    hostile.title = "\u{dc}ber\r\nBcc: evil@example.com\r\n\r\n<html>".to_owned();
    hostile.text = format!(
        "first\r\n.\r\nMAIL FROM:<evil@example.com>\n.hidden\n{}",
        "\u{1f525} long ".repeat(500)
    );
    hostile.id = "x\r\nRCPT TO:<evil@example.com>".to_owned();
    let outcome = sent(here(&receiver, json!({})), &hostile).await;
    assert!(matches!(outcome, Outcome::Delivered { .. }), "{outcome:?}");
    let mail = receiver.next().await;
    assert_eq!(mail.to, ["ops@example.com"]);
    assert!(!mail.headers.iter().any(|(name, _)| name == "bcc"), "{mail:?}");
    assert_eq!(mail.defects, Vec::<String>::new());
    assert_eq!(
        mail.header("subject"),
        "[critical] shop: Raised: \u{dc}ber Bcc: evil@example.com <html>"
    );
    // What would end a mail is a line of it.
    assert!(
        mail.text
            .contains("first\n.\nMAIL FROM:<evil@example.com>\n.hidden\n\u{1f525} long"),
        "{}",
        mail.text
    );
    assert!(mail.raw.lines().all(|line| line.len() <= 998));
    // Nothing is left over for another mail: the next one is this one.
    sent(here(&receiver, json!({})), &message(State::Resolved)).await;
    assert!(receiver.next().await.header("subject").contains("Resolved"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_go_well_later_is_tried_again_and_what_will_not_is_refused() {
    let Some(receiver) = Receiver::open(&[]).await else {
        return;
    };
    for (to, is_for_now, words) in [
        ("452@example.com", true, "4.2.2 the mailbox is full"),
        ("550@example.com", false, "5.1.1 nobody is called so"),
        ("451@example.com", true, "4.3.0 not now"),
        ("554@example.com", false, "5.7.1 not this"),
        // It has the mail, and nobody knows that: it comes twice rather than never.
        ("lost@example.com", true, ""),
    ] {
        let outcome = sent(here(&receiver, json!({"to": to})), &message(State::Raised)).await;
        let reason = match &outcome {
            Outcome::Retry { reason, .. } if is_for_now => reason,
            Outcome::Refused { reason } if !is_for_now => reason,
            Outcome::Delivered { .. } | Outcome::Retry { .. } | Outcome::Refused { .. } => panic!("{to}: {outcome:?}"),
        };
        assert!(reason.contains(words), "{to}: {reason}");
    }
    let nobody = written(json!({"server": "127.0.0.1", "port": 1, "encryption": "none"}));
    let outcome = sent(nobody, &message(State::Raised)).await;
    assert!(matches!(outcome, Outcome::Retry { .. }), "{outcome:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_is_sent_encrypted_and_a_wrong_one_is_refused_without_being_shown() {
    let login = ["--login", "tidegate", "swordfish"];
    let (_folder, right) = secret("swordfish");
    let (_other, wrong) = secret("sw0rdf1sh");
    let servers = [("tls", &[][..]), ("starttls", &[]), ("starttls", &["--without-plain"])];
    for (encryption, more) in servers {
        let option = format!("--{encryption}");
        let Some(mut receiver) = Receiver::open(&[&login[..], &[&option], more].concat()).await else {
            return;
        };
        let with = |password: &Value| {
            here(
                &receiver,
                json!({"encryption": encryption, "user": "tidegate", "password": password}),
            )
        };
        let (with_right, with_wrong) = (with(&right), with(&wrong));
        let outcome = sent(with_right.clone(), &message(State::Raised)).await;
        assert!(matches!(outcome, Outcome::Delivered { .. }), "{outcome:?}");
        let mail = receiver.next().await;
        assert!(mail.encrypted && mail.authenticated, "{mail:?}");
        assert!(!mail.raw.contains("swordfish"));

        let outcome = sent(with_wrong, &message(State::Raised)).await;
        let refused = "localhost answered the login with 535".to_owned();
        assert_eq!(outcome, Outcome::Refused { reason: refused });

        let mut without = with_right.clone();
        without
            .as_object_mut()
            .unwrap()
            .retain(|field, _| field != "user" && field != "password");
        let outcome = sent(without, &message(State::Raised)).await;
        assert!(
            matches!(&outcome, Outcome::Refused { reason } if reason.contains("530")),
            "{outcome:?}"
        );

        // Nobody vouches for its certificate.
        let with: With = told(&with_right).unwrap();
        let outcome = attempt(&with, &message(State::Raised), &Wire::default()).await;
        assert!(matches!(&outcome, Err(Outcome::Retry { .. })), "{outcome:?}");
        // It is not for this name.
        let mut elsewhere = with_right;
        elsewhere["server"] = json!("127.0.0.1");
        let outcome = sent(elsewhere, &message(State::Raised)).await;
        assert!(
            matches!(&outcome, Outcome::Retry { reason, .. } if !reason.contains("swordfish")),
            "{outcome:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_cannot_encrypt_or_takes_no_login_gets_neither_mail_nor_password() {
    let Some(mut receiver) = Receiver::open(&[]).await else {
        return;
    };
    let (_folder, password) = secret("swordfish");
    for (more, words) in [
        (json!({"encryption": "starttls"}), "does not offer STARTTLS"),
        (json!({"user": "tidegate", "password": password}), "offers neither"),
    ] {
        let outcome = sent(here(&receiver, more), &message(State::Raised)).await;
        assert!(
            matches!(&outcome, Outcome::Refused { reason } if reason.contains(words)),
            "{outcome:?}"
        );
    }
    let outcome = sent(here(&receiver, json!({"encryption": "tls"})), &message(State::Raised)).await;
    assert!(matches!(&outcome, Outcome::Retry { .. }), "{outcome:?}");
    sent(here(&receiver, json!({})), &message(State::Resolved)).await;
    let mail = receiver.next().await;
    assert!(
        mail.header("subject").contains("Resolved") && !mail.encrypted,
        "{mail:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_and_the_longest_message_are_mails_that_can_be_read() {
    let Some(mut receiver) = Receiver::open(&[]).await else {
        return;
    };
    for kind in [
        AlertKind::Errors,
        AlertKind::Timeouts,
        AlertKind::Latency,
        AlertKind::VolumeDrop,
        AlertKind::VolumeSpike,
        AlertKind::Watcher,
    ] {
        let mut message = message(State::Escalated);
        message.kind = kind;
        message.severity = AlertSeverity::Warning;
        message.title = "\u{1f525}".repeat(1_000);
        message.text = "x".repeat(100_000);
        let outcome = sent(here(&receiver, json!({})), &message).await;
        assert!(matches!(outcome, Outcome::Delivered { .. }), "{outcome:?}");
        let mail = receiver.next().await;
        assert_eq!(mail.defects, Vec::<String>::new());
        assert!(
            mail.header("subject")
                .starts_with("[warning] shop: Escalated: \u{1f525}"),
            "{mail:?}"
        );
        assert!(mail.text.contains(&format!("Kind: {}", kind.as_str())));
        assert!(mail.raw.len() < 20_000, "{}", mail.raw.len());
    }
}
