//! The files people write: `tidegate.yaml`, `tenants.yaml`, `alerts.yaml`, `playbooks/*.yaml`, `gates/*.yaml`, `changes/*.md` and
//! `release.yaml`; and the files of holidays that calendars name.
//!
//! Text comes in, typed structs or diagnostics go out; where the text comes from is the caller's business. A file is read
//! in four steps: the YAML becomes a tree whose every part knows its place ([`tree`]); the tree is checked against the
//! schema of its struct ([`shape`]) and for what a schema can not say ([`meaning`]), each reporting all it finds; and
//! where nothing was found serde builds the struct.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::calendar::Calendars;
use crate::change::Change;
use crate::id::{ChangeId, PlaybookName, TenantName};
use crate::plan::Facts;

mod alerts;
mod calendars;
mod change;
mod customers;
mod diagnostic;
mod gate_template;
mod gates;
mod ics;
mod locate;
mod meaning;
mod nearest;
mod playbook;
mod release;
mod retention;
mod roster;
mod schema;
mod service;
mod shadow;
mod shape;
mod starter;
mod tenants;
mod text;
mod tree;

pub use alerts::{
    AlertKind, AlertRole, AlertRoles, AlertRoute, AlertSeverity, AlertWatch, AlertsFile, ChannelUse, Escalation,
    Heartbeat, Receivers, WantedOf, check_channels,
};
pub use calendars::{CalendarFiles, CalendarTenant, holiday_files, read_calendars};
pub use change::{CHANGE_BYTES_MAX, ChangeFile, NamedPicture, NewChange, is_change, named_pictures, read_changes};
pub use customers::{Contact, Customer, CustomersFile, Locale, MailAddress};
pub use diagnostic::{Code, Diagnostic, Place, Severity, render};
pub use gate_template::{Argument, ArgumentName, ArgumentValue, GateTemplate};
pub use gates::{GateMistake, check_gates};
pub use locate::locate;
pub use playbook::{
    AnyDay, Auto, Cadence, Conditions, Errors, Health, Latency, PlaybookFile, RollingPatches, Select, Train, Wave,
    WaveGate,
};
pub use release::{
    Configuration, EnvironmentConfiguration, NamedArtifact, NamedInRelease, ReleaseComponent, ReleaseFile, ReleaseStep,
    listed_changes, named_in_release,
};
pub use retention::Retention;
pub use roster::read_roster;
pub use schema::schemas;
pub use service::{
    Answer, Answers, Cell, ClientFrom, Component, ComponentEnvironments, ComponentKind, ComponentPlace, Environment,
    Gateway, Jwt, Match, OtherService, Ready, ServiceFile, Stop, TenantFrom, Tls, Verify,
};
pub use shadow::{FieldPattern, Hidden, LeftOut, NormaliseAs, Normalised, NumberTolerance, ShadowFile};
pub use starter::{SHIPPED_PLAYBOOKS, starter};
pub use tenants::{BrokenTenant, Tenant, TenantsFile};
pub use text::{
    AbsolutePath, Address, CommitId, CookieName, CredentialName, GateName, HeaderName, HostName, HostTemplate, Instant,
    InvalidText, LabelName, Memory, PathTemplate, Scalar, ServerAddress, Sha256, TimeZoneName, UrlPath, VariableName,
};
pub use tree::{BYTES_MAX, DEPTH_MAX, NODES_MAX, ROWS_BYTES_MAX, ROWS_NODES_MAX, bytes_max};

pub(crate) use text::written_as_text;

use calendars::ReadHolidays;
use diagnostic::{Finding, Report};
use shape::Shape;
use tree::Node;

/// The name of the file that describes the service.
pub const SERVICE_FILE: &str = "tidegate.yaml";
/// The name of the file that lists the tenants.
pub const TENANTS_FILE: &str = "tenants.yaml";
/// The name of the file that lists the customers.
pub const CUSTOMERS_FILE: &str = "customers.yaml";
/// The name of the file that says what is watched and who is told.
pub const ALERTS_FILE: &str = "alerts.yaml";
/// The name of the folder that holds the playbooks.
pub const PLAYBOOKS_FOLDER: &str = "playbooks";
/// The name of the folder that holds the templates of gates.
pub const GATES_FOLDER: &str = "gates";
/// The name of the folder that holds the changes.
pub const CHANGES_FOLDER: &str = "changes";

/// The text of a file, and the path that people know it by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    pub path: String,
    pub text: String,
}

/// All files of a service but its releases, each right by itself and all of them together.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Project {
    pub service: ServiceFile,
    pub tenants: TenantsFile,
    /// Tenants with a mistake, which no release moves. The others do not suffer from it.
    pub broken: BTreeMap<TenantName, BrokenTenant>,
    pub playbooks: BTreeMap<PlaybookName, PlaybookFile>,
    /// The templates of gates.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub gates: BTreeMap<GateName, GateTemplate>,
    /// The calendars and windows of the service, with their holidays.
    pub calendars: Calendars,
    /// Nobody, where there is no such file.
    pub customers: CustomersFile,
    /// `None` where there is no such file. No release depends on it.
    #[serde(skip)]
    pub alerts: Option<AlertsFile>,
    pub changes: BTreeMap<ChangeId, Change>,
}

/// Reads the files of a project, told apart by their names. There is a project exactly when no diagnostic is an error;
/// sources that are no file of a project are left aside.
#[must_use]
pub fn read_project(sources: &[Source]) -> (Option<Project>, Vec<Diagnostic>) {
    let mut files = Files::default();
    for (index, source) in sources.iter().enumerate() {
        let (folder, name) = folder_and_name(&source.path);
        if name == SERVICE_FILE {
            files.service = Some(index);
        } else if name == TENANTS_FILE {
            files.tenants = Some(index);
        } else if name == CUSTOMERS_FILE {
            files.customers = Some(index);
        } else if name == ALERTS_FILE {
            files.alerts = Some(index);
        } else if folder == PLAYBOOKS_FOLDER && name.ends_with(".yaml") {
            files.playbooks.push(index);
        } else if folder == GATES_FOLDER && name.ends_with(".yaml") {
            files.gates.push(index);
        }
    }
    let mut documents = BTreeMap::new();
    let mut read = |index: usize, shape: &Shape| documents.insert(index, Document::read(&sources[index], shape));
    if let Some(index) = files.service {
        read(index, &Shape::of::<ServiceFile>());
    }
    if let Some(index) = files.tenants {
        read(index, &Shape::of::<TenantsFile>());
    }
    if let Some(index) = files.customers {
        read(index, &Shape::of::<CustomersFile>());
    }
    if let Some(index) = files.alerts {
        read(index, &Shape::of::<AlertsFile>());
    }
    let playbook = Shape::of::<PlaybookFile>();
    for index in &files.playbooks {
        read(*index, &playbook);
    }
    let gate = Shape::of::<GateTemplate>();
    for index in &files.gates {
        read(*index, &gate);
    }
    let holidays = match files.service.and_then(|index| documents.get_mut(&index)) {
        Some(service) => ReadHolidays::read(sources, service),
        None => ReadHolidays::default(),
    };
    let of_holidays = holidays.found.clone();
    meaning::check_project(&files, &mut documents);
    let (changes, of_changes) = read_changes(sources);
    let project = project(&files, &mut documents, holidays, changes);
    let missing = missing_files(&files);
    let project = project.filter(|_| missing.is_empty());
    let found = documents
        .into_values()
        .flat_map(|document| document.report.diagnostics());
    let found = missing.into_iter().chain(found).chain(of_holidays).chain(of_changes);
    (project, found.collect())
}

/// Reads a release of `project`. There is one exactly when no diagnostic is an error.
#[must_use]
pub fn read_release(source: &Source, project: &Project) -> (Option<ReleaseFile>, Vec<Diagnostic>) {
    let mut document = Document::read(source, &Shape::of::<ReleaseFile>());
    meaning::check_release(&mut document, project);
    (document.file(), document.report.diagnostics())
}

/// Reads a file of facts that stands for a server. There are facts exactly when no diagnostic is an error.
#[must_use]
pub fn read_facts(source: &Source) -> (Option<Facts>, Vec<Diagnostic>) {
    let mut document = Document::read(source, &Shape::of::<Facts>());
    (document.file(), document.report.diagnostics())
}

/// Reads the rules of a comparison of responses. There are rules exactly when no diagnostic is an error.
#[must_use]
pub fn read_shadow(source: &Source) -> (Option<ShadowFile>, Vec<Diagnostic>) {
    let mut document = Document::read(source, &Shape::of::<ShadowFile>());
    (document.file(), document.report.diagnostics())
}

/// Which sources are which files.
#[derive(Debug, Default)]
struct Files {
    service: Option<usize>,
    tenants: Option<usize>,
    customers: Option<usize>,
    alerts: Option<usize>,
    playbooks: Vec<usize>,
    gates: Vec<usize>,
}

/// A source with what is known about it.
struct Document<'a> {
    /// Absent where the source is not YAML.
    tree: Option<Node>,
    report: Report<'a>,
}

impl<'a> Document<'a> {
    fn read(source: &'a Source, shape: &Shape) -> Self {
        let mut report = Report::new(source);
        let tree = tree::read(&mut report);
        if let Some(tree) = &tree {
            if folder_and_name(&source.path).1 == SERVICE_FILE {
                meaning::secrets::hide(&mut report, tree);
            }
            report.extend(shape.check(tree));
        }
        Self { tree, report }
    }

    /// The struct of a document without errors.
    fn file<T: DeserializeOwned>(&mut self) -> Option<T> {
        if self.report.has_errors() {
            return None;
        }
        match T::deserialize(self.tree.as_ref()?) {
            Ok(file) => Some(file),
            Err(error) => {
                // Never seen: the tests hold schema and struct together.
                self.report.push(Finding::of_file(Code::InvalidText, error.to_string()));
                None
            }
        }
    }
}

fn project(
    files: &Files,
    documents: &mut BTreeMap<usize, Document<'_>>,
    holidays: ReadHolidays,
    changes: Option<BTreeMap<ChangeId, Change>>,
) -> Option<Project> {
    let document = documents.get_mut(&files.tenants?)?;
    let broken_tenants = tenants::take_broken(document);
    let tenants: TenantsFile = document.file()?;
    let document = documents.get_mut(&files.service?)?;
    let broken = calendars::take_broken_windows(document);
    let service: ServiceFile = document.file()?;
    // What a tenant with a mistake is meant to be is not known.
    if let Some(tree) = document.tree.as_ref().filter(|_| broken_tenants.is_empty()) {
        meaning::calendars::check_reach(&mut document.report, tree, &service.windows, &tenants.tenants);
    }
    let customers = match files.customers {
        Some(index) => documents.get_mut(&index)?.file()?,
        None => CustomersFile::default(),
    };
    let alerts = match files.alerts {
        Some(index) => Some(documents.get_mut(&index)?.file()?),
        None => None,
    };
    let mut playbooks = BTreeMap::new();
    for index in &files.playbooks {
        let playbook: PlaybookFile = documents.get_mut(index)?.file()?;
        playbooks.insert(playbook.name.clone(), playbook);
    }
    let mut gates = BTreeMap::new();
    for index in &files.gates {
        let document = documents.get_mut(index)?;
        let name = GateName::new(gates::name_of(&document.report.source().path)).ok();
        let template: GateTemplate = document.file()?;
        gates.insert(name?, template);
    }
    let calendars = calendars::calendars(service.calendars.clone(), &service.windows, holidays, broken);
    Some(Project {
        service,
        tenants,
        broken: broken_tenants,
        playbooks,
        gates,
        calendars,
        customers,
        alerts,
        changes: changes?,
    })
}

fn folder_and_name(path: &str) -> (&str, &str) {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    (folder.rsplit_once('/').map_or(folder, |(_, last)| last), name)
}

fn missing_files(files: &Files) -> Vec<Diagnostic> {
    let expected = [
        (SERVICE_FILE, files.service.is_some()),
        (TENANTS_FILE, files.tenants.is_some()),
        ("playbooks/*.yaml", !files.playbooks.is_empty()),
    ];
    let missing = expected.into_iter().filter(|(_, found)| !found);
    missing.map(|(name, _)| missing_file(name)).collect()
}

fn missing_file(name: &str) -> Diagnostic {
    Diagnostic {
        severity: Severity::Error,
        code: Code::MissingFile,
        file: name.to_owned(),
        place: None,
        message: format!("there is no `{name}`"),
        label: String::new(),
        help: Some("`tidegate init` writes files to start from".to_owned()),
        hidden: std::sync::Arc::default(),
    }
}

#[cfg(test)]
mod tests;
