//! What must be true of the books, checked over sums that the store computes.
//!
//! Sums are `i128`, so that an audit of corrupt books can not itself overflow.

use domain::money::Usd;
use std::fmt;

use crate::account::{AccountKey, Side};

/// Which rule is broken; the numbers are those of the crate's documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Invariant {
    /// 1: a transfer moves a positive amount between two accounts that exist.
    Transfer,
    /// 1: total debits equal total credits.
    TrialBalance,
    /// 2: what an account says was posted equals its transfers.
    Posted,
    /// 2: what an account or budget says is pending equals its open leases.
    Pending,
    /// 3: no account is overdrawn.
    Overdraft,
    /// 4: what was charged for generations equals the transfers that settled them.
    Settlement,
    /// 4: a lease never has less than nothing left, nor more than it was given.
    Lease,
    /// 5: the database still refuses to change a transfer.
    AppendOnly,
}

impl Invariant {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Transfer => "transfer",
            Self::TrialBalance => "trial_balance",
            Self::Posted => "posted",
            Self::Pending => "pending",
            Self::Overdraft => "overdraft",
            Self::Settlement => "settlement",
            Self::Lease => "lease",
            Self::AppendOnly => "append_only",
        }
    }
}

/// One thing that is wrong with the books, and the first row that shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub invariant: Invariant,
    /// The row: an account, a transfer, a batch, a lease.
    pub subject: String,
    pub detail: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.invariant.as_str(), self.subject, self.detail)
    }
}

/// An enforced account beside the sums that it must equal.
#[derive(Debug, Clone)]
pub struct AccountSums {
    pub account: String,
    pub credits_posted: Usd,
    pub debits_posted: Usd,
    pub debits_pending: Usd,
    pub overdraft: Usd,
    pub transfer_credits: i128,
    pub transfer_debits: i128,
    pub open_leases: i128,
}

impl AccountSums {
    pub fn check(&self) -> Vec<Finding> {
        let nanos = |amount: Usd| i128::from(amount.nanos());
        let owed = nanos(self.credits_posted)
            .saturating_add(nanos(self.overdraft))
            .saturating_sub(nanos(self.debits_posted))
            .saturating_sub(nanos(self.debits_pending));
        [
            equal(
                (Invariant::Posted, &self.account),
                ("credits posted", nanos(self.credits_posted)),
                ("its transfers", self.transfer_credits),
            ),
            equal(
                (Invariant::Posted, &self.account),
                ("debits posted", nanos(self.debits_posted)),
                ("its transfers", self.transfer_debits),
            ),
            equal(
                (Invariant::Pending, &self.account),
                ("debits pending", nanos(self.debits_pending)),
                ("its open leases", self.open_leases),
            ),
            (owed < 0).then(|| Finding {
                invariant: Invariant::Overdraft,
                subject: self.account.clone(),
                detail: format!("overdrawn by {} nano-dollars", owed.unsigned_abs()),
            }),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// What one account was debited and credited in all.
#[derive(Debug, Clone)]
pub struct AccountTotals {
    pub account: AccountKey,
    pub debits: i128,
    pub credits: i128,
}

/// Checks that the accounts that grow by debits weigh as much as those that grow by credits.
pub fn trial_balance(totals: &[AccountTotals]) -> Option<Finding> {
    let weigh = |side: Side| {
        totals.iter().filter(|total| total.account.kind().normal_side() == side).fold(
            0_i128,
            |sum, total| {
                let (up, down) = match side {
                    Side::Debit => (total.debits, total.credits),
                    Side::Credit => (total.credits, total.debits),
                };
                sum.saturating_add(up).saturating_sub(down)
            },
        )
    };
    equal(
        (Invariant::TrialBalance, "all accounts"),
        ("assets and expenses", weigh(Side::Debit)),
        ("liabilities and income", weigh(Side::Credit)),
    )
}

/// A finding when two figures that must agree do not.
pub fn equal(
    (invariant, subject): (Invariant, &str),
    (left_name, left): (&str, i128),
    (right_name, right): (&str, i128),
) -> Option<Finding> {
    (left != right).then(|| Finding {
        invariant,
        subject: subject.to_owned(),
        detail: format!("{left_name} {left} differ from {right_name} {right} (nano-dollars)"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account() -> AccountSums {
        AccountSums {
            account: "a".into(),
            credits_posted: Usd::from_nanos(100),
            debits_posted: Usd::from_nanos(30),
            debits_pending: Usd::from_nanos(70),
            overdraft: Usd::ZERO,
            transfer_credits: 100,
            transfer_debits: 30,
            open_leases: 70,
        }
    }

    #[track_caller]
    fn check(sums: &AccountSums, expected: &[Invariant]) {
        let found: Vec<_> = sums.check().iter().map(|finding| finding.invariant).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn an_account_that_agrees_has_no_findings() {
        check(&account(), &[]);
    }

    #[test]
    fn each_disagreement_is_found() {
        check(&AccountSums { transfer_credits: 99, ..account() }, &[Invariant::Posted]);
        check(&AccountSums { transfer_debits: 31, ..account() }, &[Invariant::Posted]);
        check(&AccountSums { open_leases: 69, ..account() }, &[Invariant::Pending]);
        check(
            &AccountSums { debits_pending: Usd::from_nanos(71), open_leases: 71, ..account() },
            &[Invariant::Overdraft],
        );
        check(
            &AccountSums {
                debits_pending: Usd::from_nanos(71),
                open_leases: 71,
                overdraft: Usd::from_nanos(1),
                ..account()
            },
            &[],
        );
    }

    #[test]
    fn a_trial_balance_weighs_both_sides() {
        let total = |account, debits, credits| AccountTotals { account, debits, credits };
        let balanced = [
            total(AccountKey::Promotions, 5, 0),
            total(AccountKey::Cash { processor: "x".into() }, 3, 1),
            total(AccountKey::InferenceRevenue, 0, 7),
        ];
        assert_eq!(trial_balance(&balanced), None);
        let finding = trial_balance(&[total(AccountKey::Promotions, 5, 0)]).unwrap();
        assert_eq!(finding.invariant, Invariant::TrialBalance);
        assert!(finding.to_string().contains("5 differ from liabilities and income 0"));
    }
}
