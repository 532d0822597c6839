use super::*;

#[test]
fn columns_are_as_wide_as_their_widest_cell_and_the_last_runs_free() {
    let rows = [
        ["a".to_owned(), "✓ done".to_owned()],
        ["longer".to_owned(), "x".to_owned()],
    ];
    let expected = "NAME    STATE\na       ✓ done\nlonger  x\n";
    assert_eq!(table(["name", "state"], &rows), expected);
}
