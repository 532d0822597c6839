use std::fs::File;
use std::time::Duration;

use super::*;

#[test]
fn what_is_old_goes_and_what_is_new_stays() {
    let folder = tempfile::tempdir().unwrap();
    let gates = folder.path().join("gates");
    drop_kept(&gates, SystemTime::now()).unwrap();
    let now = SystemTime::now();
    let day = Duration::from_secs(86_400);
    for (gate, age) in [("1.0.0/first.0", 9), ("2.0.0/first.0", 9), ("2.0.0/rest.1", 1)] {
        let kept = gates.join(gate);
        fs::create_dir_all(kept.join("arm")).unwrap();
        fs::write(kept.join("arm/stdout"), "1 failed").unwrap();
        File::open(&kept).unwrap().set_modified(now - day * age).unwrap();
    }
    drop_kept(&gates, now - day * 5).unwrap();
    let left = |path: &str| gates.join(path).exists();
    assert!(!left("1.0.0") && !left("2.0.0/first.0"));
    assert!(left("2.0.0/rest.1/arm/stdout"));
}
