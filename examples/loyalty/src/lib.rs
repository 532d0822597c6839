//! Loyalty: the small multi-tenant service that Tidegate's demo and end-to-end tests release.
//!
//! It keeps points, coupons and members of each tenant on disk, and comes in four components: `api`, `admin` and `members` answer
//! HTTP, `ledger` is a worker on the durable event log that `api` writes. Both versions of a release run at the same time and share
//! the data, so writing is exclusive across processes and takes effect once per idempotency id.
//!
//! It refuses to know Tidegate: no type, file or address of it. Like any other service it is handed a port, a data
//! directory and a tenant header, ends politely on SIGTERM, and its worker speaks the protocol of `docs/worker.md`.

mod admin;
mod api;
pub mod artifact;
pub mod audit;
pub mod digest;
mod edition;
pub mod events;
pub mod ledger;
pub mod members;
mod options;
mod problem;
mod reply;
mod serve;
pub mod store;
pub mod tenant;
mod work;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use artifact::{Artifact, Edition, Faults};
pub use edition::Naming;
pub use options::{Component, Options, OptionsError};
pub use serve::ServeError;
use work::Work;

/// Why the service could not start or run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot read the arguments of the service")]
    Options(#[from] OptionsError),
    #[error("cannot read artifact `{}`", path.display())]
    ReadArtifact { path: PathBuf, source: std::io::Error },
    #[error("cannot understand artifact `{}`", path.display())]
    Artifact {
        path: PathBuf,
        source: artifact::ArtifactError,
    },
    #[error("cannot serve")]
    Serve(#[from] ServeError),
    #[error("cannot work on the members")]
    Members(#[from] members::MembersError),
}

/// Runs what the kernel asks for when an artifact is executed: `ARTIFACT --component api --port 9001`, which returns when the
/// process was asked to end and has finished what it had begun; or one piece of work, `ARTIFACT migrate add-full-name`.
///
/// # Errors
/// An unknown argument, an artifact that cannot be read, a port or data directory that cannot be used.
pub async fn main(arguments: impl IntoIterator<Item = OsString>) -> Result<(), Error> {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let data = std::env::var_os("LOYALTY_DATA");
    if let Some((path, rest)) = arguments.split_first()
        && let Some(work) = Work::parse(rest)?
    {
        let data = data.ok_or(OptionsError::Missing("LOYALTY_DATA"))?;
        let artifact = read_artifact(Path::new(path))?;
        return Ok(work.run(&artifact, Path::new(&data)).await?);
    }
    let (path, options) = Options::parse(arguments, data)?;
    let artifact = read_artifact(&path)?;
    run(artifact, options).await
}

/// Runs one component until SIGTERM or SIGINT.
///
/// # Errors
/// The port or the data directory cannot be used.
pub async fn run(artifact: Artifact, options: Options) -> Result<(), Error> {
    let lifecycle = serve::Lifecycle::new();
    let artifact = Arc::new(artifact);
    let router = match options.component {
        Component::Api => api::router(artifact, &options, lifecycle.clone()),
        Component::Admin => admin::router(artifact, &options),
        Component::Ledger => ledger::worker::router(artifact, &options, &lifecycle),
        Component::Members => members::router(artifact, members::Members::open(&options.data).await?),
    };
    serve::serve(router, &options, lifecycle).await?;
    Ok(())
}

fn read_artifact(path: &Path) -> Result<Artifact, Error> {
    let text = std::fs::read_to_string(path).map_err(|source| Error::ReadArtifact {
        path: path.to_owned(),
        source,
    })?;
    Artifact::parse(&text).map_err(|source| Error::Artifact {
        path: path.to_owned(),
        source,
    })
}
