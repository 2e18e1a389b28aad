//! API keys: made once, shown once, known afterwards only by their hash.

use domain::api_key::{ApiKey, KEY_PREFIX, KeyHash, SpendLimit};
use domain::id::ApiKeyId;
use domain::secret::Secret;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use store::usage::KeySpend;

use crate::error::ControlError;
use crate::permission::{Action, require};
use crate::{Actor, Control};

/// A workspace that needs more than this is creating keys in a loop.
const KEYS_MAX: u32 = 500;
const NAME_CHARACTERS_MAX: usize = 80;

/// The verbs of API keys.
pub struct Keys<'a> {
    control: &'a Control,
}

/// What a key is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewKey {
    pub name: String,
    pub limit: Option<SpendLimit>,
}

/// A new key and, this once, its secret.
#[derive(Debug, Clone)]
pub struct CreatedKey {
    pub key: ApiKey,
    pub secret: Secret<String>,
}

/// A key and what was spent with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyOverview {
    pub key: ApiKey,
    pub spend: KeySpend,
}

impl<'a> Keys<'a> {
    pub(crate) const fn new(control: &'a Control) -> Self {
        Self { control }
    }

    /// Makes a key in the actor's workspace.
    pub async fn create(&self, actor: &Actor, new: NewKey) -> Result<CreatedKey, ControlError> {
        require(actor, Action::CreateKey)?;
        let name = check_name(&new.name)?;
        check_limit(new.limit)?;
        let control = self.control;
        let now = control.now();
        let Drawn { secret, hash, label } = draw(control.random());
        let key = ApiKey {
            id: ApiKeyId::new(now, control.random()),
            workspace_id: actor.workspace_id,
            creator: actor.user_id,
            hash,
            name,
            label,
            disabled: false,
            limit: new.limit,
            created_at: now,
            updated_at: None,
            last_used_at: None,
        };
        if !store::api_keys::insert(control.db(), &key, KEYS_MAX).await? {
            return Err(ControlError::Conflict {
                message: format!("a workspace has at most {KEYS_MAX} keys; delete one first"),
            });
        }
        tracing::info!(key.id = %key.id, workspace.id = %key.workspace_id, "Created an API key");
        Ok(CreatedKey { key, secret })
    }

    /// Every key of the actor's workspace, newest first, with what was spent.
    pub async fn list(&self, actor: &Actor) -> Result<Vec<KeyOverview>, ControlError> {
        require(actor, Action::ListKeys)?;
        let db = self.control.db();
        let keys = store::api_keys::list(db, actor.workspace_id).await?;
        let mut spends =
            store::usage::key_spend(db, actor.workspace_id, self.control.now()).await?;
        Ok(keys
            .into_iter()
            .map(|key| {
                let spend = spends.remove(&key.id).unwrap_or_default();
                KeyOverview { key, spend }
            })
            .collect())
    }

    pub async fn rename(
        &self,
        actor: &Actor,
        id: ApiKeyId,
        name: &str,
    ) -> Result<(), ControlError> {
        let name = check_name(name)?;
        let key = self.find_for_update(actor, id).await?;
        let (db, now) = (self.control.db(), self.control.now());
        let found = store::api_keys::rename(db, actor.workspace_id, id, &name, now).await?;
        self.changed(&key.hash, found)
    }

    /// Stops a key from being accepted, or lets it be accepted again.
    pub async fn set_disabled(
        &self,
        actor: &Actor,
        id: ApiKeyId,
        disabled: bool,
    ) -> Result<(), ControlError> {
        let key = self.find_for_update(actor, id).await?;
        let (db, now) = (self.control.db(), self.control.now());
        let found =
            store::api_keys::set_disabled(db, actor.workspace_id, id, disabled, now).await?;
        self.changed(&key.hash, found)
    }

    pub async fn set_limit(
        &self,
        actor: &Actor,
        id: ApiKeyId,
        limit: Option<SpendLimit>,
    ) -> Result<(), ControlError> {
        check_limit(limit)?;
        let key = self.find_for_update(actor, id).await?;
        let (db, now) = (self.control.db(), self.control.now());
        let found = store::api_keys::set_limit(db, actor.workspace_id, id, limit, now).await?;
        self.changed(&key.hash, found)
    }

    /// Removes a key for good. What was generated with it stays.
    pub async fn delete(&self, actor: &Actor, id: ApiKeyId) -> Result<(), ControlError> {
        require(actor, Action::DeleteKey)?;
        let (db, now) = (self.control.db(), self.control.now());
        let Some(hash) = store::api_keys::delete(db, actor.workspace_id, id, now).await? else {
            return Err(ControlError::NotFound);
        };
        self.control.key_changed(&hash);
        tracing::info!(key.id = %id, workspace.id = %actor.workspace_id, "Deleted an API key");
        Ok(())
    }

    async fn find_for_update(&self, actor: &Actor, id: ApiKeyId) -> Result<ApiKey, ControlError> {
        require(actor, Action::UpdateKey)?;
        store::api_keys::find(self.control.db(), actor.workspace_id, id)
            .await?
            .ok_or(ControlError::NotFound)
    }

    /// Announces a change that was written. The key may have been deleted since it was found.
    fn changed(&self, hash: &KeyHash, found: bool) -> Result<(), ControlError> {
        if !found {
            return Err(ControlError::NotFound);
        }
        self.control.key_changed(hash);
        Ok(())
    }
}

/// The hash by which a secret key is found.
pub fn hash_secret(secret: &str) -> KeyHash {
    KeyHash::from_digest(Sha256::digest(secret.as_bytes()).into())
}

struct Drawn {
    secret: Secret<String>,
    hash: KeyHash,
    label: String,
}

/// A new secret: the prefix and 256 random bits.
fn draw(random: &dyn domain::random::Random) -> Drawn {
    let mut bytes = [0_u8; 32];
    random.fill(&mut bytes);
    let mut secret = String::with_capacity(KEY_PREFIX.len() + 64);
    secret.push_str(KEY_PREFIX);
    for byte in bytes {
        // Writing to a String cannot fail.
        let _ = write!(secret, "{byte:02x}");
    }
    // Seven of 64 digits are shown: enough to tell keys apart, and 228 bits stay unknown.
    let digits = secret.split_at(KEY_PREFIX.len()).1;
    let label = format!("{KEY_PREFIX}{}…{}", digits.split_at(3).0, digits.split_at(60).1);
    let hash = hash_secret(&secret);
    Drawn { secret: Secret::new(secret), hash, label }
}

fn check_name(name: &str) -> Result<String, ControlError> {
    let name = name.trim();
    if name.is_empty() {
        return Err(ControlError::invalid("name", "give the key a name"));
    }
    if name.chars().count() > NAME_CHARACTERS_MAX {
        let message = format!("use a name of at most {NAME_CHARACTERS_MAX} characters");
        return Err(ControlError::invalid("name", message));
    }
    if name.chars().any(char::is_control) {
        return Err(ControlError::invalid("name", "use a name without control characters"));
    }
    Ok(name.to_owned())
}

fn check_limit(limit: Option<SpendLimit>) -> Result<(), ControlError> {
    match limit {
        Some(limit) if !limit.amount.is_positive() => {
            Err(ControlError::invalid("limit", "use a limit of more than zero, or none"))
        }
        Some(_) | None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::random::Counting;

    #[test]
    fn a_secret_has_the_public_form_and_its_label_hides_it() {
        let random = Counting::new();
        let drawn = draw(&random);
        let secret = drawn.secret.expose();
        let digits = secret.strip_prefix("sk-ep-v1-").unwrap();
        assert_eq!(digits.len(), 64);
        assert!(digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')));
        assert_eq!(drawn.hash, hash_secret(secret));
        assert_eq!(drawn.label.chars().count(), "sk-ep-v1-abc…wxyz".chars().count());
        assert!(digits.starts_with(&drawn.label["sk-ep-v1-".len()..][..3]));
        assert_ne!(secret, draw(&random).secret.expose());
    }
}
