//! What the server does by itself with releases that were handed in, as far as the playbook says so.
//!
//! A look starts from the store and the state alone, and each step of it is written before the next: whoever looks again
//! after a kill finds what was planned, and a release that has a run is not applied a second time.

use std::time::Duration;

use tidegate_domain::event::{Event, EventKind};
use tidegate_domain::files::{Auto as Mode, Source, read_project};
use tidegate_domain::id::{Actor, PlaybookName};
use tidegate_domain::service::Service;
use tokio::time::sleep;

use super::{End, Ended, Progress};
use crate::api::created::plan_created;
use crate::api::plans::{Planned, mistakes, texts};
use crate::api::releases::obtain_artifacts;
use crate::api::{AppState, Problem};
use crate::clock;
use crate::control::{Control, SubmitError};
use crate::{intake, project};

/// What stood in the way of a release is looked at anew so often: files, traffic, windows and the time itself may have changed.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// Looks at what was handed in, for ever.
#[derive(Debug)]
pub struct Auto {
    state: AppState,
}

/// What the files say now.
struct Files {
    sources: Vec<Source>,
    playbook: PlaybookName,
    mode: Mode,
    supersedes: bool,
}

/// What became of one release in a look.
enum Took {
    /// It waits no longer, or needs nothing more.
    Over,
    Blocked,
}

impl Auto {
    #[must_use]
    pub fn new(state: AppState) -> Self {
        Self { state }
    }

    pub async fn run(self) {
        self.control().confirmed().await;
        loop {
            if let Err(problem) = self.look().await {
                tracing::error!(trouble = problem.detail, "cannot look after what was handed in");
            }
            tokio::select! {
                () = self.state.handed_in() => {}
                () = sleep(LOOK_EVERY) => {}
            }
        }
    }

    fn control(&self) -> &Control {
        self.state.control()
    }

    /// Takes everything that waits as far as it can be taken now.
    pub(super) async fn look(&self) -> Result<(), Problem> {
        let waiting = self.still_waiting().await?;
        if waiting.is_empty() {
            return Ok(());
        }
        let files = match files(self.state.project()) {
            Ok(files) => files,
            Err(problem) => {
                let blocks = texts(&problem);
                let _one_at_a_time = self.state.applying().await;
                for one in &waiting {
                    self.block(one, blocks.clone()).await?;
                }
                return Ok(());
            }
        };
        match files {
            None => {
                // What stood in its way when the server still tried says nothing about a person who tries.
                let _one_at_a_time = self.state.applying().await;
                for one in waiting.iter().filter(|one| !one.blocks.is_empty()) {
                    self.block(one, Vec::new()).await?;
                }
                Ok(())
            }
            Some(files) => match files.mode {
                Mode::Plan => self.plan_all(&waiting, &files).await,
                Mode::Apply => self.apply_in_line(&waiting, &files).await,
            },
        }
    }

    /// What waits, without what somebody has applied meanwhile.
    async fn still_waiting(&self) -> Result<Vec<Progress>, Problem> {
        let mut still = Vec::new();
        for one in intake::waiting(self.control()).await? {
            if !self.settle(&one).await? {
                still.push(one);
            }
        }
        Ok(still)
    }

    /// A release that has a run was applied, by whomever.
    async fn settle(&self, one: &Progress) -> Result<bool, Problem> {
        let view = self.control().view();
        let Some(run) = view.state.run(&one.version) else {
            return Ok(false);
        };
        let applied = one.planned_as(&run.plan);
        self.end(&applied, Ended::Applied, &run.author).await?;
        Ok(true)
    }

    async fn plan_all(&self, waiting: &[Progress], files: &Files) -> Result<(), Problem> {
        for one in waiting
            .iter()
            .filter(|one| one.plan.is_none() || !one.blocks.is_empty())
        {
            let _one_at_a_time = self.state.applying().await;
            let Some(one) = self.again(one).await? else { continue };
            self.plan(&one, files).await?;
        }
        Ok(())
    }

    /// In the order they were handed in: one that is blocked holds up those behind it, or makes room for them.
    async fn apply_in_line(&self, waiting: &[Progress], files: &Files) -> Result<(), Problem> {
        let mut first: Option<&Progress> = None;
        for (index, one) in waiting.iter().enumerate() {
            let _one_at_a_time = self.state.applying().await;
            let Some(now) = self.again(one).await? else { continue };
            if now.goes_ahead() {
                self.apply(&now, files).await?;
                continue;
            }
            if let Some(later) = self.passed_by(&now).await? {
                self.supersede(&now, &later).await?;
                continue;
            }
            if let Some(first) = first {
                let waits = format!("release {} was handed in before it and is not applied", first.version);
                self.block(&now, vec![waits]).await?;
                continue;
            }
            match self.apply(&now, files).await? {
                Took::Over => {}
                Took::Blocked => {
                    let later = waiting[index + 1..].iter().find(|later| !later.goes_ahead());
                    match later.filter(|_| files.supersedes) {
                        Some(later) => self.supersede(&now, later).await?,
                        None => first = Some(one),
                    }
                }
            }
        }
        Ok(())
    }

    /// It may have been withdrawn or applied since it was looked at.
    async fn again(&self, one: &Progress) -> Result<Option<Progress>, Problem> {
        let now = intake::progress(self.control(), &one.version).await?;
        let Some(now) = now.filter(|now| now.ended.is_none()) else {
            return Ok(None);
        };
        Ok(if self.settle(&now).await? { None } else { Some(now) })
    }

    /// A release that was handed in later and is applied already, by a person say: this one would take tenants back.
    async fn passed_by(&self, one: &Progress) -> Result<Option<Progress>, Problem> {
        let view = self.control().view();
        for version in applied_since(&view.state, one) {
            let other = intake::progress(self.control(), version).await?;
            if let Some(other) = other.filter(|other| other.number > one.number && !other.goes_ahead()) {
                return Ok(Some(other));
            }
        }
        Ok(None)
    }

    async fn plan(&self, one: &Progress, files: &Files) -> Result<Option<(Progress, Planned)>, Problem> {
        match plan_created(&self.state, one, files.sources.clone()).await {
            Ok(planned) => {
                let now = one.planned_as(&planned.digest);
                let is_news = one.plan != now.plan || !one.blocks.is_empty();
                let reason = self.because(one, files);
                let row = is_news.then(|| intake::row(&now, "release_planned", &actor(), &reason, clock::now()));
                intake::note(self.control(), &now, row).await?;
                Ok(Some((now, planned)))
            }
            // A store that does not work says nothing about the release.
            Err(problem) if problem.status >= 500 => Err(problem),
            Err(problem) => {
                self.block(one, texts(&problem)).await?;
                Ok(None)
            }
        }
    }

    /// Plans and applies one release, under the lock that keeps others from applying.
    async fn apply(&self, one: &Progress, files: &Files) -> Result<Took, Problem> {
        let Some((one, planned)) = self.plan(one, files).await? else {
            return Ok(Took::Blocked);
        };
        if let Err(problem) = obtain_artifacts(&self.state, &planned.plan).await {
            self.block(&one, texts(&problem)).await?;
            return Ok(Took::Blocked);
        }
        let event = Event {
            actor: actor(),
            reason: Some(self.because(&one, files)),
            kind: EventKind::Apply {
                plan: Box::new(planned.plan),
                author: Some(one.by.clone()),
            },
        };
        // The same try has the same key: whoever is killed in between does not apply a second time.
        let key = format!("auto/{}/{}/{}", one.version, planned.digest, one.refusals);
        match self.control().submit(&event, &key).await {
            Ok(()) => {
                self.settle(&one).await?;
                Ok(Took::Over)
            }
            Err(SubmitError::Refused(refused)) => {
                let refusals = one.refusals + 1;
                let refused_once_more = Progress { refusals, ..one };
                self.block(&refused_once_more, vec![refused.to_string()]).await?;
                Ok(Took::Blocked)
            }
            Err(error) => Err(error.into()),
        }
    }

    fn because(&self, one: &Progress, files: &Files) -> String {
        format!(
            "{} handed it in, and playbook {} says `auto: {}`",
            one.by,
            files.playbook,
            files.mode.as_str()
        )
    }

    /// Writes down what stands in its way. The journal is told when something does, not each time the words change.
    async fn block(&self, one: &Progress, blocks: Vec<String>) -> Result<(), Problem> {
        let kept = intake::progress(self.control(), &one.version).await?;
        let now = Progress { blocks, ..one.clone() };
        let Some(kept) = kept.filter(|kept| kept.ended.is_none() && *kept != now) else {
            return Ok(());
        };
        let is_news = kept.blocks.is_empty() && !now.blocks.is_empty();
        let reason = now.blocks.join("; ");
        let row = is_news.then(|| intake::row(&now, "release_blocked", &actor(), &reason, clock::now()));
        if is_news {
            tracing::info!(release = %now.version, reason, "a release that was handed in is blocked");
        }
        Ok(intake::note(self.control(), &now, row).await?)
    }

    async fn supersede(&self, one: &Progress, later: &Progress) -> Result<(), Problem> {
        let by = later.version.clone();
        tracing::info!(release = %one.version, later = %by, "a release that was handed in gives way to a later one");
        self.end(one, Ended::Superseded { by }, &actor()).await
    }

    async fn end(&self, one: &Progress, how: Ended, by: &Actor) -> Result<(), Problem> {
        let end = End {
            how,
            by: by.clone(),
            at: clock::now(),
        };
        intake::end(self.control(), one, end).await?;
        Ok(())
    }
}

fn actor() -> Actor {
    Actor::system("auto")
}

/// Releases that were applied after this one was handed in.
fn applied_since<'a>(
    service: &'a Service,
    one: &Progress,
) -> impl Iterator<Item = &'a tidegate_domain::id::Version> + use<'a> {
    let at = one.at;
    let since = service.runs.iter().filter(move |run| run.applied >= at);
    since.map(|run| &run.version)
}

/// The files as they are now; `None` where their playbook does nothing by itself.
fn files(folder: &std::path::Path) -> Result<Option<Files>, Problem> {
    let sources = project::sources(folder)?;
    let (project, found) = read_project(&sources);
    let project = project.ok_or_else(|| mistakes("the project of the server", &found))?;
    let name = &project.service.playbook;
    let Some((name, playbook)) = project.playbooks.get_key_value(name) else {
        return Err(Problem::refused(format!("there is no playbook `{name}`")));
    };
    Ok(playbook.auto.map(|mode| Files {
        playbook: name.clone(),
        mode,
        supersedes: playbook.auto_supersedes,
        sources,
    }))
}
