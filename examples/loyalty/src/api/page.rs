//! A page that asks for its assets by version: what a browser that loaded it before a switch still wants afterwards.

use axum::extract::{Extension, Path};
use axum::response::{Html, IntoResponse, Response};
use http::{StatusCode, header};

use crate::problem::Problem;
use crate::reply::Caller;

pub async fn page(Extension(caller): Extension<Caller>) -> Html<String> {
    let (version, tenant) = (&caller.artifact.version, &caller.tenant);
    Html(format!(
        "<!doctype html>\n<title>{tenant}</title>\n\
         <link rel=\"stylesheet\" href=\"/assets/{version}/style.css\">\n\
         <h1>Points of {tenant}</h1>\n<p>Version {version}</p>\n"
    ))
}

pub async fn style(Extension(caller): Extension<Caller>, Path(version): Path<String>) -> Response {
    if version != caller.artifact.version {
        let detail = format!("this is version {}", caller.artifact.version);
        return Problem::new(StatusCode::NOT_FOUND, detail).into_response();
    }
    let headers = [
        (header::CONTENT_TYPE, "text/css"),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    (headers, format!("/* {version} */ h1 {{ font-weight: 400 }}\n")).into_response()
}
