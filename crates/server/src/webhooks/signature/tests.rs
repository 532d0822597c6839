use super::*;

/// The example of the specification.
#[test]
fn signs_as_the_specification_does() {
    let key = Key("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned());
    let signed = key.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, r#"{"test": 2432232314}"#);
    assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

#[test]
fn a_drawn_key_is_long_shown_with_its_prefix_and_hidden_from_debug() {
    let (key, other) = (Key::draw().unwrap(), Key::draw().unwrap());
    assert_ne!(key, other);
    assert_ne!(key.name(), other.name());
    let text = key.reveal();
    let bytes = STANDARD.decode(text.strip_prefix("whsec_").unwrap()).unwrap();
    assert_eq!(bytes.len(), 32);
    assert_eq!(format!("{key:?}"), "Key(..)");
}
