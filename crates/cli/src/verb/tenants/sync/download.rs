//! The list of all tenants from a web server: one GET, over TLS as this machine believes it, no redirection followed.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, StatusCode, Uri, header};
use http_body_util::Full;
use tidegate_server::wire::{Peer, Wire};
use tokio::net::lookup_host;

use crate::error::CliError;
use crate::runtime;

/// From the name to the last byte.
const WITHIN: Duration = Duration::from_secs(60);
/// More than a list of every tenant there is.
const BYTES_MAX: usize = 64 << 20;

/// Where it is.
struct Place<'a> {
    uri: &'a Uri,
    host: &'a str,
    port: u16,
    tls: bool,
}

/// What the server answers; `header_from` names the variable that holds a header.
pub fn text(url: &str, header_from: Option<&str>) -> Result<String, CliError> {
    let wrong = || {
        CliError::new(format!("`{url}` is not the address of a list"))
            .help("write it like https://accounts.example.com/tenants.csv")
    };
    let uri: Uri = url.parse().map_err(|_| wrong())?;
    let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(wrong)?;
    let tls = match uri.scheme_str() {
        Some("https") => true,
        Some("http") if is_this_machine(host) => false,
        Some("http") => {
            return Err(CliError::new(format!("`{url}` would be asked for without encryption"))
                .help("use https; http is for a server on this machine"));
        }
        Some(_) | None => return Err(wrong()),
    };
    let port = uri.port_u16().unwrap_or(if tls { 443 } else { 80 });
    let place = Place {
        uri: &uri,
        host: host.trim_start_matches('[').trim_end_matches(']'),
        port,
        tls,
    };
    let header = header_from.map(header_in).transpose()?;
    let failed = || CliError::new(format!("cannot get the list of tenants from `{url}`"));
    let asked = async { tokio::time::timeout(WITHIN, ask(&place, header)).await };
    let answered = runtime::serving()?
        .block_on(asked)
        .map_err(|_| CliError::timed_out(format!("`{url}` did not answer within {} s", WITHIN.as_secs())))?;
    let (status, body) = answered.map_err(|error| CliError {
        source: Some(error),
        ..failed()
    })?;
    if status != StatusCode::OK {
        return Err(CliError::new(format!(
            "`{url}` answered {status}, so its list does not count"
        )));
    }
    String::from_utf8(body.to_vec())
        .map_err(|error| CliError::new(format!("what `{url}` answers is not text")).because(error))
}

fn is_this_machine(host: &str) -> bool {
    matches!(host, "localhost" | "127.0.0.1" | "[::1]")
}

/// Its text is a secret, so no message repeats it.
fn header_in(variable: &str) -> Result<(HeaderName, HeaderValue), CliError> {
    let wrong = |what: &str| {
        CliError::new(format!("the variable `{variable}` {what}"))
            .help("set it to a header, such as `Authorization: Bearer ...`")
    };
    let text = std::env::var(variable).map_err(|_| wrong("is not set"))?;
    let (name, value) = text.split_once(':').ok_or_else(|| wrong("holds no header"))?;
    let name = name.trim().parse().map_err(|_| wrong("holds no header"))?;
    let mut value: HeaderValue = value.trim().parse().map_err(|_| wrong("holds no header"))?;
    value.set_sensitive(true);
    Ok((name, value))
}

type AskError = Box<dyn std::error::Error + Send + Sync>;

async fn ask(place: &Place<'_>, header: Option<(HeaderName, HeaderValue)>) -> Result<(StatusCode, Bytes), AskError> {
    let path = place.uri.path_and_query().map_or("/", |path| path.as_str());
    let authority = place.uri.authority().map_or(place.host, |authority| authority.as_str());
    let mut request = Request::get(path)
        .header(header::HOST, authority)
        .header(header::CONNECTION, "close")
        .body(Full::default())?;
    if let Some((name, value)) = header {
        request.headers_mut().insert(name, value);
    }
    let addresses: Vec<SocketAddr> = lookup_host((place.host, place.port)).await?.collect();
    let peer = Peer {
        addresses: &addresses,
        certified: place.tls.then_some(place.host),
    };
    Ok(Wire::default().exchange(peer, request, Some(BYTES_MAX)).await?)
}
