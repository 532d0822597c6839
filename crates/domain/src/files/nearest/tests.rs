use super::nearest;

#[test]
fn a_slip_is_recognised_and_a_stranger_is_not() {
    let fields = ["instances", "command", "environment", "ready", "after"];
    let check = |text: &str, expected: Option<&str>| {
        assert_eq!(nearest(text, fields), expected, "{text}");
    };
    check("instance", Some("instances"));
    check("comand", Some("command"));
    check("raedy", Some("ready"));
    check("Ready", Some("ready"));
    check("enviroment", Some("environment"));
    check("replicas", None);
    check("x", None);
    check("", None);
}

#[test]
fn of_two_candidates_the_nearer_one_wins() {
    assert_eq!(nearest("eu-wets", ["eu-east", "eu-west"]), Some("eu-west"));
}
