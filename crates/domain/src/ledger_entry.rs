//! One line of a workspace's statement.

use serde::{Deserialize, Serialize};

use crate::id::TransferId;
use crate::money::Usd;
use crate::time::Timestamp;

/// A movement of a workspace's credit, as its owner reads it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerEntry {
    pub id: TransferId,
    /// Positive adds credit, negative uses it.
    pub change: Usd,
    /// The transfer code: `top_up`, `grant`, `settle`, `refund`, …
    pub code: String,
    /// What it was for: a generation batch, a payment, a reason.
    pub reference: String,
    pub created_at: Timestamp,
}

/// What a workspace has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Balance {
    /// Everything ever added.
    pub credits: Usd,
    /// Everything ever used.
    pub used: Usd,
    /// Leased to nodes for requests under way.
    pub pending: Usd,
}

impl Balance {
    /// Added minus used. What is pending is still the workspace's own.
    pub fn posted(&self) -> Usd {
        self.credits.saturating_sub(self.used)
    }

    /// What a new request can hold.
    pub fn available(&self) -> Usd {
        self.posted().saturating_sub(self.pending)
    }
}
