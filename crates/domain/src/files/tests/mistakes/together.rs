//! Releases that do not go together as their file says.

use super::super::{RELEASE, brief, good_sources, source};
use crate::files::{read_project, read_release};

/// What is said of this list, in a project that knows the server of `billing`.
fn said_of(list: &str) -> Vec<String> {
    let mut sources = good_sources();
    let billing = "services: {billing: {server: 'http://127.0.0.1:7401', token: {environment: BILLING}}}\n";
    sources[0].text.push_str(billing);
    let (project, diagnostics) = read_project(&sources);
    assert_eq!(brief(&diagnostics), Vec::<String>::new());
    let release = source("release.yaml", &format!("{RELEASE}together: [{list}]\n"));
    brief(&read_release(&release, &project.unwrap()).1)
}

#[test]
fn a_group_names_each_service_once_and_this_release_among_them() {
    let own = "{service: loyalty, version: 2.1.0}";
    let billing = "{service: billing, version: 7.4.0}";
    assert_eq!(said_of(&format!("{billing}, {own}")), Vec::<String>::new());
    assert_eq!(
        said_of(own),
        [
            "release.yaml:20:11: a release cannot go together with itself alone [list all of them, in the order in which they begin, \
             and the same list in the file of each]"
        ]
    );
    assert_eq!(
        said_of(billing),
        [
            "release.yaml:20:11: this release, of the service `loyalty`, is not among those that go together [list all of them, in \
             the order in which they begin, and the same list in the file of each]"
        ]
    );
    assert_eq!(
        said_of(&format!("{billing}, {own}, {{service: billing, version: 7.5.0}}")),
        [
            "release.yaml:20:94: two releases of the service `billing` would go together (first on line 20) [keep one of the two]"
        ]
    );
    assert_eq!(
        said_of(&format!("{billing}, {{service: loyalty, version: 2.0.0}}")),
        ["release.yaml:20:76: this release is 2.1.0, and its service goes along with 2.0.0 [write `version: 2.1.0`]"]
    );
    assert_eq!(
        said_of(&format!("{{service: biling, version: 7.4.0}}, {own}")),
        [
            "release.yaml:20:22: there is no service `biling` (did you mean `billing`?) [list it in `services` of tidegate.yaml, with \
             its server and a token]"
        ]
    );
}

#[test]
fn a_token_goes_in_clear_to_no_other_machine() {
    let mut sources = good_sources();
    sources[0]
        .text
        .push_str("services: {billing: {server: 'http://billing.example:7401', token: {environment: BILLING}}}\n");
    let said = brief(&read_project(&sources).1);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].contains("is not a server address"), "{said:?}");
}
