use std::fs;
use std::path::Path;

use super::*;

fn file(path: &Path) -> SecretReferences {
    let reference = format!(r#"{{"KEY": {{"file": "{}", "version": 3}}}}"#, path.display());
    serde_json::from_str(&reference).unwrap()
}

fn read(content: &[u8]) -> Result<OsString, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    fs::write(&path, content).unwrap();
    let secrets = Secrets::resolve(&file(&path)).map_err(|error| error.reason)?;
    Ok(secrets.0["KEY"].clone())
}

#[test]
fn a_line_break_at_the_end_is_no_part_of_a_secret_and_everything_else_is() {
    assert_eq!(read(b"hunter2").unwrap(), "hunter2");
    assert_eq!(read(b"hunter2\n").unwrap(), "hunter2");
    assert_eq!(read(b"hunter2\r\n").unwrap(), "hunter2");
    assert_eq!(read(b" hunter\n2 \n\n").unwrap(), " hunter\n2 \n");
    assert_eq!(read(b"\xff\x01").unwrap(), OsStr::from_bytes(b"\xff\x01"));
}

#[test]
fn what_a_variable_cannot_hold_is_told_without_the_value() {
    assert_eq!(read(b"").unwrap_err(), "it is empty");
    assert_eq!(read(b"\n").unwrap_err(), "it is empty");
    let error = read(b"hunter2\0").unwrap_err();
    assert_eq!(
        error,
        "it has a zero byte in it, which no environment variable can hold"
    );
    let long = vec![b'x'; 100 * 1024 + 1];
    assert_eq!(read(&long).unwrap_err(), "it has more than 100 KiB");
    assert_eq!(read(&long[1..]).unwrap().len(), 100 * 1024);
    assert_eq!(
        Secrets::resolve(&file(Path::new("/dev/zero"))).unwrap_err().to_string(),
        "cannot get the secret `KEY` from file `/dev/zero`, version 3: it is not a plain file"
    );
}

#[test]
fn what_is_not_there_is_named() {
    let told = |reference: &str| {
        let references = serde_json::from_str(&format!(r#"{{"KEY": {reference}}}"#)).unwrap();
        Secrets::resolve(&references).unwrap_err().to_string()
    };
    assert_eq!(
        told(r#"{"file": "/no/such/file"}"#),
        "cannot get the secret `KEY` from file `/no/such/file`: No such file or directory (os error 2)"
    );
    assert_eq!(
        told(r#"{"environment": "NOBODY_SETS_THIS"}"#),
        "cannot get the secret `KEY` from variable `NOBODY_SETS_THIS` of the control plane: it is not set there"
    );
    assert_eq!(
        told(r#"{"credential": "key"}"#),
        "cannot get the secret `KEY` from credential `key`: the control plane has no credentials: `$CREDENTIALS_DIRECTORY` is not set"
    );
}

#[test]
fn secrets_that_are_printed_show_their_names() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    fs::write(&path, "hunter2").unwrap();
    let secrets = Secrets::resolve(&file(&path)).unwrap();
    assert_eq!(format!("{secrets:?}"), r#"{"KEY"}"#);
}
