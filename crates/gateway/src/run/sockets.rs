//! The listening sockets of a gateway: taken over from the process before, or opened.

use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};

use tokio::net::TcpListener;

use super::StartError;
use crate::handover::{HandoverError, Takeover};
use crate::listen;
use crate::options::Options;

#[derive(Debug)]
pub(super) struct Sockets {
    pub(super) public: TcpListener,
    pub(super) tls: Option<TcpListener>,
    pub(super) internal: Option<TcpListener>,
    pub(super) admin: TcpListener,
}

impl Sockets {
    pub(super) async fn open(options: &Options, takeover: Option<&mut Takeover>) -> Result<Self, StartError> {
        let mut opener = Opener(takeover);
        let public = opener.open("public", options.listen, false).await?;
        let tls = match &options.tls {
            Some(tls) => Some(opener.open("TLS", tls.listen, false).await?),
            None => None,
        };
        let internal = match options.internal {
            Some(address) => Some(opener.open("internal", address, true).await?),
            None => None,
        };
        let admin = opener.open("admin", options.admin, true).await?;
        Ok(Self {
            public,
            tls,
            internal,
            admin,
        })
    }

    /// The same sockets once more, for the process after this one.
    pub(super) fn descriptors(&self) -> Result<Vec<OwnedFd>, StartError> {
        let all = [
            Some(&self.public),
            self.tls.as_ref(),
            self.internal.as_ref(),
            Some(&self.admin),
        ];
        let cloned = all
            .into_iter()
            .flatten()
            .map(|socket| socket.as_fd().try_clone_to_owned());
        cloned
            .collect::<Result<_, _>>()
            .map_err(|error| StartError::Handover(HandoverError::Take(error)))
    }
}

struct Opener<'a>(Option<&'a mut Takeover>);

impl Opener<'_> {
    async fn open(
        &mut self,
        what: &'static str,
        address: SocketAddr,
        is_loopback_only: bool,
    ) -> Result<TcpListener, StartError> {
        if is_loopback_only {
            listen::check_loopback(address, what).map_err(|source| StartError::Listen { what, source })?;
        }
        if let Some(takeover) = &mut self.0 {
            let claimed = takeover.claim(address);
            if let Some(socket) = claimed.map_err(|error| StartError::Handover(HandoverError::Take(error)))? {
                return Ok(socket);
            }
        }
        listen::bind(address)
            .await
            .map_err(|source| StartError::Listen { what, source })
    }
}
