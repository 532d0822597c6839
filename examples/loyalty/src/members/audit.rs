//! The members of a cell as its file has them, and what was done to their schema.

use std::path::Path;

use super::{Members, MembersError, failed};

/// A member as it is on disk. Where both columns are there and filled, they must be alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberRow {
    pub tenant: String,
    pub id: String,
    pub name: Option<String>,
    pub columns_differ: bool,
}

/// A process that began a step.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct StepRun {
    pub step: String,
    pub effect: String,
    pub process: i32,
}

/// What the steps came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Work {
    /// In the order in which they began.
    pub runs: Vec<StepRun>,
    /// Each change, with the rows that it filled.
    pub changes: Vec<(String, i64)>,
    /// Of the table of members.
    pub columns: Vec<String>,
}

/// Tenant, id, name, and whether the columns of both schemas differ.
type Found = (String, String, Option<String>, bool);

/// # Errors
/// The database cannot be read.
pub async fn rows(data: &Path) -> Result<Vec<MemberRow>, MembersError> {
    let members = Members::open(data).await?;
    let columns = columns(&members).await?;
    let has = |name: &str| columns.iter().any(|column| column == name);
    let sql = match (has("name"), has("full_name")) {
        (true, true) => {
            "SELECT tenant, id, coalesce(full_name, name), full_name IS NOT NULL AND full_name IS NOT name FROM member"
        }
        (true, false) => "SELECT tenant, id, name, 0 FROM member",
        (false, _) => "SELECT tenant, id, full_name, 0 FROM member",
    };
    let found: Result<Vec<Found>, _> = sqlx::query_as(sql).fetch_all(&members.pool).await;
    let found = found.map_err(failed(&members.path))?.into_iter();
    let rows = found.map(|(tenant, id, name, columns_differ)| MemberRow {
        tenant,
        id,
        name,
        columns_differ,
    });
    Ok(rows.collect())
}

/// # Errors
/// The database cannot be read.
pub async fn work(data: &Path) -> Result<Work, MembersError> {
    let members = Members::open(data).await?;
    let read = async {
        let runs = sqlx::query_as("SELECT step, effect, process FROM step_run ORDER BY number")
            .fetch_all(&members.pool)
            .await?;
        let changes = sqlx::query_as("SELECT step, rows FROM step_change ORDER BY number")
            .fetch_all(&members.pool)
            .await?;
        Ok((runs, changes))
    };
    let (runs, changes) = read.await.map_err(failed(&members.path))?;
    let columns = columns(&members).await?;
    Ok(Work { runs, changes, columns })
}

async fn columns(members: &Members) -> Result<Vec<String>, MembersError> {
    sqlx::query_scalar("SELECT name FROM pragma_table_info('member') ORDER BY cid")
        .fetch_all(&members.pool)
        .await
        .map_err(failed(&members.path))
}
