//! Tenants.

use serde::{Deserialize, Serialize};

use crate::id::{UserId, WorkspaceId};
use crate::time::Timestamp;

/// The tenant: owns keys, credits and settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workspace {
    pub id: WorkspaceId,
    pub name: String,
    pub owner: UserId,
    pub billing: Billing,
    pub created_at: Timestamp,
}

/// Whether use must be paid for in advance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Billing {
    Prepaid,
    /// Usage is recorded and nothing is charged.
    Unmetered,
}

impl Billing {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Prepaid => "prepaid",
            Self::Unmetered => "unmetered",
        }
    }
}

/// What a person may do in a workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Owner,
    Member,
}
