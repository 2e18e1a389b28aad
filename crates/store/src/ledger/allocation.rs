//! Who pays for a batch of generations: first the leases that they draw on, then what their
//! funds have left, and what remains is ours. Pure; the statements are in `settle`.

use domain::generation::Generation;
use domain::id::LeaseId;
use domain::money::Usd;
use ledger::account::FundKey;
use std::collections::BTreeMap;

use super::settle::SettledGeneration;
use crate::generations::Charge;

/// A generation of the batch.
pub(super) struct Item<'a> {
    pub(super) generation: &'a Generation,
    pub(super) cost: i64,
    /// Whether it draws on a budget of its key.
    budgeted: bool,
    /// Whether it draws on credits at all. If not, its workspace is not billed.
    metered: bool,
    /// The most that may be charged, given the budgets that were charged so far.
    cap: i64,
    charged: i64,
}

/// An amount that one generation draws from one lease.
struct Line {
    item: usize,
    lease: LeaseId,
    amount: i64,
    /// How much of it the lease covers.
    leased: i64,
    charged: i64,
}

/// A batch being settled.
#[derive(Default)]
pub(super) struct Allocation<'a> {
    pub(super) items: Vec<Item<'a>>,
    lines: Vec<Line>,
    /// The lines of each fund, by its text: budgets come before credits.
    funds: BTreeMap<String, (FundKey, Vec<usize>)>,
}

/// What a fund is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Demand {
    /// Taken out of leases, so no longer pending.
    pub(super) leased: i64,
    /// The part of it that is charged; the rest becomes available again.
    pub(super) from_leases: i64,
    /// What leases did not cover.
    pub(super) short: i64,
}

/// What a generation costs whom if every lease covers what is drawn from it.
pub(super) fn expected(settled: &SettledGeneration) -> Charge {
    let cost = settled.generation.cost.nanos().max(0);
    let mut drawn: BTreeMap<&FundKey, i64> = BTreeMap::new();
    for draw in &settled.draws {
        let sum = drawn.entry(&draw.fund).or_default();
        *sum = sum.saturating_add(draw.amount.nanos().max(0));
    }
    let metered = drawn.keys().any(|fund| is_credits(fund));
    let charged = if metered { drawn.into_values().fold(cost, i64::min) } else { 0 };
    charge(cost, metered, charged)
}

fn charge(cost: i64, metered: bool, charged: i64) -> Charge {
    let (cost, overrun) = if metered { (charged, cost.saturating_sub(charged)) } else { (cost, 0) };
    Charge {
        cost: Usd::from_nanos(cost),
        charged: Usd::from_nanos(charged),
        overrun: Usd::from_nanos(overrun),
    }
}

const fn is_credits(fund: &FundKey) -> bool {
    match fund {
        FundKey::Credits(_) => true,
        FundKey::KeyBudget { .. } => false,
    }
}

impl<'a> Allocation<'a> {
    pub(super) fn push(&mut self, settled: &'a SettledGeneration) {
        let cost = settled.generation.cost.nanos().max(0);
        let item = self.items.len();
        // A generation never draws more than it costs, whatever it asks for.
        let mut room: BTreeMap<&FundKey, i64> = BTreeMap::new();
        for draw in &settled.draws {
            let room = room.entry(&draw.fund).or_insert(cost);
            let amount = draw.amount.nanos().clamp(0, *room);
            *room -= amount;
            let (_, lines) = self
                .funds
                .entry(draw.fund.to_string())
                .or_insert_with(|| (draw.fund.clone(), Vec::new()));
            lines.push(self.lines.len());
            self.lines.push(Line { item, lease: draw.lease, amount, leased: 0, charged: 0 });
        }
        self.items.push(Item {
            generation: &settled.generation,
            cost,
            metered: settled.draws.iter().any(|draw| is_credits(&draw.fund)),
            budgeted: settled.draws.iter().any(|draw| !is_credits(&draw.fund)),
            cap: cost,
            charged: 0,
        });
    }

    /// What is drawn from each lease, in the order of the leases.
    pub(super) fn leases(&self) -> BTreeMap<LeaseId, i64> {
        let mut leases = BTreeMap::new();
        for line in self.lines.iter().filter(|line| line.amount > 0) {
            let sum: &mut i64 = leases.entry(line.lease).or_default();
            *sum = sum.saturating_add(line.amount);
        }
        leases
    }

    /// Notes that leases cover these amounts of what is drawn from them. What does not suffice
    /// goes to the generations that come first.
    pub(super) fn cover(&mut self, mut covered: BTreeMap<LeaseId, i64>) {
        for line in &mut self.lines {
            if let Some(left) = covered.get_mut(&line.lease) {
                line.leased = line.amount.min(*left);
                *left -= line.leased;
            }
        }
    }

    /// The funds drawn on, budgets first.
    pub(super) fn funds(&self) -> Vec<FundKey> {
        self.funds.values().map(|(fund, _)| fund.clone()).collect()
    }

    /// What a fund is asked for, once all budgets before it were charged.
    pub(super) fn demand(&self, fund: &FundKey) -> Demand {
        let mut demand = Demand { leased: 0, from_leases: 0, short: 0 };
        for (line, wanted) in self.wanted(fund) {
            let line = &self.lines[line];
            let from_lease = line.leased.min(wanted);
            demand.leased += line.leased;
            demand.from_leases += from_lease;
            demand.short += wanted - from_lease;
        }
        demand
    }

    /// Charges a fund: all that leases cover, and `extra` of what they did not.
    pub(super) fn charge(&mut self, fund: &FundKey, mut extra: i64) {
        let mut charged: BTreeMap<usize, i64> = BTreeMap::new();
        for (index, wanted) in self.wanted(fund) {
            let line = &mut self.lines[index];
            let from_lease = line.leased.min(wanted);
            let from_extra = (wanted - from_lease).min(extra);
            extra -= from_extra;
            line.charged = from_lease + from_extra;
            *charged.entry(line.item).or_default() += line.charged;
        }
        for (item, nanos) in charged {
            let item = &mut self.items[item];
            item.cap = item.cap.min(nanos);
            if is_credits(fund) {
                item.charged = nanos;
            }
        }
    }

    /// The lines of a fund and how much of each may be charged.
    fn wanted(&self, fund: &FundKey) -> Vec<(usize, i64)> {
        let Some((_, lines)) = self.funds.get(&fund.to_string()) else {
            return Vec::new();
        };
        let mut room: BTreeMap<usize, i64> = BTreeMap::new();
        lines
            .iter()
            .map(|index| {
                let line = &self.lines[*index];
                let room = room.entry(line.item).or_insert(self.items[line.item].cap);
                let wanted = line.amount.min(*room);
                *room -= wanted;
                (*index, wanted)
            })
            .collect()
    }

    /// What budgets counted and credits then did not cover, in the order of the funds.
    pub(super) fn unspent(&self) -> Vec<(FundKey, i64)> {
        self.funds
            .values()
            .filter(|(fund, _)| !is_credits(fund))
            .filter_map(|(fund, lines)| {
                let mut counted: BTreeMap<usize, i64> = BTreeMap::new();
                for line in lines.iter().map(|index| &self.lines[*index]) {
                    *counted.entry(line.item).or_default() += line.charged;
                }
                let unspent: i64 = counted
                    .into_iter()
                    .map(|(index, counted)| (&self.items[index], counted))
                    .filter(|(item, _)| item.metered)
                    .map(|(item, counted)| counted.saturating_sub(item.charged).max(0))
                    .sum();
                (unspent > 0).then(|| (fund.clone(), unspent))
            })
            .collect()
    }

    /// The generations that draw on no budget.
    pub(super) fn unbudgeted(&self) -> impl Iterator<Item = &Item<'a>> {
        self.items.iter().filter(|item| !item.budgeted)
    }
}

impl Item<'_> {
    /// What came of it.
    pub(super) fn charge(&self) -> Charge {
        charge(self.cost, self.metered, self.charged)
    }
}
