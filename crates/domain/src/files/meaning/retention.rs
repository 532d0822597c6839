//! Nothing of the journal is dropped that is not written elsewhere first, and nothing that is hardly over.

use crate::files::Retention;
use crate::files::diagnostic::{Code, Finding, Report};
use crate::files::tree::Node;
use crate::time::Duration;

/// The fields that are times.
const TIMES: [&str; 4] = ["journal", "plans", "events", "effects"];

pub(super) fn check(report: &mut Report<'_>, tree: &Node) {
    let Some(retention) = tree.entry("retention").map(|entry| &entry.value) else {
        return;
    };
    for time in TIMES.iter().filter_map(|field| retention.field(field)) {
        let parsed = time.text().and_then(|text| text.parse::<Duration>().ok());
        if parsed.is_some_and(|length| length < Retention::SHORTEST) {
            let message = format!("what is over is kept for {} at the least", Retention::SHORTEST);
            report.push(Finding::error(Code::Conflict, &time.span, message).help("write a longer time, such as `30d`"));
        }
    }
    match (retention.entry("journal"), retention.entry("export_to")) {
        (Some(journal), None) => {
            let message = "rows of the journal are not dropped before they are written elsewhere".to_owned();
            report.push(
                Finding::error(Code::Conflict, &journal.key_span, message)
                    .help("add `export_to:` with the folder that they are written to, or remove `journal`"),
            );
        }
        (None, Some(export_to)) => {
            let message = "nothing is written there: all rows of the journal are kept".to_owned();
            report.push(
                Finding::error(Code::Conflict, &export_to.key_span, message)
                    .help("add `journal:` with the time after which rows go there, or remove `export_to`"),
            );
        }
        (Some(_), Some(_)) | (None, None) => {}
    }
}
