//! What one instance is told when it starts.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::time::Duration;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Component {
    Api,
    Admin,
    Ledger,
    Members,
}

#[derive(Debug, Clone)]
pub struct Options {
    pub component: Component,
    /// On loopback. 0 takes a free one.
    pub port: u16,
    /// One directory per tenant; shared by every instance of the cell.
    pub data: PathBuf,
    /// How long, after SIGTERM, connections stay open for requests already on their way.
    pub linger: Duration,
    /// How long a connection may be idle.
    pub idle: Duration,
}

#[derive(Debug, thiserror::Error)]
pub enum OptionsError {
    #[error("missing the path of the artifact")]
    NoArtifact,
    #[error("unknown argument `{0}`")]
    Unknown(String),
    #[error("missing `{0}`")]
    Missing(&'static str),
    #[error("`{value}` is not a value of `{name}`")]
    Value { name: String, value: String },
}

impl Options {
    /// `ARTIFACT --component api|admin|ledger|members --port N [--data DIR] [--linger-ms N] [--idle-ms N]`; `data` is used where
    /// no `--data` is given.
    ///
    /// # Errors
    /// An argument is missing, unknown or out of range.
    pub fn parse(
        arguments: impl IntoIterator<Item = OsString>,
        data: Option<OsString>,
    ) -> Result<(PathBuf, Options), OptionsError> {
        let mut arguments = arguments.into_iter();
        let artifact = PathBuf::from(arguments.next().ok_or(OptionsError::NoArtifact)?);
        let (mut component, mut port) = (None, None);
        let mut data = data.map(PathBuf::from);
        let mut linger = Duration::from_secs(1);
        let mut idle = Duration::from_secs(60);
        while let Some(name) = arguments.next() {
            let name = name.to_string_lossy().into_owned();
            let mut value = || arguments.next().ok_or(OptionsError::Missing("value"));
            match name.as_str() {
                "--component" => component = Some(parse_component(&name, &value()?)?),
                "--port" => port = Some(number(&name, &value()?)?),
                "--data" => data = Some(PathBuf::from(value()?)),
                "--linger-ms" => linger = Duration::from_millis(number(&name, &value()?)?),
                "--idle-ms" => idle = Duration::from_millis(number(&name, &value()?)?),
                _ => return Err(OptionsError::Unknown(name)),
            }
        }
        let options = Options {
            component: component.ok_or(OptionsError::Missing("--component"))?,
            port: port.ok_or(OptionsError::Missing("--port"))?,
            data: data.ok_or(OptionsError::Missing("LOYALTY_DATA"))?,
            linger,
            idle,
        };
        Ok((artifact, options))
    }
}

fn parse_component(name: &str, value: &OsStr) -> Result<Component, OptionsError> {
    match value.to_str() {
        Some("api") => Ok(Component::Api),
        Some("admin") => Ok(Component::Admin),
        Some("ledger") => Ok(Component::Ledger),
        Some("members") => Ok(Component::Members),
        _ => Err(bad_value(name, value)),
    }
}

fn number<N: std::str::FromStr>(name: &str, value: &OsStr) -> Result<N, OptionsError> {
    let parsed = value.to_str().and_then(|text| text.parse().ok());
    parsed.ok_or_else(|| bad_value(name, value))
}

fn bad_value(name: &str, value: &OsStr) -> OptionsError {
    OptionsError::Value {
        name: name.to_owned(),
        value: value.to_string_lossy().into_owned(),
    }
}
