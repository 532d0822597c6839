//! A project to start from: small, commented line by line, and right.

use super::{CHANGES_FOLDER, PLAYBOOKS_FOLDER, SERVICE_FILE, Source, TENANTS_FILE, schemas};

/// Where the schemas lie that the first line of each starter file names.
const SCHEMAS_FOLDER: &str = ".tidegate/schemas";

/// The playbooks that come with Tidegate, by name: five ways to release, which differ in nothing but these files.
pub const SHIPPED_PLAYBOOKS: [(&str, &str); 5] = [
    (
        "weekly-rolling",
        include_str!("../../../../playbooks/weekly-rolling.yaml"),
    ),
    (
        "three-day-waves",
        include_str!("../../../../playbooks/three-day-waves.yaml"),
    ),
    (
        "deploy-then-release",
        include_str!("../../../../playbooks/deploy-then-release.yaml"),
    ),
    (
        "fortnightly-single-version",
        include_str!("../../../../playbooks/fortnightly-single-version.yaml"),
    ),
    ("two-stage", include_str!("../../../../playbooks/two-stage.yaml")),
];

/// The files of a new project, by their paths in its folder: the files people write, a program that they release, holidays,
/// and the schemas for editors.
#[must_use]
pub fn starter() -> Vec<Source> {
    let written = [
        (SERVICE_FILE.to_owned(), include_str!("starter/tidegate.yaml")),
        (TENANTS_FILE.to_owned(), include_str!("starter/tenants.yaml")),
        (
            format!("{PLAYBOOKS_FOLDER}/two-waves.yaml"),
            include_str!("starter/playbooks/two-waves.yaml"),
        ),
        (
            format!("{CHANGES_FOLDER}/says-hello.md"),
            include_str!("starter/changes/says-hello.md"),
        ),
        ("release.yaml".to_owned(), include_str!("starter/release.yaml")),
        ("app/web.py".to_owned(), include_str!("starter/app/web.py")),
        (
            "holidays/de.ics".to_owned(),
            include_str!("../../../../holidays/de.ics"),
        ),
    ];
    let written = written.into_iter().map(|(path, text)| Source {
        path,
        text: text.to_owned(),
    });
    let schemas = schemas().into_iter().map(|(name, schema)| Source {
        path: format!("{SCHEMAS_FOLDER}/{name}"),
        text: format!("{schema:#}\n"),
    });
    written.chain(schemas).collect()
}
