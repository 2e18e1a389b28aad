//! People and their passwords.

use domain::id::UserId;
use domain::time::Timestamp;
use domain::user::User;
use domain::workspace::{Role, Workspace};
use ledger::account::FundKey;

use crate::db::Db;
use crate::error::StoreError;
use crate::row;
use crate::workspaces;

/// A person who signs up, with the workspace that is made for them.
#[derive(Debug, Clone)]
pub struct NewUser {
    pub user: User,
    /// In PHC form; never the password itself.
    pub password_hash: String,
    pub workspace: Workspace,
}

/// A person and what their password is checked against.
#[derive(Debug, Clone)]
pub struct UserWithPassword {
    pub user: User,
    pub password_hash: String,
}

#[derive(sqlx::FromRow)]
struct UserRow {
    user_id: String,
    email: String,
    name: String,
    password_hash: String,
    is_operator: bool,
    created_at: i64,
}

impl TryFrom<UserRow> for UserWithPassword {
    type Error = StoreError;

    fn try_from(row: UserRow) -> Result<Self, StoreError> {
        Ok(Self {
            user: User {
                id: row::parse("user_id", &row.user_id)?,
                email: row.email,
                name: row.name,
                is_operator: row.is_operator,
                created_at: row::time(row.created_at),
            },
            password_hash: row.password_hash,
        })
    }
}

/// Adds a person, their workspace, their membership as owner and the account of its credits.
///
/// Fails with [`crate::Constraint::UserEmail`] when the address is taken.
pub async fn insert(db: &Db, new: &NewUser) -> Result<(), StoreError> {
    const SQL_USER: &str = "
        INSERT INTO users (user_id, email, name, password_hash, is_operator, created_at,
               password_changed_at)
        VALUES ($1, $2, $3, $4, $5, $6, $6)";
    const SQL_ACCOUNT: &str = "
        INSERT INTO ledger_accounts (account_key, workspace_id, credits_posted_nanos,
               debits_posted_nanos, debits_pending_nanos, overdraft_nanos, created_at)
        VALUES ($1, $2, 0, 0, 0, 0, $3)";
    let (user, workspace) = (&new.user, &new.workspace);
    let mut tx = db.begin().await?;
    execute!(
        tx,
        SQL_USER,
        user.id.to_string(),
        &user.email,
        &user.name,
        &new.password_hash,
        user.is_operator,
        user.created_at.as_micros(),
    )?;
    workspaces::insert(&mut tx, workspace).await?;
    workspaces::insert_member(&mut tx, workspace, user.id, Role::Owner).await?;
    execute!(
        tx,
        SQL_ACCOUNT,
        FundKey::Credits(workspace.id).to_string(),
        workspace.id.to_string(),
        workspace.created_at.as_micros(),
    )?;
    tx.commit().await
}

pub async fn find(db: &Db, id: UserId) -> Result<Option<User>, StoreError> {
    Ok(find_row(db, id).await?.map(|found| found.user))
}

/// Finds a person by their address, in lower case.
pub async fn find_by_email(db: &Db, email: &str) -> Result<Option<UserWithPassword>, StoreError> {
    const SQL: &str = "
        SELECT user_id, email, name, password_hash, is_operator, created_at
          FROM users
         WHERE email = $1";
    let row: Option<UserRow> = fetch_optional!(db.read().await?, SQL, email)?;
    row.map(UserWithPassword::try_from).transpose()
}

/// The hash that a person's password is checked against.
pub async fn find_password(db: &Db, id: UserId) -> Result<Option<String>, StoreError> {
    Ok(find_row(db, id).await?.map(|found| found.password_hash))
}

async fn find_row(db: &Db, id: UserId) -> Result<Option<UserWithPassword>, StoreError> {
    const SQL: &str = "
        SELECT user_id, email, name, password_hash, is_operator, created_at
          FROM users
         WHERE user_id = $1";
    let row: Option<UserRow> = fetch_optional!(db.read().await?, SQL, id.to_string())?;
    row.map(UserWithPassword::try_from).transpose()
}

/// Replaces a person's password. False when there is no such person.
pub async fn set_password(
    db: &Db,
    id: UserId,
    password_hash: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    const SQL: &str = "
        UPDATE users
           SET password_hash = $2,
               password_changed_at = $3
         WHERE user_id = $1";
    let changed = execute!(db.write().await?, SQL, id.to_string(), password_hash, now.as_micros())?;
    Ok(changed == 1)
}

pub async fn count(db: &Db) -> Result<u64, StoreError> {
    const SQL: &str = "SELECT COUNT(*) FROM users";
    let (count,): (i64,) = fetch_one!(db.read().await?, SQL)?;
    row::count("count", count)
}
