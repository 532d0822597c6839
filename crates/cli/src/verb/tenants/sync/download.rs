//! The list of all tenants from a web server: one GET, over TLS as this machine believes it, no redirection followed.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, StatusCode, Uri};
use http_body_util::Full;
use tidegate_effects::wire::{Wire, is_this_machine};

use crate::error::CliError;
use crate::runtime;

/// From the name to the last byte.
const WITHIN: Duration = Duration::from_secs(60);
/// More than a list of every tenant there is.
const BYTES_MAX: usize = 64 << 20;

/// What the server answers; `header_from` names the variable that holds a header.
pub fn text(url: &str, header_from: Option<&str>) -> Result<String, CliError> {
    let wrong = || {
        CliError::new(format!("`{url}` is not the address of a list"))
            .help("write it like https://accounts.example.com/tenants.csv")
    };
    let uri: Uri = url.parse().map_err(|_| wrong())?;
    let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(wrong)?;
    match uri.scheme_str() {
        Some("https") => {}
        Some("http") if is_this_machine(host) => {}
        Some("http") => {
            return Err(CliError::new(format!("`{url}` would be asked for without encryption"))
                .help("use https; http is for a server on this machine"));
        }
        Some(_) | None => return Err(wrong()),
    }
    let header = header_from.map(header_in).transpose()?;
    let failed = || CliError::new(format!("cannot get the list of tenants from `{url}`"));
    let asked = async { tokio::time::timeout(WITHIN, ask(&uri, header)).await };
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

async fn ask(uri: &Uri, header: Option<(HeaderName, HeaderValue)>) -> Result<(StatusCode, Bytes), AskError> {
    let mut request = Request::get(uri).body(Full::default())?;
    if let Some((name, value)) = header {
        request.headers_mut().insert(name, value);
    }
    Ok(Wire::default().call(request, BYTES_MAX).await?)
}
