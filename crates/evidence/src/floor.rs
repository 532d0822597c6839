//! What some traffic can show at all, before anybody waits for it.

#[cfg(test)]
mod tests;

use crate::e_value::log_weighted_mean;
use crate::promotion;
use crate::ratio::{Form, Ladder};
use crate::words::{grouped, percent, rounded};

/// What is expected of a gate before it runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Traffic {
    /// Requests an hour to the new version.
    pub new_per_hour: f64,
    /// Requests an hour to the old version, at the same time.
    pub old_per_hour: f64,
    /// The share of them that are events as things are, between 0 and 1.
    pub rate: f64,
}

/// What a gate is asked to show.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Question {
    /// The probability of a false alarm, between 0 and 1.
    pub alpha: f64,
    /// The ratio that is ignored, at least 1.
    pub margin: f64,
    /// The rate at which the new version is still good, between 0 and 1.
    pub tolerance: Option<f64>,
    /// How long the gate may take.
    pub hours: f64,
}

/// The precision floor of a gate. Hours are what half of the runs need, about; they are infinite where nothing would do.
#[derive(Debug, Clone, PartialEq)]
pub struct Floor {
    /// Of the ratios that are looked at, the least that is found in time.
    pub found: Option<f64>,
    /// Until ten times as many events are found.
    pub tenfold_hours: Option<f64>,
    /// Until the tolerance is shown to be kept if nothing has changed. `None` without a tolerance.
    pub shown_hours: Option<f64>,
    /// All of it in words.
    pub sentence: String,
}

/// The ratios that are looked at.
const RATIOS: [f64; 10] = [1.1, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0, 100.0];

/// What `traffic` can and cannot show.
pub fn floor(question: Question, traffic: Traffic) -> Floor {
    let hours = |ratio| hours_to_find(question, traffic, ratio);
    let found = RATIOS
        .into_iter()
        .find(|ratio| hours(*ratio).is_some_and(|hours| hours <= question.hours));
    let tenfold_hours = hours(10.0);
    let shown = question.tolerance.map(|tolerance| {
        let requests = promotion::expected(traffic.rate, tolerance);
        let hours = requests.map_or(f64::INFINITY, |requests| requests / traffic.new_per_hour);
        (tolerance, requests, hours)
    });
    let mut sentence = format!(
        "{} requests in {} h",
        grouped((traffic.new_per_hour * question.hours) as u64),
        rounded(question.hours)
    );
    sentence.push_str(&match (found, tenfold_hours) {
        (Some(ratio), _) => format!(" find {} times as many events as before", rounded(ratio)),
        (None, Some(hours)) => format!(
            " find not even 100 times as many events; 10 times as many take {} h",
            rounded(hours)
        ),
        (None, None) => " find nothing".to_owned(),
    });
    if let Some((tolerance, requests, hours)) = shown {
        sentence.push_str(&shown_in_words(question, traffic, tolerance, requests, hours));
    }
    Floor {
        found,
        tenfold_hours,
        shown_hours: shown.map(|(_, _, hours)| hours),
        sentence,
    }
}

fn shown_in_words(question: Question, traffic: Traffic, tolerance: f64, requests: Option<f64>, hours: f64) -> String {
    let at_most = percent(tolerance);
    match requests {
        None => format!(
            "; at most {at_most} cannot be shown, since it is {} as things are",
            percent(traffic.rate)
        ),
        Some(requests) if hours <= question.hours => format!(
            "; at most {at_most} is shown after about {} requests ({} h)",
            grouped(requests as u64),
            rounded(hours)
        ),
        Some(requests) => format!(
            "; at most {at_most} cannot be shown in that time: it takes about {} requests ({} h)",
            grouped(requests as u64),
            rounded(hours)
        ),
    }
}

/// Until the e-value of the expected counts reaches its threshold. `None` where it never does.
fn hours_to_find(question: Question, traffic: Traffic, ratio: f64) -> Option<f64> {
    let ladder = Ladder::new(question.margin);
    let share = traffic.new_per_hour / (traffic.new_per_hour + traffic.old_per_hour);
    let of_new = (traffic.rate * ratio).min(1.0);
    let log_e = |requests: f64| {
        let new = requests * of_new;
        let all = new + requests / traffic.new_per_hour * traffic.old_per_hour * traffic.rate;
        let log = ladder.log_binomial(new, all, share);
        log_weighted_mean(Ladder::above(&log, Form::Rates))
    };
    if !(traffic.new_per_hour > 0.0 && traffic.old_per_hour > 0.0 && traffic.rate > 0.0 && of_new > traffic.rate) {
        return None;
    }
    let requests = promotion::least(|requests| log_e(requests) >= (1.0 / question.alpha).ln())?;
    Some(requests / traffic.new_per_hour)
}
