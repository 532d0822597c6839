use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use tidegate_domain::id::Digest;
use tidegate_domain::release::{Artifact, ComponentKind, Definition, Drain, Readiness, ReadinessCheck, SlotSpec};
use tidegate_domain::time::Duration;

use super::super::Options;
use super::super::record::InstanceDirectory;
use super::{Blanks, launch};

pub(in super::super) fn spec() -> SlotSpec {
    SlotSpec {
        component: "api".parse().unwrap(),
        cell: "north".parse().unwrap(),
        version: "2.0.0".parse().unwrap(),
        definition: Definition {
            kind: ComponentKind::Job,
            command: vec!["{artifact}".to_owned()],
            environment: BTreeMap::new(),
            requires: BTreeSet::new(),
            instances: 1,
            ready: Readiness {
                check: ReadinessCheck::Started,
                within: Duration::ZERO,
            },
            stop_grace: Duration::from_secs(3),
            drain: Drain {
                requests: Duration::ZERO,
                streams: Duration::ZERO,
            },
            after: BTreeSet::new(),
            memory_bytes: None,
            job: tidegate_domain::release::JobTerms::default(),
        },
        artifact: Artifact {
            digest: Digest::of(b""),
            path: "built".to_owned(),
        },
        configuration: BTreeMap::new(),
        tenant_configuration: BTreeMap::new(),
        secrets: BTreeMap::new(),
    }
}

fn blanks<'a>(spec: &'a SlotSpec, directory: &'a InstanceDirectory) -> Blanks<'a> {
    Blanks {
        spec,
        directory,
        artifact: Path::new("/copies/{port}"),
        port: 2000,
        tenant: None,
    }
}

fn check(text: &str, expected: &str) {
    let (spec, directory) = (spec(), InstanceDirectory::new(PathBuf::from("/state/0")));
    assert_eq!(blanks(&spec, &directory).fill(text), expected);
}

#[test]
fn blanks_are_filled_in_once_and_other_braces_stay() {
    check("--listen=127.0.0.1:{port}", "--listen=127.0.0.1:2000");
    check("{cell}/{version} {config}", "north/2.0.0 /state/0/configuration.json");
    check("{artifact}", "/copies/{port}");
    check("{ports} {} {{port}} {", "{ports} {} {2000} {");
    check("no blanks", "no blanks");
}

#[test]
fn what_tidegate_says_is_stronger_than_configuration_and_that_than_the_definition() {
    let mut spec = spec();
    let mut set = |key: &str, defined: &str, configured: &str| {
        spec.definition.environment.insert(key.to_owned(), defined.to_owned());
        spec.configuration.insert(key.to_owned(), configured.to_owned());
    };
    set("PORT", "1", "2");
    set("RATE", "low", "high");
    set("not=a variable", "", "");
    set("", "", "");
    set("NUL", "", "\0");
    let directory = InstanceDirectory::new(PathBuf::from("/state/0"));
    let launch = launch(&blanks(&spec, &directory), &spec.id(), 0, &Options::default());
    assert_eq!(launch.environment["PORT"], "2000");
    assert_eq!(launch.environment["RATE"], "high");
    let names: Vec<_> = launch
        .environment
        .keys()
        .filter(|key| !key.starts_with("TIDEGATE_"))
        .collect();
    assert_eq!(names, ["PORT", "RATE"]);
    assert_eq!(launch.stop_grace_ms, 3_000);
}
