//! A playbook, drawn: when releases leave, in which waves, who is told and who has to agree.

use super::files::Drawn;

impl Drawn<'_> {
    pub fn playbook(&mut self, windows: &[(String, String)]) -> String {
        let mut text = "name: simulated\nprepare_within: 2m\n".to_owned();
        if self.random.percent(60) {
            text.push_str("calendar: office\n");
        }
        if self.random.percent(40) {
            let on = self.word(&["tuesday", "mon-thu", "'mon,sat'", "sunday"]);
            let every = self.word(&["1 week", "1 week", "2 weeks"]);
            text.push_str(&format!("cadence: {{every: {every}, on: {on}}}\n"));
            let cut_off = self.word(&["12 hours", "1 day", "2 days"]);
            let boards = self.word(&["[scheduled]", "[scheduled, configuration]", "[scheduled, patch]"]);
            text.push_str(&format!("train: {{cut_off: {cut_off}, boards: {boards}}}\n"));
        }
        if self.random.percent(25) {
            text.push_str("quietest: true\n");
        }
        let failure = self.word(&["wave", "wave", "tenant", "release", "hold"]);
        let inconclusive = self.word(&["hold", "hold", "pass"]);
        let warm = self.word(&["1h", "1d", "7d"]);
        text.push_str(&format!(
            "on_failure: {failure}\non_inconclusive: {inconclusive}\nrollback_window: {warm}\n"
        ));
        text.push_str(super::features::on_unmigrated(self.features));
        if self.random.percent(25) && !windows.is_empty() {
            let freezes: Vec<&str> = windows
                .iter()
                .map(|(name, _)| name.as_str())
                .filter(|name| name.starts_with("closed") && self.random.percent(60))
                .collect();
            text.push_str(&format!("freezes: [{}]\n", freezes.join(", ")));
        }
        let waves = self.random.between(1, 3);
        text.push_str("waves:\n");
        for index in 0..waves {
            text.push_str(&self.wave(index, waves, windows));
        }
        text.push_str(&self.notice_rules(waves));
        text.push_str(&self.approval_rules(waves));
        text.push_str(&super::features::reservations(self.features));
        text.push_str(&super::features::downtime(self.features));
        let skips = self.word(&[
            "[cadence, windows, gaps, approvals]",
            "[cadence, windows, freezes, gaps, approvals]",
            "[cadence, gaps]",
            "[windows]",
        ]);
        text.push_str(&format!("emergency: {{skips: {skips}, review_within: 2 days}}\n"));
        text
    }

    fn wave(&mut self, index: u32, waves: u32, windows: &[(String, String)]) -> String {
        let select = if index + 1 == waves {
            "{rest: true}".to_owned()
        } else {
            match self.random.below(4) {
                0 => "{opt_in: true}".to_owned(),
                1 => "{percentage: 40}".to_owned(),
                2 => format!("{{cell: {}}}", self.random.pick(self.cells)),
                _ => format!("{{tenants: [{}]}}", self.tenants[index as usize % self.tenants.len()]),
            }
        };
        let mut line = format!("name: w{}, select: {select}", index + 1);
        if index > 0 {
            line.push_str(&super::features::validation(self.features, index));
            line.push_str(&self.field(
                "gap",
                &["", "", "2h", "1d", "1 day", "2 working days", "1 week", "1 working day"],
            ));
            let day = index * self.random.between(1, 4) + 1;
            if self.random.percent(30) {
                line.push_str(&format!(", day: {day}"));
            }
        }
        let bake = self.word(&[
            "least: 0s, longest: 0s, requests: 0",
            "least: 10m, longest: 2h, requests: 100",
            "least: 2h, longest: 2d, requests: 500",
            "least: 1d, longest: 3d, requests: 0",
        ]);
        let through = self.field("through", &["", "", "peak"]);
        let excused = self.field("excuse_below", &["", "", "500"]);
        line.push_str(&format!(", bake: {{{bake}{through}{excused}}}"));
        line.push_str(&self.field("max_parallel", &["", "", "{tenants: 1}", "{tenants: 2, cells: 1}"]));
        line.push_str(&self.field("gates", &["", "", "[{uses: gate-0}]"]));
        let own: Vec<&str> = windows.iter().map(|(name, _)| name.as_str()).collect();
        let own: Vec<&str> = own.into_iter().filter(|name| name.starts_with("open")).collect();
        if !own.is_empty() && self.random.percent(20) {
            line.push_str(&format!(", windows: [{}]", self.random.pick(&own)));
        }
        if index + 1 < waves {
            line.push_str(super::features::only_when(self.features));
        }
        format!("  - {{{line}}}\n")
    }

    /// No two of one kind, which would be one message.
    fn notice_rules(&mut self, waves: u32) -> String {
        let mut text = String::new();
        let period = [
            "12 hours",
            "1 day",
            "3 days",
            "2 working days",
            "5 working days",
            "1 week",
        ];
        for kind in ["notice", "preview", "reminder", "confirmation", "note"] {
            if !self.random.percent(35) {
                continue;
            }
            let mut line = format!("kind: {kind}");
            if kind != "confirmation" {
                let least = if kind == "notice" {
                    &period[..]
                } else {
                    &["", "2 hours", "1 day"]
                };
                line.push_str(&self.field("at_least", least));
                line.push_str(&self.field("at_most", &["", "", "2 weeks"]));
                line.push_str(&self.field("required", &["", "", "true", "false"]));
            }
            line.push_str(&self.field("releases", &["", "", "[scheduled]", "[emergency, patch]"]));
            line.push_str(&self.field("impact", &["", "", "", "[breaking]"]));
            line.push_str(&self.field("audience", &["", "", "[developer]"]));
            if self.random.percent(20) {
                line.push_str(&format!(", waves: [w{}]", self.random.between(1, waves)));
            }
            text.push_str(&format!("  - {{{line}}}\n"));
        }
        if text.is_empty() {
            text
        } else {
            format!("notices:\n{text}")
        }
    }

    fn approval_rules(&mut self, waves: u32) -> String {
        let mut text = String::new();
        for index in 0..self.random.below(3) {
            let mut line = format!("name: board-{}", index + 1);
            line.push_str(&self.field("roles", &["", "[approver]", "[security]", "[approver, security]"]));
            line.push_str(&self.field("count", &["", "", "2"]));
            line.push_str(&self.field("releases", &["", "", "[scheduled]"]));
            line.push_str(&self.field("expires", &["", "", "6h", "2d", "10d"]));
            if self.random.percent(50) {
                line.push_str(&format!(", before: {{wave: w{}}}", self.random.between(1, waves)));
            }
            text.push_str(&format!("  - {{{line}}}\n"));
        }
        if text.is_empty() {
            text
        } else {
            format!("approvals:\n{text}")
        }
    }
}
