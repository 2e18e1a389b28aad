//! *Authenticate*: from the text of a key to a caller, without SQL when the key is known.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use domain::api_key::{KEY_PREFIX, KeyHash};
use domain::id::ApiKeyId;
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
    /// Grows whenever a key is forgotten, so that what was read before is not kept after.
    forgotten: AtomicU64,
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
            forgotten: AtomicU64::new(0),
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
        let forgotten = self.forgotten.load(Ordering::SeqCst);
        match (self.keys.find(&hash).await, known) {
            (Ok(Some(caller)), _) => {
                let caller = Arc::new(caller);
                let known = Known { caller: caller.clone(), found_at: now };
                self.known.insert(hash.clone(), known);
                self.doubt(&hash, forgotten);
                Ok(caller)
            }
            (Ok(None), _) => {
                self.known.invalidate(&hash);
                self.unknown.insert(hash.clone(), ());
                self.doubt(&hash, forgotten);
                Err(GatewayError::KeyUnknown)
            }
            (Err(_), Some(known)) if now.since(known.found_at) < self.stale => Ok(known.caller),
            (Err(error), _) => Err(GatewayError::Unavailable(error)),
        }
    }

    /// Drops what was just noted if keys were forgotten while the store was asked: it may have
    /// answered with how the key was before.
    fn doubt(&self, hash: &KeyHash, forgotten: u64) {
        if self.forgotten.load(Ordering::SeqCst) != forgotten {
            self.known.invalidate(hash);
            self.unknown.invalidate(hash);
        }
    }

    /// Asks the store again at the key's next use. Returns the key, if it was known.
    pub(crate) fn forget(&self, hash: &KeyHash) -> Option<ApiKeyId> {
        self.forgotten.fetch_add(1, Ordering::SeqCst);
        self.unknown.invalidate(hash);
        self.known.remove(hash).map(|known| known.caller.key_id)
    }
}
