//! The stages of the end of a gateway process.

use tokio::sync::watch;

/// Where the process is in its life. Only goes forward.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Life {
    Serving,
    /// Takes no new connections; answers on the old ones with `Connection: close`, so that clients leave by themselves.
    Lingering,
    /// Closes idle connections; waits for what is under way.
    Ending,
    /// Cuts what is left.
    Over,
}

/// Waits until the stage is reached.
pub(crate) async fn reached(life: &mut watch::Receiver<Life>, stage: Life) {
    // An error means that nobody is left who could say so: then it is over.
    let _ = life.wait_for(|life| *life >= stage).await;
}
