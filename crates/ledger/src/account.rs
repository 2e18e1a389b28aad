//! The chart of accounts, and the funds that nodes lease from.

use domain::id::{ApiKeyId, WorkspaceId};
use domain::time::Timestamp;
use std::fmt;

/// Something that spending is held against: a workspace's credits or a budget on a key.
///
/// Both are leased, held and settled by the same code. Only credits are an account of the double
/// entry; a budget is a bound, counted the same way.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FundKey {
    Credits(WorkspaceId),
    /// What one key may spend in the window that began at `window`.
    KeyBudget { key: ApiKeyId, window: Timestamp },
}

impl fmt::Display for FundKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Credits(workspace) => write!(f, "workspace:{workspace}:credits"),
            Self::KeyBudget { key, window } => {
                write!(f, "key:{key}:budget:{}", window.as_seconds())
            }
        }
    }
}
