//! Where things lie in the state directory.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// The state directory of one service, `.tidegate/` beside its `tidegate.yaml` unless said otherwise.
#[derive(Debug, Clone)]
pub struct Layout {
    root: PathBuf,
}

impl Layout {
    /// Makes the directory where it is missing, and sees that it is its owner's alone: secrets lie in it.
    pub fn prepare(root: &Path) -> io::Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(root)?;
        // It may have been made before, by `tidegate init` or by hand.
        fs::set_permissions(root, fs::Permissions::from_mode(0o700))?;
        // Processes started elsewhere are told these paths.
        let root = fs::canonicalize(root)?;
        Ok(Self { root })
    }

    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.root.join("tidegate.db")
    }

    #[must_use]
    pub fn gateway_token(&self) -> PathBuf {
        self.root.join("gateway.token")
    }

    /// The token made at the first start, for everything.
    #[must_use]
    pub fn admin_token(&self) -> PathBuf {
        self.root.join("admin.token")
    }

    #[must_use]
    pub fn preview_key(&self) -> PathBuf {
        self.root.join("preview.key")
    }

    /// What gates of releases have left for people to look at.
    #[must_use]
    pub fn gates(&self) -> PathBuf {
        gates_folder(&self.root)
    }

    /// The directory of the gateway that the server supervises.
    #[must_use]
    pub fn gateway(&self) -> PathBuf {
        self.root.join("gateway")
    }

    /// The address of the API as text, `http://127.0.0.1:PORT`: where the command line finds the server.
    #[must_use]
    pub fn endpoint(&self) -> PathBuf {
        self.root.join("endpoint")
    }

    pub fn write_endpoint(&self, address: SocketAddr) -> io::Result<()> {
        let written = self.root.join("endpoint.new");
        fs::write(&written, format!("http://{address}\n"))?;
        fs::rename(written, self.endpoint())
    }

    /// The address that an earlier process served at; gateways that outlived it look for the server there.
    #[must_use]
    pub fn last_endpoint(&self) -> Option<SocketAddr> {
        let text = fs::read_to_string(self.endpoint()).ok()?;
        text.trim().strip_prefix("http://")?.parse().ok()
    }
}

/// Of what gates leave, in a state directory.
#[must_use]
pub fn gates_folder(state_dir: &Path) -> PathBuf {
    state_dir.join("gates")
}

#[cfg(test)]
mod tests;
