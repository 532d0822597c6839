use tokio::io::DuplexStream;

use super::*;

/// A conversation in which the server has said this already.
async fn said(words: &str) -> Conversation<'static, DuplexStream> {
    let (ours, mut theirs) = tokio::io::duplex(100_000);
    theirs.write_all(words.as_bytes()).await.unwrap();
    Conversation::new("smtp.example.com", ours)
}

#[tokio::test]
async fn a_reply_is_all_of_its_lines() {
    let mut conversation = said("250-smtp.example.com\r\n250-AUTH PLAIN\r\n250 STARTTLS\r\n354\r\n").await;
    let reply = conversation.reply().await.unwrap();
    assert_eq!((reply.code, reply.meaning()), (250, Meaning::Done));
    assert_eq!(reply.lines, ["smtp.example.com", "AUTH PLAIN", "STARTTLS"]);
    let reply = conversation.reply().await.unwrap();
    assert_eq!((reply.code, reply.lines[0].as_str()), (354, ""));
    assert_eq!(reply.meaning(), Meaning::GoOn);
}

#[tokio::test]
async fn what_is_no_reply_ends_the_conversation_and_does_not_grow_without_end() {
    let endless = "250-more\r\n".repeat(1_000);
    let long = format!("250 {}\r\n", "x".repeat(10_000));
    for words in [
        "HTTP/1.1 400 Bad Request\r\n",
        "250+odd\r\n",
        "999 what\r\n",
        "\u{20ac}\u{20ac} no\r\n",
        "25",
        "\r\n",
        "",
        &endless,
        &long,
    ] {
        let end = said(words).await.reply().await.err();
        assert!(matches!(end, Some(Outcome::Retry { .. })), "{words:.30}: {end:?}");
    }
}

#[tokio::test]
async fn what_was_said_in_clear_is_not_taken_for_what_is_said_encrypted() {
    let mut conversation = said("220 go on\r\n250 injected\r\n").await;
    assert_eq!(conversation.reply().await.unwrap().code, 220);
    let refused = conversation.into_stream().err();
    assert!(
        matches!(&refused, Some(Outcome::Retry { reason, .. }) if reason.contains("before the connection was encrypted")),
        "{refused:?}"
    );
    let mut conversation = said("220 go on\r\n").await;
    conversation.reply().await.unwrap();
    assert!(conversation.into_stream().is_ok());
}

#[tokio::test]
async fn no_line_of_a_mail_ends_it() {
    for (mail, sent) in [
        ("a\r\nb\r\n", "a\r\nb\r\n.\r\n"),
        ("a\nb", "a\r\nb\r\n.\r\n"),
        (".\r\n..\r\n.a\r\n", "..\r\n...\r\n..a\r\n.\r\n"),
        ("a\n.\nQUIT\n", "a\r\n..\r\nQUIT\r\n.\r\n"),
        ("", "\r\n.\r\n"),
    ] {
        let (ours, mut theirs) = tokio::io::duplex(1_000);
        theirs.write_all(b"250 OK\r\n").await.unwrap();
        let mut conversation = Conversation::new("smtp.example.com", ours);
        let reply = conversation.mail(mail.as_bytes()).await.unwrap();
        assert_eq!(reply.meaning(), Meaning::Done);
        drop(conversation);
        let mut heard = String::new();
        theirs.read_to_string(&mut heard).await.unwrap();
        assert_eq!(heard, sent, "{mail:?}");
    }
}

#[tokio::test]
async fn what_a_code_means_is_in_its_first_digit() {
    let conversation = said("").await;
    for (code, is_for_good) in [
        (421, false),
        (450, false),
        (452, false),
        (500, true),
        (550, true),
        (252, false),
        (354, false),
    ] {
        let lines = vec!["5.1.1 no\u{7}".to_owned(), "such user".to_owned()];
        let outcome = conversation.unwanted(&Reply { code, lines }, "the address");
        let expected = format!("smtp.example.com answered the address with {code} 5.1.1 no such user");
        let reason = match outcome {
            Outcome::Refused { reason } if is_for_good => reason,
            Outcome::Retry { reason, after: None } if !is_for_good => reason,
            outcome => panic!("{code}: {outcome:?}"),
        };
        assert_eq!(reason, expected);
    }
}
