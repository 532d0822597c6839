use super::*;
use crate::table::PathSource;

fn sources() -> TenantSources {
    TenantSources::compile(&[
        TenantSource::Host("{tenant}.shop.example".to_owned()),
        TenantSource::Path(PathSource {
            pattern: "/t/{tenant}".to_owned(),
            strip: true,
        }),
        TenantSource::Header("x-tenant".to_owned()),
        TenantSource::Cookie("tenant".to_owned()),
    ])
    .unwrap()
}

/// What a request with this host, path and headers says.
fn check(host: &str, path: &str, headers: &[(&str, &str)], expected: Result<(&str, usize), ErrorReason>) {
    let mut request = http::Request::builder().uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let (head, ()) = request.body(()).unwrap().into_parts();
    let sources = sources();
    let found = sources.find(&head, host).map(|found| (found.tenant, found.stripped));
    let expected = expected.map(|(tenant, stripped)| (tenant.into(), stripped));
    assert_eq!(found, expected, "{host} {path} {headers:?}");
}

#[test]
fn every_place_names_the_tenant() {
    check("acme.shop.example", "/", &[], Ok(("acme", 0)));
    check("other.example", "/t/acme", &[], Ok(("acme", 7)));
    check("other.example", "/t/acme/orders/1", &[], Ok(("acme", 7)));
    check("other.example", "/", &[("x-tenant", "acme")], Ok(("acme", 0)));
    check("other.example", "/", &[("cookie", "a=b; tenant=acme")], Ok(("acme", 0)));
    check(
        "other.example",
        "/",
        &[("cookie", "a=b"), ("cookie", "tenant=\"acme\"")],
        Ok(("acme", 0)),
    );
}

#[test]
fn what_is_no_whole_part_names_nothing() {
    check("a.b.shop.example", "/", &[], Err(ErrorReason::TenantMissing));
    check(".shop.example", "/", &[], Err(ErrorReason::TenantMissing));
    check("shop.example", "/", &[], Err(ErrorReason::TenantMissing));
    check("other.example", "/t/", &[], Err(ErrorReason::TenantMissing));
    check("other.example", "/tea/acme", &[], Err(ErrorReason::TenantMissing));
    check(
        "other.example",
        "/",
        &[("cookie", "xtenant=acme; tenant=")],
        Err(ErrorReason::TenantMissing),
    );
}

#[test]
fn places_that_disagree_are_a_conflict() {
    let conflict = Err(ErrorReason::TenantConflict);
    check("acme.shop.example", "/t/globex", &[], conflict);
    check("acme.shop.example", "/", &[("x-tenant", "globex")], conflict);
    check(
        "other.example",
        "/",
        &[("x-tenant", "acme"), ("x-tenant", "globex")],
        conflict,
    );
    check("other.example", "/t/acme", &[("cookie", "tenant=globex")], conflict);
    check("acme.shop.example", "/t/acme", &[("x-tenant", "acme")], Ok(("acme", 7)));
}

#[test]
fn hashes_do_not_move() {
    // Clients of a running split would change version with these.
    assert_eq!(hash(b""), 0xf52a_15e9_a9b5_e89b);
    assert_eq!(hash(b"acme"), 0x130a_7622_2d44_27ef);
}
