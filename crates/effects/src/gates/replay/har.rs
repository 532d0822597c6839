//! Requests as browsers and proxies export them (HTTP Archive 1.2, J. Odvarko, 2012).

use std::time::Duration;

use http::{Method, Uri};
use serde::Deserialize;
use serde_json::Value;

use super::workload::{Draft, Recorded, decoded};

#[derive(Debug, Deserialize)]
struct Archive {
    log: Log,
}

#[derive(Debug, Deserialize)]
struct Log {
    /// Read one by one, so that a mistake is told with its place.
    entries: Vec<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    started_date_time: jiff::Timestamp,
    request: Request,
    #[serde(default)]
    response: Option<Response>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    method: String,
    url: String,
    #[serde(default)]
    headers: Vec<Pair>,
    #[serde(default)]
    post_data: Option<Posted>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Posted {
    #[serde(default)]
    mime_type: String,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    encoding: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Response {
    status: u16,
    #[serde(default)]
    headers: Vec<Pair>,
    #[serde(default)]
    content: Content,
}

#[derive(Debug, Default, Deserialize)]
struct Content {
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    encoding: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Pair {
    name: String,
    value: String,
}

const EXPORT: &str = "export it once more as HAR 1.2 with content";

/// The requests to `host`, or to that of the first one, and how many others there are.
///
/// # Errors
/// The first entry that is no request, and why.
pub(super) fn read(text: &str, host: Option<&str>) -> Result<(Vec<Draft>, u64), String> {
    // Some programs write a mark of the order of bytes.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let archive: Archive = serde_json::from_str(text).map_err(|error| format!("this is no HAR: {error}; {EXPORT}"))?;
    let (mut ours, mut begin) = (host.map(str::to_owned), None);
    let (mut drafts, mut elsewhere) = (Vec::new(), 0);
    for (index, entry) in archive.log.entries.into_iter().enumerate() {
        let place = format!("entry {}", index + 1);
        let wrong = |problem: String| format!("{place}: {problem}");
        let entry = serde_json::from_value(entry).map_err(|error| wrong(format!("{error}; {EXPORT}")))?;
        let Entry {
            started_date_time,
            request,
            response,
        } = entry;
        let uri: Uri = request
            .url
            .parse()
            .map_err(|_| wrong("its `url` is none: write one such as https://host/path".to_owned()))?;
        let at = uri.scheme().and(uri.host()).map(str::to_owned);
        let at = at.ok_or_else(|| wrong("its `url` has no host: write one such as https://host/path".to_owned()))?;
        if !ours.get_or_insert_with(|| at.clone()).eq_ignore_ascii_case(&at) {
            elsewhere += 1;
            continue;
        }
        let begin = *begin.get_or_insert(started_date_time);
        let since = started_date_time.duration_since(begin);
        let body = posted(&request);
        drafts.push(Draft {
            path: uri.path_and_query().map_or("/", |path| path.as_str()).to_owned(),
            method: request.method.to_ascii_uppercase(),
            tenant: None,
            headers: pairs(request.headers),
            body,
            at: Duration::try_from(since).unwrap_or_default(),
            // Chrome writes 0 for what was never answered.
            recorded: response
                .filter(|answer| (100..1000).contains(&answer.status))
                .map(recorded)
                .transpose()
                .map_err(wrong)?,
            place,
        });
    }
    Ok((drafts, elsewhere))
}

fn posted(request: &Request) -> Result<Vec<u8>, String> {
    let Some(posted) = &request.post_data else {
        return Ok(Vec::new());
    };
    match (&posted.text, posted.encoding.as_deref()) {
        (Some(text), Some("base64")) => decoded(text),
        (Some(text), _) => Ok(text.clone().into_bytes()),
        (None, _) if request.method == Method::GET.as_str() => Ok(Vec::new()),
        (None, _) => Err(format!(
            "its body ({}) is not in the file: {EXPORT}, or take the entry out",
            posted.mime_type
        )),
    }
}

fn recorded(answer: Response) -> Result<Recorded, String> {
    let body = match (answer.content.text, answer.content.encoding.as_deref()) {
        (Some(text), Some("base64")) => decoded(&text)?,
        (Some(text), _) => text.into_bytes(),
        (None, _) => Vec::new(),
    };
    // The content is what was left when the body was unpacked.
    let mut headers = pairs(answer.headers);
    headers.retain(|(name, _)| !name.eq_ignore_ascii_case("content-encoding"));
    Ok(Recorded {
        status: answer.status,
        headers,
        body,
    })
}

fn pairs(pairs: Vec<Pair>) -> Vec<(String, String)> {
    pairs.into_iter().map(|pair| (pair.name, pair.value)).collect()
}
