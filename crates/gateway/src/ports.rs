//! All that the gateway asks of the outside.

use async_trait::async_trait;
use domain::api_key::{KeyHash, SpendLimit};
use domain::generation::Generation;
use domain::id::{ApiKeyId, LeaseId, UserId, WorkspaceId};
use domain::money::Usd;
use domain::time::Timestamp;
use domain::workspace::Billing;
use ledger::account::FundKey;

/// The outside could not answer. Not the caller's fault, and never a «no».
#[derive(Debug, Clone, thiserror::Error)]
#[error("the {0} is unavailable")]
pub struct PortError(pub &'static str);

/// Who is asking, as far as a generation needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    pub key_id: ApiKeyId,
    pub key_hash: KeyHash,
    pub workspace_id: WorkspaceId,
    pub user_id: UserId,
    pub billing: Billing,
    pub disabled: bool,
    pub limit: Option<SpendLimit>,
}

#[async_trait]
pub trait Keys: Send + Sync {
    /// The caller that a key stands for; none when there is no such key.
    async fn find(&self, key: &KeyHash) -> Result<Option<Caller>, PortError>;
}

/// The answer to a request for a lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Leased {
    Granted { lease: LeaseId, amount: Usd, expires_at: Timestamp },
    Insufficient { available: Usd },
}

/// A generation that ended, with the funds that its cost is drawn from.
#[derive(Debug, Clone)]
pub struct Settlement {
    pub generation: Generation,
    /// One draw per fund: the workspace's credits and, if limited, the key's budget.
    pub draws: Vec<Draw>,
}

/// An amount taken from one lease. A generation may draw on several leases of one fund.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draw {
    pub fund: FundKey,
    pub lease: LeaseId,
    pub amount: Usd,
}

#[async_trait]
pub trait Ledger: Send + Sync {
    /// Takes a slice of a fund for this node: `want` if there is room, otherwise what there is,
    /// but never less than `at_least`.
    async fn lease(&self, fund: &FundKey, at_least: Usd, want: Usd) -> Result<Leased, PortError>;

    /// Gives back what is left of leases. Idempotent.
    async fn return_leases(&self, leases: &[LeaseId]) -> Result<(), PortError>;

    /// Moves the expiry of leases still in use. Returns those that were renewed: any other has
    /// expired, and what was left of it may have been leased to somebody else.
    async fn renew_leases(&self, leases: &[LeaseId]) -> Result<Vec<LeaseId>, PortError>;

    /// Writes generations and the money they cost, in one transaction, idempotent by generation.
    async fn settle(&self, batch: &[Settlement]) -> Result<(), PortError>;
}
