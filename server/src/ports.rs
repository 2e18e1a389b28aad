//! What the gateway asks of the outside, over the store: three small types.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::api_key::KeyHash;
use domain::id::{ApiKeyId, BatchId, LeaseId, NodeId};
use domain::money::Usd;
use domain::random::Random;
use domain::time::{Clock, Timestamp};
use gateway::ports::{Caller, Keys, Leased, Ledger, PortError, Settlement};
use ledger::account::FundKey;
use parking_lot::Mutex;
use store::ledger::leases::{LeaseOutcome, LeaseRequest};
use store::ledger::settle::{Draw, SettledGeneration};
use store::{Db, StoreError};

/// API keys, read from the database.
pub struct StoreKeys {
    db: Db,
}

impl StoreKeys {
    pub fn new(db: Db) -> Self {
        Self { db }
    }
}

#[async_trait]
impl Keys for StoreKeys {
    async fn find(&self, key: &KeyHash) -> Result<Option<Caller>, PortError> {
        let found = store::api_keys::find_by_hash(&self.db, key).await.map_err(|error| {
            tracing::error!(error = %error, "A key could not be looked up");
            PortError("database")
        })?;
        Ok(found.map(|found| Caller {
            key_id: found.key.id,
            key_hash: found.key.hash,
            workspace_id: found.key.workspace_id,
            user_id: found.key.creator,
            billing: found.billing,
            disabled: found.key.disabled,
            limit: found.key.limit,
        }))
    }
}

/// Leases and settlements, written to the database in the name of this node.
pub struct StoreLedger {
    pub db: Db,
    pub node: NodeId,
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
    pub lease_ttl: Duration,
}

impl StoreLedger {
    fn unavailable(what: &'static str) -> impl FnOnce(StoreError) -> PortError {
        move |error| {
            tracing::error!(error = %error, "The ledger did not {what}");
            PortError("ledger")
        }
    }
}

#[async_trait]
impl Ledger for StoreLedger {
    async fn lease(&self, fund: &FundKey, at_least: Usd, want: Usd) -> Result<Leased, PortError> {
        let now = self.clock.now();
        let request = LeaseRequest {
            lease: LeaseId::new(now, &*self.random),
            node: self.node,
            fund: fund.clone(),
            at_least,
            want,
            now,
            expires_at: now.plus(self.lease_ttl),
        };
        let outcome = store::ledger::leases::lease(&self.db, &request)
            .await
            .map_err(Self::unavailable("grant a lease"))?;
        Ok(match outcome {
            LeaseOutcome::Granted { amount } => {
                Leased::Granted { lease: request.lease, amount, expires_at: request.expires_at }
            }
            LeaseOutcome::Insufficient { available } => Leased::Insufficient { available },
        })
    }

    async fn return_leases(&self, leases: &[LeaseId]) -> Result<(), PortError> {
        store::ledger::leases::return_leases(&self.db, leases, self.clock.now())
            .await
            .map_err(Self::unavailable("take leases back"))
    }

    async fn renew_leases(&self, leases: &[LeaseId]) -> Result<Vec<LeaseId>, PortError> {
        let expires_at = self.clock.now().plus(self.lease_ttl);
        store::ledger::leases::renew(&self.db, leases, expires_at)
            .await
            .map_err(Self::unavailable("renew leases"))
    }

    async fn settle(&self, batch: &[Settlement]) -> Result<(), PortError> {
        let now = self.clock.now();
        let settled: Vec<SettledGeneration> = batch.iter().map(settled).collect();
        let batch = BatchId::new(now, &*self.random);
        let done = store::ledger::settle::settle(&self.db, batch, &settled, &*self.random, now)
            .await
            .map_err(Self::unavailable("settle"))?;
        if done.overruns.is_positive() {
            metrics::counter!("entrepot_overruns_total").increment(1);
            tracing::error!(
                overruns_nanos = done.overruns.nanos(),
                "Generations cost more than was held for them; the platform bears the difference"
            );
        }
        Ok(())
    }
}

fn settled(settlement: &Settlement) -> SettledGeneration {
    SettledGeneration {
        generation: settlement.generation.clone(),
        draws: settlement
            .draws
            .iter()
            .map(|draw| Draw { fund: draw.fund.clone(), lease: draw.lease, amount: draw.amount })
            .collect(),
    }
}

/// When keys were last used. Noted in memory on the hot path, written down by a job.
#[derive(Debug, Default)]
pub struct KeyTouches(Mutex<HashMap<ApiKeyId, Timestamp>>);

impl KeyTouches {
    pub fn note(&self, key: ApiKeyId, now: Timestamp) {
        self.0.lock().insert(key, now);
    }

    /// What was noted since the last call.
    pub fn take(&self) -> Vec<(ApiKeyId, Timestamp)> {
        let mut touches: Vec<_> = std::mem::take(&mut *self.0.lock()).into_iter().collect();
        touches.sort_unstable();
        touches
    }

    /// Puts back what could not be written, unless the key was used again since.
    pub fn restore(&self, touches: &[(ApiKeyId, Timestamp)]) {
        let mut noted = self.0.lock();
        for (key, at) in touches {
            noted.entry(*key).or_insert(*at);
        }
    }
}
