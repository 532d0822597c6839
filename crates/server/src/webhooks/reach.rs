//! Where webhooks may go. A server that sends wherever it is told to is a way into the network it stands in, so private
//! places are refused by address: the one that the name resolves to now is the one connected to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use axum::http::Uri;
use axum::http::uri::Scheme;

/// What the server was started with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Public addresses.
    Public,
    /// And this machine.
    WithLoopback,
}

/// A webhook's address, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Spoken to over TLS.
    pub tls: bool,
    pub host: String,
    pub port: u16,
    /// With the query.
    pub path: String,
    /// As it goes into the header `Host`.
    pub authority: String,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    #[error("`{url}` is not a web address such as `https://example.com/hooks`")]
    NotAnAddress { url: String },
    #[error("a webhook's address has no user name and no password: the signature tells who sends")]
    UserInfo,
    #[error("`{host}` is not this machine: messages leave it over https only")]
    Plain { host: String },
    #[error("`{host}` resolves to {address}, which is not public: webhooks do not go there")]
    Private { host: String, address: IpAddr },
    #[error("webhooks to this machine are not allowed here; start the server with `--allow-loopback-webhooks`")]
    Loopback,
    #[error("cannot resolve `{host}`")]
    Unresolved { host: String },
}

impl Reach {
    /// Checks all of an address that can be checked without asking for its name.
    pub fn target(self, url: &str) -> Result<Target, TargetError> {
        let not_an_address = || TargetError::NotAnAddress { url: without_user(url) };
        let uri: Uri = url.parse().map_err(|_| not_an_address())?;
        let authority = uri.authority().ok_or_else(not_an_address)?;
        if authority.as_str().contains('@') {
            return Err(TargetError::UserInfo);
        }
        let tls = uri.scheme() == Some(&Scheme::HTTPS);
        if !tls && uri.scheme() != Some(&Scheme::HTTP) || authority.host().is_empty() {
            return Err(not_an_address());
        }
        let host = authority
            .host()
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_owned();
        match host.parse() {
            Ok(address) => self.check(tls, &host, address)?,
            Err(_) if !tls && host != "localhost" => return Err(TargetError::Plain { host }),
            // What the name stands for is looked at when it is used.
            Err(_) => {}
        }
        Ok(Target {
            tls,
            host,
            port: authority.port_u16().unwrap_or(if tls { 443 } else { 80 }),
            path: uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string),
            authority: authority.to_string(),
        })
    }

    /// The address to connect to; refused where any that the name resolves to is.
    pub async fn resolve(self, target: &Target) -> Result<SocketAddr, TargetError> {
        let unresolved = || TargetError::Unresolved {
            host: target.host.clone(),
        };
        let found = tokio::net::lookup_host((target.host.as_str(), target.port)).await;
        let found: Vec<SocketAddr> = found.map_err(|_| unresolved())?.collect();
        for address in &found {
            self.check(target.tls, &target.host, address.ip())?;
        }
        found.first().copied().ok_or_else(unresolved)
    }

    fn check(self, tls: bool, host: &str, address: IpAddr) -> Result<(), TargetError> {
        let plain = plain(address);
        if plain.is_loopback() {
            return match self {
                Self::WithLoopback => Ok(()),
                Self::Public => Err(TargetError::Loopback),
            };
        }
        let is_public = match plain {
            IpAddr::V4(address) => is_public_v4(address),
            IpAddr::V6(address) => is_public_v6(address),
        };
        let host = host.to_owned();
        match (is_public, tls) {
            (true, true) => Ok(()),
            (true, false) => Err(TargetError::Plain { host }),
            (false, _) => Err(TargetError::Private { host, address }),
        }
    }
}

/// An IPv4 address in whichever dress of IPv6: mapped, compatible, translated (64:ff9b::/96), tunnelled (2002::/16).
fn plain(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else {
        return address;
    };
    if v6.is_loopback() {
        return address;
    }
    let parts = v6.segments();
    let from = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        IpAddr::V4(Ipv4Addr::new(a, b, c, d))
    };
    match parts {
        [0, 0, 0, 0, 0, 0xffff | 0, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => from(high, low),
        [0x2002, high, low, ..] => from(high, low),
        _ => address,
    }
}

/// By the registries of special-purpose addresses (RFC 6890 and what followed it).
fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let is_special = address.is_private()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_broadcast()
        || address.is_documentation()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (b == 18 || b == 19));
    !is_special
}

/// Only what is given out for the public (2000::/3), without documentation and other special uses of 2001::/23.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    let is_global = first & 0xe000 == 0x2000;
    let is_special = first == 0x2001 && (second < 0x200 || second == 0x0db8);
    is_global && !is_special && first != 0x3fff
}

/// What is repeated to people never shows a password.
fn without_user(url: &str) -> String {
    match url.rsplit_once('@') {
        Some((_, host)) => format!("...@{host}"),
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests;
