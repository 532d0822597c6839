//! One JSON request a line, one JSON answer a line, each written out before the next request is read.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::io::{self, BufRead, Read as _, Write as _};

use serde_json::{Map, Value, json};
use tidegate_domain::calendar::{CalendarError, Calendars, Class, Local, LocalDate, Period, read_instant};
use tidegate_domain::files::{CalendarFiles, CalendarTenant};
use tidegate_domain::id::{CalendarName, TenantName};
use tidegate_domain::time::Timestamp;

use crate::context::Context;
use crate::error::CliError;
use crate::project;

/// Many times what a request needs; a longer line is no request.
const LINE_BYTES_MAX: u64 = 64 * 1024;

/// Answers until stdin ends, or until nobody reads stdout.
pub fn run(context: &Context) -> Result<(), CliError> {
    let mut answers = Answers::new(project::read_calendars(context)?);
    let (mut stdin, mut stdout) = (io::stdin().lock(), io::stdout().lock());
    while let Some(line) = next_line(&mut stdin).map_err(|error| CliError::new("cannot read stdin").because(error))? {
        let answer = line.and_then(|line| answers.to(&line));
        let answer = answer.unwrap_or_else(|Refusal(text)| json!({ "error": text }));
        match writeln!(stdout, "{answer}").and_then(|()| stdout.flush()) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => break,
            Err(error) => return Err(CliError::new("cannot write to stdout").because(error)),
        }
    }
    Ok(())
}

/// The next line without its end; none at the end of the input.
fn next_line(input: &mut impl BufRead) -> io::Result<Option<Result<String, Refusal>>> {
    let mut line = Vec::new();
    if input.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    if !line.ends_with(b"\n") && line.len() as u64 == LINE_BYTES_MAX {
        input.skip_until(b'\n')?;
        return Ok(Some(Err(Refusal(format!(
            "a request has at most {LINE_BYTES_MAX} bytes"
        )))));
    }
    let text = String::from_utf8(line).map_err(|_| Refusal("the request is not UTF-8 text".to_owned()));
    Ok(Some(text))
}

/// Why a request is not answered, and what to write instead.
struct Refusal(String);

impl Refusal {
    fn new(refused: impl Display) -> Self {
        Self(refused.to_string())
    }
}

impl From<CalendarError> for Refusal {
    fn from(error: CalendarError) -> Self {
        Self(format!("{error}: {}", error.help()))
    }
}

type Verb = fn(&mut Answers, &Request<'_>) -> Result<Value, Refusal>;

const VERBS: [(&str, Verb); 4] = [
    ("is-open", Answers::is_open),
    ("next-open", Answers::next_open),
    ("notice-deadline", Answers::notice_deadline),
    ("working-days-before", Answers::working_days_before),
];

/// A request, by its fields.
struct Request<'r> {
    verb: &'r str,
    fields: &'r Map<String, Value>,
}

impl Request<'_> {
    fn text(&self, field: &str, example: &str) -> Result<&str, Refusal> {
        let verb = self.verb;
        match self.fields.get(field) {
            Some(Value::String(text)) => Ok(text),
            Some(other) => Err(Refusal(format!(
                "`{field}` of `{verb}` must be text such as `{example}`, not {other}"
            ))),
            None => Err(Refusal(format!("`{verb}` needs `{field}`, such as `{example}`"))),
        }
    }

    fn instant(&self, field: &str) -> Result<Timestamp, Refusal> {
        let text = self.text(field, "2026-12-24T02:00:00+01:00[Europe/Berlin]")?;
        read_instant(text).map_err(Refusal::new)
    }
}

/// The calendars, and the classes of the tenants that were asked for.
struct Answers {
    calendars: Calendars,
    tenants: BTreeMap<TenantName, CalendarTenant>,
    broken: BTreeMap<String, String>,
    classes: BTreeMap<TenantName, Class>,
}

impl Answers {
    fn new(files: CalendarFiles) -> Self {
        let CalendarFiles {
            calendars,
            tenants,
            broken,
        } = files;
        Self {
            calendars,
            tenants,
            broken,
            classes: BTreeMap::new(),
        }
    }

    fn to(&mut self, line: &str) -> Result<Value, Refusal> {
        let request: Value =
            serde_json::from_str(line.trim()).map_err(|error| Refusal(format!("the request is not JSON: {error}")))?;
        let Value::Object(fields) = &request else {
            return Err(Refusal(
                "a request is an object such as {\"verb\": \"is-open\", …}".to_owned(),
            ));
        };
        let verbs = || VERBS.map(|(name, _)| format!("`{name}`")).join(", ");
        let verb = match fields.get("verb") {
            Some(Value::String(verb)) => verb,
            Some(_) | None => return Err(Refusal(format!("`verb` is missing: it is one of {}", verbs()))),
        };
        let known = VERBS.iter().find(|(name, _)| name == verb);
        let (_, answer) =
            known.ok_or_else(|| Refusal(format!("there is no verb `{verb}`: the verbs are {}", verbs())))?;
        answer(self, &Request { verb, fields })
    }

    fn is_open(&mut self, request: &Request<'_>) -> Result<Value, Refusal> {
        let class = self.class(request)?;
        let openness = self.calendars.is_open(&class, request.instant("at")?);
        Ok(json!({
            "open": openness.open, "window": openness.window, "reason": openness.reason.words(&class.zone),
        }))
    }

    fn next_open(&mut self, request: &Request<'_>) -> Result<Value, Refusal> {
        let class = self.class(request)?;
        let opening = self.calendars.next_open(&class, request.instant("at")?);
        let local = |at: Timestamp| Local::new(at, &class.zone).rfc9557();
        Ok(json!({
            "at": opening.as_ref().map(|opening| local(opening.at)),
            "window": opening.as_ref().and_then(|opening| opening.window.as_ref()),
            "closes": opening.as_ref().and_then(|opening| opening.closes).map(local),
        }))
    }

    fn notice_deadline(&mut self, request: &Request<'_>) -> Result<Value, Refusal> {
        let class = self.class(request)?;
        let start = request.instant("start")?;
        let period: Period = request
            .text("period", "5 working days")?
            .parse()
            .map_err(Refusal::new)?;
        let at = self.calendars.notice_deadline(&class, start, &period)?;
        Ok(json!({ "at": Local::new(at, &class.zone).rfc9557() }))
    }

    fn working_days_before(&mut self, request: &Request<'_>) -> Result<Value, Refusal> {
        let LocalDate(date) = request.text("date", "2027-01-04")?.parse().map_err(Refusal::new)?;
        let n = request
            .fields
            .get("n")
            .ok_or_else(|| Refusal("`working-days-before` needs `n`, such as 5".to_owned()))?;
        let days = n.as_u64().and_then(|n| u16::try_from(n).ok());
        let days =
            days.ok_or_else(|| Refusal(format!("`n` must be a whole number from 0 to {}, not {n}", u16::MAX)))?;
        let calendar: CalendarName = request.text("calendar", "eu")?.parse().map_err(Refusal::new)?;
        let date = self.calendars.working_days_before(&calendar, date, days)?;
        Ok(json!({ "date": date }))
    }

    fn class(&mut self, request: &Request<'_>) -> Result<Class, Refusal> {
        let id = request.text("tenant", "acme")?;
        if let Some(mistake) = self.broken.get(id) {
            return Err(Refusal(format!("tenant `{id}` is written wrongly: {mistake}")));
        }
        if let Some(class) = self.classes.get(id) {
            return Ok(class.clone());
        }
        let tenant = self.tenants.get(id);
        let tenant = tenant.ok_or_else(|| Refusal(format!("there is no tenant `{id}`: list it in tenants.yaml")))?;
        let class = self.calendars.class(tenant)?;
        self.classes.insert(tenant.id.clone(), class.clone());
        Ok(class)
    }
}
