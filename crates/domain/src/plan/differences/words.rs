//! Differences, one thing a line.

use super::{
    ApprovalChange, ApprovalDifference, Besides, Differences, How, Moved, NoticeDifference, Part, Replaced, Stand,
    WaveChange, WaveDifference,
};
use crate::calendar::Local;
use crate::id::ComponentName;
use crate::plan::words::first_names;

impl Differences {
    /// What has changed, a line each; nothing where nothing has.
    #[must_use]
    pub fn in_words(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if !self.components.is_empty() {
            let names: Vec<&str> = self.components.iter().map(ComponentName::as_str).collect();
            lines.push(format!("components run something else: {}", names.join(", ")));
        }
        lines.extend(self.tenants.iter().map(Moved::in_words));
        lines.extend(self.waves.iter().map(WaveDifference::in_words));
        lines.extend(self.notices.iter().map(NoticeDifference::in_words));
        lines.extend(self.approvals.iter().map(ApprovalDifference::in_words));
        lines.extend(self.besides.iter().map(|what| {
            let what = match what {
                Besides::Release => "the release says otherwise",
                Besides::Playbook => "the playbook says otherwise",
                Besides::Calendars => "windows or calendars say otherwise",
                Besides::Reasons => "the reasons why tenants move or stay are others",
            };
            what.to_owned()
        }));
        lines
    }
}

impl Moved {
    fn in_words(&self) -> String {
        let one = self.tenants.len() == 1;
        let who = if one {
            "1 tenant".to_owned()
        } else {
            format!("{} tenants", self.tenants.len())
        };
        let verb = |alone: &'static str, many: &'static str| if one { alone } else { many };
        let wave = |stand: &Option<Stand>| stand.as_ref().map_or(String::new(), |stand| stand.wave.to_string());
        let at = |stand: &Option<Stand>| {
            let start = stand.as_ref().and_then(|stand| stand.start);
            start.map_or_else(
                || "as soon as what comes before is done".to_owned(),
                |at| Local::new(at, &self.zone).to_string(),
            )
        };
        let times = || format!("{} instead of {}", at(&self.now), at(&self.before));
        let what = match self.how {
            How::New => format!("{} with wave {} and did not", verb("moves", "move"), wave(&self.now)),
            How::Gone => format!("{} not move any more", verb("does", "do")),
            How::Earlier => format!("{} earlier, {}", verb("moves", "move"), times()),
            How::Later => format!("{} later, {}", verb("moves", "move"), times()),
            How::OtherWave => format!(
                "{} with wave {} instead of {}",
                verb("moves", "move"),
                wave(&self.now),
                wave(&self.before)
            ),
            How::OtherVersion => format!("{} another version now", verb("runs", "run")),
            How::OtherCell => format!("{} in another cell now", verb("lives", "live")),
        };
        format!("{who} {what}: {}", first_names(self.tenants.iter()))
    }
}

impl WaveDifference {
    fn in_words(&self) -> String {
        let wave = &self.wave;
        match &self.what {
            WaveChange::Added => format!("wave {wave} is new"),
            WaveChange::Dropped => format!("wave {wave} falls away"),
            WaveChange::Rules => format!("wave {wave} has other rules"),
            WaveChange::Gates { added, dropped } => {
                let told = [("new", added), ("without", dropped)].into_iter();
                let told = told.filter(|(_, gates)| !gates.is_empty());
                let told: Vec<String> = told
                    .map(|(word, gates)| format!("{word} {}", gates.join(", ")))
                    .collect();
                format!("wave {wave} has other gates: {}", told.join("; "))
            }
        }
    }
}

impl NoticeDifference {
    fn in_words(&self) -> String {
        let counts = [
            (self.added.len(), "added"),
            (self.dropped.len(), "fall away"),
            (self.moved.len(), "at another time"),
        ];
        let counts = counts.into_iter().filter(|(n, _)| *n > 0);
        let counts: Vec<String> = counts.map(|(n, what)| format!("{n} {what}")).collect();
        let (kind, wave) = (self.kind.as_str(), &self.wave);
        format!("messages of kind {kind} about wave {wave}: {}", counts.join(", "))
    }
}

impl ApprovalDifference {
    fn in_words(&self) -> String {
        let approval = &self.approval;
        match self.what {
            ApprovalChange::Added => format!("approval {approval} is needed as well"),
            ApprovalChange::Dropped => format!("approval {approval} is not needed any more"),
            ApprovalChange::Changed => format!("approval {approval} asks for something else"),
        }
    }
}

impl Replaced {
    /// What changes of the version.
    #[must_use]
    pub fn in_words(&self) -> String {
        if self.components.is_empty() {
            return "nothing that runs is another".to_owned();
        }
        let components = self.components.iter().map(|(name, parts)| {
            let parts: Vec<&str> = parts.iter().map(|part| part.in_words()).collect();
            format!("{name} ({})", parts.join(", "))
        });
        components.collect::<Vec<_>>().join(", ")
    }
}

impl Part {
    const fn in_words(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Gone => "gone",
            Self::Artifact => "another artifact",
            Self::Definition => "run in another way",
            Self::Configuration => "other configuration",
            Self::Secrets => "other secrets",
        }
    }
}
