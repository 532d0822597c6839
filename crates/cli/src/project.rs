//! Reads a project from disk: the files people write, and the artifacts that a release names.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use tidegate_domain::calendar::Profile;
use tidegate_domain::files::{
    self, ALERTS_FILE, CUSTOMERS_FILE, CalendarFiles, Diagnostic, GATES_FOLDER, Jwt, PLAYBOOKS_FOLDER, Project,
    ReleaseFile, SERVICE_FILE, ShadowFile, Source, TENANTS_FILE, TenantFrom, bytes_max, check_channels, check_gates,
    holiday_files, read_facts, read_project, read_release, read_shadow, render,
};
use tidegate_domain::id::Digest;
use tidegate_domain::plan::{Facts, FoundArtifact};
use tidegate_effects::gates;
use tidegate_server::alerts;

use crate::context::Context;
use crate::error::CliError;
use crate::output;

pub mod changes;

/// A project that was read without a mistake, with the text it was read from and what is doubtful in it.
pub struct Read {
    pub project: Project,
    pub sources: Vec<Source>,
    pub doubts: Vec<Diagnostic>,
}

/// The project's files, every mistake told at once.
pub fn read(context: &Context) -> Result<Read, CliError> {
    let sources = sources(context)?;
    let (project, mut diagnostics) = read_project(&sources);
    let mut mistakes_elsewhere = changes::missing_pictures(&sources);
    if let Some(project) = &project {
        mistakes_elsewhere.extend(check_gates(&sources, |gate| {
            gates::check(gate, project).and_then(|()| gates::check_files(gate, &context.project))
        }));
        mistakes_elsewhere.extend(check_channels(&sources, alerts::check_channel));
    }
    let project = project.filter(|_| mistakes_elsewhere.is_empty());
    diagnostics.extend(mistakes_elsewhere);
    match project {
        Some(project) => {
            warn(&diagnostics, &sources, context);
            check_named_files(&project, context)?;
            Ok(Read {
                project,
                sources,
                doubts: diagnostics,
            })
        }
        None => Err(mistakes(
            "the project",
            &render(&diagnostics, &sources, context.color_stderr()),
            diagnostics.len(),
        )),
    }
}

/// The gateway reads these files itself, later and where nobody looks.
fn check_named_files(project: &Project, context: &Context) -> Result<(), CliError> {
    let gateway = &project.service.gateway;
    let tls = gateway
        .tls
        .iter()
        .flat_map(|tls| [("certificate", &tls.certificate), ("key", &tls.key)]);
    let keys = gateway.tenant_from.iter().filter_map(|source| match source {
        TenantFrom::Jwt {
            jwt: Jwt::Verified { keys, .. },
        } => Some(("keys", keys)),
        TenantFrom::Jwt { .. }
        | TenantFrom::Host { .. }
        | TenantFrom::Path { .. }
        | TenantFrom::Header { .. }
        | TenantFrom::Cookie { .. } => None,
    });
    for (field, name) in tls.chain(keys) {
        let path = beside(context, name);
        File::open(&path).map_err(|error| {
            CliError::new(format!(
                "cannot read `{}`, which `{SERVICE_FILE}` names as `{field}`",
                path.display()
            ))
            .because(error)
            .help("the path is relative to the folder of the project")
        })?;
    }
    Ok(())
}

/// Everything that is doubtful or wrong in files that cannot be planned, for programs. Files that cannot be read are told elsewhere.
pub fn findings(release: &Path, context: &Context) -> Vec<Diagnostic> {
    let Ok(sources) = sources(context) else {
        return Vec::new();
    };
    let (project, mut found) = read_project(&sources);
    if let (Some(project), Ok(source)) = (project, text(release)) {
        found.extend(read_release(&source, &project).1);
    }
    found
}

/// The traffic of tenants.
pub fn profile(path: &Path) -> Result<Profile, CliError> {
    let wrong = || CliError::new(format!("cannot read the traffic profile `{}`", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| wrong().because(error))?;
    Profile::read(&text).map_err(|error| wrong().because(error))
}

/// A file of facts that stands for a server.
pub fn facts(path: &Path, context: &Context) -> Result<Facts, CliError> {
    let source = text(path)?;
    let (facts, diagnostics) = read_facts(&source);
    let sources = std::slice::from_ref(&source);
    facts.ok_or_else(|| {
        mistakes(
            "the facts",
            &render(&diagnostics, sources, context.color_stderr()),
            diagnostics.len(),
        )
    })
}

/// The rules of a comparison of responses.
pub fn shadow(path: &Path, context: &Context) -> Result<ShadowFile, CliError> {
    let source = text(path)?;
    let (rules, diagnostics) = read_shadow(&source);
    let sources = std::slice::from_ref(&source);
    rules.ok_or_else(|| {
        mistakes(
            "the rules",
            &render(&diagnostics, sources, context.color_stderr()),
            diagnostics.len(),
        )
    })
}

/// A release file, every mistake told at once. What is doubtful in it joins the doubts of the project.
pub fn release(path: &Path, read: &mut Read, context: &Context) -> Result<(ReleaseFile, Source), CliError> {
    let source = text(path)?;
    let (release, diagnostics) = read_release(&source, &read.project);
    let sources = std::slice::from_ref(&source);
    match release {
        Some(release) => {
            warn(&diagnostics, sources, context);
            read.doubts.extend(diagnostics);
            Ok((release, source))
        }
        None => Err(mistakes(
            "the release",
            &render(&diagnostics, sources, context.color_stderr()),
            diagnostics.len(),
        )),
    }
}

pub fn mistakes(what: &str, rendered: &str, count: usize) -> CliError {
    let count = if count == 1 {
        "a mistake".to_owned()
    } else {
        format!("{count} mistakes")
    };
    CliError::new(format!("{what} has {count}")).diagnostics(rendered.to_owned())
}

fn warn(diagnostics: &[Diagnostic], sources: &[Source], context: &Context) {
    if !diagnostics.is_empty() {
        output::message(&render(diagnostics, sources, context.color_stderr()));
    }
}

/// A file of the project's folder, as people would type its path.
pub fn beside(context: &Context, name: &str) -> PathBuf {
    if context.project == Path::new(".") {
        PathBuf::from(name)
    } else {
        context.project.join(name)
    }
}

/// What the files say of time, and of tenants as far as that needs it; the rest of the project need not be there.
pub fn read_calendars(context: &Context) -> Result<CalendarFiles, CliError> {
    let mut sources = named_sources(context)?;
    add_holidays(&mut sources)?;
    let (files, diagnostics) = files::read_calendars(&sources);
    match files {
        Some(files) => {
            warn(&diagnostics, &sources, context);
            Ok(files)
        }
        None => Err(mistakes(
            "what the files say of time",
            &render(&diagnostics, &sources, context.color_stderr()),
            diagnostics.len(),
        )),
    }
}

fn sources(context: &Context) -> Result<Vec<Source>, CliError> {
    let mut sources = named_sources(context)?;
    for inside in [PLAYBOOKS_FOLDER, GATES_FOLDER] {
        let Ok(entries) = std::fs::read_dir(beside(context, inside)) else {
            continue;
        };
        let mut files: Vec<PathBuf> = entries
            .filter_map(|entry| entry.ok().map(|entry| entry.path()))
            .collect();
        files.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
        files.sort();
        for path in files {
            sources.push(text(&path)?);
        }
    }
    for path in changes::files(context) {
        sources.push(text(&path)?);
    }
    add_holidays(&mut sources)?;
    Ok(sources)
}

/// The files that have one name, as far as they are there; the service file always is.
fn named_sources(context: &Context) -> Result<Vec<Source>, CliError> {
    let service = beside(context, SERVICE_FILE);
    if !service.is_file() {
        return Err(CliError::new(format!(
            "there is no `{SERVICE_FILE}` in `{}`",
            context.project.display()
        ))
        .help("make one with `tidegate init`, or name the project's folder with `--project DIR`"));
    }
    let mut sources = vec![text(&service)?];
    for name in [TENANTS_FILE, CUSTOMERS_FILE, ALERTS_FILE] {
        let path = beside(context, name);
        if path.is_file() {
            sources.push(text(&path)?);
        }
    }
    Ok(sources)
}

/// The holiday files that the first source, the service file, names. One that is not there is a mistake of that file.
fn add_holidays(sources: &mut Vec<Source>) -> Result<(), CliError> {
    let paths = sources.first().map(holiday_files).unwrap_or_default();
    for path in paths.iter().map(Path::new).filter(|path| path.is_file()) {
        sources.push(text(path)?);
    }
    Ok(())
}

pub fn text(path: &Path) -> Result<Source, CliError> {
    let failed = |error: io::Error| CliError::new(format!("cannot read `{}`", path.display())).because(error);
    // One byte more than is allowed shows that there are too many, whatever the file claims about its size.
    let name = path.display().to_string();
    let mut bytes = Vec::new();
    File::open(path)
        .map_err(failed)?
        .take(bytes_max(&name) as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let place = error.utf8_error().valid_up_to();
        CliError::new(format!("`{}` is not UTF-8 text: byte {place} is wrong", path.display()))
            .help("save the file as UTF-8")
    })?;
    Ok(Source { path: name, text })
}

/// Looks at an artifact named relative to its release file.
pub fn artifact(release: &Path, artifact: &str) -> FoundArtifact {
    let path = release.parent().unwrap_or(Path::new(".")).join(artifact);
    let path = std::path::absolute(&path).unwrap_or(path);
    FoundArtifact {
        path: path.display().to_string(),
        digest: digest(&path).map_err(|error| error.to_string()),
    }
}

fn digest(path: &Path) -> io::Result<Digest> {
    if path.is_dir() {
        return Err(io::Error::other("it is a folder, an artifact is a file"));
    }
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(Digest::from_hash(&hasher.finalize())),
            read => hasher.update(&buffer[..read]),
        }
    }
}
