//! Credit that one call holds: taken before anything is dialled, given back when it drops.

use std::sync::Arc;

use domain::money::Usd;
use ledger::account::FundKey;

use crate::admit::funds::{Funds, HoldError, Part, Pool};
use crate::ports::Draw;

/// The same amount held in each fund that a call's cost is drawn from.
///
/// Not `Clone`: it is spent once, by [`HeldCredit::settle`], or released by its drop.
pub struct HeldCredit {
    funds: Arc<Funds>,
    amount: Usd,
    holds: Vec<Hold>,
}

struct Hold {
    pool: Arc<Pool>,
    parts: Vec<Part>,
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.pool.release(&self.parts);
    }
}

impl HeldCredit {
    /// Holds nothing yet. No funds means that the call is unmetered and holds are not needed.
    pub(crate) fn new(funds: Arc<Funds>, keys: &[FundKey]) -> Self {
        let holds = keys
            .iter()
            .map(|key| Hold { pool: funds.pool(key), parts: Vec::with_capacity(1) })
            .collect();
        Self { funds, amount: Usd::ZERO, holds }
    }

    pub const fn amount(&self) -> Usd {
        self.amount
    }

    /// Whether any fund bounds this call.
    pub fn is_metered(&self) -> bool {
        !self.holds.is_empty()
    }

    /// Makes the hold at least `total` in every fund, or leaves it as it was.
    pub async fn grow_to(&mut self, total: Usd) -> Result<(), HoldError> {
        let more = total.saturating_sub(self.amount);
        if !more.is_positive() {
            return Ok(());
        }
        for index in 0..self.holds.len() {
            let Some(hold) = self.holds.get_mut(index) else { break };
            let before = hold.parts.len();
            if let Err(error) = self.funds.take(&hold.pool, more, &mut hold.parts).await {
                hold.parts.truncate(before);
                self.shrink_first(index, more);
                return Err(error);
            }
        }
        self.amount = total;
        Ok(())
    }

    /// Gives `more` back in the first `count` funds: another fund had no room for it.
    fn shrink_first(&mut self, count: usize, more: Usd) {
        for hold in self.holds.iter_mut().take(count) {
            let mut left = more;
            while left.is_positive() {
                let Some(part) = hold.parts.pop() else { break };
                let back = part.share(left);
                left = left.saturating_sub(back.amount());
                hold.pool.release(&[back]);
                if let Some(rest) = part.without(back) {
                    hold.parts.push(rest);
                }
            }
        }
    }

    /// Spends `cost`, bounded by what is held, and gives the rest back.
    pub(crate) fn settle(mut self, cost: Usd) -> Vec<Draw> {
        let cost = cost.min(self.amount);
        self.holds
            .iter_mut()
            .flat_map(|hold| {
                let parts = std::mem::take(&mut hold.parts);
                hold.pool.spend(&parts, cost)
            })
            .collect()
    }
}
