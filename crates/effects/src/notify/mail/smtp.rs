//! A mail's way to the server that takes it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::super::Outcome;
use super::super::secret::Revealed;
use super::conversation::{Conversation, Meaning, Reply};
use super::letter::Letter;
use super::{Encryption, Login, With};
use crate::wire::{Wire, in_words};

/// An address: nobody asks what we are called (RFC 5321, section 4.1.4).
const HELLO: &str = "EHLO [127.0.0.1]";

/// Hands the mail over; then the server answers for it.
pub(super) async fn carry(with: &With, letter: &Letter, wire: &Wire) -> Result<(), Outcome> {
    let login = match &with.login {
        Some(Login { user, password }) => Some((user.as_str(), password.reveal("password")?)),
        None => None,
    };
    let login = login.as_ref().map(|(user, password)| (*user, password));
    let host = with.server.trim_matches(['[', ']']);
    let stream = TcpStream::connect((host, with.port)).await;
    let stream = stream.map_err(|error| Outcome::retry(format!("{host} cannot be reached: {error}")))?;
    match with.encryption {
        Encryption::None => greeted(Conversation::new(host, stream), with, login, letter).await,
        Encryption::Tls => {
            let stream = encrypted(host, stream, wire).await?;
            greeted(Conversation::new(host, stream), with, login, letter).await
        }
        Encryption::Starttls => {
            let mut conversation = Conversation::new(host, stream);
            greeting(&mut conversation).await?;
            let offers = hello(&mut conversation).await?;
            if !offers.iter().any(|offer| offer.eq_ignore_ascii_case("STARTTLS")) {
                return Err(Outcome::refused(format!("{host} does not offer STARTTLS")));
            }
            wanted(&mut conversation, "STARTTLS", "STARTTLS", Meaning::Done).await?;
            let stream = encrypted(host, conversation.into_stream()?, wire).await?;
            // What it has offered in clear may be anybody's: it is asked again.
            hand_over(Conversation::new(host, stream), with, login, letter).await
        }
    }
}

async fn encrypted(host: &str, stream: TcpStream, wire: &Wire) -> Result<TlsStream<TcpStream>, Outcome> {
    let encrypted = wire.encrypted(host, stream).await;
    encrypted.map_err(|error| Outcome::retry(format!("{host}: {}", in_words(&error))))
}

async fn greeted<S: AsyncRead + AsyncWrite + Unpin>(
    mut conversation: Conversation<'_, S>,
    with: &With,
    login: Option<(&str, &Revealed)>,
    letter: &Letter,
) -> Result<(), Outcome> {
    greeting(&mut conversation).await?;
    hand_over(conversation, with, login, letter).await
}

async fn greeting<S: AsyncRead + AsyncWrite + Unpin>(conversation: &mut Conversation<'_, S>) -> Result<(), Outcome> {
    let reply = conversation.reply().await?;
    match reply.meaning() {
        Meaning::Done => Ok(()),
        Meaning::GoOn | Meaning::NotNow | Meaning::Never => Err(conversation.unwanted(&reply, "the connection")),
    }
}

/// What the server can do.
async fn hello<S: AsyncRead + AsyncWrite + Unpin>(
    conversation: &mut Conversation<'_, S>,
) -> Result<Vec<String>, Outcome> {
    let reply = wanted(conversation, HELLO, "EHLO", Meaning::Done).await?;
    Ok(reply.lines)
}

async fn hand_over<S: AsyncRead + AsyncWrite + Unpin>(
    mut conversation: Conversation<'_, S>,
    with: &With,
    login: Option<(&str, &Revealed)>,
    letter: &Letter,
) -> Result<(), Outcome> {
    let offers = hello(&mut conversation).await?;
    if let Some((user, password)) = login {
        log_in(&mut conversation, &offers, user, password).await?;
    }
    let steps = [
        (format!("MAIL FROM:<{}>", with.from.email), "the sender", Meaning::Done),
        (format!("RCPT TO:<{}>", with.to.email), "the address", Meaning::Done),
        ("DATA".to_owned(), "the mail", Meaning::GoOn),
    ];
    for (command, asked, meaning) in steps {
        wanted(&mut conversation, &command, asked, meaning).await?;
    }
    let reply = conversation.mail(&letter.bytes).await?;
    match reply.meaning() {
        Meaning::Done => {
            conversation.quit().await;
            Ok(())
        }
        Meaning::GoOn | Meaning::NotNow | Meaning::Never => Err(conversation.unwanted(&reply, "the mail")),
    }
}

async fn wanted<S: AsyncRead + AsyncWrite + Unpin>(
    conversation: &mut Conversation<'_, S>,
    command: &str,
    asked: &str,
    meaning: Meaning,
) -> Result<Reply, Outcome> {
    let reply = conversation.ask(command).await?;
    if reply.meaning() == meaning {
        return Ok(reply);
    }
    Err(conversation.unwanted(&reply, asked))
}

/// By RFC 4954. Of an answer nothing but the code is shown: what it is about is the password.
async fn log_in<S: AsyncRead + AsyncWrite + Unpin>(
    conversation: &mut Conversation<'_, S>,
    offers: &[String],
    user: &str,
    password: &Revealed,
) -> Result<(), Outcome> {
    let password = password.as_str();
    let plain = STANDARD.encode(format!("\0{user}\0{password}"));
    let steps: Vec<(String, Meaning)> = if offers_login(offers, "PLAIN") {
        vec![(format!("AUTH PLAIN {plain}"), Meaning::Done)]
    } else if offers_login(offers, "LOGIN") {
        vec![
            ("AUTH LOGIN".to_owned(), Meaning::GoOn),
            (STANDARD.encode(user), Meaning::GoOn),
            (STANDARD.encode(password), Meaning::Done),
        ]
    } else {
        return Err(Outcome::refused(
            "the server offers neither `AUTH PLAIN` nor `AUTH LOGIN`",
        ));
    };
    for (command, meaning) in steps {
        let mut reply = conversation.ask(&command).await?;
        if reply.meaning() != meaning {
            reply.lines.clear();
            return Err(conversation.unwanted(&reply, "the login"));
        }
    }
    Ok(())
}

/// `AUTH PLAIN LOGIN`, or `AUTH=PLAIN LOGIN` of old.
fn offers_login(offers: &[String], mechanism: &str) -> bool {
    offers.iter().any(|offer| {
        let mut words = offer.split([' ', '=']);
        words.next().is_some_and(|word| word.eq_ignore_ascii_case("AUTH"))
            && words.any(|word| word.eq_ignore_ascii_case(mechanism))
    })
}
