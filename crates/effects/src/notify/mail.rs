//! The channel `mail`: one mail to one address, over SMTP.
//!
//! An address for each use of the channel: what has become of the attempt is then true for somebody, and is not both.

mod conversation;
mod letter;
mod smtp;

use lettre::message::Mailbox;
use serde::Deserialize;

use self::letter::Letter;
use self::smtp::carry;
use super::secret::Hidden;
use super::{Channel, Message, Outcome, Takes, never_again, sending, told};
use crate::wire::{Wire, is_this_machine};

pub const CHANNEL: Channel = Channel {
    name: "mail",
    takes: Takes::Alerts,
    validate: |with| told::<With>(with).map(|_| ()),
    again_every: never_again,
    send: |with, message| {
        sending(with, async move |with: With| {
            attempt(&with, &message, &Wire::default())
                .await
                .unwrap_or_else(|end| end)
        })
    },
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    /// A host that takes mail.
    server: String,
    #[serde(default)]
    port: Option<u16>,
    #[serde(default)]
    encryption: Encryption,
    #[serde(default)]
    user: Option<String>,
    #[serde(default)]
    password: Option<Hidden>,
    from: String,
    to: String,
}

#[derive(Debug, Deserialize)]
#[serde(try_from = "Written")]
struct With {
    server: String,
    port: u16,
    encryption: Encryption,
    login: Option<Login>,
    from: Mailbox,
    to: Mailbox,
}

#[derive(Debug)]
struct Login {
    user: String,
    password: Hidden,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Encryption {
    /// From the first byte on.
    #[default]
    Tls,
    /// Asked for in clear, and then required.
    Starttls,
    /// On this machine only.
    None,
}

impl Encryption {
    /// By RFC 8314, and RFC 5321 for who hands over to a relay on its own machine.
    const fn port(self) -> u16 {
        match self {
            Self::Tls => 465,
            Self::Starttls => 587,
            Self::None => 25,
        }
    }
}

impl TryFrom<Written> for With {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let server = written.server;
        let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
        if server.is_empty() || !server.bytes().all(is_host) {
            return Err("`server` is no host such as `smtp.example.com`".to_owned());
        }
        if written.encryption == Encryption::None && !is_this_machine(&server) {
            return Err(format!(
                "`encryption: none` would let everybody on the way to `{server}` read: use `tls` or `starttls`"
            ));
        }
        let login = match (written.user, written.password) {
            (Some(user), Some(password)) => Some(Login { user, password }),
            (None, None) => None,
            _ => return Err("say both `user` and `password`, or neither".to_owned()),
        };
        Ok(Self {
            port: written.port.unwrap_or(written.encryption.port()),
            encryption: written.encryption,
            login,
            from: mailbox("from", &written.from)?,
            to: mailbox("to", &written.to)?,
            server,
        })
    }
}

/// One address. A second one behind it would be a line of the mail's head that nobody has checked.
fn mailbox(field: &str, written: &str) -> Result<Mailbox, String> {
    let parsed = written.parse::<Mailbox>().ok();
    let is_plain = |mailbox: &Mailbox| mailbox.email.to_string().is_ascii() && !written.chars().any(char::is_control);
    let plain = parsed.filter(is_plain);
    plain.ok_or_else(|| format!("`{field}` is no single address like `ops@example.com` or `Ops <ops@example.com>`"))
}

async fn attempt(with: &With, message: &Message, wire: &Wire) -> Result<Outcome, Outcome> {
    let letter = Letter::write(message, &with.from, &with.to)?;
    carry(with, &letter, wire).await?;
    Ok(Outcome::Delivered {
        reference: Some(letter.id),
    })
}

#[cfg(test)]
mod tests;
