//! From `name` to `full_name`, while both versions read and write. Each step looks at what is there: begun again, it goes on.

use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use sqlx::SqliteConnection;

use super::{Members, MembersError, failed};

/// Rows filled in one transaction: others write in between.
const BATCH: i64 = 50;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Adds the new column beside the old one.
    AddFullName,
    /// Takes that back. What was written into the new column is in the old one too.
    RemoveFullName,
    /// Fills the new column of the rows that were there before.
    FillFullName,
    /// Removes the old column.
    DropName,
}

impl Step {
    const ALL: [Step; 4] = [
        Step::AddFullName,
        Step::RemoveFullName,
        Step::FillFullName,
        Step::DropName,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Step::AddFullName => "add-full-name",
            Step::RemoveFullName => "remove-full-name",
            Step::FillFullName => "fill-full-name",
            Step::DropName => "drop-name",
        }
    }

    pub fn parse(text: &str) -> Option<Step> {
        Step::ALL.into_iter().find(|step| step.as_str() == text)
    }

    /// The change of the schema; none where it is made already.
    fn change(self, columns: &[String]) -> Option<&'static str> {
        let has = |name: &str| columns.iter().any(|column| column == name);
        let (wanted, sql) = match self {
            Step::AddFullName => (!has("full_name"), include_str!("expand.sql")),
            Step::RemoveFullName => (has("full_name") && has("name"), include_str!("undo.sql")),
            Step::FillFullName => (false, ""),
            Step::DropName => (has("name"), include_str!("contract.sql")),
        };
        wanted.then_some(sql)
    }
}

/// Does one step in the cell whose data directory is given, and rests after each transaction for so long.
///
/// # Errors
/// The database cannot be used, or the old column is to go before every row is filled.
pub async fn run(data: &Path, step: Step, effect: &str, rest: Duration) -> Result<(), MembersError> {
    let members = Members::open(data).await?;
    members
        .write(async |connection| begun(connection, step, effect).await)
        .await?;
    match step {
        Step::FillFullName => fill(&members, rest).await,
        Step::AddFullName | Step::RemoveFullName | Step::DropName => {
            change(&members, step).await?;
            tokio::time::sleep(rest).await;
            Ok(())
        }
    }
}

async fn begun(connection: &mut SqliteConnection, step: Step, effect: &str) -> Result<(), sqlx::Error> {
    sqlx::query("INSERT INTO step_run (step, effect, process) VALUES (?, ?, ?)")
        .bind(step.as_str())
        .bind(effect)
        .bind(std::process::id())
        .execute(connection)
        .await?;
    Ok(())
}

/// The change and the word that it was made are one transaction.
async fn change(members: &Members, step: Step) -> Result<(), MembersError> {
    let unfilled = members.write(async |connection| {
        let columns: Vec<String> = sqlx::query_scalar("SELECT name FROM pragma_table_info('member')")
            .fetch_all(&mut *connection)
            .await?;
        let Some(sql) = step.change(&columns) else { return Ok(0) };
        if step == Step::DropName {
            let unfilled = unfilled(connection).await?;
            if unfilled > 0 {
                return Ok(unfilled);
            }
        }
        sqlx::raw_sql(sql).execute(&mut *connection).await?;
        changed(connection, step, 0).await?;
        Ok(0)
    });
    match unfilled.await? {
        0 => Ok(()),
        rows => Err(MembersError::NotFilled { rows }),
    }
}

/// In batches, the progress of which is told as `progress: FILLED/ALL`.
async fn fill(members: &Members, rest: Duration) -> Result<(), MembersError> {
    let step = Step::FillFullName;
    let all = sqlx::query_scalar("SELECT count(*) FROM member").fetch_one(&members.pool);
    let all: i64 = all.await.map_err(failed(&members.path))?;
    loop {
        let left = members.write(async |connection| {
            let filled = sqlx::query(
                "UPDATE member SET full_name = name WHERE number IN
                     (SELECT number FROM member WHERE full_name IS NULL ORDER BY number LIMIT ?)",
            )
            .bind(BATCH)
            .execute(&mut *connection)
            .await?;
            let filled = i64::try_from(filled.rows_affected()).unwrap_or(i64::MAX);
            if filled > 0 {
                changed(connection, step, filled).await?;
            }
            unfilled(connection).await
        });
        let left = left.await?;
        writeln!(std::io::stdout(), "progress: {}/{all}", (all - left).max(0)).map_err(MembersError::Tell)?;
        if left == 0 {
            return Ok(());
        }
        tokio::time::sleep(rest).await;
    }
}

async fn unfilled(connection: &mut SqliteConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("SELECT count(*) FROM member WHERE full_name IS NULL")
        .fetch_one(connection)
        .await
}

async fn changed(connection: &mut SqliteConnection, step: Step, rows: i64) -> Result<(), sqlx::Error> {
    sqlx::query("INSERT INTO step_change (step, rows) VALUES (?, ?)")
        .bind(step.as_str())
        .bind(rows)
        .execute(connection)
        .await?;
    Ok(())
}
