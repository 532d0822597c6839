use super::*;

#[test]
fn private_places_are_refused_in_every_dress() {
    let refused = [
        "http://0.0.0.0/",
        "http://0.1.2.3/",
        "http://10.0.0.1/",
        "http://10.255.255.255/",
        "http://100.64.0.1/",
        "http://100.127.255.255/",
        "http://127.0.0.1/",
        "http://127.255.0.1:8080/",
        "http://169.254.169.254/latest/meta-data/",
        "http://172.16.0.1/",
        "http://172.31.255.255/",
        "http://192.0.0.1/",
        "http://192.0.2.1/",
        "http://192.88.99.1/",
        "http://192.168.1.1/",
        "http://198.18.0.1/",
        "http://198.51.100.1/",
        "http://203.0.113.1/",
        "http://224.0.0.1/",
        "http://240.0.0.1/",
        "http://255.255.255.255/",
        "http://[::]/",
        "http://[::1]/",
        "http://[::7f00:1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:10.0.0.1]/",
        "http://[::ffff:a9fe:a9fe]/",
        "http://[64:ff9b::7f00:1]/",
        "http://[64:ff9b::a00:1]/",
        "http://[2002:7f00:1::]/",
        "http://[2002:a00:1::1]/",
        "http://[fc00::1]/",
        "http://[fd12:3456::1]/",
        "http://[fe80::1]/",
        "http://[fec0::1]/",
        "http://[ff02::1]/",
        "http://[2001::1]/",
        "http://[2001:db8::1]/",
        "http://[3fff::1]/",
        "http://[100::1]/",
    ];
    let over_tls = refused.map(|url| url.replacen("http", "https", 1));
    for url in refused.into_iter().chain(over_tls.iter().map(String::as_str)) {
        let error = Reach::Public.target(url).unwrap_err();
        assert!(
            matches!(error, TargetError::Private { .. } | TargetError::Loopback),
            "{url}: {error}"
        );
    }
}

#[test]
fn loopback_is_reached_only_where_it_is_allowed() {
    for url in [
        "http://127.0.0.1:9000/hooks",
        "http://[::1]:9000/",
        "http://[::ffff:127.0.0.1]/",
    ] {
        assert_eq!(Reach::Public.target(url), Err(TargetError::Loopback), "{url}");
        assert!(Reach::WithLoopback.target(url).is_ok(), "{url}");
    }
    assert!(matches!(
        Reach::WithLoopback.target("http://10.0.0.1/"),
        Err(TargetError::Private { .. })
    ));
}

#[test]
fn public_addresses_are_reached_over_tls_alone() {
    for host in [
        "93.184.216.34",
        "100.128.0.1",
        "172.32.0.1:8443",
        "[2606:4700::1111]",
        "example.com",
    ] {
        let target = Reach::Public.target(&format!("https://{host}/hooks")).unwrap();
        assert!(target.tls && (target.port == 443 || target.port == 8443), "{target:?}");
        let plain = Reach::WithLoopback.target(&format!("http://{host}/hooks"));
        assert!(matches!(plain, Err(TargetError::Plain { .. })), "{host}: {plain:?}");
    }
}

#[test]
fn what_is_no_web_address_is_refused_without_repeating_a_password() {
    for url in [
        "",
        "hooks",
        "/hooks",
        "ftp://host/",
        "file:///etc/passwd",
        "gopher://host/",
        "http:///path",
    ] {
        assert!(
            matches!(Reach::Public.target(url), Err(TargetError::NotAnAddress { .. })),
            "{url}"
        );
    }
    for url in [
        "http://ada:canary@93.184.216.34/",
        "ftp://ada:canary@host/",
        "http://canary@host:port/",
    ] {
        let error = Reach::Public.target(url).unwrap_err().to_string();
        assert!(!error.contains("canary"), "{error}");
    }
}

#[tokio::test]
async fn a_name_is_judged_by_what_it_resolves_to() {
    let target = Reach::Public.target("http://localhost:9000/").unwrap();
    assert_eq!(Reach::Public.resolve(&target).await, Err(TargetError::Loopback));
    assert!(Reach::WithLoopback.resolve(&target).await.unwrap().ip().is_loopback());
}
