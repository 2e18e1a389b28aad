//! *Authenticate*: from the text of a key to a caller, without SQL when the key is known.

use std::sync::Arc;
use std::time::Duration;

use domain::api_key::{KEY_PREFIX, KeyHash};
use domain::time::{Clock, Timestamp};
use moka::sync::Cache;
use sha2::{Digest, Sha256};

use crate::error::GatewayError;
use crate::ports::{Caller, Keys};
use crate::settings::Settings;

/// Keys that were found lately.
pub(crate) struct Authenticator {
    keys: Arc<dyn Keys>,
    clock: Arc<dyn Clock>,
    known: Cache<KeyHash, Known>,
    /// Hashes that named no key lately, so that guessing costs a stranger more than it costs us.
    unknown: Cache<KeyHash, ()>,
    ttl: Duration,
    stale: Duration,
}

#[derive(Clone)]
struct Known {
    caller: Arc<Caller>,
    found_at: Timestamp,
}

impl Authenticator {
    pub(crate) fn new(keys: Arc<dyn Keys>, clock: Arc<dyn Clock>, settings: &Settings) -> Self {
        Self {
            keys,
            clock,
            known: Cache::new(settings.key_cache_capacity),
            unknown: Cache::builder()
                .max_capacity(settings.key_cache_capacity)
                .time_to_live(Duration::from_secs(2))
                .build(),
            ttl: settings.key_cache_ttl,
            stale: settings.key_cache_stale,
        }
    }

    /// The caller that this key stands for.
    ///
    /// A store that can't be asked is never a reason to call a key wrong: a key seen lately goes
    /// on working, any other is told to come back.
    pub(crate) async fn authenticate(
        &self,
        secret: Option<&str>,
    ) -> Result<Arc<Caller>, GatewayError> {
        let secret = secret.map(str::trim).filter(|text| !text.is_empty());
        let secret = secret.ok_or(GatewayError::KeyMissing)?;
        if !secret.starts_with(KEY_PREFIX) || secret.len() > 256 {
            return Err(GatewayError::KeyUnknown);
        }
        let hash = KeyHash::from_digest(Sha256::digest(secret.as_bytes()).into());
        let now = self.clock.now();
        let known = self.known.get(&hash);
        let caller = match known {
            Some(known) if now.since(known.found_at) < self.ttl => known.caller,
            known => self.find(hash, known, now).await?,
        };
        if caller.disabled { Err(GatewayError::KeyDisabled) } else { Ok(caller) }
    }

    async fn find(
        &self,
        hash: KeyHash,
        known: Option<Known>,
        now: Timestamp,
    ) -> Result<Arc<Caller>, GatewayError> {
        if self.unknown.contains_key(&hash) {
            return Err(GatewayError::KeyUnknown);
        }
        match (self.keys.find(&hash).await, known) {
            (Ok(Some(caller)), _) => {
                let caller = Arc::new(caller);
                self.known.insert(hash, Known { caller: caller.clone(), found_at: now });
                Ok(caller)
            }
            (Ok(None), _) => {
                self.known.invalidate(&hash);
                self.unknown.insert(hash, ());
                Err(GatewayError::KeyUnknown)
            }
            (Err(_), Some(known)) if now.since(known.found_at) < self.stale => Ok(known.caller),
            (Err(error), _) => Err(GatewayError::Unavailable(error)),
        }
    }

    /// Asks the store again at the key's next use.
    pub(crate) fn forget(&self, hash: &KeyHash) {
        self.known.invalidate(hash);
        self.unknown.invalidate(hash);
    }
}
