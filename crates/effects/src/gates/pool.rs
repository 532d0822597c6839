//! Instances that requests go to, directly and in turns, with the connections to each that are kept open.

use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::Response;
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::Mutex;

/// Groups of instances: each group gets the same share of the requests, whoever of it is there.
#[derive(Debug)]
pub(super) struct Pool(Vec<RwLock<Vec<Arc<Member>>>>);

#[derive(Debug)]
struct Member {
    address: SocketAddr,
    /// Connections that nothing is sent over now.
    idle: Mutex<Vec<SendRequest<Full<Bytes>>>>,
}

/// What an instance has answered.
#[derive(Debug)]
pub(super) struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    /// Empty where none was asked for.
    pub body: Bytes,
}

/// How much of an answer is kept.
#[derive(Debug, Clone, Copy)]
pub(super) enum Wanted {
    /// The body is read to its end and dropped.
    Status,
    /// The body too, if it has at most so many bytes.
    Body(usize),
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoAnswer {
    /// Nobody is there, or the connection broke.
    Broken,
    /// It is longer than was wanted.
    TooLong,
}

impl Pool {
    /// One group.
    pub fn new(addresses: &[SocketAddr]) -> Self {
        let pool = Self::of_groups(1);
        pool.set(0, addresses);
        pool
    }

    /// So many groups, with nobody in them yet.
    pub fn of_groups(groups: usize) -> Self {
        Self((0..groups).map(|_| RwLock::default()).collect())
    }

    /// Who is in a group from now on. Connections to whoever stays are kept.
    pub fn set(&self, group: usize, addresses: &[SocketAddr]) {
        let mut members = self.0[group].write().unwrap_or_else(PoisonError::into_inner);
        let member = |address: &SocketAddr| {
            let known = members.iter().find(|member| member.address == *address);
            known.map_or_else(|| Arc::new(Member::new(*address)), Arc::clone)
        };
        *members = addresses.iter().map(member).collect();
    }

    /// Sends the request with this number to the instance whose turn it is, and reads the answer to its end.
    ///
    /// # Errors
    /// There is no answer.
    pub async fn send(
        &self,
        number: usize,
        mut request: Request<Full<Bytes>>,
        wanted: Wanted,
    ) -> Result<Answer, NoAnswer> {
        let member = self.member(number).ok_or(NoAnswer::Broken)?;
        let host = HeaderValue::from_str(&member.address.to_string()).map_err(|_| NoAnswer::Broken)?;
        request.headers_mut().insert(header::HOST, host);
        loop {
            let kept = member.idle.lock().await.pop();
            let is_kept = kept.is_some();
            let mut sender = match kept {
                Some(sender) => sender,
                None => connect(member.address).await.ok_or(NoAnswer::Broken)?,
            };
            match sender.try_send_request(request).await {
                Ok(answer) => {
                    let answer = read(answer, wanted).await?;
                    if sender.ready().await.is_ok() {
                        member.idle.lock().await.push(sender);
                    }
                    return Ok(answer);
                }
                // An idle connection that the instance had closed: the request was not sent.
                Err(mut error) => request = error.take_message().filter(|_| is_kept).ok_or(NoAnswer::Broken)?,
            }
        }
    }

    fn member(&self, number: usize) -> Option<Arc<Member>> {
        let groups = self.0.len().max(1);
        let members = self.0.get(number % groups)?;
        let members = members.read().unwrap_or_else(PoisonError::into_inner);
        members.get(number / groups % members.len().max(1)).map(Arc::clone)
    }
}

impl Member {
    fn new(address: SocketAddr) -> Self {
        Self {
            address,
            idle: Mutex::default(),
        }
    }
}

async fn connect(address: SocketAddr) -> Option<SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect(address).await.ok()?;
    // Else a small body may wait for an acknowledgement.
    stream.set_nodelay(true).ok()?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await.ok()?;
    // It ends when its sender is dropped.
    tokio::spawn(connection);
    Some(sender)
}

async fn read(answer: Response<Incoming>, wanted: Wanted) -> Result<Answer, NoAnswer> {
    let (parts, mut from) = answer.into_parts();
    let mut body = Vec::new();
    while let Some(frame) = from.frame().await {
        let frame = frame.map_err(|_| NoAnswer::Broken)?;
        if let (Wanted::Body(most), Some(data)) = (wanted, frame.data_ref()) {
            if body.len() + data.len() > most {
                return Err(NoAnswer::TooLong);
            }
            body.extend_from_slice(data);
        }
    }
    Ok(Answer {
        status: parts.status,
        headers: parts.headers,
        body: body.into(),
    })
}
