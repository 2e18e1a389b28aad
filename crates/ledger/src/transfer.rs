//! One movement of money, balanced because it cannot be anything else.

use domain::id::TransferId;
use domain::money::Usd;
use domain::time::Timestamp;
use std::str::FromStr;

use crate::account::AccountKey;

/// A positive amount that leaves one account on its debit side and enters another on its credit
/// side.
///
/// Made by [`crate::posting`]; read back from the database by [`Transfer::new`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    entry: Entry,
}

/// The fields of a transfer, before they are checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub id: TransferId,
    pub debit: AccountKey,
    pub credit: AccountKey,
    pub amount: Usd,
    pub code: Code,
    /// What makes a retry harmless: the database holds each key once.
    pub idempotency_key: String,
    /// What it was for, as the statement shows it: a batch, a payment, a reason.
    pub reference: String,
    pub reverses: Option<TransferId>,
    pub created_at: Timestamp,
}

/// Why money moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Code {
    /// A customer paid.
    TopUp,
    /// Credit was given away.
    Grant,
    /// Generations were charged.
    Settle,
    /// Generations cost something at a provider.
    UpstreamCost,
    /// Cost that the customer's hold did not cover.
    Overrun,
    /// Use of a workspace that is not billed.
    Unmetered,
    /// Generations that were deliberately not charged.
    Insurance,
    /// A customer was paid back.
    Refund,
    /// An earlier transfer was undone.
    Reverse,
}

impl Code {
    pub const ALL: [Self; 9] = [
        Self::TopUp,
        Self::Grant,
        Self::Settle,
        Self::UpstreamCost,
        Self::Overrun,
        Self::Unmetered,
        Self::Insurance,
        Self::Refund,
        Self::Reverse,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TopUp => "top_up",
            Self::Grant => "grant",
            Self::Settle => "settle",
            Self::UpstreamCost => "upstream_cost",
            Self::Overrun => "overrun",
            Self::Unmetered => "unmetered",
            Self::Insurance => "insurance",
            Self::Refund => "refund",
            Self::Reverse => "reverse",
        }
    }
}

impl FromStr for Code {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|code| code.as_str() == text).ok_or(())
    }
}

/// What is asked for is not a transfer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransferError {
    #[error("a transfer moves a positive amount, not {0}")]
    NotPositive(Usd),
    #[error("a transfer moves money between two accounts, not from `{0}` to itself")]
    SameAccount(String),
    #[error("a transfer needs an idempotency key")]
    NoIdempotencyKey,
}

impl Transfer {
    /// Checks what every transfer must satisfy.
    pub fn new(entry: Entry) -> Result<Self, TransferError> {
        if !entry.amount.is_positive() {
            return Err(TransferError::NotPositive(entry.amount));
        }
        if entry.debit == entry.credit {
            return Err(TransferError::SameAccount(entry.debit.to_string()));
        }
        if entry.idempotency_key.is_empty() {
            return Err(TransferError::NoIdempotencyKey);
        }
        Ok(Self { entry })
    }

    pub fn id(&self) -> TransferId {
        self.entry.id
    }

    pub fn debit(&self) -> &AccountKey {
        &self.entry.debit
    }

    pub fn credit(&self) -> &AccountKey {
        &self.entry.credit
    }

    pub fn amount(&self) -> Usd {
        self.entry.amount
    }

    pub fn code(&self) -> Code {
        self.entry.code
    }

    pub fn idempotency_key(&self) -> &str {
        &self.entry.idempotency_key
    }

    pub fn reference(&self) -> &str {
        &self.entry.reference
    }

    pub fn reverses(&self) -> Option<TransferId> {
        self.entry.reverses
    }

    pub fn created_at(&self) -> Timestamp {
        self.entry.created_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::random::Counting;

    fn entry(amount: i64) -> Entry {
        Entry {
            id: TransferId::new(Timestamp::EPOCH, &Counting::new()),
            debit: AccountKey::Promotions,
            credit: AccountKey::InferenceRevenue,
            amount: Usd::from_nanos(amount),
            code: Code::Grant,
            idempotency_key: "grant:1".into(),
            reference: String::new(),
            reverses: None,
            created_at: Timestamp::EPOCH,
        }
    }

    #[test]
    fn only_positive_amounts_move() {
        assert!(Transfer::new(entry(1)).is_ok());
        for amount in [0, -1, i64::MIN] {
            assert!(matches!(Transfer::new(entry(amount)), Err(TransferError::NotPositive(_))));
        }
    }

    #[test]
    fn nothing_moves_from_an_account_to_itself() {
        let same = Entry { credit: AccountKey::Promotions, ..entry(1) };
        assert!(matches!(Transfer::new(same), Err(TransferError::SameAccount(_))));
    }

    #[test]
    fn a_transfer_without_an_idempotency_key_is_refused() {
        let keyless = Entry { idempotency_key: String::new(), ..entry(1) };
        assert_eq!(Transfer::new(keyless), Err(TransferError::NoIdempotencyKey));
    }

    #[test]
    fn every_code_survives_its_text() {
        for code in Code::ALL {
            assert_eq!(code.as_str().parse(), Ok(code));
        }
    }
}
