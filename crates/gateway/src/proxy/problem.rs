//! Answers the gateway makes itself: problem documents (RFC 9457) that say why, and the maintenance page.

use bytes::Bytes;
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};

use super::answer::AnswerBody;
use super::header;
use crate::protocol::ErrorReason;
use crate::table::{Answer, Closed};

/// What a client is told to wait where the gateway expects to serve again soon.
const RETRY_AFTER_S: u32 = 1;

/// The same where a tenant is on its way to another cell, or its operator has closed it with status 503.
const MOVED_AFTER_S: u32 = 5;

pub(crate) fn problem(reason: ErrorReason) -> Response<AnswerBody> {
    let (status, title) = told(reason);
    let body = format!(
        r#"{{"type":"about:blank","title":"{title}","status":{},"reason":"{}"}}"#,
        status.as_u16(),
        reason.word()
    );
    let mut response = response(status, "application/problem+json", body);
    response
        .headers_mut()
        .insert(header::ERROR, HeaderValue::from_static(reason.word()));
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response
            .headers_mut()
            .insert(RETRY_AFTER, HeaderValue::from(RETRY_AFTER_S));
    }
    response
}

/// Not an error: the tenant was told of it. A page for people, a problem document for programs.
pub(crate) fn maintenance(headers: &HeaderMap, retry_after_s: u32, message: &str) -> Response<AnswerBody> {
    let mut response = if accepts_html(headers) {
        let body = format!(
            "<!doctype html><meta charset=\"utf-8\"><title>Maintenance</title><h1>Maintenance</h1><p>{}</p>\n",
            escaped_html(message)
        );
        response(StatusCode::SERVICE_UNAVAILABLE, "text/html; charset=utf-8", body)
    } else {
        let body = serde_json::json!({
            "type": "about:blank", "title": "Maintenance", "status": 503, "detail": message, "retry_after_s": retry_after_s,
        });
        response(
            StatusCode::SERVICE_UNAVAILABLE,
            "application/problem+json",
            body.to_string(),
        )
    };
    response
        .headers_mut()
        .insert(RETRY_AFTER, HeaderValue::from(retry_after_s));
    response
}

/// The words of an answer that the operator may declare otherwise.
struct Own {
    status: StatusCode,
    reason: &'static str,
    title: &'static str,
    text: &'static str,
}

/// The tenant exists and is not served.
pub(crate) fn closed(headers: &HeaderMap, closed: Closed, declared: Option<&Answer>) -> Response<AnswerBody> {
    let own = match closed {
        Closed::Suspended => Own {
            status: StatusCode::FORBIDDEN,
            reason: "tenant_suspended",
            title: "Suspended",
            text: "This tenant is suspended.",
        },
        Closed::Moving => Own {
            status: StatusCode::SERVICE_UNAVAILABLE,
            reason: "tenant_moving",
            title: "Moving",
            text: "This tenant is being moved and will be served again in a moment.",
        },
    };
    declared_answer(headers, &own, declared)
}

/// The operator's words for a tenant that does not exist.
pub(crate) fn unknown(headers: &HeaderMap, declared: Option<&Answer>) -> Response<AnswerBody> {
    let (status, text) = told(ErrorReason::TenantUnknown);
    let own = Own {
        status,
        reason: ErrorReason::TenantUnknown.word(),
        title: text,
        text,
    };
    declared_answer(headers, &own, declared)
}

/// A page for people, a problem document for programs.
fn declared_answer(headers: &HeaderMap, own: &Own, declared: Option<&Answer>) -> Response<AnswerBody> {
    let status = declared.and_then(|answer| StatusCode::from_u16(answer.status?).ok());
    let status = status.unwrap_or(own.status);
    let text = declared.and_then(|answer| answer.text.as_deref()).unwrap_or(own.text);
    let page = declared.and_then(|answer| answer.page.clone());
    let mut response = if accepts_html(headers) {
        let body = page.unwrap_or_else(|| {
            format!(
                "<!doctype html><meta charset=\"utf-8\"><title>{0}</title><h1>{0}</h1><p>{1}</p>\n",
                own.title,
                escaped_html(text)
            )
        });
        response(status, "text/html; charset=utf-8", body)
    } else {
        let body = serde_json::json!({
            "type": "about:blank", "title": own.title, "status": status.as_u16(), "detail": text, "reason": own.reason,
        });
        response(status, "application/problem+json", body.to_string())
    };
    let headers = response.headers_mut();
    headers.insert(header::ERROR, HeaderValue::from_static(own.reason));
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(RETRY_AFTER, HeaderValue::from(MOVED_AFTER_S));
    }
    response
}

fn accepts_html(headers: &HeaderMap) -> bool {
    let accepts = headers.get(ACCEPT).and_then(|value| value.to_str().ok());
    accepts.unwrap_or_default().contains("text/html")
}

fn response(status: StatusCode, content_type: &'static str, body: String) -> Response<AnswerBody> {
    let mut response = Response::new(AnswerBody::Text(Some(Bytes::from(body))));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn told(reason: ErrorReason) -> (StatusCode, &'static str) {
    match reason {
        ErrorReason::BadRequest => (
            StatusCode::BAD_REQUEST,
            "The request can be understood in more than one way",
        ),
        ErrorReason::TenantConflict => (StatusCode::BAD_REQUEST, "The request names more than one tenant"),
        ErrorReason::TenantMissing => (StatusCode::NOT_FOUND, "The request names no tenant"),
        ErrorReason::TenantUnknown => (StatusCode::NOT_FOUND, "There is no such tenant"),
        ErrorReason::TokenRefused => (StatusCode::UNAUTHORIZED, "The bearer token does not verify"),
        ErrorReason::ComponentUnknown => (StatusCode::NOT_FOUND, "Nothing is served at this host and path"),
        ErrorReason::PreviewRefused => (StatusCode::FORBIDDEN, "The preview is not valid for this tenant now"),
        ErrorReason::BodyTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "The request body is longer than allowed"),
        ErrorReason::ClientTimeout => (StatusCode::REQUEST_TIMEOUT, "The request body did not arrive in time"),
        ErrorReason::HoldExpired => (
            StatusCode::SERVICE_UNAVAILABLE,
            "The request was held for as long as allowed",
        ),
        ErrorReason::HoldFull => (StatusCode::SERVICE_UNAVAILABLE, "Too many requests are held"),
        ErrorReason::NoInstance => (StatusCode::SERVICE_UNAVAILABLE, "Nothing serves this yet"),
        ErrorReason::Unreachable => (StatusCode::BAD_GATEWAY, "The service could not be reached"),
        ErrorReason::UpstreamTimeout => (StatusCode::GATEWAY_TIMEOUT, "The service did not answer in time"),
        ErrorReason::UpstreamBroken => (
            StatusCode::BAD_GATEWAY,
            "The service closed the connection before it answered",
        ),
        ErrorReason::UpstreamProtocol => (StatusCode::BAD_GATEWAY, "The service did not answer in HTTP"),
        ErrorReason::Drained => (
            StatusCode::SERVICE_UNAVAILABLE,
            "The version that served this has ended",
        ),
    }
}

fn escaped_html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
