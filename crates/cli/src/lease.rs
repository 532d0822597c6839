//! The dead man's lease: a file that somebody holds locked. Whoever was started under it ends when its holder does, in
//! whatever way that ended.

use std::fs::File;
use std::path::PathBuf;

use tokio::sync::oneshot;

/// Ends when nobody holds the lease any more; never, where there is none.
pub async fn lost(lease: Option<PathBuf>) {
    let Some(path) = lease else {
        return std::future::pending().await;
    };
    let (lost, wait) = oneshot::channel();
    // A thread, for the kernel wakes it the moment the holder ends. It never ends in good times.
    std::thread::spawn(move || {
        // A lease that cannot be opened is one that nobody holds.
        let shared = File::open(&path).and_then(|file| file.lock_shared());
        let _ = lost.send(shared);
    });
    let _ = wait.await;
}
