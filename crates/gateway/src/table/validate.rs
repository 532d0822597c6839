//! What a table must satisfy before a gateway uses it.

use std::collections::{BTreeSet, HashSet};

use thiserror::Error;

use super::name::is_usable;
use super::{ComponentRule, FORMAT, Route, Table, TenantSource};

/// Why a table does not make sense by itself.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TableError {
    #[error("table format {found} is not known here, this gateway reads format {FORMAT}")]
    Format { found: u32 },
    #[error("{kind} name `{name}` is empty, too long, or has a character other than visible ASCII without `;`")]
    Name { kind: &'static str, name: String },
    #[error("{kind} `{name}` stands in the table twice")]
    Twice { kind: &'static str, name: String },
    #[error("{by} names {kind} `{name}`, which the table does not have")]
    Missing {
        by: String,
        kind: &'static str,
        name: String,
    },
    #[error("version `{version}` gives component `{component}` the slot `{slot}`, which runs component `{runs}`")]
    OtherComponent {
        version: String,
        component: String,
        slot: String,
        runs: String,
    },
    #[error("tenant pattern `{pattern}` needs `{{tenant}}` exactly once, as one whole label or segment")]
    Pattern { pattern: String },
    #[error("`{name}` is not a header or cookie name")]
    FieldName { name: String },
    #[error("path `{path}` of component `{component}` does not begin with `/`")]
    Path { component: String, path: String },
    #[error("split of tenant `{tenant}` has a share of {basis_points} basis points, the whole is 10000")]
    Share { tenant: String, basis_points: u16 },
    #[error("status {status} of a declared answer is none from 400 to 599")]
    Status { status: u16 },
    #[error("preview key is not hexadecimal")]
    PreviewKey,
    #[error("key set of tenant source `jwt` cannot be used: {reason}")]
    KeySet { reason: String },
}

/// Why a gateway does not take a table although it may make sense.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    #[error("generation {offered} of epoch `{epoch}` is older than generation {current}, which is in use")]
    Older { epoch: String, offered: u64, current: u64 },
    #[error("table of service `{offered}` was offered to a gateway of service `{current}`")]
    OtherService { offered: String, current: String },
    #[error("table is not valid")]
    Invalid(#[source] TableError),
}

impl Table {
    /// Checks the table by itself: format, names, and that everything named exists.
    pub fn validate(&self) -> Result<(), TableError> {
        if self.format != FORMAT {
            return Err(TableError::Format { found: self.format });
        }
        self.validate_sources()?;
        self.validate_components()?;
        self.validate_slots()?;
        self.validate_versions()?;
        self.validate_routes()?;
        if let Some(status) = self.answers.statuses().find(|status| !(400..=599).contains(status)) {
            return Err(TableError::Status { status });
        }
        match &self.preview_key {
            Some(key) if key.bytes().is_none() => Err(TableError::PreviewKey),
            Some(_) | None => Ok(()),
        }
    }

    /// Checks that a gateway using `current` may go on to this table. The same generation again is allowed.
    pub fn may_follow(&self, current: &Table) -> Result<(), Refusal> {
        if self.service != current.service {
            return Err(Refusal::OtherService {
                offered: self.service.clone(),
                current: current.service.clone(),
            });
        }
        if self.epoch == current.epoch && self.generation < current.generation {
            return Err(Refusal::Older {
                epoch: self.epoch.clone(),
                offered: self.generation,
                current: current.generation,
            });
        }
        Ok(())
    }

    fn validate_sources(&self) -> Result<(), TableError> {
        for source in &self.tenant_from {
            match source {
                TenantSource::Host(pattern) => tenant_pattern(pattern, '.')?,
                TenantSource::Path(path) => tenant_pattern(&path.pattern, '/')?,
                TenantSource::Header(name) | TenantSource::Cookie(name) => field_name(name)?,
                TenantSource::Jwt(_) => {}
            }
        }
        match &self.client_from {
            super::ClientSource::Address => Ok(()),
            super::ClientSource::Header(name) | super::ClientSource::Cookie(name) => field_name(name),
        }
    }

    fn validate_components(&self) -> Result<(), TableError> {
        let mut seen = BTreeSet::new();
        for ComponentRule { name, host, path, .. } in &self.components {
            usable("component", name.as_str())?;
            if !path.starts_with('/') {
                return Err(TableError::Path {
                    component: name.to_string(),
                    path: path.clone(),
                });
            }
            if !seen.insert((host, path)) {
                return Err(TableError::Twice {
                    kind: "host and path of component",
                    name: name.to_string(),
                });
            }
            match host {
                Some(host) if host.contains('{') => tenant_pattern(host, '.')?,
                Some(_) | None => {}
            }
        }
        Ok(())
    }

    fn validate_slots(&self) -> Result<(), TableError> {
        for (id, slot) in &self.slots {
            usable("slot", id.as_str())?;
            usable("cell", &slot.cell)?;
            usable("version", &slot.version)?;
            let mut seen = BTreeSet::new();
            for instance in &slot.instances {
                usable("instance", instance.id.as_str())?;
                if !seen.insert(&instance.id) {
                    return Err(TableError::Twice {
                        kind: "instance",
                        name: instance.id.to_string(),
                    });
                }
            }
        }
        Ok(())
    }

    fn validate_versions(&self) -> Result<(), TableError> {
        for (key, version) in &self.versions {
            usable("version", key.as_str())?;
            usable("version", &version.label)?;
            usable("cell", &version.cell)?;
            for (component, slot_id) in &version.slots {
                let Some(slot) = self.slots.get(slot_id) else {
                    return Err(TableError::Missing {
                        by: format!("version `{key}`"),
                        kind: "slot",
                        name: slot_id.to_string(),
                    });
                };
                if &slot.component != component {
                    return Err(TableError::OtherComponent {
                        version: key.to_string(),
                        component: component.to_string(),
                        slot: slot_id.to_string(),
                        runs: slot.component.to_string(),
                    });
                }
            }
        }
        Ok(())
    }

    fn validate_routes(&self) -> Result<(), TableError> {
        let mut seen = HashSet::new();
        for group in self.routes.groups() {
            for tenant in &group.tenants {
                usable("tenant", tenant.as_str())?;
                if !seen.insert(tenant) {
                    return Err(TableError::Twice {
                        kind: "tenant",
                        name: tenant.to_string(),
                    });
                }
            }
            if let Some(tenant) = group.tenants.first() {
                self.validate_route(tenant.as_str(), &group.route)?;
            }
        }
        Ok(())
    }

    fn validate_route(&self, tenant: &str, route: &Route) -> Result<(), TableError> {
        let split = route.split.as_ref();
        if let Some(split) = split.filter(|split| split.basis_points > 10_000) {
            return Err(TableError::Share {
                tenant: tenant.to_owned(),
                basis_points: split.basis_points,
            });
        }
        let serving = [Some(&route.version), split.map(|split| &split.version)];
        for key in serving.into_iter().chain([route.assets_from.as_ref()]).flatten() {
            if !self.versions.contains_key(key) {
                return Err(TableError::Missing {
                    by: format!("route of tenant `{tenant}`"),
                    kind: "version",
                    name: key.to_string(),
                });
            }
        }
        Ok(())
    }
}

fn usable(kind: &'static str, name: &str) -> Result<(), TableError> {
    if is_usable(name) {
        return Ok(());
    }
    Err(TableError::Name {
        kind,
        name: name.to_owned(),
    })
}

fn field_name(name: &str) -> Result<(), TableError> {
    match http::HeaderName::from_bytes(name.as_bytes()) {
        Ok(_) => Ok(()),
        Err(_) => Err(TableError::FieldName { name: name.to_owned() }),
    }
}

fn tenant_pattern(pattern: &str, separator: char) -> Result<(), TableError> {
    if pattern.split(separator).filter(|part| *part == "{tenant}").count() == 1
        && pattern.matches(['{', '}']).count() == 2
    {
        return Ok(());
    }
    Err(TableError::Pattern {
        pattern: pattern.to_owned(),
    })
}
