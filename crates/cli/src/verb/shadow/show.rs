//! `tidegate shadow show`: what mirrored requests of a wave have shown, by endpoint and field.

use std::process::ExitCode;

use clap::Args as Arguments;
use tidegate_domain::id::{CellName, Version, WaveName};
use tidegate_server::api::{Shadow, ShadowEndpoint, ShadowField, Shadows};

use crate::context::Context;
use crate::error::{CliError, Exit};
use crate::output;
use crate::table::count;

/// Show what mirrored requests of a wave have shown, by endpoint and field
///
/// A gate `shadow` leaves what it has compared: counts, and one example of each difference, redacted by the gate's rules.
#[derive(Debug, Clone, Arguments)]
pub(super) struct Show {
    /// The release
    #[arg(value_name = "RELEASE")]
    version: Version,
    /// The wave
    #[arg(value_name = "WAVE")]
    wave: WaveName,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
    /// End with 3 where a verdict is not `pass`
    #[arg(long)]
    exit_code: bool,
}

pub(super) fn run(args: &Show, context: &Context) -> Result<ExitCode, CliError> {
    let path = format!("/v1/releases/{}/waves/{}/shadow", args.version, args.wave);
    let shadows: Shadows = context.client()?.get(&path)?;
    if args.json {
        output::json(&shadows)?;
    } else {
        output::data(&page(args, &shadows))?;
    }
    let has_findings = shadows.comparisons.iter().any(|shadow| shadow.verdict != "pass");
    Ok(Exit::Findings.when(args.exit_code && has_findings))
}

fn page(args: &Show, shadows: &Shadows) -> String {
    if shadows.comparisons.is_empty() {
        return format!(
            "no gate `shadow` has compared anything for wave {} of release {}\n",
            args.wave, args.version
        );
    }
    let pages: Vec<String> = shadows.comparisons.iter().map(draw).collect();
    pages.join("\n")
}

fn draw(shadow: &Shadow) -> String {
    let mut text = String::new();
    for endpoint in &shadow.report.endpoints {
        draw_endpoint(endpoint, &mut text);
    }
    let cells: Vec<&str> = shadow.cells.iter().map(CellName::as_str).collect();
    text.push_str(&format!(
        "gate {} for {} in {}: {}: {}\n",
        shadow.gate,
        shadow.component,
        cells.join(", "),
        words(&shadow.verdict),
        shadow.reason
    ));
    let counts = &shadow.counts;
    text.push_str(&format!(
        "{} of {} requests were mirrored, {} of them to warm up\n",
        counts.mirrored, counts.matched, shadow.warm_up
    ));
    let lost = [
        (counts.busy, "not mirrored for want of room"),
        (counts.too_large, "not mirrored: a body was too long"),
        (counts.incomplete, "not mirrored: ended early, or became a stream"),
        (counts.no_instance, "not mirrored: no instance of the new version"),
        (counts.undelivered, "mirrored, and the answers were lost"),
        (shadow.unanswered_by_new, "not answered by the new version"),
        (shadow.unanswered_by_old, "not answered by the old version once more"),
    ];
    for (number, what) in lost.into_iter().filter(|(number, _)| *number > 0) {
        text.push_str(&format!("  {} {what}\n", count(number as usize, "request")));
    }
    for gateway in &shadow.unable {
        text.push_str(&format!(
            "  gateway {gateway} is of an earlier version and mirrors nothing\n"
        ));
    }
    text
}

fn draw_endpoint(endpoint: &ShadowEndpoint, text: &mut String) {
    let pairs = count(endpoint.pairs as usize, "pair");
    text.push_str(&format!("{}  ({pairs})\n", endpoint.endpoint));
    let (noise, told): (Vec<&ShadowField>, Vec<&ShadowField>) =
        endpoint.fields.iter().partition(|field| field.verdict == "pass");
    for field in told {
        let (verdict, kind) = (words(&field.verdict), words(&field.kind));
        text.push_str(&format!("  {verdict}: {}, {kind}\n    {}\n", field.field, field.reason));
        if let (Some(old), Some(new)) = (&field.old, &field.new) {
            text.push_str(&format!("    - {old}\n    + {new}\n"));
        }
    }
    if !noise.is_empty() {
        text.push_str(&format!("  noise in {}\n", count(noise.len(), "field")));
        for field in noise {
            let (kind, new, old) = (words(&field.kind), field.differs, field.noise);
            text.push_str(&format!(
                "    {}, {kind}: {new} of the new version, {old} of the old\n",
                field.field
            ));
        }
    }
    if let Some(latency) = &endpoint.latency {
        text.push_str(&format!("  latency {}: {}\n", words(&latency.verdict), latency.reason));
    }
    text.push('\n');
}

/// As people write what documents write with `_`.
fn words(name: &str) -> String {
    name.replace('_', " ")
}
