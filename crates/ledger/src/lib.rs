//! Every rule about money, as pure functions: no clock, no randomness, no I/O.
//!
//! The books are kept by double entry in whole nano-dollars. A [`transfer::Transfer`] moves one
//! positive amount from the account that it debits to the account that it credits, so no sequence
//! of transfers can make the two sides differ. Read [`account`] for the chart of accounts, then
//! [`posting`], which has the only functions that make transfers.
//!
//! What must always hold, and what [`audit`] looks for:
//! 1. Each transfer has one debit, one credit and a positive amount; total debits equal total
//!    credits.
//! 2. What an enforced account says was posted and is pending equals the sums of its transfers
//!    and of its open leases.
//! 3. An enforced account is never overdrawn, however many nodes and requests draw on it.
//! 4. A generation is settled at most once, for no more than was held for it.
//! 5. A transfer is never changed or removed. A mistake is undone by another transfer.
//!
//! What is not here: statements (`store`), holds in a node's memory (`gateway`).
#![warn(
    clippy::float_arithmetic,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation
)]

pub mod account;
pub mod audit;
pub mod budget;
pub mod lease;
pub mod posting;
pub mod quote;
pub mod transfer;
