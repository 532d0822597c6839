//! Ends all that runs for a state directory. A server that has ended, in whatever way, leaves gateway and instances running,
//! so this needs none.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tidegate_domain::id::{CellName, SlotId};
use tidegate_effects::drivers::process::{self, ProcessDriver, ProcessDriverError};

use crate::layout::Layout;
use crate::running::Running;

/// A server answers what it is asked, and ends.
const SERVER_PATIENCE: Duration = Duration::from_secs(10);

/// A gateway lingers and then lets requests under way come to their end.
const GATEWAY_PATIENCE: Duration = Duration::from_secs(40);

#[derive(Debug, thiserror::Error)]
pub enum StopError {
    #[error("cannot use the state directory `{}`", path.display())]
    StateDirectory {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("cannot stop the {what}, process {pid}")]
    Process {
        what: &'static str,
        pid: i32,
        #[source]
        source: io::Error,
    },
    #[error(transparent)]
    Driver(#[from] ProcessDriverError),
}

/// What was ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stopped {
    /// The process id of the server.
    pub server: Option<i32>,
    /// The process id of the gateway that the server kept running.
    pub gateway: Option<i32>,
    pub slots: Vec<(CellName, SlotId)>,
}

/// Ends the server, then its gateway, then every instance, each politely and then firmly. What was released stays so: the
/// next server starts it again.
pub async fn stop(state_dir: &Path, executable: PathBuf) -> Result<Stopped, StopError> {
    let layout = Layout::prepare(state_dir).map_err(|source| StopError::StateDirectory {
        path: state_dir.to_owned(),
        source,
    })?;
    let server = end("server", layout.root(), SERVER_PATIENCE).await?;
    let driver = ProcessDriver::new(layout.root(), executable, process::Options::default())?;
    let gateway = end("gateway", &layout.gateway(), GATEWAY_PATIENCE).await?;
    let slots = driver.stop_all().await;
    Ok(Stopped { server, gateway, slots })
}

/// The process id of what was ended.
async fn end(what: &'static str, directory: &Path, patience: Duration) -> Result<Option<i32>, StopError> {
    let Some(running) = Running::read(directory) else {
        return Ok(None);
    };
    let pid = running.pid;
    let ended = running.end(patience).await;
    let ended = ended.map_err(|source| StopError::Process { what, pid, source })?;
    Ok(ended.then_some(pid))
}
