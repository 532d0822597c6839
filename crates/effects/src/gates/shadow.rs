//! The gate `shadow`: requests of the wave's tenants, answered by the version they are on, are sent by the gateways to the new one too, and once more to
//! the old one. The answers are compared as `tidegate shadow compare` does.

mod kept;
#[cfg(test)]
mod tests;
mod with;

use std::collections::BTreeSet;

use serde_json::Value;
use tidegate_domain::event::{Judgement, Verdict};
use tidegate_domain::id::CellName;
use tidegate_evidence::shadow::{Comparison, PAIRS_MIN, Record, Report};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep_until};

use self::kept::Kept;
use self::with::With;
use super::tap::{Answer, Counts, Heard, Order, Pair, Tap};
use super::{Gate, Running, Target, check_http_component, running};

pub use self::kept::FILE as KEPT_FILE;

/// What stands for an answer that did not come: everything but the status is as the old version has it, so that this alone differs.
const NO_ANSWER: u16 = 504;
/// Compared in one go, away from what must not wait.
const BATCH: usize = 64;
/// A gate names so many fields in its reason.
const NAMED_MAX: usize = 3;
const NO_DATA: &str = "no request was mirrored";

pub const GATE: Gate = Gate {
    name: "shadow",
    validate: |with| With::read(with).map(|_| ()),
    suits: |with, project| check_http_component(&With::read(with)?.component, project),
    run,
};

fn run(with: Value, target: Target) -> Running {
    running(with, With::read, |with| async move { judge(&with, &target).await })
}

async fn judge(with: &With, target: &Target) -> Judgement {
    if let Err(error) = kept::clear(&target.kept) {
        let reason = format!("cannot remove what is kept of an earlier run: {error}");
        return Judgement::new(Verdict::Error, reason);
    }
    let cells = match cells(with, target) {
        Ok(cells) => cells,
        Err(judgement) => return judgement,
    };
    let mut tap = target.taps.open(order(with, target, &cells));
    match observe(with, &mut tap).await {
        Ok((report, seen)) => {
            let heard = tap.heard();
            drop(tap);
            concluded(with, target, &cells, &report, (&seen, &heard))
        }
        Err(reason) => Judgement::new(Verdict::Error, reason),
    }
}

/// The cells of the wave in which the component is another one than before.
fn cells(with: &With, target: &Target) -> Result<BTreeSet<CellName>, Judgement> {
    let component = &with.component;
    if !target.has_old {
        let reason = "no tenant of the wave is on a version yet: there is nothing to compare with";
        return Err(Judgement::new(Verdict::Pass, reason));
    }
    let slots = target.slots.iter().filter(|slot| slot.component == *component);
    let slots: Vec<_> = slots.filter(|slot| !slot.addresses.is_empty()).collect();
    if slots.is_empty() {
        let reason = format!("the wave has no instance of a component `{component}`");
        return Err(Judgement::new(Verdict::Error, reason));
    }
    let before = |cell: &CellName| {
        let old = target.old.iter().filter(|old| old.component == *component);
        let old: Vec<_> = old.filter(|old| old.cell == *cell).collect();
        old.into_iter().flat_map(|old| &old.addresses)
    };
    let changed: Vec<_> = slots
        .into_iter()
        .filter(|slot| !before(&slot.cell).any(|address| slot.addresses.contains(address)))
        .map(|slot| slot.cell.clone())
        .collect();
    if changed.is_empty() {
        let reason = format!("`{component}` is unchanged: it runs on the instances it ran on before");
        return Err(Judgement::new(Verdict::Pass, reason));
    }
    let compared: BTreeSet<CellName> = changed
        .into_iter()
        .filter(|cell| before(cell).next().is_some())
        .collect();
    if compared.is_empty() {
        let reason = format!("no version that the wave's tenants are on runs a component `{component}`");
        return Err(Judgement::new(Verdict::NoData, reason));
    }
    Ok(compared)
}

fn order(with: &With, target: &Target, cells: &BTreeSet<CellName>) -> Order {
    let here = || target.tenants.iter().filter(|tenant| cells.contains(&tenant.cell));
    Order {
        component: with.component.clone(),
        tenants: here().map(|tenant| tenant.tenant.clone()).collect(),
        from: here()
            .filter(|tenant| tenant.version != target.version)
            .map(|tenant| (tenant.cell.clone(), tenant.version.clone()))
            .collect(),
        to: target.version.clone(),
        basis_points: with.basis_points(),
        endpoints: with.endpoints(),
        body_bytes_max: with::BODY_BYTES_MAX,
        in_flight_max: with.in_flight_at_most,
        timeout: with.timeout.to_std(),
        without_headers: with.without_headers(),
    }
}

/// What was seen of the requests that were mirrored.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    warm_up: u64,
    /// The new version did not answer.
    new_failed: u64,
    again_failed: u64,
    /// The old version did not, where the client's own answer could not be compared.
    without_old: u64,
}

/// Until there are enough pairs, or the time is over. What there is by then is judged once.
async fn observe(with: &With, tap: &mut Tap) -> Result<(Report, Seen), String> {
    let until = Instant::now() + with.length.to_std();
    let mut comparing = Comparing {
        comparison: Comparison::new(with.rules()?, true),
        pairs: 0,
        seen: Seen::default(),
        warm_up: with.warm_up,
        judges_latency: with.latency,
    };
    while comparing.pairs < with.requests {
        let mut pairs = Vec::new();
        let left = usize::try_from(with.requests - comparing.pairs).unwrap_or(BATCH);
        tokio::select! {
            () = tap.next(&mut pairs, BATCH.min(left)) => {}
            () = sleep_until(until) => break,
        }
        let compared = spawn_blocking(move || {
            let taken = pairs.into_iter().try_for_each(|pair| comparing.take(pair));
            taken.map(|()| comparing)
        });
        comparing = compared.await.map_err(|error| error.to_string())??;
    }
    let Comparing { comparison, seen, .. } = comparing;
    let report = comparison.report().map_err(|misfit| misfit.to_string())?;
    Ok((report, seen))
}

struct Comparing {
    comparison: Comparison,
    pairs: u64,
    seen: Seen,
    warm_up: u64,
    judges_latency: bool,
}

impl Comparing {
    fn take(&mut self, pair: Pair) -> Result<(), String> {
        if self.seen.warm_up < self.warm_up {
            self.seen.warm_up += 1;
            return Ok(());
        }
        let Pair {
            id,
            tenant,
            method,
            path,
            old,
            new,
            again,
        } = pair;
        let Answer::Answered {
            status, headers, body, ..
        } = old
        else {
            self.seen.without_old += 1;
            return Ok(());
        };
        let old = Record {
            id,
            method,
            path,
            tenant: Some(tenant.to_string()),
            status,
            headers,
            body,
            // The client may have been slow to take it. The second answer was asked for together with that of the new version.
            milliseconds: time(&again).filter(|_| self.judges_latency),
        };
        self.seen.new_failed += u64::from(matches!(new, Answer::Failed { .. }));
        self.seen.again_failed += u64::from(matches!(again, Answer::Failed { .. }));
        let (new, again) = (record(&old, new), record(&old, again));
        self.pairs += 1;
        let observed = self.comparison.observe(&old, &new, Some(&again));
        observed.map_err(|misfit| misfit.to_string())
    }
}

fn time(answer: &Answer) -> Option<f64> {
    match answer {
        Answer::Answered { milliseconds, .. } => *milliseconds,
        Answer::Failed { .. } => None,
    }
}

fn record(old: &Record, answer: Answer) -> Record {
    match answer {
        Answer::Answered {
            status,
            headers,
            body,
            milliseconds,
        } => Record {
            status,
            headers,
            body,
            milliseconds,
            ..old.clone()
        },
        Answer::Failed { .. } => Record {
            status: NO_ANSWER,
            milliseconds: None,
            ..old.clone()
        },
    }
}

fn concluded(
    with: &With,
    target: &Target,
    cells: &BTreeSet<CellName>,
    report: &Report,
    (seen, heard): (&Seen, &Heard),
) -> Judgement {
    let counts = heard.counts();
    let mut judgement = match report.pairs {
        0 => Judgement::new(Verdict::NoData, nothing(with, target, seen, heard)),
        pairs => Judgement {
            requests: pairs,
            ..Judgement::new(verdict(report), found(report, seen))
        },
    };
    if report.pairs < PAIRS_MIN && judgement.verdict != Verdict::Fail {
        judgement.needs = Some(format!(
            "{PAIRS_MIN} mirrored requests: a larger `share`, a longer `for`, or more traffic of the wave's tenants"
        ));
    }
    let kept = Kept {
        component: &with.component,
        cells,
        verdict: judgement.verdict,
        reason: &judgement.reason,
        counts,
        warm_up: seen.warm_up,
        unanswered_by_new: seen.new_failed,
        unanswered_by_old: seen.again_failed + seen.without_old,
        unable: heard.unable(),
        report,
    };
    match kept.write(&target.kept) {
        Ok(()) if report.pairs > 0 => {
            let show = format!("; `tidegate shadow show {} {}` shows all", target.version, target.wave);
            judgement.reason.push_str(&show);
            judgement
        }
        Ok(()) => judgement,
        Err(error) => Judgement::new(Verdict::Error, format!("cannot keep the comparison: {error}")),
    }
}

fn verdict(report: &Report) -> Verdict {
    match report.verdict {
        tidegate_evidence::Verdict::Pass => Verdict::Pass,
        tidegate_evidence::Verdict::Fail => Verdict::Fail,
        tidegate_evidence::Verdict::Inconclusive => Verdict::Inconclusive,
        tidegate_evidence::Verdict::NoData => Verdict::NoData,
        tidegate_evidence::Verdict::Error => Verdict::Error,
    }
}

/// What the pairs say, with the first fields by name.
fn found(report: &Report, seen: &Seen) -> String {
    let mut reason = report.reason.clone();
    let fields: Vec<_> = report.fields(report.verdict).collect();
    let named = fields.iter().take(NAMED_MAX).map(|(endpoint, field)| {
        let (name, kind) = (&field.field, field.kind.in_words());
        format!("{endpoint}: `{name}`, {kind}, {}", field.reason)
    });
    let named: Vec<String> = match report.verdict {
        tidegate_evidence::Verdict::Fail | tidegate_evidence::Verdict::Inconclusive => named.collect(),
        tidegate_evidence::Verdict::Pass | tidegate_evidence::Verdict::NoData | tidegate_evidence::Verdict::Error => {
            Vec::new()
        }
    };
    if !named.is_empty() {
        reason = format!("{reason}: {}", named.join("; "));
    }
    if fields.len() > NAMED_MAX && !named.is_empty() {
        reason = format!("{reason}; and {} more", fields.len() - NAMED_MAX);
    }
    if seen.new_failed > 0 {
        let (failed, pairs) = (seen.new_failed, report.pairs);
        reason = format!(
            "{reason}; the new version did not answer {failed} of {pairs} requests, which counts as {NO_ANSWER}"
        );
    }
    reason
}

/// Why there is nothing to judge.
fn nothing(with: &With, target: &Target, seen: &Seen, heard: &Heard) -> String {
    let (component, length) = (&with.component, with.length);
    let Counts {
        matched,
        chosen,
        mirrored,
        busy,
        too_large,
        incomplete,
        no_instance,
        undelivered,
    } = heard.counts();
    let unable = heard.unable();
    if heard.reported.is_empty() {
        return format!("{NO_DATA} in {length}: no gateway has reported");
    }
    if unable.len() == heard.reported.len() {
        let names = unable.join("`, `");
        return format!(
            "{NO_DATA}: gateway `{names}` is of an earlier version and cannot do it; restart it with this one"
        );
    }
    if matched == 0 {
        let tenants = target.tenants.len();
        return format!(
            "{NO_DATA} in {length}: none of the wave's tenants ({tenants}) has sent one to `{component}` that may be"
        );
    }
    if chosen == 0 {
        return format!(
            "{NO_DATA} in {length}: {matched} were sent, and none fell into the share of {} %",
            with.share
        );
    }
    if mirrored == 0 {
        return format!(
            "{NO_DATA} of {chosen} that were to be: {busy} for want of room, {too_large} too large, {incomplete} that ended early or became a \
             stream, {no_instance} without an instance of the new version"
        );
    }
    let (warm_up, without_old) = (seen.warm_up, seen.without_old);
    format!(
        "{mirrored} requests were mirrored, and none could be compared: {warm_up} to warm up, {undelivered} whose answers were lost, \
         {without_old} that the old version did not answer again"
    )
}
