//! Five ways to release, each played to its end with a playbook of `playbooks/`. `docs/practices.md` says which line of which
//! practice is asserted here and which is not reached.

mod deploy_then_release;
pub mod scene;
mod single_version;
mod three_day_waves;
mod two_stage;
mod weekly_rolling;

/// The page names every test of a practice, and no other.
#[test]
fn the_page_of_the_practices_names_their_tests() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("../../docs/practices.md")).unwrap();
    let code = std::fs::read_dir(root.join("tests/it/practices")).unwrap();
    let code: String = code
        .map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap())
        .collect();
    let is_test = |name: &&str| {
        let mut letters = name.chars();
        letters.next().is_some_and(|practice| ('a'..='e').contains(&practice))
            && letters.next().is_some_and(|line| line.is_ascii_digit())
    };
    let tests: std::collections::BTreeSet<&str> = code
        .lines()
        .filter_map(|line| line.strip_prefix("fn ")?.strip_suffix("() {"))
        .filter(is_test)
        .collect();
    let named: std::collections::BTreeSet<&str> = page
        .split('`')
        .filter(is_test)
        .filter(|name| name.contains('_'))
        .collect();
    assert_eq!(named, tests);
}
