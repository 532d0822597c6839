//! Answers questions about flags, one JSON document a line: `{"flags", "key", "context", "now"}` in,
//! `{"reason", "variant", "code"}` out. `oracle/agree.py` asks it the same as other evaluators.

#![expect(clippy::print_stdout, reason = "the answers go to standard output")]

use std::error::Error;
use std::io::{BufRead, stdin};

use serde_json::{Value as Json, json};
use tidegate_flags::{Outcome, Snapshot, load_document};

fn main() -> Result<(), Box<dyn Error>> {
    for line in stdin().lock().lines() {
        let question: Json = serde_json::from_str(&line?)?;
        let context = question["context"].as_object().ok_or("the context is not an object")?;
        let key = question["key"].as_str().ok_or("the key is not a text")?;
        let now = question["now"].as_i64().ok_or("`now` is not a number of seconds")?;
        let (snapshot, _) = load_document(&Snapshot::default(), &question["flags"]);
        let outcome = snapshot.evaluate(key, context, now, &());
        let code = match outcome {
            Outcome::Failed(code) => code.as_str(),
            Outcome::Resolved { .. } | Outcome::CallersDefault(_) => "",
        };
        let variant = outcome.variant().map_or("", |variant| &*variant.name);
        println!(
            "{}",
            json!({"reason": outcome.reason(), "variant": variant, "code": code})
        );
    }
    Ok(())
}
