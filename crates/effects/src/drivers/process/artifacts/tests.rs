use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use tempfile::TempDir;
use tidegate_domain::id::Digest;
use tidegate_domain::release::Artifact;

use super::{ArtifactError, Artifacts};

fn artifact(folder: &TempDir, content: &[u8]) -> Artifact {
    let path = folder.path().join("built");
    fs::write(&path, content).unwrap();
    Artifact {
        digest: Digest::of(content),
        path: path.to_string_lossy().into_owned(),
    }
}

#[tokio::test]
async fn a_copy_is_executable_and_outlives_its_original() {
    let folder = TempDir::new().unwrap();
    let artifacts = Artifacts::new(folder.path().join("copies"));
    let artifact = artifact(&folder, b"one");
    let copy = artifacts.obtain(&artifact).await.unwrap();
    assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o555);
    fs::write(&artifact.path, "two").unwrap();
    assert_eq!(artifacts.obtain(&artifact).await.unwrap(), copy);
    assert_eq!(fs::read(copy).unwrap(), b"one");
}

#[tokio::test]
async fn a_file_that_is_not_what_was_planned_leaves_nothing_behind() {
    let folder = TempDir::new().unwrap();
    let copies = folder.path().join("copies");
    let artifacts = Artifacts::new(copies.clone());
    let artifact = artifact(&folder, b"one");
    fs::write(&artifact.path, "two").unwrap();
    let Err(ArtifactError::Changed { expected, found, .. }) = artifacts.obtain(&artifact).await else {
        panic!("the file was changed");
    };
    assert_eq!((expected, found), (Digest::of(b"one"), Digest::of(b"two")));
    assert_eq!(fs::read_dir(copies).unwrap().count(), 0);
}
