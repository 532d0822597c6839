use std::path::Path;

use super::{Artifact, ArtifactError, Faults};

#[test]
fn what_is_rendered_is_parsed() {
    let set = |names: &[&str]| names.iter().map(ToString::to_string).collect();
    for artifact in [
        Artifact::old(),
        Artifact::good(),
        Artifact::bad(Faults {
            wrong_for: set(&["acme"]),
            fails_for: set(&["acme", "dune"]),
            slow_for: set(&["blue", "coral"]),
        }),
    ] {
        let text = artifact.render(Path::new("/opt/tidegate")).unwrap();
        assert!(text.starts_with("#!/opt/tidegate loyalty\n"), "{text}");
        assert_eq!(Artifact::parse(&text).unwrap(), artifact);
    }
}

#[test]
fn a_path_the_kernel_would_cut_is_refused() {
    let long = format!("/{}", "a".repeat(250));
    for path in [long.as_str(), "/opt/my programs/tidegate"] {
        let refused = Artifact::old().render(Path::new(path));
        assert!(matches!(refused, Err(ArtifactError::Interpreter { .. })), "{path}");
    }
}

#[test]
fn a_file_that_is_no_artifact_is_refused() {
    for text in ["", "{}", "#!/x loyalty\n{\"version\":\"1\",\"edition\":\"odd\"}"] {
        assert!(Artifact::parse(text).is_err(), "{text}");
    }
}
