//! A list of all tenants, as another system gives it: YAML like `tenants.yaml`, or CSV.

use std::collections::BTreeMap;
use std::ops::Range;

use super::diagnostic::{Code, Diagnostic, Finding, Report};
use super::shape::Shape;
use super::{Document, Source, TenantsFile};
use crate::event::Listed;
use crate::id::{CellName, TenantName};

/// The tenants of a list; there are some exactly when no diagnostic is an error. A file that ends in `.csv` is CSV, with one line of
/// names of columns before the others: `id,cell` or `id,cell,suspended`.
#[must_use]
pub fn read_roster(source: &Source) -> (Option<BTreeMap<TenantName, Listed>>, Vec<Diagnostic>) {
    if source.path.ends_with(".csv") {
        return read_csv(source);
    }
    let mut document = Document::read(source, &Shape::of::<TenantsFile>());
    let file: Option<TenantsFile> = document.file();
    let mut found = BTreeMap::new();
    for tenant in file.iter().flat_map(|file| &file.tenants) {
        let listed = Listed {
            cell: tenant.cell.clone(),
            suspended: tenant.suspended,
        };
        if found.insert(tenant.id.clone(), listed).is_some() {
            let message = format!("tenant `{}` is listed twice", tenant.id);
            document
                .report
                .push(Finding::of_file(Code::DuplicateName, message).help("keep one of the two"));
        }
    }
    let whole = file.is_some() && !document.report.has_errors();
    (whole.then_some(found), document.report.diagnostics())
}

/// Where each column stands.
struct Columns {
    id: usize,
    cell: usize,
    suspended: Option<usize>,
    count: usize,
}

fn read_csv(source: &Source) -> (Option<BTreeMap<TenantName, Listed>>, Vec<Diagnostic>) {
    let mut report = Report::new(source);
    let mut lines = lines(&source.text).filter(|(_, line)| !line.trim().is_empty());
    let mut found: BTreeMap<TenantName, (usize, Listed)> = BTreeMap::new();
    let columns = match lines.next() {
        Some((at, line)) => columns(&mut report, at, line),
        None => {
            let finding = Finding::of_file(Code::MissingField, "the list is empty".to_owned());
            report.push(finding.help("write `id,cell` on its first line, then a tenant a line"));
            None
        }
    };
    if let Some(columns) = columns {
        for (at, line) in lines {
            let Some((id, listed, span)) = row(&mut report, &columns, at, line) else {
                continue;
            };
            if let Some((first, _)) = found.get(&id) {
                let message = format!("tenant `{id}` is listed twice");
                let finding = Finding::error(Code::DuplicateName, &span, message);
                report.push(finding.first_at(*first).help("keep one of the two lines"));
                continue;
            }
            found.insert(id, (at, listed));
        }
    }
    let whole = !report.has_errors();
    let tenants = found.into_iter().map(|(id, (_, listed))| (id, listed));
    (whole.then(|| tenants.collect()), report.diagnostics())
}

/// Lines with the byte at which each begins.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    text.split_inclusive('\n').map(move |line| {
        let begins = at;
        at += line.len();
        (begins, line.trim_end_matches(['\n', '\r']))
    })
}

fn columns(report: &mut Report<'_>, at: usize, line: &str) -> Option<Columns> {
    let names = fields(report, at, line.trim_start_matches('\u{feff}'))?;
    let position = |wanted: &str| names.iter().position(|(name, _)| name == wanted);
    for (name, span) in &names {
        if !["id", "cell", "suspended"].contains(&name.as_str()) {
            let message = format!("there is no column `{name}`");
            let help = "the columns are `id`, `cell` and `suspended`, with a comma between them; leave others out";
            report.push(Finding::error(Code::UnknownField, span, message).help(help));
        }
    }
    let (id, cell) = (position("id"), position("cell"));
    for (name, missing) in [("id", id.is_none()), ("cell", cell.is_none())] {
        if missing {
            let message = format!("column `{name}` is missing");
            let finding = Finding::error(Code::MissingField, &(at..at + line.len()), message);
            report.push(finding.help(format!(
                "add `{name}` to the first line, and a value to each other line"
            )));
        }
    }
    Some(Columns {
        id: id?,
        cell: cell?,
        suspended: position("suspended"),
        count: names.len(),
    })
}

fn row(
    report: &mut Report<'_>,
    columns: &Columns,
    at: usize,
    line: &str,
) -> Option<(TenantName, Listed, Range<usize>)> {
    let values = fields(report, at, line)?;
    if values.len() != columns.count {
        let message = format!("{} values where the first line has {}", values.len(), columns.count);
        let finding = Finding::error(Code::WrongType, &(at..at + line.len()), message);
        report
            .push(finding.help(
                "put a value that holds a comma in double quotes, and write nothing between two commas for none",
            ));
        return None;
    }
    let (id, id_at) = &values[columns.id];
    let (cell, cell_at) = &values[columns.cell];
    let mut wrong = |span: &Range<usize>, why: String, help: &str| {
        report.push(Finding::error(Code::InvalidText, span, why).help(help));
    };
    let name = TenantName::new(id.as_str());
    if let Err(error) = &name {
        wrong(
            id_at,
            format!("`{id}` is not the id of a tenant: {error}"),
            "write the id as requests give it",
        );
    }
    let to = CellName::new(cell.as_str());
    if let Err(error) = &to {
        wrong(
            cell_at,
            format!("`{cell}` is not the name of a cell: {error}"),
            "write a cell of tidegate.yaml",
        );
    }
    let suspended = match columns.suspended.map(|column| &values[column]) {
        None => Some(false),
        Some((text, span)) => match text.as_str() {
            "true" => Some(true),
            "false" | "" => Some(false),
            other => {
                wrong(
                    span,
                    format!("`{other}` does not say whether it is suspended"),
                    "write `true` or `false`",
                );
                None
            }
        },
    };
    let listed = Listed {
        cell: to.ok()?,
        suspended: suspended?,
    };
    Some((name.ok()?, listed, id_at.clone()))
}

/// The values of a line with their places. A value in double quotes may hold commas, and quotes that are doubled.
fn fields(report: &mut Report<'_>, at: usize, line: &str) -> Option<Vec<(String, Range<usize>)>> {
    let mut found = Vec::new();
    let (mut value, mut quoted, mut begins) = (String::new(), false, 0);
    let mut letters = line.char_indices().peekable();
    while let Some((index, letter)) = letters.next() {
        match letter {
            '"' if quoted && letters.peek().is_some_and(|(_, next)| *next == '"') => {
                letters.next();
                value.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => {
                found.push((value.trim().to_owned(), at + begins..at + index));
                value.clear();
                begins = index + 1;
            }
            other => value.push(other),
        }
    }
    if quoted {
        let finding = Finding::error(
            Code::InvalidText,
            &(at + begins..at + line.len()),
            "a quote is not closed".to_owned(),
        );
        report.push(finding.help("close it on the same line; a quote within quotes is doubled"));
        return None;
    }
    found.push((value.trim().to_owned(), at + begins..at + line.len()));
    Some(found)
}

#[cfg(test)]
mod tests;
