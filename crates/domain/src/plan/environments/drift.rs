//! What differs between environments: of each component the variables and secrets whose values are not the same in all cells.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::files::{Environment, Project};
use crate::id::{CellName, ComponentName};
use crate::plan::build::PlanInput;
use crate::plan::report::{About, Problem, ProblemKind};
use crate::release::{Release, SlotSpec};

/// What of a component is not the same everywhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ComponentDrift {
    pub component: ComponentName,
    pub variables: Vec<VariableDrift>,
}

/// A variable that has not the same value in all cells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VariableDrift {
    pub variable: String,
    /// What holds in which cells, by environment: a value, or where a secret is found. A cell that has none is not here.
    pub values: BTreeMap<Environment, BTreeMap<String, BTreeSet<CellName>>>,
    /// It differs from one environment to another, and not only between cells of one.
    pub between_environments: bool,
    /// The component says that it may.
    pub declared: bool,
}

/// Of each component of a release that differs, what does.
#[must_use]
pub fn drift(project: &Project, release: &Release) -> Vec<ComponentDrift> {
    let mut found = Vec::new();
    for component in release.components.keys() {
        let mut components = project.service.components.iter();
        let declared = components.find(|known| known.name == *component).map(|it| &it.differs);
        let is_declared = |variable: &str| declared.is_some_and(|names| names.iter().any(|it| it.as_str() == variable));
        let cells: Vec<_> = project
            .service
            .cells
            .iter()
            .map(|cell| (cell.environment, &cell.name))
            .collect();
        let slots = cells.iter().filter_map(|(environment, cell)| {
            let spec = release.slot(cell, component)?;
            Some((*environment, *cell, values(&spec)))
        });
        let slots: Vec<(Environment, &CellName, BTreeMap<String, String>)> = slots.collect();
        let names: BTreeSet<&String> = slots.iter().flat_map(|(_, _, values)| values.keys()).collect();
        let variables = names
            .into_iter()
            .filter_map(|name| variable(name, &slots, is_declared(name)));
        let variables: Vec<VariableDrift> = variables.collect();
        if !variables.is_empty() {
            found.push(ComponentDrift {
                component: component.clone(),
                variables,
            });
        }
    }
    found
}

/// What an instance is told, in words that never hold the value of a secret.
fn values(spec: &SlotSpec) -> BTreeMap<String, String> {
    let plain = spec.definition.environment.iter().chain(&spec.configuration);
    let plain = plain.map(|(name, value)| (name.clone(), format!("`{value}`")));
    let secrets = spec.secrets.iter();
    plain
        .chain(secrets.map(|(name, reference)| (name.clone(), format!("secret from {reference}"))))
        .collect()
}

/// `None` where all cells have the same.
fn variable(
    name: &str,
    slots: &[(Environment, &CellName, BTreeMap<String, String>)],
    declared: bool,
) -> Option<VariableDrift> {
    let mut values: BTreeMap<Environment, BTreeMap<String, BTreeSet<CellName>>> = BTreeMap::new();
    let mut kinds: BTreeMap<Environment, BTreeSet<Option<&String>>> = BTreeMap::new();
    for (environment, cell, told) in slots {
        let value = told.get(name);
        kinds.entry(*environment).or_default().insert(value);
        if let Some(value) = value {
            let cells = values
                .entry(*environment)
                .or_default()
                .entry(value.clone())
                .or_default();
            cells.insert((*cell).clone());
        }
    }
    let all: BTreeSet<Option<&String>> = kinds.values().flatten().copied().collect();
    let mut of_environments = kinds.values();
    let first = of_environments.next();
    let between_environments = of_environments.any(|kinds| Some(kinds) != first);
    (all.len() > 1).then(|| VariableDrift {
        variable: name.to_owned(),
        values,
        between_environments,
        declared,
    })
}

impl VariableDrift {
    /// What holds in an environment, in one line.
    #[must_use]
    pub fn in_words(&self, environment: Environment) -> String {
        let Some(values) = self.values.get(&environment) else {
            return "not set".to_owned();
        };
        if let (Some(value), 1) = (values.keys().next(), values.len()) {
            return value.clone();
        }
        let words = values.iter().map(|(value, cells)| {
            let cells: Vec<&str> = cells.iter().map(CellName::as_str).collect();
            format!("{value} in {}", cells.join(", "))
        });
        words.collect::<Vec<_>>().join("; ")
    }
}

/// One problem for each variable that differs between environments and is not named as one that may.
pub(super) fn undeclared(input: &PlanInput, release: &Release) -> Vec<Problem> {
    let environments: BTreeSet<Environment> = input
        .project
        .service
        .cells
        .iter()
        .map(|cell| cell.environment)
        .collect();
    let components = drift(&input.project, release).into_iter();
    let problems = components.flat_map(|found| {
        let component = found.component;
        let undeclared = found.variables.into_iter().filter(|it| it.between_environments && !it.declared);
        let problems = undeclared.map(|drift| {
            let values = environments.iter().map(|it| format!("{} in `{}`", drift.in_words(*it), it.as_str()));
            let message = format!(
                "`{}` of component `{component}` differs between environments: {}",
                drift.variable,
                values.collect::<Vec<_>>().join(", ")
            );
            let remedy = format!(
                "add `differs: [{}]` to component `{component}` in tidegate.yaml if it is meant to, or give it the same value in each",
                drift.variable
            );
            let about = About::Component(component.clone());
            Problem::blocks(ProblemKind::Environment, message, remedy).about(about)
        });
        problems.collect::<Vec<_>>()
    });
    problems.collect()
}
