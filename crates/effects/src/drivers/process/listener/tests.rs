use super::listener;

fn check(line: &str, port: u16, expected: Option<u64>) {
    assert_eq!(listener(line, port), expected, "{line}");
}

#[test]
fn listeners_are_told_from_connections() {
    let listens =
        "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  0  0 41021 1 ffff 100 0 0 10 0";
    check(listens, 8080, Some(41021));
    check(listens, 8081, None);
    check(&listens.replace(" 0A ", " 01 "), 8080, None);
    let version_6 = listens.replace("0100007F:1F90", "00000000000000000000000000000000:1F90");
    check(&version_6, 8080, Some(41021));
    check("", 8080, None);
    check("  sl  local_address rem_address", 8080, None);
}
