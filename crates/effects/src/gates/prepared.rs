//! A request as a playbook writes it: checked once, when it is read, and from then on ready to be sent as often as it is wanted.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, Uri};
use http_body_util::Full;

#[derive(Debug, Clone)]
pub(super) struct Prepared {
    method: Method,
    headers: HeaderMap,
    body: Bytes,
}

impl Prepared {
    /// `refused` says why a header is none that a playbook can set, where it is none.
    pub fn new(
        method: &str,
        headers: &BTreeMap<String, String>,
        body: String,
        refused: impl Fn(&HeaderName) -> Option<String>,
    ) -> Result<Self, String> {
        let method = Method::from_bytes(method.as_bytes()).map_err(|_| format!("`{method}` is no method"))?;
        if method == Method::CONNECT {
            return Err("`CONNECT` opens a tunnel and is no request of a check".to_owned());
        }
        Ok(Self {
            method,
            headers: self::headers(headers, refused)?,
            body: Bytes::from(body),
        })
    }

    /// The request for this address or path.
    pub fn to(&self, uri: Uri) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(self.body.clone()));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = uri;
        *request.headers_mut() = self.headers.clone();
        request
    }
}

/// Headers as they are written.
pub(super) fn headers(
    written: &BTreeMap<String, String>,
    refused: impl Fn(&HeaderName) -> Option<String>,
) -> Result<HeaderMap, String> {
    let mut ready = HeaderMap::new();
    for (name, value) in written {
        let header: HeaderName = name.parse().map_err(|_| format!("`{name}` is no name of a header"))?;
        if let Some(reason) = refused(&header) {
            return Err(reason);
        }
        let value: HeaderValue = value
            .parse()
            .map_err(|_| format!("the value of the header `{name}` cannot be sent"))?;
        ready.insert(header, value);
    }
    Ok(ready)
}

/// A path of an instance, alone: it names no other machine.
pub(super) fn path(text: &str) -> Result<Uri, String> {
    if !text.starts_with('/') {
        return Err(format!("the path `{text}` does not begin with `/`"));
    }
    let uri: Uri = text.parse().map_err(|_| format!("`{text}` is no path"))?;
    if uri.authority().is_some() {
        return Err(format!("`{text}` is no path"));
    }
    Ok(uri)
}
