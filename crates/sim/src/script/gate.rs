//! How the gates of a release are obeyed, and whom they ask.

use std::collections::BTreeMap;

use tidegate_domain::policy::Disposition;
use tidegate_domain::time::Duration;

use super::print::offset;
use super::read::{Read, duration};

/// What is otherwise with a gate than with most.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GateRule {
    pub on_no_data: Disposition,
    pub on_inconclusive: Disposition,
    pub dry_run: bool,
    /// It asks an approver, for so long.
    pub asks_for: Option<Duration>,
}

/// `0:dry-run,1:no-data-pass,1:inconclusive-fail,2:asks-10m`: each word is about the gate of that place.
pub fn read(text: &str) -> Read<BTreeMap<u8, GateRule>> {
    const SHAPE: &str = "a rule is PLACE:WORD, with dry-run, no-data-pass, no-data-fail, inconclusive-pass, inconclusive-fail or asks-DURATION";
    let mut rules: BTreeMap<u8, GateRule> = BTreeMap::new();
    for one in text.split(',') {
        let (place, word) = one.split_once(':').ok_or(SHAPE)?;
        let rule = rules.entry(place.parse().map_err(|_| SHAPE)?).or_default();
        match word {
            "dry-run" => rule.dry_run = true,
            "no-data-pass" => rule.on_no_data = Disposition::Pass,
            "no-data-fail" => rule.on_no_data = Disposition::Fail,
            "inconclusive-pass" => rule.on_inconclusive = Disposition::Pass,
            "inconclusive-fail" => rule.on_inconclusive = Disposition::Fail,
            _ => rule.asks_for = Some(duration(word.strip_prefix("asks-").ok_or(SHAPE)?)?),
        }
    }
    Ok(rules)
}

pub fn print(rules: &BTreeMap<u8, GateRule>) -> String {
    let words: Vec<String> = rules
        .iter()
        .flat_map(|(place, rule)| rule.words().into_iter().map(move |word| format!("{place}:{word}")))
        .collect();
    words.join(",")
}

impl GateRule {
    fn words(&self) -> Vec<String> {
        let of = |what: &str, disposition: Disposition| match disposition {
            Disposition::Hold => None,
            Disposition::Fail => Some(format!("{what}-fail")),
            Disposition::Pass => Some(format!("{what}-pass")),
        };
        let dry_run = self.dry_run.then(|| "dry-run".to_owned());
        let asks = self.asks_for.map(|length| format!("asks-{}", offset(length)));
        let unclear = [of("no-data", self.on_no_data), of("inconclusive", self.on_inconclusive)];
        dry_run
            .into_iter()
            .chain(unclear.into_iter().flatten())
            .chain(asks)
            .collect()
    }
}
