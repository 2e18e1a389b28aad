//! The chart of accounts, and the funds that nodes lease from.

use domain::api_key::SpendLimit;
use domain::id::{ApiKeyId, WorkspaceId};
use domain::time::Timestamp;
use std::fmt;
use std::str::FromStr;

/// Something that spending is held against: a workspace's credits or a budget on a key.
///
/// Both are leased, held and settled by the same code. Only credits are an account of the double
/// entry; a budget is a bound, counted the same way.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FundKey {
    Credits(WorkspaceId),
    /// What one key may spend in the window that began at `window`.
    KeyBudget {
        key: ApiKeyId,
        window: Timestamp,
    },
}

impl FundKey {
    /// The budget of a key whose spending is limited, in the window that contains `now`.
    pub fn budget(key: ApiKeyId, limit: &SpendLimit, now: Timestamp) -> Self {
        Self::KeyBudget { key, window: limit.reset.window_start(now) }
    }
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

/// A text names no account or fund.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` names no account of the ledger")]
pub struct ParseAccountError(String);

impl FromStr for FundKey {
    type Err = ParseAccountError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fund = match text.split(':').collect::<Vec<_>>().as_slice() {
            ["workspace", workspace, "credits"] => workspace.parse().ok().map(Self::Credits),
            ["key", key, "budget", window] => {
                key.parse().ok().zip(window.parse().ok()).map(|(key, seconds)| Self::KeyBudget {
                    key,
                    window: Timestamp::from_seconds(seconds),
                })
            }
            _ => None,
        };
        fund.ok_or_else(|| ParseAccountError(text.to_owned()))
    }
}

/// One account of the double entry. Its text is its key in the database.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AccountKey {
    /// What is owed to a customer: paid or granted, and not used yet.
    Credits(WorkspaceId),
    /// Money received through one payment processor.
    Cash { processor: String },
    /// Earned by serving inference.
    InferenceRevenue,
    /// What generations cost at one provider.
    UpstreamExpense { provider: String },
    /// What is owed to one provider.
    Payable { provider: String },
    /// Credit that was given away.
    Promotions,
    /// Cost that no hold covered, which is never the customer's.
    Overruns,
    /// Generations that were deliberately not charged.
    Insurance,
    /// Use of workspaces that are not billed.
    Unmetered,
}

/// What an account stands for, which decides the side that it grows on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountKind {
    Asset,
    Liability,
    Income,
    Expense,
}

/// The side of a transfer on which an account grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Debit,
    Credit,
}

impl AccountKind {
    pub const fn normal_side(self) -> Side {
        match self {
            Self::Asset | Self::Expense => Side::Debit,
            Self::Liability | Self::Income => Side::Credit,
        }
    }
}

impl AccountKey {
    pub const fn kind(&self) -> AccountKind {
        match self {
            Self::Cash { .. } => AccountKind::Asset,
            Self::Credits(_) | Self::Payable { .. } => AccountKind::Liability,
            Self::InferenceRevenue => AccountKind::Income,
            Self::UpstreamExpense { .. }
            | Self::Promotions
            | Self::Overruns
            | Self::Insurance
            | Self::Unmetered => AccountKind::Expense,
        }
    }

    /// The workspace whose credits these are. Only such accounts are enforced: they keep a
    /// running balance and refuse to be overdrawn. All others are sums of their transfers,
    /// because a running total of revenue would be one row that every settlement waits for.
    pub const fn enforced(&self) -> Option<WorkspaceId> {
        match self {
            Self::Credits(workspace) => Some(*workspace),
            Self::Cash { .. }
            | Self::InferenceRevenue
            | Self::UpstreamExpense { .. }
            | Self::Payable { .. }
            | Self::Promotions
            | Self::Overruns
            | Self::Insurance
            | Self::Unmetered => None,
        }
    }
}

const CASH: &str = "platform:cash:";
const UPSTREAM: &str = "platform:expense:upstream:";
const PAYABLE: &str = "platform:payable:";
const REVENUE: &str = "platform:revenue:inference";
const PROMOTIONS: &str = "platform:expense:promotions";
const OVERRUNS: &str = "platform:expense:overruns";
const INSURANCE: &str = "platform:expense:insurance";
const UNMETERED: &str = "platform:expense:unmetered";

impl fmt::Display for AccountKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Credits(workspace) => FundKey::Credits(*workspace).fmt(f),
            Self::Cash { processor } => write!(f, "{CASH}{processor}"),
            Self::UpstreamExpense { provider } => write!(f, "{UPSTREAM}{provider}"),
            Self::Payable { provider } => write!(f, "{PAYABLE}{provider}"),
            Self::InferenceRevenue => f.write_str(REVENUE),
            Self::Promotions => f.write_str(PROMOTIONS),
            Self::Overruns => f.write_str(OVERRUNS),
            Self::Insurance => f.write_str(INSURANCE),
            Self::Unmetered => f.write_str(UNMETERED),
        }
    }
}

impl FromStr for AccountKey {
    type Err = ParseAccountError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            REVENUE => return Ok(Self::InferenceRevenue),
            PROMOTIONS => return Ok(Self::Promotions),
            OVERRUNS => return Ok(Self::Overruns),
            INSURANCE => return Ok(Self::Insurance),
            UNMETERED => return Ok(Self::Unmetered),
            _ => {}
        }
        let named = |prefix: &str| {
            text.strip_prefix(prefix).filter(|name| !name.is_empty()).map(str::to_owned)
        };
        if let Some(processor) = named(CASH) {
            return Ok(Self::Cash { processor });
        }
        if let Some(provider) = named(UPSTREAM) {
            return Ok(Self::UpstreamExpense { provider });
        }
        if let Some(provider) = named(PAYABLE) {
            return Ok(Self::Payable { provider });
        }
        match text.parse()? {
            FundKey::Credits(workspace) => Ok(Self::Credits(workspace)),
            FundKey::KeyBudget { .. } => Err(ParseAccountError(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::api_key::LimitReset;
    use domain::money::Usd;
    use domain::random::Counting;

    #[test]
    fn every_account_survives_its_text() {
        let workspace = WorkspaceId::new(Timestamp::from_seconds(1), &Counting::new());
        for (account, text) in [
            (AccountKey::Credits(workspace), format!("workspace:{workspace}:credits")),
            (AccountKey::Cash { processor: "sandbox".into() }, "platform:cash:sandbox".into()),
            (AccountKey::InferenceRevenue, "platform:revenue:inference".into()),
            (
                AccountKey::UpstreamExpense { provider: "groq".into() },
                "platform:expense:upstream:groq".into(),
            ),
            (AccountKey::Payable { provider: "groq".into() }, "platform:payable:groq".into()),
            (AccountKey::Promotions, "platform:expense:promotions".into()),
            (AccountKey::Overruns, "platform:expense:overruns".into()),
            (AccountKey::Insurance, "platform:expense:insurance".into()),
            (AccountKey::Unmetered, "platform:expense:unmetered".into()),
        ] {
            assert_eq!(account.to_string(), text);
            assert_eq!(text.parse(), Ok(account));
        }
        for text in ["", "platform:cash:", "workspace:x:credits", "platform:expense"] {
            assert!(text.parse::<AccountKey>().is_err(), "{text}");
        }
    }

    #[test]
    fn every_fund_survives_its_text() {
        let random = Counting::new();
        let now = Timestamp::from_seconds(1_795_352_400);
        let key = ApiKeyId::new(now, &random);
        let limit = SpendLimit { amount: Usd::from_dollars(1), reset: LimitReset::Daily };
        for fund in [
            FundKey::Credits(WorkspaceId::new(now, &random)),
            FundKey::budget(key, &limit, now),
            FundKey::KeyBudget { key, window: Timestamp::EPOCH },
        ] {
            assert_eq!(fund.to_string().parse(), Ok(fund));
        }
        assert!(FundKey::budget(key, &limit, now).to_string().ends_with(":budget:1795305600"));
    }

    #[test]
    fn money_owed_grows_by_credits_and_costs_by_debits() {
        let workspace = WorkspaceId::new(Timestamp::EPOCH, &Counting::new());
        assert_eq!(AccountKey::Credits(workspace).kind().normal_side(), Side::Credit);
        assert_eq!(AccountKey::InferenceRevenue.kind().normal_side(), Side::Credit);
        assert_eq!(AccountKey::Overruns.kind().normal_side(), Side::Debit);
        assert_eq!(AccountKey::Cash { processor: "x".into() }.kind().normal_side(), Side::Debit);
        assert_eq!(AccountKey::Credits(workspace).enforced(), Some(workspace));
        assert_eq!(AccountKey::Promotions.enforced(), None);
    }
}
