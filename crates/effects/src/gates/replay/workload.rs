//! Recorded requests, ready to be sent.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::{self, Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, Uri};
use http_body_util::Full;
use tidegate_domain::id::TenantName;
use tidegate_evidence::shadow::{REDACTED_NAMES, Record};

use super::with::{With, WorkloadUse};
use super::{har, lines};

/// What tells an instance for whom it works, as the gateway tells it.
const TENANT: HeaderName = HeaderName::from_static("x-tidegate-tenant");
const FILE_BYTES_MAX: u64 = 256 << 20;

/// What is of the connection that was recorded, would make answers compressed, or would have instances leave out what was cached.
const NOT_SENT: &[HeaderName] = &[
    header::HOST,
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::TE,
    header::TRAILER,
    header::EXPECT,
    header::ACCEPT_ENCODING,
    header::IF_NONE_MATCH,
    header::IF_MODIFIED_SINCE,
];

/// A file of requests.
#[derive(Debug)]
pub(super) struct Workload {
    pub entries: Vec<Entry>,
    pub left_out: LeftOut,
}

/// One request.
#[derive(Debug)]
pub(super) struct Entry {
    /// As its comparison names it.
    pub id: String,
    pub method: Method,
    pub path: Uri,
    pub tenant: Option<TenantName>,
    headers: HeaderMap,
    body: Bytes,
    /// Since the first of the file.
    pub at: Duration,
    /// What was answered then.
    pub recorded: Option<Record>,
}

/// What of the files is not sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct LeftOut {
    /// Requests to other hosts.
    pub elsewhere: u64,
    /// Requests that may change something, and are not declared.
    pub unsafe_methods: u64,
    /// Headers that hold secrets by their names.
    pub secret_headers: u64,
}

/// A request as it is written.
#[derive(Debug)]
pub(super) struct Draft {
    /// Where it stands, for a message: `line 3`.
    pub place: String,
    pub method: String,
    pub path: String,
    pub tenant: Option<TenantName>,
    pub headers: Vec<(String, String)>,
    /// Why it is not known matters only where it is sent.
    pub body: Result<Vec<u8>, String>,
    pub at: Duration,
    pub recorded: Option<Recorded>,
}

/// An answer as it is written.
#[derive(Debug)]
pub(super) struct Recorded {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Workload {
    /// # Errors
    /// What is wrong, with the file, the place in it, and the way out.
    pub fn read(with: &With, of: &WorkloadUse, directory: &Path) -> Result<Self, String> {
        let text = text(directory, &of.file)?;
        let wrong = |problem: String| format!("`{}`: {problem}", of.file);
        let is_har = Path::new(&of.file)
            .extension()
            .is_some_and(|extension| extension == "har");
        let (drafts, elsewhere) = if is_har {
            har::read(&text, of.host.as_deref()).map_err(wrong)?
        } else {
            (lines::read(&text).map_err(wrong)?, 0)
        };
        let mut workload = Self {
            entries: Vec::new(),
            left_out: LeftOut {
                elsewhere,
                ..LeftOut::default()
            },
        };
        for draft in drafts {
            let place = draft.place.clone();
            let taken = workload.take(draft, with, of);
            taken.map_err(|problem| wrong(format!("{place}: {problem}")))?;
        }
        Ok(workload)
    }

    fn take(&mut self, draft: Draft, with: &With, of: &WorkloadUse) -> Result<(), String> {
        let method =
            Method::from_bytes(draft.method.as_bytes()).map_err(|_| format!("`{}` is no method", draft.method))?;
        if method == Method::CONNECT {
            return Err("`CONNECT` opens a tunnel: take the request out".to_owned());
        }
        let path = super::super::prepared::path(&draft.path)?;
        if !with.allows(of, &method, &draft.path) {
            self.left_out.unsafe_methods += 1;
            return Ok(());
        }
        let headers = self.headers(&draft.headers, with)?;
        let id = format!("{} {}", of.file, draft.place);
        let tenant = draft.tenant.or_else(|| of.tenant.clone());
        let recorded = draft.recorded.map(|answer| Record {
            id: id.clone(),
            method: method.to_string(),
            path: draft.path.clone(),
            tenant: None,
            status: answer.status,
            headers: by_name(
                answer
                    .headers
                    .iter()
                    .map(|(name, value)| (name.as_str(), value.as_str())),
            ),
            body: answer.body,
            milliseconds: None,
        });
        self.entries.push(Entry {
            id,
            method,
            path,
            tenant,
            headers,
            body: draft.body?.into(),
            at: draft.at,
            recorded,
        });
        Ok(())
    }

    fn headers(&mut self, written: &[(String, String)], with: &With) -> Result<HeaderMap, String> {
        let mut headers = HeaderMap::new();
        // What begins with a colon is a pseudo-header of HTTP/2.
        for (name, value) in written.iter().filter(|(name, _)| !name.starts_with(':')) {
            let header: HeaderName = name.parse().map_err(|_| format!("`{name}` is no name of a header"))?;
            let is_named = || {
                with.secret_headers
                    .iter()
                    .any(|named| named.as_str().eq_ignore_ascii_case(name))
            };
            if NOT_SENT.contains(&header) || header == TENANT {
                continue;
            }
            if REDACTED_NAMES.iter().any(|part| header.as_str().contains(part)) && !is_named() {
                self.left_out.secret_headers += 1;
                continue;
            }
            let value: HeaderValue = value
                .parse()
                .map_err(|_| format!("the value of the header `{name}` cannot be sent"))?;
            headers.append(header, value);
        }
        Ok(headers)
    }
}

impl Entry {
    pub fn request(&self) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(self.body.clone()));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.path.clone();
        *request.headers_mut() = self.headers.clone();
        let tenant = self.tenant.as_ref().and_then(|tenant| tenant.as_str().parse().ok());
        if let Some(tenant) = tenant {
            request.headers_mut().insert(TENANT, tenant);
        }
        request
    }
}

impl LeftOut {
    pub fn add(&mut self, other: Self) {
        self.elsewhere += other.elsewhere;
        self.unsafe_methods += other.unsafe_methods;
        self.secret_headers += other.secret_headers;
    }

    pub fn in_words(self) -> String {
        let told = [
            (self.elsewhere, "to other hosts"),
            (
                self.unsafe_methods,
                "that may change something, and for which no `sandbox` is declared",
            ),
        ];
        let told = told.into_iter().filter(|(count, _)| *count > 0);
        let told: Vec<String> = told.map(|(count, what)| format!("{count} requests {what}")).collect();
        if told.is_empty() {
            String::new()
        } else {
            format!("; not sent: {}", told.join(", "))
        }
    }
}

/// Headers as the comparison takes them.
pub(super) fn by_name<'h>(headers: impl Iterator<Item = (&'h str, &'h str)>) -> BTreeMap<String, Vec<String>> {
    let mut named: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (name, value) in headers.filter(|(name, _)| !name.starts_with(':')) {
        named
            .entry(name.to_ascii_lowercase())
            .or_default()
            .push(value.to_owned());
    }
    named
}

pub(super) fn decoded(base64: &str) -> Result<Vec<u8>, String> {
    let problem = "the body is no base64: write the standard alphabet with padding (RFC 4648, 4)";
    STANDARD.decode(base64.as_bytes()).map_err(|_| problem.to_owned())
}

/// A file of the project's folder.
pub(super) fn in_folder(directory: &Path, name: &str) -> Result<PathBuf, String> {
    if Path::new(name).is_absolute() || name.split('/').any(|part| part == "..") {
        return Err(format!(
            "`{name}` is not in the project's folder: write a path relative to it"
        ));
    }
    let cannot = |error: std::io::Error| format!("`{name}` cannot be read: {error}");
    let path = path::absolute(directory.join(name)).map_err(cannot)?;
    if fs::metadata(&path).map_err(cannot)?.is_file() {
        Ok(path)
    } else {
        Err(format!("`{name}` is no file"))
    }
}

fn text(directory: &Path, name: &str) -> Result<String, String> {
    let cannot = |error: std::io::Error| format!("`{name}` cannot be read: {error}");
    let file = fs::File::open(in_folder(directory, name)?).map_err(cannot)?;
    let mut text = String::new();
    file.take(FILE_BYTES_MAX + 1)
        .read_to_string(&mut text)
        .map_err(cannot)?;
    if text.len() as u64 > FILE_BYTES_MAX {
        return Err(format!(
            "`{name}` is longer than {} MiB: cut it into several",
            FILE_BYTES_MAX >> 20
        ));
    }
    Ok(text)
}
