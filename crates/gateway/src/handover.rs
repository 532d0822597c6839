//! Handing the listening sockets to the next process of the same gateway, so that no connection is refused.
//!
//! A running gateway waits on a Unix socket in its state directory. A process that is started with the same directory asks
//! there, gets the sockets as descriptors, and says when it serves. Only then does the old process linger. If the new one
//! goes away before, nothing has changed.

use std::fs::{self, File};
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
};
use thiserror::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::{TcpListener, UnixListener, UnixStream};
use tokio::sync::{Mutex, watch};

use crate::life::{Life, reached};

/// More sockets than a gateway has.
const SOCKETS_MAX: usize = 4;
/// What the new process says once it serves.
const READY: u8 = b'R';
/// How long the new process may take to serve.
const READY_LIMIT: Duration = Duration::from_secs(20);
/// How long the old process may take to answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);

#[derive(Debug, Error)]
pub enum HandoverError {
    #[error("the running gateway did not hand over its sockets in time; end it first")]
    Timeout,
    #[error("could not take over the sockets of the running gateway")]
    Take(#[source] io::Error),
    #[error("could not wait for the next process at {path}")]
    Wait {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

/// The sockets of the running process, until this one serves.
#[derive(Debug)]
pub(crate) struct Takeover {
    old: UnixStream,
    sockets: Vec<std::net::TcpListener>,
}

/// What the running process needs to hand its sockets over.
#[derive(Debug)]
pub(crate) struct Handover {
    pub(crate) sockets: Vec<OwnedFd>,
    pub(crate) life: watch::Sender<Life>,
    /// Held while sockets are handed over: only one process at a time persists tables.
    pub(crate) table_file: Arc<Mutex<()>>,
}

impl Takeover {
    /// Asks the process that waits at `path`; `None` where there is none.
    pub(crate) async fn ask(path: &Path) -> Result<Option<Self>, HandoverError> {
        let asked = async {
            let old = reach(path, std::os::unix::net::UnixStream::connect)?;
            old.set_nonblocking(true)?;
            let old = UnixStream::from_std(old)?;
            let sockets = old.async_io(Interest::READABLE, || receive(old.as_fd())).await?;
            Ok((old, sockets))
        };
        match tokio::time::timeout(ANSWER_LIMIT, asked)
            .await
            .map_err(|_| HandoverError::Timeout)?
        {
            Ok((old, sockets)) => {
                let sockets = sockets.into_iter().map(std::net::TcpListener::from).collect();
                Ok(Some(Self { old, sockets }))
            }
            Err(error) if is_gone(&error) => Ok(None),
            Err(error) => Err(HandoverError::Take(error)),
        }
    }

    /// The socket that listens on an address, port 0 standing for any.
    pub(crate) fn claim(&mut self, address: SocketAddr) -> io::Result<Option<TcpListener>> {
        let is_asked = |socket: &std::net::TcpListener| {
            socket.local_addr().is_ok_and(|local| {
                local.ip() == address.ip() && (local.port() == address.port() || address.port() == 0)
            })
        };
        let Some(position) = self.sockets.iter().position(is_asked) else {
            return Ok(None);
        };
        let socket = self.sockets.remove(position);
        socket.set_nonblocking(true)?;
        TcpListener::from_std(socket).map(Some)
    }

    /// Tells the old process that this one serves.
    pub(crate) async fn ready(mut self) -> Result<(), HandoverError> {
        self.old.write_all(&[READY]).await.map_err(HandoverError::Take)
    }
}

impl Handover {
    /// Waits at `path` for the next process; ends when it has taken over, with the life of this one at
    /// [`Life::Lingering`].
    pub(crate) async fn wait(self, listener: UnixListener) {
        let mut life = self.life.subscribe();
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = reached(&mut life, Life::Lingering) => return,
            };
            let Ok((next, _)) = accepted else {
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            };
            let _only_one_persists = self.table_file.lock().await;
            match self.hand_over(next).await {
                Ok(()) => {
                    tracing::info!("the next process has taken over");
                    self.life.send_if_modified(|life| {
                        let is_first = *life < Life::Lingering;
                        *life = (*life).max(Life::Lingering);
                        is_first
                    });
                    return;
                }
                Err(error) => tracing::warn!(%error, "the next process did not take over"),
            }
        }
    }

    async fn hand_over(&self, mut next: UnixStream) -> io::Result<()> {
        let sockets: Vec<BorrowedFd<'_>> = self.sockets.iter().map(AsFd::as_fd).collect();
        next.async_io(Interest::WRITABLE, || send(next.as_fd(), &sockets))
            .await?;
        let ready = tokio::time::timeout(READY_LIMIT, next.read_u8())
            .await
            .map_err(io::Error::from)??;
        if ready == READY {
            Ok(())
        } else {
            Err(io::ErrorKind::InvalidData.into())
        }
    }
}

/// Whether nobody waits: never did, was killed and left the socket's file, or has just ended.
fn is_gone(error: &io::Error) -> bool {
    let gone = [
        io::ErrorKind::NotFound,
        io::ErrorKind::ConnectionRefused,
        io::ErrorKind::ConnectionReset,
        io::ErrorKind::BrokenPipe,
        io::ErrorKind::UnexpectedEof,
    ];
    gone.contains(&error.kind())
}

/// Begins to wait at `path`, in place of whoever did before.
pub(crate) fn listen(path: &Path) -> Result<UnixListener, HandoverError> {
    let failed = |source| HandoverError::Wait {
        path: path.to_owned(),
        source,
    };
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        Ok(()) | Err(_) => {}
    }
    let listener = reach(path, std::os::unix::net::UnixListener::bind).map_err(failed)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    UnixListener::from_std(listener).map_err(failed)
}

/// Names the socket by way of its open directory: the path of a socket may have 107 bytes, and directories are deep.
fn reach<T>(path: &Path, act: impl FnOnce(PathBuf) -> io::Result<T>) -> io::Result<T> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let directory = File::open(path.parent().unwrap_or(Path::new(".")))?;
    act(Path::new("/proc/self/fd")
        .join(directory.as_raw_fd().to_string())
        .join(name))
}

fn send(to: BorrowedFd<'_>, sockets: &[BorrowedFd<'_>]) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(SOCKETS_MAX))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !ancillary.push(SendAncillaryMessage::ScmRights(sockets)) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    // Descriptors travel with at least one byte.
    rustix::net::sendmsg(to, &[IoSlice::new(b"S")], &mut ancillary, SendFlags::empty())?;
    Ok(())
}

fn receive(from: BorrowedFd<'_>) -> io::Result<Vec<OwnedFd>> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(SOCKETS_MAX))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    let received = rustix::net::recvmsg(
        from,
        &mut [IoSliceMut::new(&mut byte)],
        &mut ancillary,
        RecvFlags::CMSG_CLOEXEC,
    )?;
    if received.bytes == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let sockets = ancillary.drain().filter_map(|message| {
        let RecvAncillaryMessage::ScmRights(sockets) = message else {
            return None;
        };
        Some(sockets)
    });
    Ok(sockets.flatten().collect())
}
