//! A tenant's members brought to another cell, while nobody serves the tenant.

use std::path::Path;

use super::{Members, MembersError, failed, put};
use crate::edition::Naming;
use crate::tenant::Tenant;

/// Copies a tenant's members, then removes them where they were. Killed anywhere and begun again, it ends the same.
///
/// # Errors
/// One of the databases cannot be used.
pub async fn copy(naming: Naming, tenant: &Tenant, (from, to): (&Path, &Path)) -> Result<u64, MembersError> {
    let (from, to) = (Members::open(from).await?, Members::open(to).await?);
    let sql = match naming {
        Naming::Name => "SELECT id, name FROM member WHERE tenant = ? ORDER BY number",
        Naming::FullName => "SELECT id, full_name FROM member_name WHERE tenant = ? ORDER BY id",
    };
    let found = sqlx::query_as(sql).bind(tenant.as_str()).fetch_all(&from.pool);
    let found: Vec<(String, String)> = found.await.map_err(failed(&from.path))?;
    to.write(async |connection| {
        for (id, name) in &found {
            put(connection, naming, (tenant.as_str(), id, name)).await?;
        }
        Ok(())
    })
    .await?;
    from.write(async |connection| {
        let removed = sqlx::query("DELETE FROM member WHERE tenant = ?").bind(tenant.as_str());
        Ok(removed.execute(connection).await?.rows_affected())
    })
    .await
}
