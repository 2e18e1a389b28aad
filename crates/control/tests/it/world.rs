//! What the tests stand on: a fresh database, a clock that they move, and somebody in it.

use arc_swap::ArcSwap;
use control::catalog::{Sources, Without};
use control::{Actor, Control, ControlError, CreatedKey, NewKey, Parts, Settings, SignUp};
use domain::api_key::KeyHash;
use domain::catalog::Catalog;
use domain::generation::{FinishReason, Generation, Outcome};
use domain::id::{ApiKeyId, BatchId, GenerationId, LeaseId, NodeId};
use domain::money::Usd;
use domain::random::Counting;
use domain::secret::Secret;
use domain::time::{Clock, ManualClock, Timestamp};
use domain::usage::{Usage, UsageSource};
use ledger::account::FundKey;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use store::Db;
use store::db::{ConnectOptions, DatabaseUrl};
use store::ledger::leases::{LeaseOutcome, LeaseRequest};
use store::ledger::settle::{Draw, SettledGeneration};

pub(crate) const PASSWORD: &str = "correct horse battery";
pub(crate) const CLIENT: &str = "192.0.2.1";

pub(crate) struct World {
    pub(crate) control: Control,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) random: Arc<Counting>,
    pub(crate) db: Db,
    changed: Arc<Mutex<Vec<KeyHash>>>,
    _directory: tempfile::TempDir,
}

pub(crate) fn settings() -> Settings {
    Settings { sandbox_top_up: true, sandbox_top_up_max: Usd::from_dollars(100), sign_up: true }
}

/// Those that the shipped catalog uses; `providers` speaks them.
const DIALECTS: [&str; 8] = [
    "anthropic",
    "azure_openai",
    "bedrock",
    "cohere",
    "google",
    "openai_compatible",
    "openai_responses",
    "vertex",
];

pub(crate) fn shipped() -> Catalog {
    let without = Without::Sandbox { base_url: "http://127.0.0.1:9".to_owned() };
    let sources = Sources { builtin: true, extra_dirs: Vec::new() };
    control::catalog::load(&sources, &|_| None, &without, &DIALECTS).unwrap().catalog
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(settings(), Catalog::default()).await
    }

    pub(crate) async fn with(settings: Settings, catalog: Catalog) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = DatabaseUrl::sqlite(directory.path().join("test.db"));
        let db = Db::connect(&ConnectOptions::new(url)).await.unwrap();
        db.migrate().await.unwrap();
        // 2026-11-22, a Sunday.
        let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(1_795_348_800)));
        let random = Arc::new(Counting::new());
        let changed: Arc<Mutex<Vec<KeyHash>>> = Arc::default();
        let log = Arc::clone(&changed);
        let control = Control::new(Parts {
            db: db.clone(),
            catalog: Arc::new(ArcSwap::from_pointee(catalog)),
            clock: clock.clone(),
            random: random.clone(),
            settings,
            key_changed: Arc::new(move |hash| log.lock().unwrap().push(hash.clone())),
        });
        Self { control, clock, random, db, changed, _directory: directory }
    }

    pub(crate) fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// The keys that caches were told about since the last call.
    pub(crate) fn changed(&self) -> Vec<KeyHash> {
        std::mem::take(&mut self.changed.lock().unwrap())
    }

    /// Somebody new, in a workspace of their own.
    pub(crate) async fn person(&self, name: &str) -> Actor {
        let sign_up = sign_up(&format!("{name}@example.com"), name, PASSWORD);
        let signed_in = self.control.accounts().sign_up(sign_up, CLIENT).await.unwrap();
        self.control.accounts().actor(signed_in.user.id).await.unwrap().unwrap()
    }

    pub(crate) async fn key(&self, actor: &Actor, name: &str) -> CreatedKey {
        let new = NewKey { name: name.to_owned(), limit: None };
        self.control.keys().create(actor, new).await.unwrap()
    }

    /// Settles one generation of this cost, as the gateway would.
    pub(crate) async fn generate(&self, actor: &Actor, key: ApiKeyId, cost: Usd) -> GenerationId {
        let (now, random) = (self.clock.now(), self.random.as_ref());
        let fund = FundKey::Credits(actor.workspace_id);
        let request = LeaseRequest {
            lease: LeaseId::new(now, random),
            node: NodeId::new(now, random),
            fund: fund.clone(),
            at_least: cost,
            want: cost,
            now,
            expires_at: now.plus(Duration::from_secs(60)),
        };
        let outcome = store::ledger::leases::lease(&self.db, &request).await.unwrap();
        assert!(matches!(outcome, LeaseOutcome::Granted { .. }), "{outcome:?}");
        let generation = self.generation(actor, key, cost);
        let id = generation.id.clone();
        let draws = vec![Draw { fund, lease: request.lease, amount: cost }];
        let batch = BatchId::new(now, random);
        let settled = [SettledGeneration { generation, draws }];
        store::ledger::settle::settle(&self.db, batch, &settled, random, now).await.unwrap();
        store::ledger::leases::return_leases(&self.db, &[request.lease], now).await.unwrap();
        id
    }

    fn generation(&self, actor: &Actor, key: ApiKeyId, cost: Usd) -> Generation {
        let now = self.clock.now();
        Generation {
            id: GenerationId::new(now, self.random.as_ref()),
            workspace_id: actor.workspace_id,
            api_key_id: key,
            user_id: actor.user_id,
            requested_model: "openai/gpt-4o-mini".to_owned(),
            model: "openai/gpt-4o-mini".parse().unwrap(),
            endpoint_id: Some("openai/gpt-4o-mini@openai".to_owned()),
            provider: Some("openai".to_owned()),
            provider_name: Some("OpenAI".to_owned()),
            upstream_id: None,
            streamed: false,
            outcome: Outcome::Finished,
            finish_reason: Some(FinishReason::Stop),
            native_finish_reason: None,
            error_code: None,
            usage: Usage { prompt: 10, completion: 20, ..Usage::default() },
            usage_source: UsageSource::Provider,
            cost,
            upstream_cost: cost,
            ttft_ms: Some(100),
            generation_ms: 1_000,
            attempts: Vec::new(),
            http_referer: None,
            app_title: None,
            user_agent: None,
            external_user: None,
            session_id: None,
            created_at: now,
            finished_at: now,
        }
    }

    /// The books are right.
    pub(crate) async fn assert_balanced(&self) {
        let report = store::ledger::audit::audit(&self.db).await.unwrap();
        assert_eq!(report.findings, []);
    }
}

pub(crate) fn secret(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

pub(crate) fn sign_up(email: &str, name: &str, password: &str) -> SignUp {
    SignUp { email: email.to_owned(), name: name.to_owned(), password: secret(password) }
}

/// The field that was refused.
#[track_caller]
pub(crate) fn refused<T: std::fmt::Debug>(result: Result<T, ControlError>) -> &'static str {
    match result {
        Err(ControlError::Invalid { field, .. }) => field,
        other => panic!("{other:?}"),
    }
}
