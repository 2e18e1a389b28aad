//! Money.

mod audit;
mod leases;
mod settle;
mod transfers;
