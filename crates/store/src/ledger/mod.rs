//! Every statement that touches money.
//!
//! A fund is leased by a node ([`leases`]), drawn on by generations ([`settle`]) and added to by
//! transfers ([`transfers`]). Locks are always taken in this order, so that transactions do not
//! wait for each other in a circle: generations, leases, funds, daily sums, transfers; and within
//! each in the order of their keys. A collision that happens all the same is run again, because
//! everything here is idempotent or had no effect.

mod allocation;
pub(crate) mod budgets;
mod funds;
mod record;

pub mod accounts;
pub mod audit;
pub mod leases;
pub mod settle;
pub mod transfers;

/// How often a transaction that collided with another is run before the caller hears of it.
const TRIES: u32 = 5;

/// Runs a transaction again while it collides with others.
macro_rules! retry {
    ($transaction:expr) => {{
        let mut tries = 1;
        loop {
            match $transaction.await {
                Err($crate::error::StoreError::Collision(_)) if tries < $crate::ledger::TRIES => {
                    tries += 1;
                }
                done => break done,
            }
        }
    }};
}
use retry;
