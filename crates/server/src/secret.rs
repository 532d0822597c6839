//! Secrets that live in files of the state directory: made at the first start, readable by their owner alone.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use subtle::ConstantTimeEq as _;

/// Text that must not be seen: neither `Debug` nor any answer shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

#[derive(Debug, thiserror::Error)]
#[error("cannot keep a secret in `{}`", path.display())]
pub struct SecretError {
    path: PathBuf,
    #[source]
    source: io::Error,
}

impl Secret {
    /// 256 random bits as hexadecimal digits, after `prefix`.
    pub fn make(prefix: &str) -> io::Result<Self> {
        let mut bytes = [0_u8; 32];
        fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
        let mut text = prefix.to_owned();
        for byte in bytes {
            text.push_str(&format!("{byte:02x}"));
        }
        Ok(Self(text))
    }

    /// The secret in the file at `path`; the first time it is made, with `prefix`.
    pub fn read_or_make(path: &Path, prefix: &str) -> Result<Self, SecretError> {
        let failed = |source| SecretError {
            path: path.to_owned(),
            source,
        };
        match fs::read_to_string(path) {
            Ok(text) if !text.trim().is_empty() => return Ok(Self(text.trim().to_owned())),
            // Empty: a crash came between making the file and writing it.
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(error)),
        }
        let secret = Self::make(prefix).map_err(failed)?;
        secret.write(path).map_err(failed)?;
        Ok(secret)
    }

    /// Writes it where only its owner can read it.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(path)?;
        writeln!(file, "{}", self.0)?;
        file.sync_all()
    }

    /// Compares in a time that tells nothing of where the texts differ.
    #[must_use]
    pub fn is(&self, text: &str) -> bool {
        self.0.as_bytes().ct_eq(text.as_bytes()).into()
    }

    /// The text itself, for whom it is meant.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}
