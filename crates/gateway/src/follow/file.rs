//! Following a table file, for a gateway without a publisher.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::admin::Following;
use crate::protocol::Refused;
use crate::routing::Routing;
use crate::table::Table;

const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Uses the file's table now and whenever the file changes. A table that cannot be used is told once and skipped.
pub(crate) async fn follow_file(path: PathBuf, routing: Arc<Routing>, following: Arc<Following>) {
    let mut seen = stamp(&path);
    take(&path, &routing, &following);
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let stamp = stamp(&path);
        if stamp != seen {
            seen = stamp;
            take(&path, &routing, &following);
        }
    }
}

fn take(path: &Path, routing: &Routing, following: &Following) {
    let trouble = match super::load(path) {
        Ok(Some(table)) => {
            following.set_trouble(None);
            return use_table(table, routing, following);
        }
        Ok(None) => format!("there is no table file {}", path.display()),
        Err(error) => super::with_causes(&error),
    };
    tracing::warn!(trouble, "table file not used");
    following.set_trouble(Some(trouble));
}

fn use_table(table: Table, routing: &Routing, following: &Following) {
    let (epoch, generation) = (table.epoch.clone(), table.generation);
    match routing.prepare(table) {
        Ok(snapshot) => {
            routing.install(snapshot);
            following.set_refused(None);
            tracing::info!(epoch, generation, "table in use");
        }
        Err(refusal) => {
            let reason = super::with_causes(&refusal);
            tracing::warn!(epoch, generation, reason, "table refused");
            following.set_refused(Some(Refused {
                epoch,
                generation,
                reason,
            }));
        }
    }
}

/// Changes when the file does.
fn stamp(path: &Path) -> Option<(SystemTime, u64)> {
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}
