//! A person plans a release and, where the plan is sound, applies it.

use std::sync::Arc;

use tidegate_domain::event::EventKind;
use tidegate_domain::files::Project;
use tidegate_domain::id::{Actor, Version};
use tidegate_domain::plan::{Plan, ProblemKind};
use tidegate_domain::service::Service;

use super::World;
use crate::check::Promise;
use crate::product;

impl World {
    /// `None`: there is no such release, or its plan is blocked, and nobody applies it.
    pub fn apply(&mut self, version: Version) -> Option<EventKind> {
        let state = self.stored().ok()?;
        let (checked, author) = match self.filed.clone() {
            None => (product::plan(&self.script, &version, &state)?, None),
            Some(filed) => (
                self.plan_files(&filed, &version, &state)?,
                Some(Actor::principal("pia")),
            ),
        };
        let mut plan = checked.clone();
        for planted in self.planted.get(&version).into_iter().flatten() {
            planted.plant(&mut plan);
        }
        let project = self.filed.as_ref().map(|filed| Arc::clone(&filed.project));
        self.promise(&plan, checked, author.clone(), project);
        if state.run(&version).is_none_or(|run| run.phase.has_ended()) {
            self.plans.insert(version, plan.clone());
        }
        Some(EventKind::Apply {
            plan: Box::new(plan),
            author,
        })
    }

    /// The rules hold what is applied against what was checked.
    pub fn promise(&mut self, applied: &Plan, checked: Plan, planned_by: Option<Actor>, project: Option<Arc<Project>>) {
        let promise = Promise {
            plan: checked,
            planned: self.now(),
            planned_by,
            project,
        };
        self.checker.promise(applied.digest(), promise);
    }

    fn plan_files(&mut self, filed: &product::Filed, version: &Version, state: &Service) -> Option<Plan> {
        match filed.plan(version, state, self.now())? {
            Ok(plan) => {
                self.planned.sound += 1;
                Some(plan)
            }
            Err(problems) => {
                self.planned.blocked += 1;
                for problem in problems {
                    self.checker
                        .say(&format!("{version} cannot be planned: {}", problem.message));
                    if problem.kind == ProblemKind::Defect {
                        self.checker.violate("a plan passes its check", problem.message);
                    }
                }
                None
            }
        }
    }
}
