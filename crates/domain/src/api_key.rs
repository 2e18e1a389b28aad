//! API keys: what is known of them besides their secret.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

use crate::id::{ApiKeyId, UserId, WorkspaceId};
use crate::money::Usd;
use crate::time::Timestamp;

/// What every secret key begins with.
pub const KEY_PREFIX: &str = "sk-ep-v1-";

/// The SHA-256 of a secret key, in lower-case hexadecimal: all that is stored of it.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyHash(String);

impl KeyHash {
    /// Wraps a digest. The caller computed it from the whole secret, prefix included.
    pub fn from_digest(digest: [u8; 32]) -> Self {
        use std::fmt::Write as _;
        let mut text = String::with_capacity(64);
        for byte in digest {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
        }
        Self(text)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for KeyHash {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let valid =
            text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if valid { Ok(Self(text)) } else { Err("not a SHA-256 in lower-case hexadecimal".into()) }
    }
}

impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}…", self.0.get(..8).unwrap_or_default())
    }
}

/// A key without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    pub id: ApiKeyId,
    pub workspace_id: WorkspaceId,
    pub creator: UserId,
    pub hash: KeyHash,
    pub name: String,
    /// How the key is recognised when its secret is gone: `sk-ep-v1-abc…wxyz`.
    pub label: String,
    pub disabled: bool,
    pub limit: Option<SpendLimit>,
    pub created_at: Timestamp,
    pub updated_at: Option<Timestamp>,
    pub last_used_at: Option<Timestamp>,
}

/// The most that a key may spend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpendLimit {
    pub amount: Usd,
    pub reset: LimitReset,
}

/// When spending against a limit begins again at zero. Days are UTC; weeks begin on Monday.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitReset {
    Never,
    Daily,
    Weekly,
    Monthly,
}

impl LimitReset {
    pub const ALL: [Self; 4] = [Self::Never, Self::Daily, Self::Weekly, Self::Monthly];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::Daily => "daily",
            Self::Weekly => "weekly",
            Self::Monthly => "monthly",
        }
    }

    /// The beginning of the window that contains `now`.
    pub fn window_start(self, now: Timestamp) -> Timestamp {
        match self {
            Self::Never => Timestamp::EPOCH,
            Self::Daily => now.start_of_day(),
            Self::Weekly => now.start_of_week(),
            Self::Monthly => now.start_of_month(),
        }
    }
}

impl FromStr for LimitReset {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|reset| reset.as_str() == text).ok_or(())
    }
}
