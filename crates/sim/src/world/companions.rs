//! The fake servers of other services: they say of their releases what the scenario makes of them.

use tidegate_domain::event::{Event, EventKind};
use tidegate_domain::id::Actor;
use tidegate_domain::service::CompanionPhase;

use super::World;
use crate::boundary::Kind;

impl World {
    /// Tells what is not known yet, again and again until it is.
    pub fn ask_companions(&mut self) {
        let Some(state) = self.server.state.as_ref().filter(|_| self.server.is_up()) else {
            return;
        };
        let now = self.now();
        let mut news = Vec::new();
        for run in state.runs.iter().filter(|run| run.watches_companions(now)) {
            for known in &run.together {
                let of = (run.version.clone(), known.companion.service.clone());
                let phase = self.moods.companions.get(&of).unwrap_or(&CompanionPhase::NotApplied);
                // One that cannot be asked takes nothing back of what is known.
                let unclear = matches!(phase, CompanionPhase::Unclear { .. });
                let was_clear = !matches!(known.phase, CompanionPhase::Unclear { .. });
                if *phase != known.phase && !(unclear && was_clear) {
                    news.push((run.version.clone(), known.companion.clone(), phase.clone()));
                }
            }
        }
        for (version, companion, phase) in news {
            let kind = EventKind::CompanionSeen {
                version,
                companion,
                phase,
            };
            let event = Event {
                actor: Actor::system("together"),
                reason: None,
                kind,
            };
            if !self.put_own(&event, Kind::Judgement) {
                return;
            }
        }
    }

    /// What has not come back, or been ended, goes well.
    pub fn companions_end(&mut self) {
        let releases = self.script.releases.iter();
        let all =
            releases.flat_map(|(version, release)| release.together.iter().map(move |one| (version, &one.service)));
        for (version, service) in all {
            let known = self.moods.companions.entry((version.clone(), service.clone()));
            let phase = known.or_insert(CompanionPhase::Completed);
            if !matches!(phase, CompanionPhase::RolledBack | CompanionPhase::Stopped) {
                *phase = CompanionPhase::Completed;
            }
        }
    }
}
