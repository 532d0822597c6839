//! A number that has to keep a limit, at each look.

use tidegate_domain::event::{Judgement, Verdict};
use tokio::time::{Instant, sleep_until};

use super::super::expectation::shown;
use super::server::{Asked, written_out};
use super::template::Values;
use super::with::Limit;
use super::{Lack, Lacking};

/// What the looks have shown.
#[derive(Debug, Default)]
struct Seen {
    looks: u32,
    lowest: Option<f64>,
    highest: Option<f64>,
    /// Looks without a number, and why the first one was.
    without: u32,
    why: Option<String>,
}

/// The first number that breaks the limit decides. A look without one does not: the playbook may let that pass, and the others have to
/// hold even then.
pub(super) async fn judge(asked: &Asked<'_>, limit: &Limit, values: &Values) -> Result<Judgement, Lacking> {
    let query = written_out(&limit.query, values)?;
    let fresh = limit
        .fresh
        .as_ref()
        .map(|fresh| written_out(fresh, values))
        .transpose()?;
    let mut next = Instant::now();
    let last = next + limit.lasts.to_std();
    let mut seen = Seen::default();
    while next <= last {
        sleep_until(next).await;
        next += limit.every.to_std();
        seen.looks += 1;
        match look(asked, &query, fresh.as_deref()).await {
            Ok(number) => {
                if let Some(broken) = limit.breaks(number) {
                    let reason = format!("`{}` {broken}, at look {}", shown(&query), seen.looks);
                    return Ok(Judgement::new(Verdict::Fail, reason));
                }
                seen.lowest = Some(seen.lowest.map_or(number, |lowest| lowest.min(number)));
                seen.highest = Some(seen.highest.map_or(number, |highest| highest.max(number)));
            }
            Err(lacking) if lacking.lack == Lack::NoData => {
                seen.without += 1;
                seen.why.get_or_insert(lacking.reason);
            }
            Err(lacking) => return Err(lacking),
        }
    }
    seen.judged(limit, &query)
}

async fn look(asked: &Asked<'_>, query: &str, fresh: Option<&str>) -> Result<f64, Lacking> {
    let (number, is_series) = asked.number(query).await?;
    match fresh {
        Some(fresh) => asked.is_fresh(fresh).await?,
        None if is_series => asked.is_fresh(query).await?,
        None => {}
    }
    Ok(number)
}

impl Limit {
    /// In words, where it is not kept.
    fn breaks(&self, number: f64) -> Option<String> {
        if let Some(most) = self.at_most.filter(|most| number > *most) {
            return Some(format!("is {number}, expected is at most {most}"));
        }
        let least = self.at_least.filter(|least| number < *least)?;
        Some(format!("is {number}, expected is at least {least}"))
    }

    fn in_words(&self) -> String {
        let most = self.at_most.map(|most| format!("at most {most}"));
        let least = self.at_least.map(|least| format!("at least {least}"));
        let both: Vec<String> = least.into_iter().chain(most).collect();
        both.join(" and ")
    }
}

impl Seen {
    fn judged(self, limit: &Limit, query: &str) -> Result<Judgement, Lacking> {
        let query = shown(query);
        let found = match (self.lowest, self.highest) {
            (Some(lowest), Some(highest)) if lowest == highest => format!("`{query}` is {lowest}"),
            (Some(lowest), Some(highest)) => format!("`{query}` is between {lowest} and {highest}"),
            (_, _) => {
                let why = self.why.unwrap_or_else(|| format!("`{query}` was not asked"));
                return Err(Lacking::no_data(why));
            }
        };
        let mut reason = format!("{found} with {}", limit.in_words());
        if self.looks > 1 {
            reason.push_str(&format!(", at {} looks in {}", self.looks, limit.lasts));
        }
        match self.why {
            None => Ok(Judgement::new(Verdict::Pass, reason)),
            Some(why) => {
                let without = format!("{} of them had no data: {why}", self.without);
                Err(Lacking::no_data(format!("{reason}; {without}")))
            }
        }
    }
}
