//! The control plane: what people do, as methods.
//!
//! [`Control`] is given a database, a catalog, a clock and a source of randomness; its methods are
//! the product's verbs, grouped by noun. The web app and the management API are two thin callers
//! of the same methods, so a rule that is kept here is kept everywhere.
//!
//! Invariants:
//! - Every verb takes an [`Actor`] and asks [`permission`] first; only the public catalog and the
//!   way in (sign-up, sign-in) have none.
//! - An actor reaches nothing outside their workspace: what belongs to another is not found.
//! - A secret key leaves once, when it is made; a password never leaves.
//! - Nothing here reads the wall clock, the environment or a global source of randomness.
//!
//! What is not here: statements (`store`), money rules (`ledger`), sessions and cookies
//! (`server`), inference (`gateway`).

pub mod accounts;
pub mod activity;
pub mod catalog;
pub mod credits;
mod demo;
pub mod error;
pub mod keys;
pub mod models;
mod password;
pub mod permission;
mod throttle;

pub use accounts::{Accounts, NewUser, SignUp, SignedIn};
pub use activity::{Activity, ActivityFilter};
pub use credits::Credits;
pub use demo::Demo;
pub use error::ControlError;
pub use keys::{CreatedKey, KeyOverview, Keys, NewKey};
pub use models::Models;
pub use store::usage::KeySpend;

use arc_swap::ArcSwap;
use domain::api_key::KeyHash;
use domain::catalog::Catalog;
use domain::id::{UserId, WorkspaceId};
use domain::money::Usd;
use domain::random::Random;
use domain::time::{Clock, Timestamp};
use domain::workspace::Role;
use std::sync::Arc;
use store::Db;

use crate::password::Passwords;
use crate::throttle::Throttles;

/// Tells whoever caches keys that this one has changed.
pub type KeyChanged = Arc<dyn Fn(&KeyHash) + Send + Sync>;

/// What a [`Control`] is made of.
#[derive(Clone)]
pub struct Parts {
    pub db: Db,
    pub catalog: Arc<ArcSwap<Catalog>>,
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
    pub settings: Settings,
    pub key_changed: KeyChanged,
}

/// What the operator decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Whether anybody may add sandbox credit for nothing.
    pub sandbox_top_up: bool,
    /// The most that one sandbox top-up adds.
    pub sandbox_top_up_max: Usd,
    /// Whether strangers may make an account.
    pub sign_up: bool,
}

/// Who is asking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    pub user_id: UserId,
    pub workspace_id: WorkspaceId,
    pub role: Role,
    pub name: String,
    pub email: String,
    pub is_operator: bool,
}

/// The product's verbs. Cheap to clone.
#[derive(Clone)]
pub struct Control {
    inner: Arc<Inner>,
}

struct Inner {
    parts: Parts,
    passwords: Passwords,
    throttles: Throttles,
}

impl Control {
    pub fn new(parts: Parts) -> Self {
        let passwords = Passwords::new(Arc::clone(&parts.random));
        let throttles = Throttles::new(parts.random.as_ref());
        Self { inner: Arc::new(Inner { parts, passwords, throttles }) }
    }

    /// Signing up and in, passwords, who somebody is.
    pub fn accounts(&self) -> Accounts<'_> {
        Accounts::new(self)
    }

    /// API keys.
    pub fn keys(&self) -> Keys<'_> {
        Keys::new(self)
    }

    /// Balance, statement and top-ups.
    pub fn credits(&self) -> Credits<'_> {
        Credits::new(self)
    }

    /// What was generated.
    pub fn activity(&self) -> Activity<'_> {
        Activity::new(self)
    }

    /// The public catalog.
    pub fn models(&self) -> Models<'_> {
        Models::new(self)
    }

    pub(crate) fn db(&self) -> &Db {
        &self.inner.parts.db
    }

    pub(crate) fn random(&self) -> &dyn Random {
        self.inner.parts.random.as_ref()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.inner.parts.clock.now()
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.inner.parts.settings
    }

    pub(crate) fn catalog_snapshot(&self) -> Arc<Catalog> {
        self.inner.parts.catalog.load_full()
    }

    pub(crate) fn passwords(&self) -> &Passwords {
        &self.inner.passwords
    }

    pub(crate) fn throttles(&self) -> &Throttles {
        &self.inner.throttles
    }

    pub(crate) fn key_changed(&self, hash: &KeyHash) {
        (self.inner.parts.key_changed)(hash);
    }
}
