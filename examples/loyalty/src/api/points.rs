//! Points and coupons. A write names its idempotency id in the header `idempotency-key`.

use axum::Json;
use axum::extract::{Extension, Path, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Api;
use crate::edition::{Treatment, tier};
use crate::problem::Problem;
use crate::reply::Caller;
use crate::store::{StoreError, Wish, WriteRequest, Written};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Earn {
    points: i64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Redeem {
    member: String,
}

pub async fn get(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Extension(treatment): Extension<Treatment>,
    Path(member): Path<String>,
) -> Response {
    let asked = member.clone();
    let read = api
        .store
        .tenant(&caller.tenant)
        .read(move |accounts| accounts.points(&asked))
        .await;
    let points = match (read, treatment) {
        (Ok(points), Treatment::WrongTotal) => points + 1,
        (Ok(points), Treatment::Right | Treatment::Slow(_) | Treatment::Fails) => points,
        (Err(error), _) => return Problem::unavailable(&error).into_response(),
    };
    caller.json(&balance(&caller, &member, points))
}

pub async fn earn(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Path(member): Path<String>,
    headers: HeaderMap,
    Json(earn): Json<Earn>,
) -> Response {
    let wish = Wish::Earn { points: earn.points };
    write(&api, &caller, &headers, member, wish).await
}

pub async fn redeem(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Path(coupon): Path<String>,
    headers: HeaderMap,
    Json(redeem): Json<Redeem>,
) -> Response {
    write(&api, &caller, &headers, redeem.member, Wish::Redeem { coupon }).await
}

pub async fn coupons(State(api): State<Api>, Extension(caller): Extension<Caller>) -> Response {
    let read = api
        .store
        .tenant(&caller.tenant)
        .read(|accounts| json!(accounts.coupons()))
        .await;
    match read {
        Ok(redeemed) => caller.json(&json!({"redeemed": redeemed})),
        Err(error) => Problem::unavailable(&error).into_response(),
    }
}

async fn write(api: &Api, caller: &Caller, headers: &HeaderMap, member: String, wish: Wish) -> Response {
    let id = headers.get("idempotency-key").and_then(|value| value.to_str().ok());
    let Some(id) = id.filter(|id| !id.is_empty() && id.len() <= 100) else {
        let detail = "`idempotency-key` must name the request with 1 to 100 characters";
        return Problem::bad_request(detail).into_response();
    };
    let request = WriteRequest {
        id: id.to_owned(),
        member: member.clone(),
        wish,
    };
    let written = api.store.tenant(&caller.tenant).write(request).await;
    answer(caller, &member, written)
}

fn answer(caller: &Caller, member: &str, written: Result<Written, StoreError>) -> Response {
    let (number, points, repeated) = match written {
        Ok(Written::Applied { number, points }) => (number, points, false),
        Ok(Written::Repeated { number, points }) => (number, points, true),
        Ok(Written::CouponSpent) => {
            return Problem::new(StatusCode::CONFLICT, "the coupon was redeemed before").into_response();
        }
        Err(error) => return Problem::unavailable(&error).into_response(),
    };
    let mut document = balance(caller, member, points);
    document["number"] = json!(number);
    document["repeated"] = json!(repeated);
    caller.json(&document)
}

fn balance(caller: &Caller, member: &str, points: i64) -> Value {
    let mut document = json!({"member": member, "points": points});
    if let Some(tier) = tier(&caller.artifact.edition, points) {
        document["tier"] = json!(tier);
    }
    document
}
