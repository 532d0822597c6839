//! A served shop of two cells and six tenants, and a client for it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use axum::body::Bytes;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tidegate_domain::desired::Desired;
use tidegate_domain::event::{Event, EventKind};
use tidegate_domain::id::{Actor, CellName, Digest, ServiceName};
use tidegate_domain::observed::{CellReport, GatewayReport, Instance, SlotState};
use tidegate_domain::time::Duration;
use tidegate_effects::drivers::Driver;
use tidegate_store::Store;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::super::{AppState, router};
use crate::auth::tokens::{self, Wish};
use crate::auth::{Role, Scope};
use crate::clock;
use crate::control::Control;
use crate::fixture::FakeDriver;
use crate::gateways::Gateways;
use crate::webhooks::Reach;

const SERVICE: &str = "
service: shop
playbook: two-waves
cells: [{name: eu}, {name: us}]
gateway: {tenant_from: [{header: x-tenant}]}
components:
  - {name: api, command: ['{artifact}', '{port}'], instances: 2}
  - {name: ledger, kind: worker, ownership: tenant, command: ['{artifact}']}
";
pub const TENANTS: &str = "
tenants:
  - {id: acme, cell: eu, opt_in: true}
  - {id: bolt, cell: eu}
  - {id: cato, cell: eu}
  - {id: dune, cell: us, opt_in: true}
  - {id: echo, cell: us}
  - {id: flux, cell: us}
";
const PLAYBOOK: &str = "
name: two-waves
waves:
  - {name: first, select: {opt_in: true}, bake: {least: 10m, longest: 1h, requests: 100}}
  - {name: rest, select: {rest: true}, gap: 1h, bake: {least: 10m, longest: 1h, requests: 100}}
rollback_window: 2h
";

pub struct World {
    pub address: SocketAddr,
    pub control: Control,
    pub service: ServiceName,
    pub driver: Arc<FakeDriver>,
    /// Ends with the world.
    _tasks: JoinSet<()>,
}

/// What came back.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Reply {
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }
}

/// The shop's files, with a release of `version`.
pub fn request(version: &str, tenants: &str) -> Value {
    let artifact = |name: &str| {
        let digest = Digest::of(format!("{name} {version}").as_bytes());
        json!({ "component": name, "path": format!("/artifacts/{name}"), "sha256": digest })
    };
    json!({
        "sources": [
            { "path": "tidegate.yaml", "text": SERVICE },
            { "path": "tenants.yaml", "text": tenants },
            { "path": "playbooks/two-waves.yaml", "text": PLAYBOOK },
        ],
        "release": {
            "path": "release.yaml",
            "text": format!(
                "version: {version}\ncomponents: {{api: {{artifact: api}}, ledger: {{artifact: ledger}}}}\n"
            ),
        },
        "artifacts": [artifact("api"), artifact("ledger")],
    })
}

impl World {
    pub async fn start() -> Self {
        let service = ServiceName::new("shop").unwrap();
        let store = Store::memory();
        let control = Control::start(store.clone(), service.clone()).await.unwrap();
        let gateways = Gateways::load(store, service.clone()).await.unwrap();
        let driver = Arc::new(FakeDriver::new());
        let state = AppState::new(
            control.clone(),
            gateways,
            PathBuf::from("/nowhere"),
            Arc::clone(&driver) as Arc<dyn Driver>,
            Reach::WithLoopback,
            PathBuf::from("/nowhere"),
        );
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut tasks = JoinSet::new();
        let turning = control.clone();
        tasks.spawn(async move { turning.run().await });
        tasks.spawn(async move { axum::serve(listener, router(state)).await.unwrap() });
        Self {
            address,
            control,
            service,
            driver,
            _tasks: tasks,
        }
    }

    /// With 1.0.0 running for everybody.
    pub async fn installed() -> Self {
        let world = Self::start().await;
        let admin = world.token(Role::Admin).await;
        world.apply(&admin, "1.0.0").await;
        world.settle().await;
        let view = world.control.view();
        assert!(
            view.state.seats.values().all(|seat| seat.version.is_some()),
            "{:?}",
            view.waiting
        );
        world
    }

    pub async fn plan(&self, token: &str, version: &str) -> String {
        let planned = self
            .post(token, "/v1/plans", &request(version, TENANTS))
            .await
            .expect(200);
        planned["digest"].as_str().unwrap().to_owned()
    }

    pub async fn apply(&self, token: &str, version: &str) {
        let digest = self.plan(token, version).await;
        self.post(token, "/v1/releases", &json!({ "plan": digest }))
            .await
            .expect(201);
    }

    /// Drivers and gateways do all that is desired, until nothing more is.
    pub async fn settle(&self) {
        for round in 0..20 {
            let view = self.control.view();
            let event = Event {
                actor: Actor::system("test"),
                reason: None,
                kind: observed(&view.desired),
            };
            let key = format!("observed/{}/{round}", view.desired.generation);
            self.control.submit(&event, &key).await.unwrap();
        }
    }

    pub async fn token(&self, role: Role) -> String {
        self.token_for(role, Scope::Service).await
    }

    pub async fn token_for(&self, role: Role, scope: Scope) -> String {
        let name = format!("{}@example.com", role.as_str());
        self.token_of(&name, &[role], scope).await
    }

    /// A token of a person with several roles.
    pub async fn token_of(&self, name: &str, roles: &[Role], scope: Scope) -> String {
        let wish = Wish {
            name: name.to_owned(),
            roles: roles.iter().copied().collect(),
            scope,
            expires: clock::now() + Duration::from_hours(1),
        };
        let by = Actor::system("test");
        let made = tokens::make(self.control.store(), &self.service, &wish, &by, "a test", clock::now()).await;
        made.unwrap().secret.reveal().to_owned()
    }

    pub async fn get(&self, token: &str, path: &str) -> Reply {
        self.call(Method::GET, path, Some(token), &[], Vec::new()).await
    }

    pub async fn post(&self, token: &str, path: &str, body: &Value) -> Reply {
        self.call(Method::POST, path, Some(token), &[], body.to_string().into_bytes())
            .await
    }

    pub async fn delete(&self, token: &str, path: &str) -> Reply {
        self.call(Method::DELETE, path, Some(token), &[], Vec::new()).await
    }

    pub async fn call(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Reply {
        let mut headers: Vec<(&str, String)> = headers
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()))
            .collect();
        headers.extend(token.map(|token| ("authorization", format!("Bearer {token}"))));
        let response = self.open(method, path, &headers, body).await;
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Reply {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }

    /// A request whose answer is read by the caller. The path goes out as it is given.
    pub async fn open(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, String)],
        body: Vec<u8>,
    ) -> hyper::Response<Incoming> {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "localhost");
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        sender
            .send_request(request.body(Full::new(Bytes::from(body))).unwrap())
            .await
            .unwrap()
    }
}

fn observed(desired: &Desired) -> EventKind {
    let ready = vec![Instance {
        id: "0".to_owned(),
        address: "127.0.0.1:9".parse().unwrap(),
    }];
    let report = |slots: Vec<_>| CellReport {
        generation: desired.generation,
        slots: slots
            .into_iter()
            .map(|id| (id, SlotState::Ready { ready: ready.clone() }))
            .collect(),
        ownership: desired.generation,
    };
    let cells: BTreeMap<CellName, CellReport> = desired
        .cells
        .iter()
        .map(|(name, cell)| (name.clone(), report(cell.slots.keys().cloned().collect())))
        .collect();
    EventKind::Observed {
        cells,
        gateways: GatewayReport {
            confirmed: Some(desired.generation),
            ..GatewayReport::default()
        },
    }
}
