//! A mail's way to the server that takes it.

use std::time::Duration;

use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, CertificateStore, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::{Error, response::Severity};
use tokio::time::timeout;

use super::super::Outcome;
use super::super::secret::Revealed;
use super::super::words::{cut, one_line};
use super::letter::Letter;
use super::{Encryption, Login, With};

/// Until a connection stands, for each of the server's addresses.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// A good-bye that nobody waits for.
const QUIT_WITHIN: Duration = Duration::from_secs(2);
const ANSWER_CHARACTERS_SHOWN: usize = 200;

/// Whose certificates are believed.
#[derive(Debug, Clone, Copy)]
pub(super) enum Trust<'a> {
    /// Those that the machine believes.
    Machine,
    #[cfg_attr(not(test), expect(dead_code, reason = "tests have a server of their own"))]
    Only(&'a Certificate),
}

/// Hands the mail over; then the server answers for it.
pub(super) async fn carry(with: &With, letter: &Letter, trust: Trust<'_>) -> Result<(), Outcome> {
    let password = match &with.login {
        Some(Login { password, .. }) => Some(password.reveal("password")?),
        None => None,
    };
    let mut connection = connect(with, trust).await?;
    let handed_over = hand_over(&mut connection, with, password.as_ref(), letter).await;
    // It says good-bye beside us: whatever comes of that, the mail is delivered or it is not.
    tokio::spawn(async move { timeout(QUIT_WITHIN, connection.abort()).await });
    handed_over
}

async fn connect(with: &With, trust: Trust<'_>) -> Result<AsyncSmtpConnection, Outcome> {
    let host = with.server.trim_matches(['[', ']']);
    let address = (host, with.port);
    let hello = ClientId::default();
    let tls = match with.encryption {
        Encryption::Tls | Encryption::Starttls => Some(parameters(host, trust)?),
        Encryption::None => None,
    };
    let (at_once, later) = match with.encryption {
        Encryption::Tls => (tls, None),
        Encryption::Starttls => (None, tls),
        Encryption::None => (None, None),
    };
    let connected = AsyncSmtpConnection::connect_tokio1(address, Some(CONNECT_WITHIN), &hello, at_once, None);
    let failed = "cannot be reached";
    let mut connection = connected.await.map_err(|error| outcome(with, failed, &error, None))?;
    if let Some(tls) = later {
        let begun = connection.starttls(tls, &hello).await;
        begun.map_err(|error| outcome(with, "does not begin to encrypt", &error, None))?;
    }
    Ok(connection)
}

fn parameters(host: &str, trust: Trust<'_>) -> Result<TlsParameters, Outcome> {
    let builder = TlsParameters::builder(host.to_owned());
    let builder = match trust {
        Trust::Machine => builder,
        Trust::Only(certificate) => builder
            .certificate_store(CertificateStore::None)
            .add_root_certificate(certificate.clone()),
    };
    let built = builder.build_rustls();
    built.map_err(|error| Outcome::refused(format!("nothing can be encrypted for {host}: {error}")))
}

async fn hand_over(
    connection: &mut AsyncSmtpConnection,
    with: &With,
    password: Option<&Revealed>,
    letter: &Letter,
) -> Result<(), Outcome> {
    if let (Some(login), Some(password)) = (&with.login, password) {
        let credentials = Credentials::new(login.user.clone(), password.as_str().to_owned());
        let login = connection.auth(DEFAULT_MECHANISMS, &credentials).await;
        login.map_err(|error| refused_login(with, &error))?;
    }
    let sent = connection.send(&letter.envelope, &letter.bytes).await;
    sent.map_err(|error| outcome(with, "does not take the mail", &error, password))?;
    Ok(())
}

/// Of an answer to a login nothing but the number is shown: what it is about is the password.
fn refused_login(with: &With, error: &Error) -> Outcome {
    let Some(code) = error.status() else {
        return match error.is_client() {
            true => Outcome::refused(format!("{} takes no password as we can give it", with.server)),
            false => Outcome::retry(format!("{} broke the login off", with.server)),
        };
    };
    let reason = format!("{} answered the login with {code}", with.server);
    match code.severity {
        Severity::PermanentNegativeCompletion => Outcome::Refused { reason },
        Severity::TransientNegativeCompletion | Severity::PositiveCompletion | Severity::PositiveIntermediate => {
            Outcome::retry(reason)
        }
    }
}

/// What an answer means: 4xx is for now, 5xx for good (RFC 5321, section 4.2.1).
fn outcome(with: &With, failed: &str, error: &Error, password: Option<&Revealed>) -> Outcome {
    let words = error.to_string();
    let words = password.map_or(words.clone(), |password| password.taken_out_of(&words));
    let words = cut(&one_line(&words), ANSWER_CHARACTERS_SHOWN);
    let reason = format!("{} {failed}: {words}", with.server);
    if error.is_permanent() || error.is_client() {
        Outcome::Refused { reason }
    } else {
        Outcome::retry(reason)
    }
}
