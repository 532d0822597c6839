use super::*;

#[test]
fn the_state_directory_is_its_owner_s_alone_however_it_was_made() {
    let parent = tempfile::tempdir().unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let new = parent.path().join("new/.tidegate");
    Layout::prepare(&new).unwrap();
    assert_eq!(mode(&new), 0o700);
    let open = parent.path().join("open");
    fs::create_dir(&open).unwrap();
    fs::set_permissions(&open, fs::Permissions::from_mode(0o755)).unwrap();
    Layout::prepare(&open).unwrap();
    assert_eq!(mode(&open), 0o700);
}
