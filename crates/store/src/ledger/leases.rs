//! Slices of funds that nodes hold, so that requests need no SQL.

use domain::id::{LeaseId, NodeId};
use domain::money::Usd;
use domain::time::Timestamp;
use ledger::account::FundKey;
use std::collections::BTreeMap;

use super::{funds, retry};
use crate::db::{Db, Tx};
use crate::error::StoreError;
use crate::row;

/// How many leases one call of [`expire`] closes in one transaction.
const EXPIRE_MAX: i64 = 500;

/// How often [`lease`] looks at a fund that has enough whenever it is counted and too little
/// whenever it is locked. Each look means that someone else was served in between.
const LOOKS_MAX: u32 = 50;

/// A node asks for a slice of a fund.
#[derive(Debug, Clone)]
pub struct LeaseRequest {
    /// Chosen by the node, so that it can name the lease even if the answer is lost.
    pub lease: LeaseId,
    pub node: NodeId,
    pub fund: FundKey,
    /// What the request at hand needs.
    pub at_least: Usd,
    /// What the node expects to use soon.
    pub want: Usd,
    pub now: Timestamp,
    pub expires_at: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeaseOutcome {
    Granted { amount: Usd },
    Insufficient { available: Usd },
}

/// What is leased to all nodes together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OpenLeases {
    pub count: u64,
    pub amount: Usd,
}

/// Sets a slice of a fund aside for a node. Its size is [`ledger::lease::grant`]'s.
///
/// The conditional update that locks the fund decides; while it is locked nobody else can take
/// what it was found to have.
pub async fn lease(db: &Db, request: &LeaseRequest) -> Result<LeaseOutcome, StoreError> {
    retry!(lease_once(db, request))
}

async fn lease_once(db: &Db, request: &LeaseRequest) -> Result<LeaseOutcome, StoreError> {
    let LeaseRequest { fund, at_least, want, .. } = request;
    let mut tx = db.begin().await?;
    let mut looks = 1;
    let found = loop {
        if let Some(available) = funds::lock(&mut tx, fund, at_least.nanos()).await? {
            break available;
        }
        // By now another node may have given something back: then a «no» would be false.
        let available = funds::available(&mut tx, fund).await?.unwrap_or(0).max(0);
        if available < at_least.nanos() || looks == LOOKS_MAX {
            return Ok(LeaseOutcome::Insufficient { available: row::usd(available) });
        }
        looks += 1;
    };
    let Some(amount) = ledger::lease::grant(row::usd(found), *at_least, *want) else {
        return Ok(LeaseOutcome::Insufficient { available: row::usd(found.max(0)) });
    };
    if !funds::set_aside(&mut tx, fund, amount.nanos()).await? {
        return Err(StoreError::Missing("fund"));
    }
    insert(&mut tx, request, amount).await?;
    tx.commit().await?;
    Ok(LeaseOutcome::Granted { amount })
}

async fn insert(tx: &mut Tx, request: &LeaseRequest, amount: Usd) -> Result<(), StoreError> {
    const SQL: &str = "
        INSERT INTO credit_leases (lease_id, fund_key, node_id, amount_nanos, remaining_nanos,
               state, created_at, expires_at)
        VALUES ($1, $2, $3, $4, $4, 'open', $5, $6)";
    execute!(
        tx,
        SQL,
        request.lease.to_string(),
        request.fund.to_string(),
        request.node.to_string(),
        amount.nanos(),
        request.now.as_micros(),
        request.expires_at.as_micros(),
    )?;
    Ok(())
}

/// Gives back what is left of leases. Leases that are closed already are passed over.
pub async fn return_leases(db: &Db, leases: &[LeaseId], now: Timestamp) -> Result<(), StoreError> {
    retry!(return_once(db, leases, now))
}

async fn return_once(db: &Db, leases: &[LeaseId], now: Timestamp) -> Result<(), StoreError> {
    const SQL: &str = "
        UPDATE credit_leases
           SET state = 'returned',
               closed_at = $2
         WHERE lease_id = $1
           AND state = 'open'
     RETURNING fund_key, remaining_nanos";
    let mut tx = db.begin().await?;
    let mut freed = Freed::default();
    for lease in sorted(leases) {
        let closed: Option<(String, i64)> =
            fetch_optional!(tx, SQL, lease.to_string(), now.as_micros())?;
        freed.add(closed)?;
    }
    freed.release(&mut tx).await?;
    tx.commit().await
}

/// Moves the expiry of open leases. Returns those that are renewed; the others are closed, and
/// what was left of them belongs to others by now.
pub async fn renew(
    db: &Db,
    leases: &[LeaseId],
    expires_at: Timestamp,
) -> Result<Vec<LeaseId>, StoreError> {
    retry!(renew_once(db, leases, expires_at))
}

async fn renew_once(
    db: &Db,
    leases: &[LeaseId],
    expires_at: Timestamp,
) -> Result<Vec<LeaseId>, StoreError> {
    const SQL: &str = "
        UPDATE credit_leases
           SET expires_at = $2
         WHERE lease_id = $1
           AND state = 'open'";
    let mut tx = db.begin().await?;
    let mut renewed = Vec::with_capacity(leases.len());
    for lease in sorted(leases) {
        if execute!(tx, SQL, lease.to_string(), expires_at.as_micros())? == 1 {
            renewed.push(lease);
        }
    }
    tx.commit().await?;
    Ok(renewed)
}

/// Closes leases that nobody renewed, such as those of a node that died, and frees what is left
/// of them. Returns how many; when it is many, more may be waiting for another call.
pub async fn expire(db: &Db, now: Timestamp) -> Result<u64, StoreError> {
    retry!(expire_once(db, now))
}

async fn expire_once(db: &Db, now: Timestamp) -> Result<u64, StoreError> {
    const SQL_FIND: &str = "
        SELECT lease_id
          FROM credit_leases
         WHERE state = 'open'
           AND expires_at <= $1
         ORDER BY expires_at, lease_id
         LIMIT $2";
    // A lease found above may have been renewed or settled since: this decides.
    const SQL_CLOSE: &str = "
        UPDATE credit_leases
           SET state = 'expired',
               closed_at = $2
         WHERE lease_id = $1
           AND state = 'open'
           AND expires_at <= $2
     RETURNING fund_key, remaining_nanos";
    let mut due: Vec<(String,)> =
        fetch_all!(db.read().await?, SQL_FIND, now.as_micros(), EXPIRE_MAX)?;
    if due.is_empty() {
        return Ok(0);
    }
    due.sort_unstable();
    let mut tx = db.begin().await?;
    let mut freed = Freed::default();
    for (lease,) in &due {
        let closed: Option<(String, i64)> = fetch_optional!(tx, SQL_CLOSE, lease, now.as_micros())?;
        freed.add(closed)?;
    }
    let count = freed.leases;
    freed.release(&mut tx).await?;
    tx.commit().await?;
    Ok(count)
}

/// What is leased now.
pub async fn count_open(db: &Db) -> Result<OpenLeases, StoreError> {
    const SQL: &str = "
        SELECT COUNT(*), CAST(COALESCE(SUM(remaining_nanos), 0) AS BIGINT)
          FROM credit_leases
         WHERE state = 'open'";
    let (count, amount): (i64, i64) = fetch_one!(db.read().await?, SQL)?;
    Ok(OpenLeases { count: row::count("count", count)?, amount: row::usd(amount) })
}

/// Removes leases closed before `before`; how many there were. Nothing refers to them.
pub async fn delete_closed(db: &Db, before: Timestamp) -> Result<u64, StoreError> {
    const SQL: &str = "
        DELETE FROM credit_leases
         WHERE state <> 'open'
           AND closed_at < $1";
    execute!(db.write().await?, SQL, before.as_micros())
}

/// Takes what settlements draw from a lease: all of `nanos` or, when the lease has less or is
/// closed, what there is. Returns how much it took.
pub(super) async fn draw(tx: &mut Tx, lease: LeaseId, nanos: i64) -> Result<i64, StoreError> {
    const SQL_ALL: &str = "
        UPDATE credit_leases
           SET remaining_nanos = remaining_nanos - $2
         WHERE lease_id = $1
           AND state = 'open'
           AND remaining_nanos >= $2";
    const SQL_LOCK: &str = "
        UPDATE credit_leases
           SET state = state
         WHERE lease_id = $1
           AND state = 'open'
     RETURNING remaining_nanos";
    const SQL_REST: &str = "
        UPDATE credit_leases
           SET remaining_nanos = 0
         WHERE lease_id = $1";
    let id = lease.to_string();
    if execute!(tx, SQL_ALL, &id, nanos)? == 1 {
        return Ok(nanos);
    }
    let open: Option<(i64,)> = fetch_optional!(tx, SQL_LOCK, &id)?;
    let Some((remaining,)) = open else {
        return Ok(0);
    };
    execute!(tx, SQL_REST, &id)?;
    Ok(remaining)
}

/// What closed leases leave to their funds, in the order of the funds.
#[derive(Default)]
struct Freed {
    leases: u64,
    funds: BTreeMap<String, i64>,
}

impl Freed {
    fn add(&mut self, closed: Option<(String, i64)>) -> Result<(), StoreError> {
        let Some((fund, remaining)) = closed else {
            return Ok(());
        };
        self.leases += 1;
        let sum = self.funds.entry(fund).or_default();
        *sum =
            sum.checked_add(remaining).ok_or(StoreError::Corrupt { column: "remaining_nanos" })?;
        Ok(())
    }

    async fn release(self, tx: &mut Tx) -> Result<(), StoreError> {
        for (fund, nanos) in self.funds {
            let fund: FundKey = row::parse("fund_key", &fund)?;
            funds::spend_leased(tx, &fund, nanos, 0).await?;
        }
        Ok(())
    }
}

fn sorted(leases: &[LeaseId]) -> Vec<LeaseId> {
    let mut leases = leases.to_vec();
    leases.sort_unstable();
    leases
}
