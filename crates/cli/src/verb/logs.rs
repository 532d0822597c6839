//! `tidegate logs`.

use std::process::ExitCode;
use std::str::FromStr;

use clap::Args as Arguments;
use tidegate_domain::id::CellName;
use tidegate_server::api::Logs;

use crate::client::with_query;
use crate::context::Context;
use crate::error::CliError;
use crate::output;

/// Show what an instance has printed last
#[derive(Debug, Clone, Arguments)]
pub struct Args {
    /// The slot, as `status` names it
    #[arg(value_name = "CELL/SLOT")]
    pub slot: Place,
    /// Which instance of the slot, from 0
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    pub instance: u16,
    /// At the most so many lines
    #[arg(long, value_name = "NUMBER", default_value_t = 100)]
    pub lines: usize,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Clone)]
pub struct Place {
    cell: CellName,
    slot: String,
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (cell, slot) = text.split_once('/').ok_or("write it like `eu/api-3f2a91c0b4de`")?;
        let cell = cell
            .parse()
            .map_err(|error: tidegate_domain::id::InvalidName| error.to_string())?;
        Ok(Self {
            cell,
            slot: slot.to_owned(),
        })
    }
}

pub fn run(args: &Args, context: &Context) -> Result<ExitCode, CliError> {
    let (instance, lines) = (args.instance.to_string(), args.lines.to_string());
    let path = with_query(
        "/v1/logs",
        &[
            ("cell", Some(args.slot.cell.as_str())),
            ("slot", Some(&args.slot.slot)),
            ("instance", Some(&instance)),
            ("lines", Some(&lines)),
        ],
    );
    show(&context.client()?.get(&path)?, args.json)
}

/// The lines as they were printed, or one document.
pub fn show(logs: &Logs, json: bool) -> Result<ExitCode, CliError> {
    if json {
        output::json(logs)?;
    } else {
        output::data(&logs.lines.iter().map(|line| format!("{line}\n")).collect::<String>())?;
    }
    Ok(ExitCode::SUCCESS)
}
