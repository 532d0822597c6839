use super::*;

#[test]
fn identifiers_are_taken_out_of_paths() {
    let check = |path: &str, expect: &str| assert_eq!(endpoint("GET", path), format!("GET {expect}"));
    check("/orders/17/lines?page=2", "/orders/{}/lines");
    check("/v2/oauth2/users", "/v2/oauth2/users");
    check("/a/0b6b1a3e-5f4e-4c1a-9d8e-2f1f0c9b7a6d", "/a/{}");
    check("/commits/9fceb02d0ae598e95dc970b74767f19372d61af8#x", "/commits/{}");
    check("/orders/ORD-00017", "/orders/{}");
    check("/mail/ada@example.org", "/mail/{}");
    check("/files/01ARZ3NDEKTSV4RRFFQ69G5FAV", "/files/{}");
    check("/decade/facade", "/decade/facade");
    check("/", "/");
    check("", "");
}
