//! Nobody is moved forward against what the plan and people say about when.

use tidegate_domain::calendar::Reason;
use tidegate_domain::id::{TenantName, Version};
use tidegate_domain::journal::{Entry, EntryKind};
use tidegate_domain::service::{Run, RunPhase, Service, Waived};
use tidegate_domain::time::Timestamp;

use super::Checked;

/// Every tenant that moved in this turn was told, in its window and not frozen; or a journalled waiver says otherwise.
pub fn nobody_moves_too_early(state: &Service, fresh: &[Entry], now: Timestamp) -> Checked {
    for entry in fresh.iter().filter(|entry| entry.kind == EntryKind::Moved) {
        let Some(run) = entry.release.as_ref().and_then(|version| state.run(version)) else {
            continue;
        };
        for tenant in &entry.tenants {
            told(state, run, tenant, now)?;
            open(state, run, tenant, now)?;
        }
    }
    Ok(())
}

fn told(state: &Service, run: &Run, tenant: &TenantName, now: Timestamp) -> Checked {
    const RULE: &str = "no tenant moves before its notice has run";
    if waived(state, run, tenant, Waived::Notice, now).is_some() {
        return Ok(());
    }
    for planned in run
        .schedule
        .notices
        .iter()
        .filter(|planned| planned.required && planned.tenants.contains(tenant))
    {
        let proof = run.notices.get(&planned.key).and_then(|notice| notice.proof.as_ref());
        let Some(proof) = proof else {
            return Err((RULE, format!("{tenant} was not told of {}", run.version)));
        };
        let class = run.schedule.class_of(tenant).unwrap_or(&run.schedule.base);
        let due = planned
            .period
            .map(|period| run.schedule.calendars.notice_deadline(class, now, &period));
        if let Some(Ok(deadline)) = due
            && deadline < proof.at
        {
            return Err((
                RULE,
                format!("{tenant} was told of {} at {} only", run.version, proof.at),
            ));
        }
    }
    Ok(())
}

fn open(state: &Service, run: &Run, tenant: &TenantName, now: Timestamp) -> Checked {
    const RULE: &str = "no tenant moves outside its window or while it is frozen";
    let waived = waived(state, run, tenant, Waived::Window, now);
    for (number, freeze) in &state.freezes {
        let cell = state.seats.get(tenant).map(|seat| &seat.cell);
        let of = cell.is_some_and(|cell| freeze.of.holds(tenant, cell));
        let now_in = freeze.from <= now && freeze.until.is_none_or(|until| now < until);
        if of && now_in && waived.is_none_or(|at| at < freeze.at) {
            return Err((RULE, format!("freeze {number} is on {tenant}")));
        }
    }
    // Who has begun while its window was open may finish, unless a freeze has begun.
    let index = run.schedule.class_index(tenant);
    let finishing = run.waves.iter().any(|wave| wave.finishing.contains(&index));
    let open = |class| {
        let openness = run.schedule.calendars.is_open(class, now);
        openness.open || (finishing && !matches!(openness.reason, Reason::Frozen { .. }))
    };
    if waived.is_none() && !run.schedule.class_of(tenant).is_none_or(open) {
        return Err((RULE, format!("{tenant} moves to {} at {now}", run.version)));
    }
    Ok(())
}

/// Since when somebody has waived it.
fn waived(state: &Service, run: &Run, tenant: &TenantName, of: Waived, now: Timestamp) -> Option<Timestamp> {
    let cell = &state.seats.get(tenant)?.cell;
    let waivers = run
        .waivers
        .iter()
        .filter(|waiver| waiver.of == of && now < waiver.until);
    waivers
        .filter(|waiver| waiver.tenants.holds(tenant, cell))
        .map(|waiver| waiver.at)
        .max()
}

/// What has started, people had agreed to: others than its author, as many as the plan asks for.
pub fn approvals_count(state: &Service) -> Checked {
    for run in &state.runs {
        let by_author = run
            .approvals
            .iter()
            .flat_map(|approval| approval.given.keys())
            .find(|by| run.is_by(by));
        if let Some(author) = by_author {
            return Err((
                "nobody approves their own plan",
                format!("{author} approved {}", run.version),
            ));
        }
        let missing = run
            .approvals
            .iter()
            .any(|approval| approval.wave.is_none() && approval.review_by.is_none() && approval.missing() > 0);
        if missing && matches!(run.phase, RunPhase::Moving | RunPhase::Completed { .. }) {
            return Err((
                "what starts is approved",
                format!("release {} is on its way", run.version),
            ));
        }
    }
    Ok(())
}

/// The rows of waivers, freezes and approvals are as many as the state says.
pub fn waivers_are_journalled(before: Option<&Service>, state: &Service, fresh: &[Entry]) -> Checked {
    let count = |state: Option<&Service>, version: &Version| {
        state
            .and_then(|state| state.run(version))
            .map_or(0, |run| run.waivers.len())
    };
    for run in &state.runs {
        let rows = fresh.iter().filter(|entry| entry.kind == EntryKind::Waived);
        let rows = rows
            .filter(|entry| entry.release.as_ref() == Some(&run.version))
            .count();
        let added = count(Some(state), &run.version).saturating_sub(count(before, &run.version));
        if rows < added {
            return Err(("every waiver is journalled", format!("release {}", run.version)));
        }
    }
    Ok(())
}
