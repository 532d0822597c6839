//! The example workflows for builds are YAML.

use std::fs;
use std::path::Path;

use crate::files::diagnostic::Report;
use crate::files::{Source, tree};

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "the examples are the repository's, not the crate's"
)]
fn the_example_workflows_are_yaml() {
    for (name, key) in [
        ("github-actions.yaml", "jobs"),
        ("gitlab-ci.yaml", "release"),
        ("release.in.yaml", "components"),
    ] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../examples/ci")
            .join(name);
        let source = Source {
            path: name.to_owned(),
            text: fs::read_to_string(path).unwrap(),
        };
        let mut report = Report::new(&source);
        let tree = tree::read(&mut report);
        let found = tree.as_ref().map(|tree| tree.field(key).is_some());
        assert_eq!(found, Some(true), "{name}: {:?}", report.diagnostics());
    }
}
