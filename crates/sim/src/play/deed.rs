//! What is made to happen in a play beside the release itself, and how people write it.

use std::str::FromStr;

use tidegate_domain::event::{EventKind, Verdict};
use tidegate_domain::id::{TenantName, Version};
use tidegate_domain::release::Stage;
use tidegate_domain::time::{Duration, Timestamp};

#[derive(Debug, Clone, PartialEq)]
pub struct Deed {
    /// The release concerned; the next to arrive where it is `None`.
    pub release: Option<Version>,
    /// The wave, by its name or by its place: `wave1`.
    pub wave: String,
    pub when: When,
    pub what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    Instant(Timestamp),
    /// Since the first tenant of the wave was moved.
    AfterSwitch(Duration),
    /// When the wave enters it.
    Stage(Stage),
}

#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// The wave is judged so from then on; the tenants that are hurt, all where none is named.
    Health { verdict: Verdict, hurt: Vec<TenantName> },
    /// What the wave starts does not come up.
    Slots,
    /// The wave's gates fail.
    Gates,
    /// A gateway is not heard any more.
    Gateway,
    /// The release manager holds the release, for that long.
    Hold(Option<Duration>),
    /// The release manager ends the bake.
    Promote,
    /// The release manager takes the wave back, or one tenant.
    RollBack(Option<TenantName>),
    /// The release manager ends the release.
    Abort,
    /// Anybody asks for anything.
    Ask {
        who: String,
        reason: String,
        kind: Box<EventKind>,
    },
}

/// A word of the command line that says nothing that can be played.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Misreading {
    #[error("`{0}` does not say when: write WAVE@WHEN, such as `wave1@2h`")]
    NoWhen(String),
    #[error("`{0}` names no wave: write WAVE@WHEN, such as `wave1@2h`")]
    NoWave(String),
    #[error("`{text}` is no time since the wave's switch and none of its stages: write {expected}")]
    NoTime { text: String, expected: &'static str },
    #[error("`{0}` is not the name of a tenant")]
    NoTenant(String),
}

impl Deed {
    /// `WAVE[/TENANT]@WHEN`, where WHEN is the time since the wave's switch or the stage in which it goes wrong.
    ///
    /// # Errors
    /// Where the text is something else.
    pub fn failure(text: &str) -> Result<Self, Misreading> {
        let (wave, tenant, when) = parts(text)?;
        let health = |when| {
            let (verdict, hurt) = (Verdict::Fail, tenant.clone().into_iter().collect());
            (when, What::Health { verdict, hurt })
        };
        let (when, what) = match when {
            "prepare" => (When::Stage(Stage::Prepare), What::Slots),
            "verify" => (When::Stage(Stage::Verify), What::Gates),
            "switch" => (When::Stage(Stage::Switch), What::Gateway),
            "canary" => health(When::Stage(Stage::Canary)),
            "bake" => health(When::Stage(Stage::Bake)),
            time => {
                let expected =
                    "a duration such as `2h` or `1h30m`, or `prepare`, `verify`, `canary`, `switch` or `bake`";
                health(When::AfterSwitch(duration(time, expected)?))
            }
        };
        Ok(Self::of(wave, when, what))
    }

    /// `WAVE`: there is never enough evidence about it.
    ///
    /// # Errors
    /// Where the text names no wave.
    pub fn silence(text: &str) -> Result<Self, Misreading> {
        if text.is_empty() || text.contains('@') {
            return Err(Misreading::NoWave(text.to_owned()));
        }
        let what = What::Health {
            verdict: Verdict::NoData,
            hurt: Vec::new(),
        };
        Ok(Self::of(text, When::Stage(Stage::Prepare), what))
    }

    /// `WAVE@TIME` or `WAVE@TIME+LENGTH`.
    ///
    /// # Errors
    /// Where the text is something else.
    pub fn hold(text: &str) -> Result<Self, Misreading> {
        const EXPECTED: &str = "a duration such as `2h`, or with the length of the hold `2h+30m`";
        let (wave, _, when) = parts(text)?;
        let (when, length) = match when.split_once('+') {
            Some((when, length)) => (when, Some(duration(length, EXPECTED)?)),
            None => (when, None),
        };
        let when = When::AfterSwitch(duration(when, EXPECTED)?);
        Ok(Self::of(wave, when, What::Hold(length)))
    }

    /// `WAVE@TIME`.
    ///
    /// # Errors
    /// Where the text is something else.
    pub fn promotion(text: &str) -> Result<Self, Misreading> {
        Self::timed(text, What::Promote)
    }

    /// `WAVE[/TENANT]@TIME`.
    ///
    /// # Errors
    /// Where the text is something else.
    pub fn rollback(text: &str) -> Result<Self, Misreading> {
        let (_, tenant, _) = parts(text)?;
        Self::timed(text, What::RollBack(tenant))
    }

    /// `WAVE@TIME`.
    ///
    /// # Errors
    /// Where the text is something else.
    pub fn abort(text: &str) -> Result<Self, Misreading> {
        Self::timed(text, What::Abort)
    }

    fn timed(text: &str, what: What) -> Result<Self, Misreading> {
        let (wave, _, when) = parts(text)?;
        let when = When::AfterSwitch(duration(when, "a duration such as `2h` or `1h30m`")?);
        Ok(Self::of(wave, when, what))
    }

    fn of(wave: &str, when: When, what: What) -> Self {
        Self {
            release: None,
            wave: wave.to_owned(),
            when,
            what,
        }
    }
}

/// A time of the command line: `2h`, `1h30m`.
///
/// # Errors
/// Where the text is something else.
pub fn read_duration(text: &str) -> Result<Duration, Misreading> {
    duration(text, "a duration such as `2h` or `1h30m`")
}

fn parts(text: &str) -> Result<(&str, Option<TenantName>, &str), Misreading> {
    let (wave, when) = text
        .split_once('@')
        .ok_or_else(|| Misreading::NoWhen(text.to_owned()))?;
    let (wave, tenant) = match wave.split_once('/') {
        Some((wave, tenant)) => {
            let tenant = TenantName::from_str(tenant).map_err(|_| Misreading::NoTenant(tenant.to_owned()))?;
            (wave, Some(tenant))
        }
        None => (wave, None),
    };
    if wave.is_empty() {
        return Err(Misreading::NoWave(text.to_owned()));
    }
    Ok((wave, tenant, when))
}

/// As files write it, and without the blanks that a shell would need quotes for.
fn duration(text: &str, expected: &'static str) -> Result<Duration, Misreading> {
    let mut spaced = String::new();
    let mut in_unit = false;
    for letter in text.chars() {
        if letter.is_ascii_digit() && in_unit {
            spaced.push(' ');
        }
        in_unit = letter.is_ascii_alphabetic();
        spaced.push(letter);
    }
    spaced.parse().map_err(|_| Misreading::NoTime {
        text: text.to_owned(),
        expected,
    })
}

#[cfg(test)]
mod tests;
