//! Calendars and windows with all that belongs to them: the holiday files they name, and what happens to a window that is
//! written wrongly.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use super::diagnostic::{Code, Diagnostic, Finding, Report, shown};
use super::nearest::nearest;
use super::shape::Shape;
use super::tree::{self, Node, Value};
use super::{Document, LabelName, SERVICE_FILE, Scalar, Source, TENANTS_FILE, TenantsFile, TimeZoneName, ics, meaning};
use crate::calendar::{BrokenWindow, Calendar, Calendars, Holidays, Selector, Subject, Window, WrittenWindow};
use crate::id::{CalendarName, CellName, CustomerName, TenantName};

/// The paths of the holiday files that a service file names, by the path of that file. None where the file can not be read:
/// reading the project tells why.
#[must_use]
pub fn holiday_files(service: &Source) -> Vec<String> {
    let tree = tree::read(&mut Report::new(service));
    let mut paths: Vec<String> = tree.iter().flat_map(names).map(|name| beside(service, name)).collect();
    paths.sort();
    paths.dedup();
    paths
}

/// The holiday files that the calendars of a service file name, as they are written there.
fn names(service: &Node) -> impl Iterator<Item = &str> {
    holidays(service).filter_map(Node::text)
}

fn holidays(service: &Node) -> impl Iterator<Item = &Node> {
    let calendars = service.entries_of("calendars").iter();
    calendars.filter_map(|calendar| calendar.value.field("holidays"))
}

/// The path of a file that is named relative to another.
fn beside(source: &Source, name: &str) -> String {
    match source.path.rsplit_once('/') {
        Some((folder, _)) if !name.starts_with('/') => format!("{folder}/{name}"),
        Some(_) | None => name.to_owned(),
    }
}

/// Holidays by the names of their files, and what is wrong with these files.
#[derive(Default)]
pub(super) struct ReadHolidays {
    pub(super) files: BTreeMap<String, Holidays>,
    pub(super) found: Vec<Diagnostic>,
}

impl ReadHolidays {
    /// Reads the holiday files that a service file names; one that is not there is a mistake of the service file that its
    /// own tenants suffer from.
    pub(super) fn read(sources: &[Source], service: &mut Document<'_>) -> Self {
        let mut read = Self::default();
        let Some(tree) = &service.tree else { return read };
        for node in holidays(tree) {
            let Some(name) = node.text().filter(|name| !name.is_empty()) else {
                continue;
            };
            let path = beside(service.report.source(), name);
            let Some(source) = sources.iter().find(|source| source.path == path) else {
                let message = format!("there is no file {}", shown(name));
                let finding = Finding::confined(Code::MissingFile, &node.span, message);
                service
                    .report
                    .push(finding.help("put it there, by its path relative to this file, or correct the path"));
                continue;
            };
            if read.files.contains_key(name) {
                continue;
            }
            let mut report = Report::new(source);
            let holidays = ics::read(&mut report);
            // Holidays with a mistake among them are not known.
            if !report.has_errors() {
                read.files.insert(name.to_owned(), holidays);
            }
            report.confine_all();
            read.found.extend(report.diagnostics());
        }
        read
    }
}

/// Takes the windows with mistakes out of a service file. Those that say which tenants they are for do not block the others.
pub(super) fn take_broken_windows(service: &mut Document<'_>) -> Vec<BrokenWindow> {
    let mut broken = Vec::new();
    take_items(service, "windows", |window, report| {
        let selector = window.field("tenants").filter(|node| !report.has_errors_in(&node.span));
        let tenants: Selector = selector.and_then(typed)?;
        let mistake = report.confine(&window.span)?;
        let name = window.text_of("name").unwrap_or("without a name").to_owned();
        broken.push(BrokenWindow { name, tenants, mistake });
        Some(())
    });
    broken
}

/// Takes those items out of a list of a file that `taken` says something of.
pub(super) fn take_items(
    document: &mut Document<'_>,
    list: &str,
    mut taken: impl FnMut(&Node, &mut Report<'_>) -> Option<()>,
) {
    let (Some(tree), report) = (&mut document.tree, &mut document.report) else {
        return;
    };
    let Value::Map(entries) = &mut tree.value else { return };
    let entry = entries.iter_mut().find(|entry| entry.key == list);
    if let Some(Value::List(items)) = entry.map(|entry| &mut entry.value.value) {
        items.retain(|item| taken(item, report).is_none());
    }
}

/// The struct of a part of a tree whose shape is right.
pub(super) fn typed<T: DeserializeOwned>(node: &Node) -> Option<T> {
    T::deserialize(node).ok()
}

/// The calendars of a file whose windows are known to be right.
pub(super) fn calendars(
    calendars: BTreeMap<CalendarName, Calendar>,
    windows: &[WrittenWindow],
    holidays: ReadHolidays,
    broken: Vec<BrokenWindow>,
) -> Calendars {
    let windows = windows.iter().cloned();
    Calendars {
        calendars,
        holidays: holidays.files,
        windows: windows.filter_map(|window| Window::try_from(window).ok()).collect(),
        broken,
    }
}

/// What questions about time are answered from: the calendars and the tenants, however little else the files say.
#[derive(Debug, Clone, Default)]
pub struct CalendarFiles {
    pub calendars: Calendars,
    pub tenants: BTreeMap<TenantName, CalendarTenant>,
    /// Tenants that are written wrongly, by their ids, with the mistake.
    pub broken: BTreeMap<String, String>,
}

/// What a tenant says of time, and what windows select it by.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct CalendarTenant {
    pub id: TenantName,
    pub customer: Option<CustomerName>,
    pub cell: Option<CellName>,
    #[serde(default, deserialize_with = "super::tenants::labels")]
    pub labels: BTreeMap<LabelName, Scalar>,
    pub time_zone: Option<TimeZoneName>,
    pub calendar: Option<CalendarName>,
}

impl<'t> From<&'t CalendarTenant> for Subject<'t> {
    fn from(tenant: &'t CalendarTenant) -> Self {
        Self {
            id: &tenant.id,
            customer: tenant.customer.as_ref(),
            cell: tenant.cell.as_ref(),
            labels: &tenant.labels,
            time_zone: tenant.time_zone.as_ref(),
            calendar: tenant.calendar.as_ref(),
        }
    }
}

/// The two parts of `tidegate.yaml` that speak of time.
#[derive(Debug, Deserialize, JsonSchema)]
struct TimesFile {
    #[serde(default)]
    calendars: BTreeMap<CalendarName, Calendar>,
    #[serde(default)]
    windows: Vec<WrittenWindow>,
}

#[derive(Debug, Deserialize)]
struct CalendarTenants {
    tenants: Vec<CalendarTenant>,
}

/// Reads calendars, windows and tenants, and asks nothing more of the files than that. A mistake in one window or one tenant
/// is told, and does not keep the rest from being read. There are calendars exactly when no diagnostic is an error.
#[must_use]
pub fn read_calendars(sources: &[Source]) -> (Option<CalendarFiles>, Vec<Diagnostic>) {
    let named = |name: &str| {
        sources
            .iter()
            .find(|source| super::folder_and_name(&source.path).1 == name)
    };
    let (Some(service), Some(tenants)) = (named(SERVICE_FILE), named(TENANTS_FILE)) else {
        let there = |name: &str| named(name).is_some();
        let names = [SERVICE_FILE, TENANTS_FILE].into_iter().filter(|name| !there(name));
        return (None, names.map(super::missing_file).collect());
    };
    let mut service = Document::read(service, &Shape::of::<TimesFile>());
    let mut tenants = Document::read(tenants, &lenient_tenants());
    let holidays = ReadHolidays::read(sources, &mut service);
    let found = holidays.found.clone();
    meaning::check_calendars(&mut service, &mut tenants);
    check_slips(&mut service);
    let windows = take_broken_windows(&mut service);
    let broken = take_broken_tenants(&mut tenants);
    let files = build(&mut service, &mut tenants, holidays, windows).map(|files| CalendarFiles { broken, ..files });
    let told = [service.report.diagnostics(), found, tenants.report.diagnostics()];
    (files, told.into_iter().flatten().collect())
}

fn build(
    service: &mut Document<'_>,
    tenants: &mut Document<'_>,
    holidays: ReadHolidays,
    broken: Vec<BrokenWindow>,
) -> Option<CalendarFiles> {
    let (times, tenants) = (service.file::<TimesFile>(), tenants.file::<CalendarTenants>());
    let (times, tenants) = (times?, tenants?.tenants);
    Some(CalendarFiles {
        calendars: calendars(times.calendars, &times.windows, holidays, broken),
        tenants: tenants.into_iter().map(|tenant| (tenant.id.clone(), tenant)).collect(),
        broken: BTreeMap::new(),
    })
}

/// `tenants.yaml`, of which nothing is required but ids.
fn lenient_tenants() -> Shape {
    Shape::changed::<TenantsFile>(|root| root["$defs"]["Tenant"]["required"] = Json::from(["id"]))
}

/// Most fields of the file are not looked at here, so one that was meant to be looked at must not be lost.
fn check_slips(service: &mut Document<'_>) {
    let known = super::schema::of::<super::ServiceFile>();
    let Some(tree) = &service.tree else { return };
    for entry in tree.entries() {
        if known["properties"].get(&entry.key).is_none()
            && let Some(meant) = nearest(&entry.key, ["calendars", "windows"])
        {
            let message = format!("{} is passed over here", shown(&entry.key));
            let finding = Finding::warning(Code::UnknownField, &entry.key_span, message);
            service.report.push(finding.meant(Some(meant)));
        }
    }
}

/// Tenants that are written wrongly, by their ids, with the mistake.
fn take_broken_tenants(tenants: &mut Document<'_>) -> BTreeMap<String, String> {
    let mut broken = BTreeMap::new();
    take_items(tenants, "tenants", |tenant, report| {
        let id = tenant.text_of("id")?;
        broken.insert(id.to_owned(), report.confine(&tenant.span)?);
        Some(())
    });
    broken
}
