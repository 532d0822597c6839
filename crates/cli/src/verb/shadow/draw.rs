//! The differences for people: by endpoint and field, what matters first.

use tidegate_evidence::Verdict;
use tidegate_evidence::shadow::{EndpointReport, FieldReport, Shown};

use super::{Document, Unmatched};
use crate::table::count;

pub fn draw(document: &Document) -> String {
    let report = &document.report;
    let mut text = String::new();
    for endpoint in &report.endpoints {
        draw_endpoint(endpoint, &mut text);
    }
    text.push_str(&format!("{}: {}\n", report.verdict.in_words(), report.reason));
    draw_unmatched(&document.unmatched, &mut text);
    if !report.noise_measured && report.pairs > 0 {
        text.push_str(
            "Noise was not measured: record the old version twice, and give the second recording with `--noise`\n",
        );
    }
    text
}

fn draw_endpoint(endpoint: &EndpointReport, text: &mut String) {
    let (noise, told): (Vec<&FieldReport>, Vec<&FieldReport>) =
        endpoint.fields.iter().partition(|field| field.verdict == Verdict::Pass);
    text.push_str(&format!("{}  ({})\n", endpoint.endpoint, count_pairs(endpoint.pairs)));
    for field in told {
        text.push_str(&format!(
            "  {}: {}, {}\n    {}\n",
            field.verdict.in_words(),
            field.field,
            field.kind.in_words(),
            field.reason
        ));
        if let (Some(old), Some(new)) = (&field.old, &field.new) {
            text.push_str(&format!("    - {}\n    + {}\n", Shown::as_str(old), Shown::as_str(new)));
        }
    }
    if !noise.is_empty() {
        text.push_str(&format!("  noise in {}\n", count(noise.len(), "field")));
        for field in noise {
            let (new, old) = (field.differs, field.noise);
            let kind = field.kind.in_words();
            text.push_str(&format!(
                "    {}, {kind}: {new} of the new version, {old} of the old\n",
                field.field
            ));
        }
    }
    if let Some(latency) = &endpoint.latency {
        let decision = &latency.decision;
        text.push_str(&format!(
            "  latency {}: {}\n",
            decision.verdict.in_words(),
            decision.reason
        ));
    }
    text.push('\n');
}

fn draw_unmatched(unmatched: &Unmatched, text: &mut String) {
    let told = [
        (unmatched.old, "of the old version that the new one did not answer"),
        (unmatched.new, "of the new version that the old one did not answer"),
        (unmatched.without_noise, "of both that the old one did not answer twice"),
        (unmatched.noise, "in the recording of noise that belong to no pair"),
    ];
    for (number, what) in told.into_iter().filter(|(number, _)| *number > 0) {
        text.push_str(&format!(
            "Not compared: {} {what}\n",
            count(number as usize, "response")
        ));
    }
}

fn count_pairs(pairs: u64) -> String {
    count(pairs as usize, "pair")
}
