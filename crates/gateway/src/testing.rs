//! In-memory ports, for tests here and in `server`.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use async_trait::async_trait;
use domain::api_key::KeyHash;
use domain::catalog::{Auth, Cancellation, DataPolicy, Endpoint, Provider, Quirks, Serving};
use domain::id::LeaseId;
use domain::money::Usd;
use domain::pricing::PriceSheet;
use domain::random::Counting;
use domain::time::Timestamp;
use ledger::account::FundKey;
use parking_lot::Mutex;

use crate::ports::{Caller, Keys, Leased, Ledger, PortError, Settlement};

/// A provider that takes no credential and does nothing in a way of its own.
pub fn provider(slug: &str, base_url: &str) -> Provider {
    Provider {
        slug: slug.into(),
        name: slug.to_uppercase(),
        dialect: "openai_compatible".into(),
        base_url: base_url.into(),
        auth: Auth::None,
        credential_env: None,
        quirks: Quirks::default(),
        data_policy: DataPolicy::default(),
        cancellation: Cancellation::Stops,
        regions: Vec::new(),
        headquarters: None,
        datacenters: Vec::new(),
        terms_url: None,
        privacy_url: None,
        status_url: None,
        serving: Serving::Live,
    }
}

/// An endpoint of `test/model` at a provider of this slug, tagged `<slug>/fast`, that costs
/// nothing and cannot be reached.
#[expect(clippy::expect_used, reason = "the slug is a constant")]
pub fn endpoint(slug: &str) -> Endpoint {
    Endpoint {
        id: format!("test/model@{slug}"),
        model: "test/model".parse().expect("it is a slug"),
        tag: format!("{slug}/fast"),
        provider: Arc::new(provider(slug, "http://127.0.0.1:1")),
        upstream_model: "m".into(),
        context_length: 1,
        max_prompt_tokens: None,
        max_completion_tokens: None,
        quantization: None,
        supported_parameters: Vec::new(),
        prices: PriceSheet::default(),
        regions: Vec::new(),
        hidden: false,
        quirks: Quirks::default(),
    }
}

/// Keys in a map. Can be made to fail, as a database does.
#[derive(Default)]
pub struct MemoryKeys {
    callers: Mutex<HashMap<KeyHash, Caller>>,
    down: AtomicBool,
    asked: AtomicU64,
}

impl MemoryKeys {
    pub fn insert(&self, caller: Caller) {
        self.callers.lock().insert(caller.key_hash.clone(), caller);
    }

    pub fn set_down(&self, down: bool) {
        self.down.store(down, Ordering::SeqCst);
    }

    /// How often the store was asked.
    pub fn asked(&self) -> u64 {
        self.asked.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Keys for MemoryKeys {
    async fn find(&self, key: &KeyHash) -> Result<Option<Caller>, PortError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if self.down.load(Ordering::SeqCst) {
            return Err(PortError("key store"));
        }
        Ok(self.callers.lock().get(key).cloned())
    }
}

/// A ledger of plain sums: what each fund has, what is leased of it, what was spent.
#[derive(Default)]
pub struct MemoryLedger {
    state: Mutex<State>,
    random: Counting,
    down: AtomicBool,
    /// When leases end; never, when it is zero.
    lease_end: AtomicI64,
}

#[derive(Default)]
struct State {
    funds: HashMap<FundKey, Fund>,
    leases: HashMap<LeaseId, (FundKey, Usd)>,
    settled: Vec<Settlement>,
    seen: HashSet<domain::id::GenerationId>,
}

#[derive(Default, Clone, Copy)]
struct Fund {
    credit: Usd,
    leased: Usd,
    spent: Usd,
}

impl MemoryLedger {
    pub fn add(&self, fund: FundKey, amount: Usd) {
        let mut state = self.state.lock();
        let fund = state.funds.entry(fund).or_default();
        fund.credit = fund.credit.saturating_add(amount);
    }

    pub fn set_down(&self, down: bool) {
        self.down.store(down, Ordering::SeqCst);
    }

    /// Leases granted from now on end at this time unless they are renewed.
    pub fn set_lease_end(&self, end: Timestamp) {
        self.lease_end.store(end.as_micros(), Ordering::SeqCst);
    }

    /// Closes every lease, as if nobody had renewed them.
    pub fn expire_leases(&self) {
        let mut state = self.state.lock();
        let leases = std::mem::take(&mut state.leases);
        for (key, left) in leases.into_values() {
            if let Some(fund) = state.funds.get_mut(&key) {
                fund.leased = fund.leased.saturating_sub(left);
            }
        }
    }

    /// Credit that is neither spent nor leased.
    pub fn available(&self, fund: &FundKey) -> Usd {
        let state = self.state.lock();
        state.funds.get(fund).map_or(Usd::ZERO, |fund| fund.available())
    }

    pub fn spent(&self, fund: &FundKey) -> Usd {
        self.state.lock().funds.get(fund).map_or(Usd::ZERO, |fund| fund.spent)
    }

    pub fn open_leases(&self) -> usize {
        self.state.lock().leases.len()
    }

    pub fn settled(&self) -> Vec<Settlement> {
        self.state.lock().settled.clone()
    }

    fn check(&self) -> Result<(), PortError> {
        if self.down.load(Ordering::SeqCst) { Err(PortError("ledger")) } else { Ok(()) }
    }
}

impl Fund {
    fn available(self) -> Usd {
        self.credit.saturating_sub(self.leased).saturating_sub(self.spent)
    }
}

#[async_trait]
impl Ledger for MemoryLedger {
    async fn lease(&self, key: &FundKey, at_least: Usd, want: Usd) -> Result<Leased, PortError> {
        self.check()?;
        let mut state = self.state.lock();
        let fund = state.funds.entry(key.clone()).or_default();
        let available = fund.available();
        let Some(amount) = ledger::lease::grant(available, at_least, want) else {
            return Ok(Leased::Insufficient { available });
        };
        fund.leased = fund.leased.saturating_add(amount);
        let lease = LeaseId::new(Timestamp::EPOCH, &self.random);
        state.leases.insert(lease, (key.clone(), amount));
        let expires_at = match self.lease_end.load(Ordering::SeqCst) {
            0 => Timestamp::from_micros(i64::MAX),
            end => Timestamp::from_micros(end),
        };
        Ok(Leased::Granted { lease, amount, expires_at })
    }

    async fn return_leases(&self, leases: &[LeaseId]) -> Result<(), PortError> {
        self.check()?;
        let mut state = self.state.lock();
        for lease in leases {
            if let Some((key, left)) = state.leases.remove(lease)
                && let Some(fund) = state.funds.get_mut(&key)
            {
                fund.leased = fund.leased.saturating_sub(left);
            }
        }
        Ok(())
    }

    async fn renew_leases(&self, leases: &[LeaseId]) -> Result<Vec<LeaseId>, PortError> {
        self.check()?;
        let state = self.state.lock();
        Ok(leases.iter().filter(|lease| state.leases.contains_key(lease)).copied().collect())
    }

    async fn settle(&self, batch: &[Settlement]) -> Result<(), PortError> {
        self.check()?;
        let mut state = self.state.lock();
        for settlement in batch {
            if !state.seen.insert(settlement.generation.id.clone()) {
                continue;
            }
            for draw in &settlement.draws {
                let open = state.leases.get_mut(&draw.lease).map(|(_, left)| {
                    *left = left.saturating_sub(draw.amount);
                });
                if let Some(fund) = state.funds.get_mut(&draw.fund) {
                    if open.is_some() {
                        fund.leased = fund.leased.saturating_sub(draw.amount);
                    }
                    fund.spent = fund.spent.saturating_add(draw.amount);
                }
            }
            state.settled.push(settlement.clone());
        }
        Ok(())
    }
}
