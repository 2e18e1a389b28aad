//! Leases of this node, and the holds taken from them.
//!
//! A fund is a workspace's credits or a key's budget. This node leases slices of it from the
//! ledger; requests hold parts of those slices in memory. One short mutex a fund guards the
//! arithmetic; only a fund without room waits for the ledger, once for all who wait.

use std::collections::HashMap;
use std::sync::Arc;

use domain::id::{ApiKeyId, LeaseId};
use domain::money::Usd;
use domain::time::{Clock, Timestamp};
use ledger::account::FundKey;
use parking_lot::Mutex;

use crate::ports::{Draw, Leased, Ledger, PortError};
use crate::settings::Settings;

/// How often one request asks for more before it gives up.
const REFILLS_MAX: usize = 4;

/// Why nothing was held.
#[derive(Debug, Clone)]
pub enum HoldError {
    Short { fund: FundKey, needed: Usd, available: Usd },
    Unavailable(PortError),
}

/// All funds that this node holds leases of.
pub struct Funds {
    ledger: Arc<dyn Ledger>,
    clock: Arc<dyn Clock>,
    settings: Settings,
    pools: Mutex<HashMap<FundKey, Arc<Pool>>>,
    /// Leases that are in no pool any more and could not be given back yet.
    owed: Mutex<Vec<LeaseId>>,
}

/// This node's part of one fund.
pub(crate) struct Pool {
    fund: FundKey,
    state: Mutex<PoolState>,
    /// Held while the ledger is asked, so that one question serves everybody who waits.
    refill: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct PoolState {
    leases: Vec<Lease>,
    want: Usd,
    used_at: Option<Timestamp>,
}

struct Lease {
    id: LeaseId,
    /// Held by nobody.
    free: Usd,
    /// Held by calls under way.
    held: Usd,
    /// Spent, and not yet known to the ledger.
    unsettled: Usd,
    expires_at: Timestamp,
    /// Nothing more is held from it: it is gone, or what bounds its fund was changed.
    retired: bool,
}

impl Lease {
    /// Whether nobody holds of it, and the ledger knows all that was spent of it.
    fn is_resting(&self) -> bool {
        self.held.is_zero() && self.unsettled.is_zero()
    }

    /// What can be held now. A lease that has expired here is no longer ours to hold from.
    fn room(&self, now: Timestamp) -> Usd {
        if self.retired || self.expires_at <= now { Usd::ZERO } else { self.free }
    }
}

/// A part of one lease that one call holds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part {
    lease: LeaseId,
    amount: Usd,
}

impl Part {
    pub(crate) const fn amount(self) -> Usd {
        self.amount
    }

    /// The part of this part that is at most `amount`.
    pub(crate) fn share(self, amount: Usd) -> Self {
        Self { lease: self.lease, amount: self.amount.min(amount) }
    }

    /// What is left when a share is taken away; none when nothing is.
    pub(crate) fn without(self, share: Self) -> Option<Self> {
        let amount = self.amount.saturating_sub(share.amount);
        amount.is_positive().then_some(Self { lease: self.lease, amount })
    }
}

impl Funds {
    pub fn new(ledger: Arc<dyn Ledger>, clock: Arc<dyn Clock>, settings: Settings) -> Self {
        Self { ledger, clock, settings, pools: Mutex::default(), owed: Mutex::default() }
    }

    pub(crate) fn pool(&self, fund: &FundKey) -> Arc<Pool> {
        let mut pools = self.pools.lock();
        if let Some(pool) = pools.get(fund) {
            return pool.clone();
        }
        let pool = Arc::new(Pool {
            fund: fund.clone(),
            state: Mutex::default(),
            refill: tokio::sync::Mutex::default(),
        });
        pools.insert(fund.clone(), pool.clone());
        pool
    }

    /// Takes `amount` from a pool, leasing more of its fund when there is no room.
    pub(crate) async fn take(
        &self,
        pool: &Pool,
        amount: Usd,
        parts: &mut Vec<Part>,
    ) -> Result<(), HoldError> {
        let now = self.clock.now();
        if pool.state.lock().take(amount, now, parts) {
            return Ok(());
        }
        let _one_at_a_time = pool.refill.lock().await;
        let mut available = Usd::ZERO;
        // Those who need not wait may take what was just leased, so one round may not be enough.
        for _ in 0..REFILLS_MAX {
            let (missing, want) = {
                let mut state = pool.state.lock();
                if state.take(amount, now, parts) {
                    return Ok(());
                }
                let missing = amount.saturating_sub(state.free(now));
                (missing, state.next_want(missing, now, &self.settings))
            };
            self.return_retired(pool).await;
            match self.ledger.lease(&pool.fund, missing, want).await {
                Ok(Leased::Granted { lease, amount: granted, expires_at }) => {
                    pool.state.lock().leases.push(Lease {
                        id: lease,
                        free: granted,
                        held: Usd::ZERO,
                        unsettled: Usd::ZERO,
                        expires_at,
                        retired: false,
                    });
                }
                Ok(Leased::Insufficient { available: left }) => {
                    available = left.saturating_add(pool.state.lock().free(now));
                    break;
                }
                Err(error) => return Err(HoldError::Unavailable(error)),
            }
        }
        if pool.state.lock().take(amount, self.clock.now(), parts) {
            return Ok(());
        }
        Err(HoldError::Short { fund: pool.fund.clone(), needed: amount, available })
    }

    /// Leases that were settled in the ledger owe nothing more for these draws.
    pub(crate) fn settled(&self, draws: &[Draw]) {
        let pools = self.pools.lock();
        for draw in draws {
            if let Some(pool) = pools.get(&draw.fund) {
                let mut state = pool.state.lock();
                if let Some(lease) = state.leases.iter_mut().find(|lease| lease.id == draw.lease) {
                    lease.unsettled = lease.unsettled.saturating_sub(draw.amount);
                }
            }
        }
    }

    /// Holds nothing more from what is leased of a key's budgets: its limit was changed, and what
    /// was leased under the old one may be more than the new one has left.
    pub(crate) fn retire_budgets(&self, of: ApiKeyId) {
        #[expect(clippy::iter_over_hash_type, reason = "the order of funds does not matter")]
        for (fund, pool) in self.pools.lock().iter() {
            if matches!(fund, FundKey::KeyBudget { key, .. } if *key == of) {
                pool.state.lock().leases.iter_mut().for_each(|lease| lease.retired = true);
            }
        }
    }

    /// Renews leases in use and gives back those that lie idle (`all`: every one that nobody
    /// holds). Called each second, and when the process ends.
    pub(crate) async fn maintain(&self, all: bool) {
        let now = self.clock.now();
        let renew = self.sort_out(now, all);
        self.give_back().await;
        if renew.is_empty() {
            return;
        }
        match self.ledger.renew_leases(&renew).await {
            Ok(renewed) => self.renewed(&renew, &renewed, now.plus(self.settings.lease_ttl)),
            Err(error) => tracing::warn!(leases = renew.len(), %error, "leases were not renewed"),
        }
    }

    /// Gives back leases of a fund from which nothing more is held, so that it can be leased anew.
    async fn return_retired(&self, pool: &Pool) {
        let mut retired = Vec::new();
        pool.state.lock().leases.retain(|lease| {
            let ended = lease.retired && lease.is_resting();
            if ended {
                retired.push(lease.id);
            }
            !ended
        });
        if !retired.is_empty() {
            self.owed.lock().extend(retired);
            self.give_back().await;
        }
    }

    /// Gives back what is owed, or keeps it for the next time.
    async fn give_back(&self) {
        let leases = std::mem::take(&mut *self.owed.lock());
        if leases.is_empty() {
            return;
        }
        if let Err(error) = self.ledger.return_leases(&leases).await {
            // Should it never work, they expire by themselves.
            tracing::warn!(leases = leases.len(), %error, "leases could not be returned yet");
            self.owed.lock().extend(leases);
        }
    }

    /// Moves what can be given back out of the pools and lists what must be renewed.
    fn sort_out(&self, now: Timestamp, all: bool) -> Vec<LeaseId> {
        let mut renew = Vec::new();
        let mut owed = self.owed.lock();
        let half_life = self.settings.lease_ttl / 2;
        self.pools.lock().retain(|_, pool| {
            let mut state = pool.state.lock();
            let idle = state.used_at.is_none_or(|at| now.since(at) >= self.settings.lease_idle);
            state.leases.retain(|lease| {
                if lease.is_resting() && (all || idle || lease.retired || lease.free.is_zero()) {
                    owed.push(lease.id);
                    return false;
                }
                if lease.expires_at.since(now) < half_life {
                    renew.push(lease.id);
                }
                true
            });
            // A pool that someone still refers to must stay findable for its draws.
            !state.leases.is_empty() || Arc::strong_count(pool) > 1
        });
        renew
    }

    /// Notes what became of leases that were to be renewed. One that was not has expired in the
    /// ledger: calls under way settle what they hold of it, and nobody else holds from it.
    fn renewed(&self, asked: &[LeaseId], renewed: &[LeaseId], expires_at: Timestamp) {
        #[expect(clippy::iter_over_hash_type, reason = "the order of funds does not matter")]
        for pool in self.pools.lock().values() {
            for lease in &mut pool.state.lock().leases {
                if renewed.contains(&lease.id) {
                    lease.expires_at = expires_at;
                } else if asked.contains(&lease.id) {
                    lease.retired = true;
                }
            }
        }
    }

    /// Leases that this node has, and what calls hold of them.
    pub(crate) fn gauges(&self) -> (usize, Usd) {
        let (mut leases, mut held) = (0, Usd::ZERO);
        #[expect(clippy::iter_over_hash_type, reason = "a sum has no order")]
        for pool in self.pools.lock().values() {
            let state = pool.state.lock();
            leases += state.leases.len();
            held = state.leases.iter().fold(held, |sum, lease| sum.saturating_add(lease.held));
        }
        (leases, held)
    }
}

impl PoolState {
    /// What can be held now.
    fn free(&self, now: Timestamp) -> Usd {
        self.leases.iter().fold(Usd::ZERO, |sum, lease| sum.saturating_add(lease.room(now)))
    }

    /// Takes all of `amount` or nothing.
    fn take(&mut self, amount: Usd, now: Timestamp, parts: &mut Vec<Part>) -> bool {
        self.used_at = Some(now);
        if self.free(now) < amount {
            return false;
        }
        let mut missing = amount;
        for lease in &mut self.leases {
            let taken = lease.room(now).min(missing);
            if taken.is_positive() {
                lease.free = lease.free.saturating_sub(taken);
                lease.held = lease.held.saturating_add(taken);
                parts.push(Part { lease: lease.id, amount: taken });
                missing = missing.saturating_sub(taken);
            }
            if missing.is_zero() {
                break;
            }
        }
        true
    }

    /// How much to ask for: more each time while the fund is busy, so that a busy workspace
    /// seldom waits and a quiet one ties little up.
    fn next_want(&mut self, missing: Usd, now: Timestamp, settings: &Settings) -> Usd {
        let busy = self.used_at.is_some_and(|at| now.since(at) < settings.lease_idle);
        let doubled = self.want.saturating_add(self.want);
        self.want = if busy { doubled } else { settings.lease_min }
            .max(settings.lease_min)
            .max(missing.saturating_add(missing))
            .min(settings.lease_max.max(missing));
        self.want
    }

    fn lease_mut(&mut self, id: LeaseId) -> Option<&mut Lease> {
        self.leases.iter_mut().find(|lease| lease.id == id)
    }
}

impl Pool {
    /// Puts parts back.
    pub(crate) fn release(&self, parts: &[Part]) {
        let mut state = self.state.lock();
        for part in parts {
            if let Some(lease) = state.lease_mut(part.lease) {
                lease.held = lease.held.saturating_sub(part.amount);
                lease.free = lease.free.saturating_add(part.amount);
            }
        }
    }

    /// Spends `cost` of the parts and puts the rest back. The cost is at most their sum.
    pub(crate) fn spend(&self, parts: &[Part], cost: Usd) -> Vec<Draw> {
        let mut state = self.state.lock();
        let mut owed = cost;
        let mut draws: Vec<Draw> = Vec::with_capacity(1);
        for part in parts {
            let drawn = part.amount.min(owed);
            owed = owed.saturating_sub(drawn);
            if let Some(lease) = state.lease_mut(part.lease) {
                lease.held = lease.held.saturating_sub(part.amount);
                lease.free = lease.free.saturating_add(part.amount.saturating_sub(drawn));
                lease.unsettled = lease.unsettled.saturating_add(drawn);
            }
            if drawn.is_positive() {
                match draws.iter_mut().find(|draw| draw.lease == part.lease) {
                    Some(draw) => draw.amount = draw.amount.saturating_add(drawn),
                    None => draws.push(Draw {
                        fund: self.fund.clone(),
                        lease: part.lease,
                        amount: drawn,
                    }),
                }
            }
        }
        draws
    }
}
