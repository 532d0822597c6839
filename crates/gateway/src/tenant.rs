//! Which tenant a request is for: every declared place is asked, and all that answer must agree.

use std::borrow::Cow;

use http::header::{COOKIE, HeaderName};
use http::request::Parts;

use crate::clock;
use crate::protocol::ErrorReason;
use crate::table::{ClientSource, TableError, TenantSource};

use token::TokenSource;

mod token;

#[cfg(test)]
mod tests;

/// The declared places, ready to be asked.
#[derive(Debug)]
pub(crate) struct TenantSources(Vec<Source>);

/// What a request says about its tenant.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Found<'a> {
    pub(crate) tenant: Cow<'a, str>,
    /// How many bytes of the path named the tenant and are to be taken off.
    pub(crate) stripped: usize,
}

#[derive(Debug)]
enum Source {
    Host(Pattern),
    Path { pattern: Pattern, strip: bool },
    Header(HeaderName),
    Cookie(String),
    Token(TokenSource),
}

/// What stands before and after the tenant.
#[derive(Debug)]
pub(crate) struct Pattern {
    before: String,
    after: String,
}

impl TenantSources {
    /// Prepares the places of a table that is valid.
    pub(crate) fn compile(sources: &[TenantSource]) -> Result<Self, TableError> {
        sources.iter().map(Source::compile).collect::<Result<_, _>>().map(Self)
    }

    /// Names of headers that name tenants. They are not forwarded.
    pub(crate) fn headers(&self) -> impl Iterator<Item = &HeaderName> {
        self.0.iter().filter_map(|source| match source {
            Source::Header(name) => Some(name),
            Source::Host(_) | Source::Path { .. } | Source::Cookie(_) | Source::Token(_) => None,
        })
    }

    /// Asks every place. `host` is in lower case and without port.
    pub(crate) fn find<'a>(&self, head: &'a Parts, host: &'a str) -> Result<Found<'a>, ErrorReason> {
        let mut tenant = None;
        let mut stripped = 0;
        let mut agree = |said: Cow<'a, str>| match tenant.replace(said) {
            Some(before) if Some(&before) != tenant.as_ref() => Err(ErrorReason::TenantConflict),
            Some(_) | None => Ok(()),
        };
        for source in &self.0 {
            match source {
                Source::Host(pattern) => pattern.whole(host, '.').map_or(Ok(()), |said| agree(said.into()))?,
                Source::Path { pattern, strip } => {
                    if let Some((said, consumed)) = pattern.prefix(head.uri.path()) {
                        agree(said.into())?;
                        stripped = if *strip { consumed } else { stripped };
                    }
                }
                Source::Header(name) => {
                    for value in head.headers.get_all(name) {
                        agree(value.to_str().map_err(|_| ErrorReason::TenantUnknown)?.into())?;
                    }
                }
                Source::Cookie(name) => cookies(head, name).try_for_each(|said| agree(said.into()))?,
                Source::Token(source) => {
                    let said = source.find(head, clock::unix_ms() / 1_000)?;
                    said.map_or(Ok(()), |said| agree(said.into()))?;
                }
            }
        }
        let tenant = tenant.ok_or(ErrorReason::TenantMissing)?;
        Ok(Found { tenant, stripped })
    }
}

impl Source {
    fn compile(source: &TenantSource) -> Result<Self, TableError> {
        Ok(match source {
            TenantSource::Host(pattern) => Source::Host(Pattern::new(&pattern.to_ascii_lowercase())),
            TenantSource::Path(path) => Source::Path {
                pattern: Pattern::new(&path.pattern),
                strip: path.strip,
            },
            TenantSource::Header(name) => Source::Header(header_name(name)?),
            TenantSource::Cookie(name) => Source::Cookie(name.clone()),
            TenantSource::Jwt(source) => Source::Token(TokenSource::compile(source)?),
        })
    }
}

impl Pattern {
    pub(crate) fn new(pattern: &str) -> Self {
        let (before, after) = pattern.split_once("{tenant}").unwrap_or((pattern, ""));
        Self {
            before: before.to_owned(),
            after: after.to_owned(),
        }
    }

    /// The tenant, where the whole text matches and the tenant is one part of it.
    pub(crate) fn whole<'a>(&self, text: &'a str, separator: char) -> Option<&'a str> {
        let tenant = text
            .strip_prefix(self.before.as_str())?
            .strip_suffix(self.after.as_str())?;
        (!tenant.is_empty() && !tenant.contains(separator)).then_some(tenant)
    }

    /// The tenant and the length of what matched, where a path begins with the pattern.
    fn prefix<'a>(&self, path: &'a str) -> Option<(&'a str, usize)> {
        let rest = path.strip_prefix(self.before.as_str())?;
        let tenant = rest.split('/').next().filter(|tenant| !tenant.is_empty())?;
        let rest = rest[tenant.len()..].strip_prefix(self.after.as_str())?;
        (rest.is_empty() || rest.starts_with('/')).then_some((tenant, path.len() - rest.len()))
    }
}

/// A number that stands for one client of a tenant. Stable over processes, because sticky splits rest on it.
pub(crate) fn client_hash(source: &CompiledClientSource, head: &Parts, peer: &str) -> u64 {
    let said = match source {
        CompiledClientSource::Address => None,
        CompiledClientSource::Header(name) => head.headers.get(name).map(http::HeaderValue::as_bytes),
        CompiledClientSource::Cookie(name) => cookies(head, name).next().map(str::as_bytes),
    };
    hash(said.unwrap_or(peer.as_bytes()))
}

/// [`ClientSource`], ready to be asked.
#[derive(Debug)]
pub(crate) enum CompiledClientSource {
    Address,
    Header(HeaderName),
    Cookie(String),
}

impl CompiledClientSource {
    pub(crate) fn compile(source: &ClientSource) -> Result<Self, TableError> {
        Ok(match source {
            ClientSource::Address => CompiledClientSource::Address,
            ClientSource::Header(name) => CompiledClientSource::Header(header_name(name)?),
            ClientSource::Cookie(name) => CompiledClientSource::Cookie(name.clone()),
        })
    }
}

/// FNV-1a with the finalizer of SplitMix64, which spreads short keys over all bits.
pub(crate) fn hash(bytes: &[u8]) -> u64 {
    let folded = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mixed = (folded ^ (folded >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

fn header_name(name: &str) -> Result<HeaderName, TableError> {
    HeaderName::from_bytes(name.as_bytes()).map_err(|_| TableError::FieldName { name: name.to_owned() })
}

fn cookies<'a>(head: &'a Parts, name: &str) -> impl Iterator<Item = &'a str> {
    head.headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(move |pair| pair.trim().split_once('=').filter(|(key, _)| *key == name))
        .map(|(_, value)| value.trim_matches('"'))
        .filter(|value| !value.is_empty())
}
