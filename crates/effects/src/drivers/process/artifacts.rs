//! The driver's own copies of artifacts, named by what is in them.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use tidegate_domain::id::Digest;
use tidegate_domain::release::Artifact;

use super::record;

/// A folder of executable files that nobody changes; the name of each is its digest.
#[derive(Debug)]
pub struct Artifacts {
    folder: PathBuf,
    /// Instances of one slot start together and need one copy.
    copying: tokio::sync::Mutex<()>,
}

#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    #[error("the artifact is not at `{}`, and no copy of {digest} is kept; build it again", path.display())]
    Missing {
        path: PathBuf,
        digest: Digest,
        #[source]
        source: io::Error,
    },
    #[error(
        "artifact changed after the plan: `{}` is {found}, the plan names {expected}; \
         restore the file that was planned, or plan a release of the new one",
        path.display()
    )]
    Changed {
        path: PathBuf,
        expected: Digest,
        found: Digest,
    },
    #[error("cannot copy `{}` to `{}`", from.display(), to.display())]
    Copy {
        from: PathBuf,
        to: PathBuf,
        #[source]
        source: io::Error,
    },
}

const BUFFER_BYTES: usize = 256 * 1024;

/// The digest of all that `from` gives, passed on to `each` piece by piece.
fn digest_of(from: &mut impl Read, mut each: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<Digest> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        match from.read(&mut buffer)? {
            0 => return Ok(Digest::from_hash(&hasher.finalize())),
            count => {
                hasher.update(&buffer[..count]);
                each(&buffer[..count])?;
            }
        }
    }
}

/// The digest of the file at `path`.
pub(super) fn digest_of_file(path: &Path) -> io::Result<Digest> {
    digest_of(&mut File::open(path)?, |_| Ok(()))
}

impl Artifacts {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            copying: tokio::sync::Mutex::new(()),
        }
    }

    pub(super) fn path(&self, digest: &Digest) -> PathBuf {
        let name = digest.as_str();
        self.folder.join(name.strip_prefix("sha256:").unwrap_or(name))
    }

    /// The copy of `artifact`, made now if there is none.
    pub async fn obtain(&self, artifact: &Artifact) -> Result<PathBuf, ArtifactError> {
        let _one = self.copying.lock().await;
        let to = self.path(&artifact.digest);
        if to.exists() {
            return Ok(to);
        }
        let (artifact, folder) = (artifact.clone(), self.folder.clone());
        let copied = tokio::task::spawn_blocking(move || copy(&artifact, &folder, &to).map(|()| to));
        copied.await.expect("copying does not panic")
    }

    /// Forgets the copy of `digest`, which turned out not to be it.
    pub(super) fn discard(&self, digest: &Digest) {
        if let Err(error) = record::remove(&self.path(digest)) {
            tracing::warn!(%digest, %error, "cannot delete a damaged artifact");
        }
    }

    /// Deletes every copy that is not named. A process that runs one keeps its file until it ends.
    pub(super) fn collect(&self, keep: &BTreeSet<PathBuf>) {
        let Ok(entries) = fs::read_dir(&self.folder) else {
            return;
        };
        for path in entries.flatten().map(|entry| entry.path()) {
            if !keep.contains(&path)
                && path.extension().is_none()
                && let Err(error) = record::remove(&path)
            {
                tracing::warn!(path = %path.display(), %error, "cannot delete an artifact");
            }
        }
    }
}

fn copy(artifact: &Artifact, folder: &Path, to: &Path) -> Result<(), ArtifactError> {
    let from = PathBuf::from(&artifact.path);
    let mut source = File::open(&from).map_err(|source| ArtifactError::Missing {
        path: from.clone(),
        digest: artifact.digest.clone(),
        source,
    })?;
    let failed = |source| ArtifactError::Copy {
        from: from.clone(),
        to: to.to_owned(),
        source,
    };
    record::create_directory(folder).map_err(failed)?;
    let partial = to.with_extension("partial");
    let mut write = || {
        let mut target = File::create(&partial)?;
        let found = digest_of(&mut source, |bytes| target.write_all(bytes))?;
        // Executed and read, never written again.
        target.set_permissions(fs::Permissions::from_mode(0o555))?;
        target.sync_all()?;
        Ok(found)
    };
    let found = write().map_err(failed);
    let outcome = match found {
        Ok(found) if found == artifact.digest => fs::rename(&partial, to).map_err(failed),
        Ok(found) => Err(ArtifactError::Changed {
            path: from.clone(),
            expected: artifact.digest.clone(),
            found,
        }),
        Err(error) => Err(error),
    };
    if outcome.is_err() {
        // Half a copy is of no use; a full disk is the likely reason for it.
        let _ = record::remove(&partial);
    }
    outcome
}

#[cfg(test)]
mod tests;
