use proptest::prelude::*;

use super::*;

/// Whether a stream is refused, and how much of it hyper still sees.
fn followed(stream: &[u8], pieces: usize) -> (bool, Vec<u8>) {
    let mut framing = Framing::new();
    let mut seen = stream.to_vec();
    for piece in seen.chunks_mut(pieces) {
        framing.follow(piece);
    }
    (framing.state == State::Violated, seen)
}

const GOOD: &[u8] = b"POST /1 HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\nab\
    \r\nPOST /2 HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n3;x=y\r\na\nb\r\n0\r\nx-t: 1\r\n\r\n\
    GET /3 HTTP/1.1\r\nx: \r\n\r\n";
const BAD: &[u8] = b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\ncontent-length: 4\r\n\r\n0\r\n\r\n";

#[test]
fn good_requests_pass_in_pieces_of_any_size() {
    for pieces in 1..=GOOD.len() {
        assert_eq!(followed(GOOD, pieces), (false, GOOD.to_vec()), "in pieces of {pieces}");
    }
}

#[test]
fn a_violation_hides_its_request_and_not_the_one_before() {
    let stream = [GOOD, BAD].concat();
    for pieces in 1..=stream.len() {
        let (is_refused, seen) = followed(&stream, pieces);
        assert!(is_refused, "in pieces of {pieces}");
        assert_eq!(seen[..GOOD.len()], *GOOD);
        assert_eq!(seen.last(), Some(&0));
        assert!(
            !seen[GOOD.len()..].windows(4).any(|window| window == b"\r\n\r\n"),
            "a whole head got through"
        );
    }
}

#[test]
fn after_an_upgrade_bytes_are_not_judged() {
    let stream = b"GET / HTTP/1.1\r\nupgrade: websocket\r\n\r\n\n\n\r\rwhatever\n";
    assert_eq!(followed(stream, 7), (false, stream.to_vec()));
}

proptest! {
    #[test]
    fn no_bytes_make_it_stumble(stream in proptest::collection::vec(any::<u8>(), 0..300), pieces in 1_usize..50) {
        let (is_refused, seen) = followed(&stream, pieces);
        prop_assert_eq!(seen.len(), stream.len());
        prop_assert!(is_refused || seen == stream);
    }
}
