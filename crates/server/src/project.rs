//! The project's files, as far as a running server needs them: its name, its cells, and how requests find their tenant.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tidegate_domain::files::{
    ALERTS_FILE, CUSTOMERS_FILE, ClientFrom, GATES_FOLDER, Jwt, PLAYBOOKS_FOLDER, Project, SERVICE_FILE, Source,
    TENANTS_FILE, TenantFrom, check_channels, holiday_files, read_project, render,
};
use tidegate_gateway::Tls;
use tidegate_gateway::table::{Answer, Answers, ClientSource, JwtSource, JwtVerification, PathSource, TenantSource};

use crate::alerts;

#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    #[error("cannot read `{}`", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// The diagnostics, drawn for people.
    #[error("the files of the project have mistakes\n\n{0}")]
    Mistakes(String),
}

/// Reads the files in `folder`, all mistakes at once.
pub fn read(folder: &Path) -> Result<Project, ProjectError> {
    let sources = sources(folder)?;
    let (project, mut diagnostics) = read_project(&sources);
    let mistakes = match project {
        Some(_) => check_channels(&sources, alerts::check_channel),
        None => Vec::new(),
    };
    let project = project.filter(|_| mistakes.is_empty());
    diagnostics.extend(mistakes);
    project.ok_or_else(|| ProjectError::Mistakes(render(&diagnostics, &sources, false)))
}

/// The text of the files in `folder` that say how releases move and whom.
pub fn sources(folder: &Path) -> Result<Vec<Source>, ProjectError> {
    let mut paths = vec![
        folder.join(SERVICE_FILE),
        folder.join(TENANTS_FILE),
        folder.join(CUSTOMERS_FILE),
        folder.join(ALERTS_FILE),
    ];
    for inside in [PLAYBOOKS_FOLDER, GATES_FOLDER] {
        if let Ok(entries) = fs::read_dir(folder.join(inside)) {
            let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
            files.sort();
            paths.extend(files);
        }
    }
    // What is missing is said together with all other mistakes.
    paths.retain(|path| path.is_file() && path.extension().is_some_and(|extension| extension == "yaml"));
    let mut sources = paths.iter().map(|path| source(path)).collect::<Result<Vec<_>, _>>()?;
    let service = sources.iter().find(|source| source.path.ends_with(SERVICE_FILE));
    let holidays = service.map(holiday_files).unwrap_or_default();
    // One that is not there is a mistake of the file that names it.
    for path in holidays.iter().map(Path::new).filter(|path| path.is_file()) {
        sources.push(source(path)?);
    }
    Ok(sources)
}

fn source(path: &Path) -> Result<Source, ProjectError> {
    let text = read_text(path)?;
    Ok(Source {
        path: path.display().to_string(),
        text,
    })
}

fn read_text(path: &Path) -> Result<String, ProjectError> {
    fs::read_to_string(path).map_err(|source| ProjectError::Read {
        path: path.to_owned(),
        source,
    })
}

/// Where clients connect with TLS. The paths are absolute: a gateway runs elsewhere.
pub fn tls(project: &Project, folder: &Path) -> Result<Option<Tls>, ProjectError> {
    let Some(tls) = &project.service.gateway.tls else {
        return Ok(None);
    };
    let file = |name: &str| {
        let path = folder.join(name);
        std::path::absolute(&path).map_err(|source| ProjectError::Read { path, source })
    };
    Ok(Some(Tls {
        listen: tls.listen.0,
        certificate: file(&tls.certificate)?,
        key: file(&tls.key)?,
    }))
}

/// Where requests name their tenant, in the gateway's words. Key files are read here: a gateway has no project.
pub fn tenant_sources(project: &Project, folder: &Path) -> Result<Vec<TenantSource>, ProjectError> {
    let sources = project.service.gateway.tenant_from.iter();
    sources.map(|source| tenant_source(source, folder)).collect()
}

/// What tells the clients of a tenant apart, in the gateway's words.
pub fn client_source(project: &Project) -> ClientSource {
    match &project.service.gateway.client_from {
        None => ClientSource::Address,
        Some(ClientFrom::Header { header }) => ClientSource::Header(header.to_string()),
        Some(ClientFrom::Cookie { cookie }) => ClientSource::Cookie(cookie.to_string()),
    }
}

/// What is answered where no version does, in the gateway's words.
pub fn answers(project: &Project) -> Answers {
    let answer = |answer: &Option<tidegate_domain::files::Answer>| {
        answer.as_ref().map(|answer| Answer {
            status: answer.status,
            text: answer.text.clone(),
            page: answer.page.clone(),
        })
    };
    let declared = &project.service.gateway.answers;
    Answers {
        unknown: answer(&declared.unknown),
        suspended: answer(&declared.suspended),
        moving: answer(&declared.moving),
    }
}

fn tenant_source(source: &TenantFrom, folder: &Path) -> Result<TenantSource, ProjectError> {
    Ok(match source {
        TenantFrom::Host { host } => TenantSource::Host(host.to_string()),
        TenantFrom::Path { path, strip } => TenantSource::Path(PathSource {
            pattern: path.to_string(),
            strip: *strip,
        }),
        TenantFrom::Header { header } => TenantSource::Header(header.to_string()),
        TenantFrom::Cookie { cookie } => TenantSource::Cookie(cookie.to_string()),
        TenantFrom::Jwt {
            jwt: Jwt::Verified { claim, keys },
        } => TenantSource::Jwt(JwtSource {
            claim: claim.clone(),
            verify: JwtVerification::Keys(read_text(&folder.join(keys))?),
        }),
        TenantFrom::Jwt {
            jwt: Jwt::Unverified { claim, .. },
        } => TenantSource::Jwt(JwtSource {
            claim: claim.clone(),
            verify: JwtVerification::Upstream,
        }),
    })
}
