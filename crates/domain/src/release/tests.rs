use super::*;

fn release(version: &str, artifact: &[u8]) -> Release {
    let definition = Definition {
        kind: ComponentKind::Http {
            host: None,
            path: "/".to_owned(),
        },
        command: vec!["{artifact}".to_owned()],
        environment: BTreeMap::new(),
        requires: BTreeSet::new(),
        instances: 2,
        ready: Readiness {
            check: ReadinessCheck::Started,
            within: Duration::from_secs(30),
        },
        stop_grace: Duration::from_secs(10),
        drain: Drain {
            requests: Duration::from_secs(30),
            streams: Duration::from_secs(300),
        },
        after: BTreeSet::new(),
        memory_bytes: None,
        job: JobTerms::default(),
    };
    let part = ComponentRelease {
        definition,
        artifact: Artifact {
            digest: Digest::of(artifact),
            path: "somewhere".to_owned(),
        },
        configuration: Configuration::default(),
        secrets: Secrets::default(),
    };
    Release {
        version: Version::new(version).unwrap(),
        kind: ReleaseKind::Scheduled,
        commits: Vec::new(),
        components: BTreeMap::from([(ComponentName::new("api").unwrap(), part)]),
        environments: BTreeMap::new(),
        summary: None,
        reason: None,
        tickets: BTreeSet::new(),
        documentation: Vec::new(),
        changes: Vec::new(),
        reversible: Reversible::Always,
        patches: None,
        hotfix: None,
        includes: BTreeSet::new(),
        downtime: None,
        time_zones: BTreeMap::new(),
        steps: Vec::new(),
    }
}

#[test]
fn a_component_that_stays_as_it_is_keeps_its_slot() {
    let cell = CellName::new("eu").unwrap();
    let api = ComponentName::new("api").unwrap();
    let old = release("1.0.0", b"a");
    let mut same = release("1.1.0", b"a");
    let other = release("1.1.0", b"b");
    let id = |r: &Release| r.slot(&cell, &api).unwrap().id();
    assert_eq!(id(&old), id(&same));
    assert_ne!(id(&old), id(&other));

    let part = same.components.get_mut("api").unwrap();
    part.definition.instances = 5;
    assert_eq!(id(&old), id(&same), "scaling is not another slot");

    let part = same.components.get_mut("api").unwrap();
    part.configuration
        .cells
        .insert(cell.clone(), BTreeMap::from([("A".to_owned(), "1".to_owned())]));
    assert_ne!(id(&old), id(&same), "configuration is part of what runs");
    let us = CellName::new("us").unwrap();
    assert_eq!(
        old.slot(&us, &api).unwrap().id(),
        same.slot(&us, &api).unwrap().id(),
        "of this cell only"
    );
}
