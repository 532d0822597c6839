//! `tidegate token`: who may do what.

use std::collections::BTreeSet;
use std::process::ExitCode;

use clap::{Args as Arguments, Subcommand};
use serde_json::Value;
use tidegate_domain::id::CellName;
use tidegate_domain::time::{Duration, Timestamp};
use tidegate_server::api::{NewToken, TokenList, TokenMade, TokenStatus};
use tidegate_server::auth::{Role, Scope};

use crate::client::with_query;
use crate::context::Context;
use crate::error::CliError;
use crate::table::table;
use crate::{output, when};

/// Make, list and revoke tokens: each names a person or machine, with roles
#[derive(Debug, Clone, Arguments)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Clone, Subcommand)]
enum What {
    /// Make a token; it is printed once and kept nowhere
    Create(Create),
    /// List tokens, without their secrets
    List(List),
    /// Take a token back: it opens nothing from now on
    Revoke(Revoke),
}

#[derive(Debug, Clone, Arguments)]
struct Create {
    /// Who uses it: the journal names it as the actor
    name: String,
    /// What it may do: viewer, author, approver, product, operator or admin; may be given several times
    #[arg(long = "role", value_name = "ROLE", required = true, value_parser = role)]
    roles: Vec<Role>,
    /// Only for the tenants of this cell; may be given several times
    #[arg(long = "cell", value_name = "NAME")]
    cells: Vec<CellName>,
    /// How long it is good for
    #[arg(long, value_name = "DURATION", default_value = "90d")]
    expires_in: Duration,
    /// Why; it stands in the journal
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Arguments)]
struct List {
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Arguments)]
struct Revoke {
    /// As `tidegate token list` shows it
    id: String,
    /// Why; it stands in the journal
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

pub fn run(args: &Args, context: &Context) -> Result<ExitCode, CliError> {
    match &args.what {
        What::Create(args) => create(args, context)?,
        What::List(args) => list(args, context)?,
        What::Revoke(args) => {
            let path = with_query(
                &format!("/v1/tokens/{}", args.id),
                &[("reason", args.reason.as_deref())],
            );
            context.client()?.delete::<Value>(&path)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn create(args: &Create, context: &Context) -> Result<(), CliError> {
    let scope = if args.cells.is_empty() {
        Scope::Service
    } else {
        Scope::Cells(args.cells.iter().cloned().collect())
    };
    let wish = NewToken {
        name: args.name.clone(),
        roles: args.roles.iter().copied().collect::<BTreeSet<Role>>(),
        scope,
        expires_ms: (when::now() + args.expires_in).0,
        reason: args.reason.clone(),
    };
    let made: TokenMade = context.client()?.post("/v1/tokens", &wish)?;
    if args.json {
        return output::json(&made);
    }
    output::data(&format!("{}\n", made.token))?;
    output::message(&format!(
        "token {} of {}, good until {}; it is not shown again",
        made.id,
        made.name,
        when::instant(Timestamp(made.expires_ms))
    ));
    Ok(())
}

fn list(args: &List, context: &Context) -> Result<(), CliError> {
    let list: TokenList = context.client()?.get("/v1/tokens")?;
    if args.json {
        return output::json(&list);
    }
    let rows: Vec<[String; 6]> = list.tokens.iter().map(row).collect();
    output::data(&table(["id", "name", "roles", "for", "expires", "last used"], &rows))
}

fn row(token: &TokenStatus) -> [String; 6] {
    let roles: Vec<&str> = token.roles.iter().map(|role| role.as_str()).collect();
    let scope = match &token.scope {
        Scope::Service => "the whole service".to_owned(),
        Scope::Cells(cells) => cells.iter().map(CellName::as_str).collect::<Vec<_>>().join(", "),
    };
    let used = token
        .used_ms
        .map_or("never".to_owned(), |at| when::instant(Timestamp(at)));
    let expires = when::instant(Timestamp(token.expires_ms));
    [
        token.id.clone(),
        token.name.clone(),
        roles.join(", "),
        scope,
        expires,
        used,
    ]
}

fn role(text: &str) -> Result<Role, String> {
    let found = Role::ALL.into_iter().find(|role| role.as_str() == text);
    found.ok_or_else(|| format!("the roles are {}", Role::ALL.map(Role::as_str).join(", ")))
}
