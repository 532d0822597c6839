use std::thread;

use super::*;

#[test]
fn a_record_that_several_write_at_once_is_one_of_theirs() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("slot.json");
    thread::scope(|scope| {
        for writer in 0..4 {
            let path = &path;
            scope.spawn(move || (0..200).for_each(|_| write(path, &vec![writer; 1_000]).unwrap()));
        }
    });
    let found: Vec<i32> = read(&path).unwrap();
    assert_eq!(found, vec![found[0]; 1_000]);
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        1,
        "nothing is left beside it"
    );
}
