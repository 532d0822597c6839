//! `tidegate windows`: when a tenant may move, and why not otherwise.

mod page;

use std::process::ExitCode;

use clap::{Args as Arguments, Subcommand};
use serde_json::{Value, json};
use tidegate_domain::calendar::{Calendars, Class, ClockChange, Day, Local, LocalDate, Opening, Stretch};
use tidegate_domain::id::TenantName;
use tidegate_domain::time::Timestamp;

use self::page::Page;
use crate::context::Context;
use crate::error::CliError;
use crate::paint::Paint;
use crate::{output, project, verb, when};

/// Show when a tenant may move
#[derive(Debug, Clone, Arguments)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Clone, Subcommand)]
enum What {
    Explain(Explain),
}

/// Draw the days of a tenant: when it may move, when not, and why
#[derive(Debug, Clone, Arguments)]
struct Explain {
    /// The tenant, by its id
    #[arg(long, value_name = "ID")]
    tenant: TenantName,
    /// The first day, such as 2026-11-23; by default today, where the tenant is
    #[arg(long, value_name = "DATE")]
    from: Option<LocalDate>,
    /// How many days
    #[arg(long, value_name = "N", default_value_t = 14, value_parser = clap::value_parser!(u16).range(1..=366))]
    days: u16,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args, context: &Context) -> Result<ExitCode, CliError> {
    let What::Explain(args) = &args.what;
    let picture = Picture::read(args, context)?;
    if args.json {
        output::json(&picture.document())?;
    } else {
        let paint = Paint {
            on: context.color_stdout(),
        };
        output::data(&Page::new(&picture, paint).draw())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// All that is drawn of a tenant.
struct Picture {
    tenant: TenantName,
    class: Class,
    /// From which instant on the next opening is looked for: now, or the first of the days.
    asked: Timestamp,
    days: Vec<Day>,
    next: Option<Opening>,
    /// When what is open after that opens again.
    opens_again: Option<Opening>,
}

impl Picture {
    fn read(args: &Explain, context: &Context) -> Result<Self, CliError> {
        let files = project::read_calendars(context)?;
        let id = args.tenant.as_str();
        if let Some(mistake) = files.broken.get(id) {
            return Err(CliError::new(format!("tenant `{id}` is written wrongly: {mistake}")));
        }
        let tenant = files.tenants.get(id).ok_or_else(|| {
            CliError::new(format!("there is no tenant `{id}` in tenants.yaml"))
                .help("name one by its `id`, or the project's folder with `--project DIR`")
        })?;
        let calendars: &Calendars = &files.calendars;
        let class = calendars.class(tenant).map_err(|error| {
            let help = error.help();
            CliError::new(format!("cannot tell when tenant `{id}` may move"))
                .because(error)
                .help(help)
        })?;
        let (from, asked) = match args.from {
            Some(LocalDate(date)) => (date, calendars.midnight(&class, date)),
            None => (calendars.date(&class, when::now()), when::now()),
        };
        let next = calendars.next_open(&class, asked);
        let closes = next.as_ref().and_then(|next| next.closes);
        Ok(Self {
            tenant: tenant.id.clone(),
            asked,
            days: calendars.days(&class, from, args.days),
            opens_again: closes.and_then(|closes| calendars.next_open(&class, closes)),
            next,
            class,
        })
    }

    fn local(&self, at: Timestamp) -> String {
        Local::new(at, &self.class.zone).rfc9557()
    }

    fn document(&self) -> Value {
        let opening = |opening: &Option<Opening>| {
            opening.as_ref().map(|opening| {
                json!({
                    "at": self.local(opening.at), "window": opening.window,
                    "closes": opening.closes.map(|at| self.local(at)), "reason": opening.reason.words(&self.class.zone),
                })
            })
        };
        json!({
            "schema_version": verb::SCHEMA_VERSION,
            "tenant": self.tenant,
            "time_zone": self.class.zone,
            "calendar": self.class.calendar,
            "asked": self.local(self.asked),
            "next_open": opening(&self.next),
            "opens_again": opening(&self.opens_again),
            "days": self.days.iter().map(|day| self.day(day)).collect::<Vec<_>>(),
        })
    }

    fn day(&self, day: &Day) -> Value {
        let change = |change: ClockChange| json!({ "at": self.local(change.at), "before": page::clock(change.before), "after": page::clock(change.after) });
        let stretch = |stretch: &Stretch| {
            let openness = &stretch.openness;
            json!({
                "from": self.local(stretch.from), "until": self.local(stretch.until), "open": openness.open,
                "window": openness.window, "reason": openness.reason.words(&self.class.zone),
            })
        };
        json!({
            "date": day.date,
            "hours": day.hours,
            "working_day": day.working.as_ref().and_then(|working| working.as_ref().ok()),
            "working_day_unknown": day.working.as_ref().and_then(|working| Some(working.as_ref().err()?.to_string())),
            "holiday": day.holiday,
            "clocks": day.clocks.map(change),
            "stretches": day.stretches.iter().map(stretch).collect::<Vec<_>>(),
        })
    }
}
