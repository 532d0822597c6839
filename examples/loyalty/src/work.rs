//! What an artifact does besides serving: one piece of work on the data of a cell, to its end.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::artifact::Artifact;
use crate::members::{self, MembersError, migration};
use crate::options::OptionsError;
use crate::tenant::Tenant;

#[derive(Debug)]
pub enum Work {
    Migrate {
        step: migration::Step,
        rest: Duration,
    },
    /// From the data of this cell to that of another.
    CopyTenant {
        tenant: Tenant,
        to: PathBuf,
    },
}

impl Work {
    /// `migrate STEP [--rest-ms N]`, `copy-tenant TENANT DIR`; none where the arguments ask for something else.
    ///
    /// # Errors
    /// An argument is missing, unknown or out of range.
    pub fn parse(arguments: &[OsString]) -> Result<Option<Work>, OptionsError> {
        let texts: Vec<&str> = arguments.iter().map(|text| text.to_str().unwrap_or_default()).collect();
        let wrong = |name: &str, value: &str| OptionsError::Value {
            name: name.to_owned(),
            value: value.to_owned(),
        };
        let migrate = |step: &str, rest: &str| {
            let step = migration::Step::parse(step).ok_or_else(|| wrong("migrate", step))?;
            let rest = rest
                .parse()
                .map(Duration::from_millis)
                .map_err(|_| wrong("--rest-ms", rest))?;
            Ok(Some(Work::Migrate { step, rest }))
        };
        match texts[..] {
            ["migrate", step] => migrate(step, "0"),
            ["migrate", step, "--rest-ms", rest] => migrate(step, rest),
            ["copy-tenant", tenant, to] => {
                let tenant = tenant.parse().map_err(|_| wrong("copy-tenant", tenant))?;
                Ok(Some(Work::CopyTenant { tenant, to: to.into() }))
            }
            ["migrate" | "copy-tenant", ..] => Err(OptionsError::Unknown(texts.join(" "))),
            _ => Ok(None),
        }
    }

    /// # Errors
    /// The data cannot be used.
    pub async fn run(self, artifact: &Artifact, data: &Path) -> Result<(), MembersError> {
        match self {
            Work::Migrate { step, rest } => {
                let effect = std::env::var("TIDEGATE_EFFECT").unwrap_or_default();
                migration::run(data, step, &effect, rest).await
            }
            Work::CopyTenant { tenant, to } => members::copy(artifact.edition.naming(), &tenant, (data, &to))
                .await
                .map(drop),
        }
    }
}
