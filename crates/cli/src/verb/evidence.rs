//! `tidegate evidence`: recorded counts, judged as gates and monitors would have judged them at the time.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args as Arguments, Subcommand};
use tidegate_evidence::{Decided, Misfit, Recording, Verdict};

use crate::error::{CliError, Exit};
use crate::output;
use crate::table::{count, table};

/// Judge recorded counts of two versions
#[derive(Debug, Clone, Arguments)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Clone, Subcommand)]
enum What {
    Judge(Judge),
}

/// Judge the counts of a file, bucket by bucket, each with what was known at its end
///
/// The file is one JSON document; docs/evidence.md tells its fields and what the verdicts mean.
#[derive(Debug, Clone, Arguments)]
struct Judge {
    /// The file with the counts
    #[arg(value_name = "FILE.json")]
    file: PathBuf,
    /// Print one JSON array with a verdict for each bucket
    #[arg(long)]
    json: bool,
    /// End with 3 where the last verdict is not `pass`
    #[arg(long)]
    exit_code: bool,
}

pub fn run(args: &Args) -> Result<ExitCode, CliError> {
    let What::Judge(args) = &args.what;
    let decided = judge(args)?;
    if args.json {
        output::json(&decided)?;
    } else {
        output::data(&draw(&decided))?;
    }
    let passed = decided
        .last()
        .is_some_and(|last| last.decision.verdict == Verdict::Pass);
    Ok(Exit::Findings.when(args.exit_code && !passed))
}

fn judge(args: &Judge) -> Result<Vec<Decided>, CliError> {
    let file = args.file.display();
    let text = std::fs::read_to_string(&args.file)
        .map_err(|error| CliError::new(format!("cannot read `{file}`")).because(error))?;
    let recording: Recording = serde_json::from_str(&text).map_err(|error| {
        CliError::new(format!(
            "cannot read the counts of `{file}:{}:{}`",
            error.line(),
            error.column()
        ))
        .because(error)
        .help(
            "`metric` and `buckets` are needed, each bucket with `t`, `old` and `new`; docs/evidence.md has an example",
        )
    })?;
    recording.judge().map_err(
        |Misfit {
             pointer,
             problem,
             remedy,
         }| {
            CliError::new(format!(
                "cannot judge the counts of `{file}`: {problem}, at `{pointer}`"
            ))
            .help(remedy)
        },
    )
}

/// The verdicts that differ from the one before, and the last one, with its numbers.
fn draw(decided: &[Decided]) -> String {
    let Some(last) = decided.last() else {
        return "no buckets, no verdict\n".to_owned();
    };
    let mut rows = Vec::new();
    for (index, now) in decided.iter().enumerate() {
        let is_new = index == 0 || decided[index - 1].decision.verdict != now.decision.verdict;
        if is_new || index + 1 == decided.len() {
            rows.push(row(now));
        }
    }
    let titles = [
        "second",
        "verdict",
        "evidence",
        "ratio",
        "between",
        "old requests",
        "new requests",
    ];
    let mut text = table(titles, &rows);
    let buckets = count(decided.len(), "bucket");
    text.push_str(&format!(
        "\n{buckets}. {}: {}\n",
        last.decision.verdict.in_words(),
        last.decision.reason
    ));
    if let Some(needs) = &last.decision.needs {
        text.push_str(&format!("To decide: {needs}\n"));
    }
    text
}

fn row(decided: &Decided) -> [String; 7] {
    let decision = &decided.decision;
    let (low, high) = decision.interval;
    let number = |value: f64| {
        if value < 1e5 {
            format!("{value:.2}")
        } else {
            format!("{value:.1e}")
        }
    };
    [
        decided.t.to_string(),
        decision.verdict.in_words().to_owned(),
        number(decision.e_value),
        decision.estimate.map_or_else(|| "unknown".to_owned(), number),
        match high {
            Some(high) => format!("{} and {}", number(low), number(high)),
            None => format!("{} and anything", number(low)),
        },
        decision.samples.old.to_string(),
        decision.samples.new.to_string(),
    ]
}
