use domain::generation::Generation;
use domain::id::ApiKeyId;
use domain::time::Timestamp;
use store::ledger::settle::SettledGeneration;
use store::usage::{KeySpend, WorkspaceUsage, key_spend, one_key_spend, workspace_usage};

use crate::fixture::{NOW, fixtures, seconds, usd};

const DAY: u64 = 86_400;

#[tokio::test]
async fn spending_is_summed_by_day_week_and_month() {
    for fixture in fixtures().await {
        let (db, ws, key) = (fixture.db(), fixture.workspace.id, fixture.key.id);
        fixture.grant(100_000).await;
        let lease = fixture.lease(&fixture.credits(), 11_111).await;
        // NOW is a Sunday: six days ago the week began, and the month is 22 days old.
        let at =
            |generation: Generation, created_at: Timestamp| Generation { created_at, ..generation };
        let mut batch: Vec<SettledGeneration> = Vec::new();
        for (cost, days) in [(1, 0), (10, 6), (100, 7), (1_000, 21), (10_000, 22)] {
            let mut settled = fixture.settled(cost, lease);
            settled.generation = at(settled.generation, NOW.minus(seconds(days * DAY)));
            batch.push(settled);
        }
        fixture.settle(&batch).await;

        let expected =
            KeySpend { total: usd(11_111), daily: usd(1), weekly: usd(11), monthly: usd(1_111) };
        assert_eq!(one_key_spend(db, ws, key, NOW).await.unwrap(), expected);
        let all = key_spend(db, ws, NOW).await.unwrap();
        assert_eq!(all.into_iter().collect::<Vec<_>>(), [(key, expected)]);
        let stranger = ApiKeyId::new(NOW, &*fixture.random);
        assert_eq!(one_key_spend(db, ws, stranger, NOW).await.unwrap(), KeySpend::default());

        let week = workspace_usage(db, ws, NOW.start_of_week()).await.unwrap();
        let usage = batch[0].generation.usage;
        assert_eq!(
            week,
            WorkspaceUsage {
                cost: usd(11),
                generations: 2,
                prompt_tokens: 2 * usage.prompt_total(),
                completion_tokens: 2 * usage.completion_total(),
            }
        );
        fixture.assert_clean().await;
    }
}

#[tokio::test]
async fn nothing_used_is_zero() {
    for fixture in fixtures().await {
        let (db, ws) = (fixture.db(), fixture.workspace.id);
        assert!(key_spend(db, ws, NOW).await.unwrap().is_empty());
        let usage = workspace_usage(db, ws, Timestamp::EPOCH).await.unwrap();
        assert_eq!(usage, WorkspaceUsage::default());
    }
}
