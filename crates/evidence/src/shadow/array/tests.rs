use super::*;

fn check(old: &str, new: &str, pairs: &[(usize, usize)], only: (&[usize], &[usize]), is_reordered: bool) {
    let (Json::Array(old), Json::Array(new)) = (Json::read(old).unwrap(), Json::read(new).unwrap()) else {
        panic!("arrays were written");
    };
    let expect = Pairing {
        pairs: pairs.to_vec(),
        only_old: only.0.to_vec(),
        only_new: only.1.to_vec(),
        is_reordered,
    };
    assert_eq!(pair(&old, &new, |element| format!("{element:?}")), expect);
}

#[test]
fn elements_are_paired_by_identity_then_by_content_then_in_order() {
    let by_id = (r#"[{"id":1,"a":1},{"id":2}]"#, r#"[{"id":2},{"id":1,"a":2}]"#);
    check(by_id.0, by_id.1, &[(0, 1), (1, 0)], (&[], &[]), true);
    check(
        r#"[{"id":1},{"id":2}]"#,
        r#"[{"id":9},{"id":1},{"id":2}]"#,
        &[(0, 1), (1, 2)],
        (&[], &[0]),
        false,
    );
    // Drawn anew for each answer.
    check(r#"[{"id":1}]"#, r#"[{"id":2}]"#, &[(0, 0)], (&[], &[]), false);
    check(
        "[3,1,1,2]",
        "[1,2,3,1]",
        &[(0, 2), (1, 0), (2, 3), (3, 1)],
        (&[], &[]),
        true,
    );
    check("[1,2,3]", "[1,4,3]", &[(0, 0), (2, 2), (1, 1)], (&[], &[]), false);
    check("[1,1]", "[1]", &[(0, 0)], (&[1], &[]), false);
    check("[]", "[1]", &[], (&[], &[0]), false);
}
