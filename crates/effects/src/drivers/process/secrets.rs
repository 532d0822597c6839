//! The values of secrets, on their way from where they are found to the instance that they are for.
//!
//! They are looked up when an instance is started and go down the chain of processes as environment variables: server, shim,
//! instance. They stand in no file, for a file is copied, kept and backed up; nothing here can be serialised or shown.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::PathBuf;

use tidegate_domain::release::{SecretReference, SecretReferences};

/// What a variable of the shim begins with that holds a secret of the instance: so a secret that is called `PATH` is not the
/// shim's own.
const CARRIED: &str = "TIDEGATE_SECRET_";

/// The kernel takes no variable of more than 128 KiB, its name included.
const BYTES_MAX: u64 = 100 * 1024;

/// Values by the variables that an instance gets them in.
#[derive(Default)]
pub(super) struct Secrets(BTreeMap<String, OsString>);

/// A secret that has no value to hand over. It names the reference, and never what was found there.
#[derive(Debug, thiserror::Error)]
#[error("cannot get the secret `{name}` from {reference}: {reason}")]
pub(super) struct SecretError {
    name: String,
    reference: Box<SecretReference>,
    reason: String,
}

impl Secrets {
    /// Looks all of them up, or says which one is not to be had.
    pub fn resolve(references: &SecretReferences) -> Result<Self, SecretError> {
        let mut values = BTreeMap::new();
        for (name, reference) in references {
            let value = value_of(reference).and_then(checked).map_err(|reason| SecretError {
                name: name.clone(),
                reference: Box::new(reference.clone()),
                reason,
            })?;
            values.insert(name.clone(), value);
        }
        Ok(Self(values))
    }

    /// Those with these names that this process, a shim or what a shim has started, was given for the instance.
    pub fn carried(names: &BTreeSet<String>) -> Result<Self, String> {
        let value = |name: &String| {
            let value = std::env::var_os(format!("{CARRIED}{name}"));
            Ok((
                name.clone(),
                value.ok_or(format!("the secret `{name}` was not handed over"))?,
            ))
        };
        names.iter().map(value).collect::<Result<_, String>>().map(Self)
    }

    /// Those that a shim which runs was given: what its instance has, whatever is found where they came from by now.
    pub fn carried_by(shim: i32, names: &BTreeSet<String>) -> Result<Self, String> {
        let environment = fs::read(format!("/proc/{shim}/environ"))
            .map_err(|error| format!("the environment of its shim cannot be read: {error}"))?;
        let variables = environment.split(|byte| *byte == 0).filter_map(|variable| {
            let rest = variable.strip_prefix(CARRIED.as_bytes())?;
            let equals = rest.iter().position(|byte| *byte == b'=')?;
            let name = std::str::from_utf8(&rest[..equals]).ok()?;
            let value = OsString::from_vec(rest[equals + 1..].to_vec());
            names.contains(name).then(|| (name.to_owned(), value))
        });
        Ok(Self(variables.collect()))
    }

    /// As the shim is given them.
    pub fn for_shim(&self) -> impl Iterator<Item = (String, &OsStr)> {
        let values = self.0.iter();
        values.map(|(name, value)| (format!("{CARRIED}{name}"), value.as_os_str()))
    }

    /// As the instance is given them.
    pub fn for_instance(&self) -> impl Iterator<Item = (&str, &OsStr)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_os_str()))
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// The value of one secret, for the control plane itself; or why it is not to be had.
///
/// # Errors
/// In words that name the reference, and nothing of what was found there.
pub fn reveal(reference: &SecretReference) -> Result<String, String> {
    let failed = |reason: String| format!("cannot get it from {reference}: {reason}");
    let value = value_of(reference).and_then(checked).map_err(failed)?;
    value.into_string().map_err(|_| failed("it is not text".to_owned()))
}

fn value_of(reference: &SecretReference) -> Result<OsString, String> {
    match reference {
        SecretReference::File { file, .. } => in_file(PathBuf::from(file.as_str())),
        SecretReference::Environment { environment, .. } => {
            std::env::var_os(environment.as_str()).ok_or_else(|| "it is not set there".to_owned())
        }
        SecretReference::Credential { credential, .. } => {
            let folder = std::env::var_os("CREDENTIALS_DIRECTORY");
            let folder = folder.ok_or("the control plane has no credentials: `$CREDENTIALS_DIRECTORY` is not set")?;
            in_file(PathBuf::from(folder).join(credential.as_str()))
        }
    }
}

fn in_file(path: PathBuf) -> Result<OsString, String> {
    let failed = |error: io::Error| error.to_string();
    // Opening a pipe would wait for who writes into it, and a device need not end.
    if !fs::metadata(&path).map_err(failed)?.is_file() {
        return Err("it is not a plain file".to_owned());
    }
    let file = File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    // One byte more than is allowed shows that there are too many.
    file.take(BYTES_MAX + 1).read_to_end(&mut bytes).map_err(failed)?;
    // Editors and `echo` end a file with a line break that is no part of what was meant.
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
    }
    Ok(OsString::from_vec(bytes))
}

/// What a process cannot get as a variable, or would not want.
fn checked(value: OsString) -> Result<OsString, String> {
    let bytes = value.as_bytes();
    if bytes.is_empty() {
        return Err("it is empty".to_owned());
    }
    if bytes.contains(&0) {
        return Err("it has a zero byte in it, which no environment variable can hold".to_owned());
    }
    if bytes.len() as u64 > BYTES_MAX {
        return Err(format!("it has more than {} KiB", BYTES_MAX / 1024));
    }
    Ok(value)
}

#[cfg(test)]
mod tests;
