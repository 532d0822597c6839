use super::super::super::tests::message;
use super::*;

fn letter(message: &Message) -> (String, String) {
    let (from, to) = (
        "Tidegate <tidegate@example.com>".parse().unwrap(),
        "ops@example.com".parse().unwrap(),
    );
    let letter = Letter::write(message, &from, &to).unwrap();
    (letter.id, String::from_utf8(letter.bytes).unwrap())
}

fn header<'m>(mail: &'m str, name: &str) -> Option<&'m str> {
    let head = mail.split("\r\n\r\n").next().unwrap();
    head.split("\r\n")
        .find_map(|line| line.strip_prefix(&format!("{name}: ")))
}

#[test]
fn the_mails_of_an_alert_are_one_conversation_and_each_keeps_its_id() {
    let (first, raised) = letter(&message(State::Raised));
    assert_eq!(letter(&message(State::Raised)).0, first);
    assert_eq!(header(&raised, "Message-ID"), Some(first.as_str()));
    assert_eq!(header(&raised, "In-Reply-To"), None);
    for state in [State::Escalated, State::Acknowledged, State::Resolved] {
        let (id, mail) = letter(&message(state));
        assert_ne!(id, first);
        assert_eq!(header(&mail, "In-Reply-To"), Some(first.as_str()));
        assert_eq!(header(&mail, "References"), Some(first.as_str()));
    }
    let other = "dev@example.com".parse().unwrap();
    let from = "tidegate@example.com".parse().unwrap();
    let letter = Letter::write(&message(State::Raised), &from, &other).unwrap();
    assert_ne!(letter.id, first, "another address has another id");
}

#[test]
fn nothing_that_others_wrote_becomes_a_line_of_the_head() {
    let (_, plain) = letter(&message(State::Raised));
    let names = |mail: &str| {
        let head = mail.split("\r\n\r\n").next().unwrap().to_owned();
        let lines = head
            .split("\r\n")
            .filter(|line| !line.starts_with(' '))
            .map(|line| line.split(':').next().unwrap().to_owned());
        lines.collect::<Vec<_>>()
    };
    for hostile in [
        "x\r\nBcc: evil@example.com",
        "x\nBcc: evil@example.com",
        "x\rBcc: evil@example.com",
        "x\r\n\r\nBcc: evil@example.com",
        "\u{e4}\r\nBcc: evil@example.com",
        "x\u{85}Bcc: evil@example.com\u{2028}Bcc: evil@example.com",
    ] {
        let mut message = message(State::Raised);
        message.title = hostile.to_owned();
        message.id = hostile.to_owned();
        message.owner = Some(hostile.to_owned());
        message.by = Some(hostile.to_owned());
        message.runbook = Some(hostile.to_owned());
        let (_, mail) = letter(&message);
        assert_eq!(names(&mail), names(&plain), "{mail}");
    }
}
