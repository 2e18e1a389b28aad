//! The only functions that make transfers: one for each reason that money moves.
//!
//! Each derives its idempotency key from what caused it, so that running the cause again posts
//! nothing new.

use domain::id::{BatchId, TransferId, WorkspaceId};
use domain::money::Usd;
use domain::time::Timestamp;

use crate::account::AccountKey;
use crate::transfer::{Code, Entry, Transfer, TransferError};

/// The identity and time of a transfer about to be made.
#[derive(Debug, Clone, Copy)]
pub struct Stamp {
    pub id: TransferId,
    pub at: Timestamp,
}

/// A payment, as its processor names it.
#[derive(Debug, Clone, Copy)]
pub struct Payment<'a> {
    pub processor: &'a str,
    /// The processor's own identifier of the event.
    pub event: &'a str,
}

/// A customer paid `amount`, which becomes credit.
pub fn top_up(
    stamp: Stamp,
    workspace: WorkspaceId,
    amount: Usd,
    payment: Payment<'_>,
) -> Result<Transfer, TransferError> {
    Transfer::new(Entry {
        id: stamp.id,
        debit: AccountKey::Cash { processor: payment.processor.to_owned() },
        credit: AccountKey::Credits(workspace),
        amount,
        code: Code::TopUp,
        idempotency_key: format!("topup:{}:{}", payment.processor, payment.event),
        reference: format!("{}:{}", payment.processor, payment.event),
        reverses: None,
        created_at: stamp.at,
    })
}

/// Credit is given to a workspace. `request` identifies the occasion, so that one occasion gives
/// once; `reason` is what the statement shows.
pub fn grant(
    stamp: Stamp,
    workspace: WorkspaceId,
    amount: Usd,
    (request, reason): (&str, &str),
) -> Result<Transfer, TransferError> {
    Transfer::new(Entry {
        id: stamp.id,
        debit: AccountKey::Promotions,
        credit: AccountKey::Credits(workspace),
        amount,
        code: Code::Grant,
        idempotency_key: format!("grant:{request}"),
        reference: reason.to_owned(),
        reverses: None,
        created_at: stamp.at,
    })
}

/// A workspace is charged for its generations of one batch.
pub fn settle(
    stamp: Stamp,
    workspace: WorkspaceId,
    amount: Usd,
    batch: BatchId,
) -> Result<Transfer, TransferError> {
    Transfer::new(Entry {
        id: stamp.id,
        debit: AccountKey::Credits(workspace),
        credit: AccountKey::InferenceRevenue,
        amount,
        code: Code::Settle,
        idempotency_key: format!("settle:{batch}:{workspace}"),
        reference: batch.to_string(),
        reverses: None,
        created_at: stamp.at,
    })
}

/// A provider is owed for the generations of one batch that it answered.
pub fn upstream_cost(
    stamp: Stamp,
    provider: &str,
    amount: Usd,
    batch: BatchId,
) -> Result<Transfer, TransferError> {
    Transfer::new(Entry {
        id: stamp.id,
        debit: AccountKey::UpstreamExpense { provider: provider.to_owned() },
        credit: AccountKey::Payable { provider: provider.to_owned() },
        amount,
        code: Code::UpstreamCost,
        idempotency_key: format!("upstream_cost:{batch}:{provider}"),
        reference: batch.to_string(),
        reverses: None,
        created_at: stamp.at,
    })
}

/// Cost of one batch that no customer's hold covered: earned, and paid by ourselves.
pub fn overrun(stamp: Stamp, amount: Usd, batch: BatchId) -> Result<Transfer, TransferError> {
    absorbed(stamp, amount, batch, (AccountKey::Overruns, Code::Overrun))
}

/// Cost of one batch in workspaces that are not billed: earned, and paid by ourselves.
pub fn unmetered(stamp: Stamp, amount: Usd, batch: BatchId) -> Result<Transfer, TransferError> {
    absorbed(stamp, amount, batch, (AccountKey::Unmetered, Code::Unmetered))
}

fn absorbed(
    stamp: Stamp,
    amount: Usd,
    batch: BatchId,
    (expense, code): (AccountKey, Code),
) -> Result<Transfer, TransferError> {
    Transfer::new(Entry {
        id: stamp.id,
        debit: expense,
        credit: AccountKey::InferenceRevenue,
        amount,
        code,
        idempotency_key: format!("{}:{batch}", code.as_str()),
        reference: batch.to_string(),
        reverses: None,
        created_at: stamp.at,
    })
}

/// Unused credit is paid back to the customer through the processor that it came from.
pub fn refund(
    stamp: Stamp,
    workspace: WorkspaceId,
    amount: Usd,
    payment: Payment<'_>,
) -> Result<Transfer, TransferError> {
    Transfer::new(Entry {
        id: stamp.id,
        debit: AccountKey::Credits(workspace),
        credit: AccountKey::Cash { processor: payment.processor.to_owned() },
        amount,
        code: Code::Refund,
        idempotency_key: format!("refund:{}:{}", payment.processor, payment.event),
        reference: format!("{}:{}", payment.processor, payment.event),
        reverses: None,
        created_at: stamp.at,
    })
}

/// Undoes a transfer by its mirror image. A transfer is reversed once.
pub fn reverse(stamp: Stamp, original: &Transfer, reason: &str) -> Result<Transfer, TransferError> {
    Transfer::new(Entry {
        id: stamp.id,
        debit: original.credit().clone(),
        credit: original.debit().clone(),
        amount: original.amount(),
        code: Code::Reverse,
        idempotency_key: format!("reverse:{}", original.id()),
        reference: reason.to_owned(),
        reverses: Some(original.id()),
        created_at: stamp.at,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::random::Counting;

    const NOW: Timestamp = Timestamp::from_seconds(1_795_352_400);

    fn stamp(random: &Counting) -> Stamp {
        Stamp { id: TransferId::new(NOW, random), at: NOW }
    }

    #[track_caller]
    fn check(transfer: &Transfer, debit: &str, credit: &str, key: &str) {
        assert_eq!(transfer.debit().to_string(), debit);
        assert_eq!(transfer.credit().to_string(), credit);
        assert_eq!(transfer.idempotency_key(), key);
        assert_eq!(transfer.amount(), Usd::from_nanos(7));
    }

    #[test]
    fn each_reason_debits_and_credits_its_accounts() {
        let random = Counting::new();
        let workspace = WorkspaceId::new(NOW, &random);
        let batch = BatchId::new(NOW, &random);
        let amount = Usd::from_nanos(7);
        let payment = Payment { processor: "sandbox", event: "e1" };
        let credits = format!("workspace:{workspace}:credits");
        let revenue = "platform:revenue:inference";

        let paid = top_up(stamp(&random), workspace, amount, payment).unwrap();
        check(&paid, "platform:cash:sandbox", &credits, "topup:sandbox:e1");
        let given = grant(stamp(&random), workspace, amount, ("r1", "welcome")).unwrap();
        check(&given, "platform:expense:promotions", &credits, "grant:r1");
        assert_eq!(given.reference(), "welcome");
        let charged = settle(stamp(&random), workspace, amount, batch).unwrap();
        check(&charged, &credits, revenue, &format!("settle:{batch}:{workspace}"));
        let owed = upstream_cost(stamp(&random), "groq", amount, batch).unwrap();
        let key = format!("upstream_cost:{batch}:groq");
        check(&owed, "platform:expense:upstream:groq", "platform:payable:groq", &key);
        let lost = overrun(stamp(&random), amount, batch).unwrap();
        check(&lost, "platform:expense:overruns", revenue, &format!("overrun:{batch}"));
        let free = unmetered(stamp(&random), amount, batch).unwrap();
        check(&free, "platform:expense:unmetered", revenue, &format!("unmetered:{batch}"));
        let back = refund(stamp(&random), workspace, amount, payment).unwrap();
        check(&back, &credits, "platform:cash:sandbox", "refund:sandbox:e1");
    }

    #[test]
    fn a_reversal_is_the_mirror_image() {
        let random = Counting::new();
        let workspace = WorkspaceId::new(NOW, &random);
        let given =
            grant(stamp(&random), workspace, Usd::from_nanos(7), ("r1", "by mistake")).unwrap();
        let undone = reverse(stamp(&random), &given, "it was a mistake").unwrap();
        let key = format!("reverse:{}", given.id());
        let (debit, credit) = (given.credit().to_string(), given.debit().to_string());
        check(&undone, &debit, &credit, &key);
        assert_eq!(undone.reverses(), Some(given.id()));
    }
}
