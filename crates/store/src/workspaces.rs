//! Tenants and who belongs to them.

use domain::id::{UserId, WorkspaceId};
use domain::workspace::{Billing, Role, Workspace};

use crate::db::{Db, Tx};
use crate::error::StoreError;
use crate::row;

#[derive(sqlx::FromRow)]
struct WorkspaceRow {
    workspace_id: String,
    name: String,
    owner_id: String,
    billing: String,
    created_at: i64,
}

#[derive(sqlx::FromRow)]
struct MembershipRow {
    #[sqlx(flatten)]
    workspace: WorkspaceRow,
    role: String,
}

impl TryFrom<WorkspaceRow> for Workspace {
    type Error = StoreError;

    fn try_from(row: WorkspaceRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: row::parse("workspace_id", &row.workspace_id)?,
            name: row.name,
            owner: row::parse("owner_id", &row.owner_id)?,
            billing: parse_billing(&row.billing)?,
            created_at: row::time(row.created_at),
        })
    }
}

pub(crate) fn parse_billing(text: &str) -> Result<Billing, StoreError> {
    [Billing::Prepaid, Billing::Unmetered]
        .into_iter()
        .find(|billing| billing.as_str() == text)
        .ok_or(StoreError::Corrupt { column: "billing" })
}

const fn role_text(role: Role) -> &'static str {
    match role {
        Role::Owner => "owner",
        Role::Member => "member",
    }
}

fn parse_role(text: &str) -> Result<Role, StoreError> {
    [Role::Owner, Role::Member]
        .into_iter()
        .find(|role| role_text(*role) == text)
        .ok_or(StoreError::Corrupt { column: "role" })
}

pub async fn find(db: &Db, id: WorkspaceId) -> Result<Option<Workspace>, StoreError> {
    const SQL: &str = "
        SELECT workspace_id, name, owner_id, billing, created_at
          FROM workspaces
         WHERE workspace_id = $1";
    let row: Option<WorkspaceRow> = fetch_optional!(db.read().await?, SQL, id.to_string())?;
    row.map(Workspace::try_from).transpose()
}

/// The workspaces that a person belongs to, the one they joined first at the beginning.
pub async fn list_for_user(db: &Db, user: UserId) -> Result<Vec<(Workspace, Role)>, StoreError> {
    const SQL: &str = "
        SELECT w.workspace_id, w.name, w.owner_id, w.billing, w.created_at, m.role
          FROM workspace_members m
          JOIN workspaces w ON w.workspace_id = m.workspace_id
         WHERE m.user_id = $1
         ORDER BY m.created_at, w.workspace_id";
    let rows: Vec<MembershipRow> = fetch_all!(db.read().await?, SQL, user.to_string())?;
    rows.into_iter()
        .map(|row| Ok((Workspace::try_from(row.workspace)?, parse_role(&row.role)?)))
        .collect()
}

/// Changes whether use is paid for in advance. False when there is no such workspace.
pub async fn set_billing(db: &Db, id: WorkspaceId, billing: Billing) -> Result<bool, StoreError> {
    const SQL: &str = "UPDATE workspaces SET billing = $2 WHERE workspace_id = $1";
    Ok(execute!(db.write().await?, SQL, id.to_string(), billing.as_str())? == 1)
}

pub(crate) async fn insert(tx: &mut Tx, workspace: &Workspace) -> Result<(), StoreError> {
    const SQL: &str = "
        INSERT INTO workspaces (workspace_id, name, owner_id, billing, created_at)
        VALUES ($1, $2, $3, $4, $5)";
    execute!(
        tx,
        SQL,
        workspace.id.to_string(),
        &workspace.name,
        workspace.owner.to_string(),
        workspace.billing.as_str(),
        workspace.created_at.as_micros(),
    )?;
    Ok(())
}

pub(crate) async fn insert_member(
    tx: &mut Tx,
    workspace: &Workspace,
    user: UserId,
    role: Role,
) -> Result<(), StoreError> {
    const SQL: &str = "
        INSERT INTO workspace_members (workspace_id, user_id, role, created_at)
        VALUES ($1, $2, $3, $4)";
    execute!(
        tx,
        SQL,
        workspace.id.to_string(),
        user.to_string(),
        role_text(role),
        workspace.created_at.as_micros(),
    )?;
    Ok(())
}
