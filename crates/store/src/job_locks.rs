//! Locks that make one instance run each job.

use domain::id::NodeId;
use domain::time::Timestamp;

use crate::db::Db;
use crate::error::StoreError;

/// Takes or renews the lock `name` until `until`. False while another node holds it.
pub async fn try_lock(
    db: &Db,
    name: &str,
    holder: NodeId,
    until: Timestamp,
    now: Timestamp,
) -> Result<bool, StoreError> {
    const SQL: &str = "
        INSERT INTO job_locks (name, holder, held_until)
        VALUES ($1, $2, $3)
        ON CONFLICT (name) DO UPDATE
           SET holder = excluded.holder,
               held_until = excluded.held_until
         WHERE job_locks.holder = excluded.holder
            OR job_locks.held_until <= $4";
    let (holder, until) = (holder.to_string(), until.as_micros());
    Ok(execute!(db.write().await?, SQL, name, holder, until, now.as_micros())? == 1)
}

/// Gives the lock back early. Does nothing when another node holds it.
pub async fn unlock(db: &Db, name: &str, holder: NodeId) -> Result<(), StoreError> {
    const SQL: &str = "DELETE FROM job_locks WHERE name = $1 AND holder = $2";
    execute!(db.write().await?, SQL, name, holder.to_string())?;
    Ok(())
}
