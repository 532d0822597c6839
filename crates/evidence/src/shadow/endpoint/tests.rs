use super::*;

#[test]
fn identifiers_are_taken_out_of_paths() {
    let check = |path: &str, expect: &str| assert_eq!(endpoint("GET", path, &[]), format!("GET {expect}"));
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

#[test]
fn what_a_known_path_takes_out_is_taken_out() {
    let known = ["/points/*", "/orders/*/lines", "/files/**"].map(str::to_owned);
    let check = |path: &str, expect: &str| assert_eq!(endpoint("GET", path, &known), format!("GET {expect}"));
    check("/points/m0", "/points/{}");
    check("/points/m0?x=1", "/points/{}");
    check("/points/m0/more", "/points/m0/more");
    check("/points", "/points");
    check("/orders/ada/lines", "/orders/{}/lines");
    check("/orders/ada/other", "/orders/ada/other");
    check("/files/a/17", "/files/a/{}");
    check("/files", "/files");
}
