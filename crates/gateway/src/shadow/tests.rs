use super::room::Rooms;
use super::tap::is_path_like;

#[test]
fn a_pattern_stands_for_whole_steps() {
    for (path, pattern, expected) in [
        ("/points/ada", "/points/*", true),
        ("/points/", "/points/*", false),
        ("/points", "/points/*", false),
        ("/points/ada/lines", "/points/*", false),
        ("/points/ada/lines", "/points/**", true),
        ("/pointsx", "/points/**", false),
        ("/", "/**", true),
        ("/search", "/search", true),
        ("/search/", "/search", false),
    ] {
        assert_eq!(is_path_like(path, pattern), expected, "{path} {pattern}");
    }
}

#[test]
fn room_is_given_back_whole() {
    let rooms = Rooms::new(100);
    let mut first = rooms.take(60).unwrap();
    assert!(rooms.take(60).is_none());
    first.shrink_to(10);
    first.shrink_to(50);
    let second = rooms.take(90).unwrap();
    assert_eq!((first.bytes(), second.bytes()), (10, 90));
    drop((first, second));
    assert!(rooms.take(100).is_some());
}
