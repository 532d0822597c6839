//! What `alerts.yaml` says, read anew whenever it has changed. With a mistake in it, what it said before goes on to count.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use tidegate_domain::files::{ALERTS_FILE, AlertsFile, ChannelUse, SERVICE_FILE, TENANTS_FILE, WantedOf};
use tidegate_domain::id::{CustomerName, TenantName};
use tidegate_domain::service::Service;
use tidegate_effects::notify;

use super::book::Situation;
use crate::project;

/// When a file was last written, and how long it is.
type Stamp = Option<(SystemTime, u64)>;

#[derive(Debug)]
pub struct Settings {
    file: AlertsFile,
    customers: BTreeMap<TenantName, CustomerName>,
    trouble: Option<String>,
    stamps: Vec<(PathBuf, Stamp)>,
}

/// Says why a channel cannot be used where the file names it, if it cannot.
///
/// # Errors
/// The reason, in words.
pub fn check_channel(channel: &ChannelUse, wanted: WantedOf) -> Result<(), String> {
    notify::check(&channel.uses, &channel.with).map_err(|mistake| mistake.to_string())?;
    let Some(found) = notify::find(&channel.uses) else {
        return Ok(());
    };
    if wanted.alerts && !found.takes.includes(notify::State::Raised) {
        return Err(format!(
            "`{}` is for heartbeats, and tells nobody of alerts",
            channel.uses
        ));
    }
    if wanted.heartbeats && !found.takes.includes(notify::State::Heartbeat) {
        return Err(format!(
            "`{}` reaches people, and nobody would notice that heartbeats have stopped",
            channel.uses
        ));
    }
    Ok(())
}

impl Settings {
    #[must_use]
    pub fn new() -> Self {
        Self {
            file: AlertsFile::default(),
            customers: BTreeMap::new(),
            trouble: None,
            stamps: Vec::new(),
        }
    }

    #[must_use]
    pub fn file(&self) -> &AlertsFile {
        &self.file
    }

    /// Why the file as it is now does not count.
    #[must_use]
    pub fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }

    pub fn situation<'a>(&'a self, state: &'a Service) -> Situation<'a> {
        Situation {
            file: &self.file,
            customers: &self.customers,
            state,
        }
    }

    pub fn refresh(&mut self, folder: &Path) {
        let stamps: Vec<(PathBuf, Stamp)> = [SERVICE_FILE, TENANTS_FILE, ALERTS_FILE]
            .map(|name| folder.join(name))
            .map(|path| (path.clone(), stamp(&path)))
            .into();
        if stamps == self.stamps {
            return;
        }
        self.stamps = stamps;
        match project::read(folder) {
            Ok(project) => {
                self.trouble = None;
                self.file = project.alerts.unwrap_or_default();
                let tenants = project.tenants.tenants.into_iter();
                self.customers = tenants
                    .filter_map(|tenant| Some((tenant.id, tenant.customer?)))
                    .collect();
            }
            Err(error) => {
                let trouble = error.to_string();
                tracing::error!(trouble, "the files have mistakes: alerts go on as they were");
                self.trouble = Some(trouble);
            }
        }
    }
}

fn stamp(path: &Path) -> Stamp {
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}
