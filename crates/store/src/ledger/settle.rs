//! From generations that ended to money that moved, in one transaction a batch.

use domain::generation::Generation;
use domain::id::{ApiKeyId, BatchId, LeaseId, TransferId, WorkspaceId};
use domain::money::Usd;
use domain::random::Random;
use domain::time::Timestamp;
use ledger::account::FundKey;
use ledger::posting::{self, Stamp};
use ledger::transfer::Transfer;
use std::collections::BTreeMap;

use super::allocation::{self, Allocation, Item};
use super::{budgets, funds, leases, record, retry, transfers};
use crate::db::{Db, Tx};
use crate::error::{Constraint, StoreError};
use crate::generations;
use crate::row;

/// A generation that ended, and the leases that its cost is drawn from.
///
/// Without a draw on credits its workspace is not billed: the cost is recorded and charged to
/// nobody.
#[derive(Debug, Clone)]
pub struct SettledGeneration {
    pub generation: Generation,
    pub draws: Vec<Draw>,
}

/// An amount taken from one lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draw {
    pub fund: FundKey,
    pub lease: LeaseId,
    pub amount: Usd,
}

/// What a settlement did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Settled {
    /// Generations that are now on record.
    pub recorded: u64,
    /// Generations that were on record already, and moved nothing.
    pub repeated: u64,
    /// What customers were charged.
    pub charged: Usd,
    /// What no customer's credit covered. More than zero is worth an alarm.
    pub overruns: Usd,
}

/// Records generations and charges for them.
///
/// A generation that is on record already is passed over together with its money, so a batch may
/// be settled again after a crash. When a lease has expired meanwhile, its fund pays what it has
/// and the platform the rest: nothing is ever overdrawn.
pub async fn settle(
    db: &Db,
    batch: BatchId,
    generations: &[SettledGeneration],
    random: &dyn Random,
    now: Timestamp,
) -> Result<Settled, StoreError> {
    retry!(settle_once(db, batch, generations, random, now))
}

async fn settle_once(
    db: &Db,
    batch: BatchId,
    generations: &[SettledGeneration],
    random: &dyn Random,
    now: Timestamp,
) -> Result<Settled, StoreError> {
    let mut tx = db.begin().await?;
    let mut allocation = record(&mut tx, batch, generations, now).await?;

    let mut covered = BTreeMap::new();
    for (lease, nanos) in allocation.leases() {
        covered.insert(lease, leases::draw(&mut tx, lease, nanos).await?);
    }
    allocation.cover(covered);

    // Budgets are locked before credits, so this is counted before it is known what credits
    // cover, and put right afterwards.
    add_undrawn(&mut tx, &allocation, |item| item.cost).await?;
    for fund in allocation.funds() {
        charge_fund(&mut tx, &mut allocation, &fund).await?;
    }
    for (fund, nanos) in allocation.unspent() {
        budgets::unspend(&mut tx, &fund, nanos).await?;
    }
    let uncovered = |item: &Item<'_>| item.charge().cost.nanos() - item.cost;
    add_undrawn(&mut tx, &allocation, uncovered).await?;

    let sums = Sums::of(&allocation)?;
    correct(&mut tx, generations, &allocation).await?;
    sums.add_daily(&mut tx).await?;
    for transfer in sums.transfers(batch, random, now)? {
        if !transfers::insert(&mut tx, &transfer).await? {
            // Another batch of this name was settled, with other generations.
            return Err(StoreError::Conflict(Constraint::TransferKey));
        }
    }
    tx.commit().await?;

    let recorded = row::from_length(allocation.items.len());
    Ok(Settled {
        recorded,
        repeated: row::from_length(generations.len()).saturating_sub(recorded),
        charged: sums.charged()?,
        overruns: Usd::from_nanos(sums.overruns),
    })
}

/// Inserts the generations, each as if its leases covered it. Those already on record are left
/// out of the allocation.
async fn record<'a>(
    tx: &mut Tx,
    batch: BatchId,
    generations: &'a [SettledGeneration],
    now: Timestamp,
) -> Result<Allocation<'a>, StoreError> {
    let mut ordered: Vec<&SettledGeneration> = generations.iter().collect();
    ordered.sort_by(|a, b| a.generation.id.cmp(&b.generation.id));
    let rows: Vec<_> = ordered
        .iter()
        .map(|settled| (&settled.generation, allocation::expected(settled)))
        .collect();
    let mut new = record::insert(tx, &rows, batch, now).await?;
    let mut allocation = Allocation::default();
    for settled in ordered {
        // Removed, so that one that is twice in the batch is charged once.
        if new.remove(settled.generation.id.as_str()) {
            allocation.push(settled);
        }
    }
    Ok(allocation)
}

/// Charges a fund what its leases cover and, for the rest, what it has available.
async fn charge_fund(
    tx: &mut Tx,
    allocation: &mut Allocation<'_>,
    fund: &FundKey,
) -> Result<(), StoreError> {
    let demand = allocation.demand(fund);
    let available =
        funds::spend_leased(tx, fund, demand.leased, demand.from_leases).await?.unwrap_or(0);
    // The row is ours until the end of the transaction, so what it had it still has.
    let extra = demand.short.min(available).max(0);
    if extra > 0 {
        funds::spend_leased(tx, fund, 0, extra).await?;
    }
    allocation.charge(fund, extra);
    Ok(())
}

/// Counts what keys spend without drawing on a budget towards the budgets that they have now.
/// `amount` says how much of each generation counts.
async fn add_undrawn(
    tx: &mut Tx,
    allocation: &Allocation<'_>,
    amount: impl Fn(&Item<'_>) -> i64,
) -> Result<(), StoreError> {
    let mut undrawn: BTreeMap<(ApiKeyId, Timestamp), i64> = BTreeMap::new();
    for item in allocation.unbudgeted() {
        let day = item.generation.created_at.start_of_day();
        let sum = undrawn.entry((item.generation.api_key_id, day)).or_default();
        *sum = sum.saturating_add(amount(item));
    }
    for ((key, day), nanos) in undrawn.into_iter().filter(|(_, nanos)| *nanos != 0) {
        budgets::add_undrawn(tx, key, day, nanos).await?;
    }
    Ok(())
}

/// Corrects the records of generations that were charged otherwise than expected.
async fn correct(
    tx: &mut Tx,
    generations: &[SettledGeneration],
    allocation: &Allocation<'_>,
) -> Result<(), StoreError> {
    let expected: BTreeMap<_, _> = generations
        .iter()
        .map(|settled| (&settled.generation.id, allocation::expected(settled)))
        .collect();
    for item in &allocation.items {
        let charge = item.charge();
        if expected.get(&item.generation.id) != Some(&charge) {
            generations::correct(tx, &item.generation.id, charge).await?;
        }
    }
    Ok(())
}

/// What the batch comes to, by everything that is posted.
struct Sums {
    charged: BTreeMap<WorkspaceId, i64>,
    overruns: i64,
    unmetered: i64,
    upstream: BTreeMap<String, i64>,
    daily: BTreeMap<(ApiKeyId, Timestamp), Day>,
}

/// What one key used on one day.
struct Day {
    workspace: WorkspaceId,
    spent: i64,
    generations: i64,
    prompt: i64,
    completion: i64,
}

impl Sums {
    fn of(allocation: &Allocation<'_>) -> Result<Self, StoreError> {
        let mut sums = Self {
            charged: BTreeMap::new(),
            overruns: 0,
            unmetered: 0,
            upstream: BTreeMap::new(),
            daily: BTreeMap::new(),
        };
        for item in &allocation.items {
            let (generation, charge) = (item.generation, item.charge());
            add(sums.charged.entry(generation.workspace_id).or_default(), charge.charged)?;
            add(&mut sums.overruns, charge.overrun)?;
            add(&mut sums.unmetered, charge.cost.saturating_sub(charge.charged))?;
            if generation.upstream_cost.is_positive() {
                let provider = generation.provider.as_deref().unwrap_or("unknown");
                let sum = sums.upstream.entry(provider.to_owned()).or_default();
                add(sum, generation.upstream_cost)?;
            }
            let day = generation.created_at.start_of_day();
            let day = sums.daily.entry((generation.api_key_id, day)).or_insert(Day {
                workspace: generation.workspace_id,
                spent: 0,
                generations: 0,
                prompt: 0,
                completion: 0,
            });
            add(&mut day.spent, charge.cost)?;
            day.generations += 1;
            let usage = &generation.usage;
            day.prompt = day.prompt.saturating_add(row::from_count(usage.prompt_total()));
            day.completion =
                day.completion.saturating_add(row::from_count(usage.completion_total()));
        }
        Ok(sums)
    }

    fn charged(&self) -> Result<Usd, StoreError> {
        Usd::checked_sum(self.charged.values().copied().map(Usd::from_nanos))
            .ok_or(StoreError::Corrupt { column: "charged_nanos" })
    }

    /// Adds to the sums that dashboards and new budgets are read from.
    async fn add_daily(&self, tx: &mut Tx) -> Result<(), StoreError> {
        const SQL: &str = "
            INSERT INTO key_usage_daily (api_key_id, day, workspace_id, spent_nanos, generations,
                   prompt_tokens, completion_tokens)
            VALUES ($1, $2, $3, $4, $5, $6, $7)
            ON CONFLICT (api_key_id, day) DO UPDATE
               SET spent_nanos = key_usage_daily.spent_nanos + excluded.spent_nanos,
                   generations = key_usage_daily.generations + excluded.generations,
                   prompt_tokens = key_usage_daily.prompt_tokens + excluded.prompt_tokens,
                   completion_tokens =
                       key_usage_daily.completion_tokens + excluded.completion_tokens";
        for ((key, day), used) in &self.daily {
            execute!(
                tx,
                SQL,
                key.to_string(),
                day.as_micros(),
                used.workspace.to_string(),
                used.spent,
                used.generations,
                used.prompt,
                used.completion,
            )?;
        }
        Ok(())
    }

    /// One transfer for each workspace and each provider, and one each for what nobody paid.
    fn transfers(
        &self,
        batch: BatchId,
        random: &dyn Random,
        now: Timestamp,
    ) -> Result<Vec<Transfer>, StoreError> {
        let stamp = || Stamp { id: TransferId::new(now, random), at: now };
        let mut transfers = Vec::new();
        for (workspace, nanos) in positive(&self.charged) {
            transfers.push(posting::settle(stamp(), *workspace, nanos, batch)?);
        }
        if self.overruns > 0 {
            transfers.push(posting::overrun(stamp(), Usd::from_nanos(self.overruns), batch)?);
        }
        if self.unmetered > 0 {
            transfers.push(posting::unmetered(stamp(), Usd::from_nanos(self.unmetered), batch)?);
        }
        for (provider, nanos) in positive(&self.upstream) {
            transfers.push(posting::upstream_cost(stamp(), provider, nanos, batch)?);
        }
        Ok(transfers)
    }
}

fn positive<K>(sums: &BTreeMap<K, i64>) -> impl Iterator<Item = (&K, Usd)> {
    sums.iter().filter(|(_, nanos)| **nanos > 0).map(|(key, nanos)| (key, Usd::from_nanos(*nanos)))
}

/// Adds an amount, or fails rather than lose money to an overflow.
fn add(sum: &mut i64, amount: Usd) -> Result<(), StoreError> {
    *sum = sum.checked_add(amount.nanos()).ok_or(StoreError::Corrupt { column: "cost_nanos" })?;
    Ok(())
}
