//! What most tests need: a workspace with a key, leases, generations that cost something.

use domain::api_key::{ApiKey, KeyHash, SpendLimit};
use domain::generation::{Attempt, FinishReason, Generation, Outcome};
use domain::id::{
    ApiKeyId, BatchId, GenerationId, LeaseId, NodeId, TransferId, UserId, WorkspaceId,
};
use domain::money::Usd;
use domain::random::{Counting, Random};
use domain::time::Timestamp;
use domain::usage::{Usage, UsageSource};
use domain::user::User;
use domain::workspace::{Billing, Workspace};
use ledger::account::FundKey;
use ledger::posting::{self, Stamp};
use std::sync::Arc;
use std::time::Duration;
use store::Db;
use store::ledger::leases::{self, LeaseOutcome, LeaseRequest};
use store::ledger::settle::{Draw, SettledGeneration};
use store::ledger::{audit, transfers};
use store::testing::{TestDatabase, databases};
use store::users::NewUser;

/// 2026-11-22T13:00:00Z, a Sunday.
pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_795_352_400);

pub(crate) fn usd(nanos: i64) -> Usd {
    Usd::from_nanos(nanos)
}

pub(crate) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A database with one person, their workspace and a key.
pub(crate) struct Fixture {
    pub(crate) database: Arc<TestDatabase>,
    pub(crate) random: Arc<Counting>,
    pub(crate) user: User,
    pub(crate) workspace: Workspace,
    pub(crate) key: ApiKey,
    pub(crate) node: NodeId,
}

/// One fixture for each kind of database.
pub(crate) async fn fixtures() -> Vec<Fixture> {
    let mut fixtures = Vec::new();
    for database in databases().await {
        fixtures.push(Fixture::new(database).await);
    }
    fixtures
}

impl Fixture {
    async fn new(database: TestDatabase) -> Self {
        Self::add(Arc::new(database), Arc::new(Counting::new()), "ada@example.com").await
    }

    /// Another person with a workspace and a key, in the same database.
    pub(crate) async fn another(&self) -> Self {
        let email = format!("{}@example.com", UserId::new(NOW, &*self.random));
        Self::add(Arc::clone(&self.database), Arc::clone(&self.random), &email).await
    }

    async fn add(database: Arc<TestDatabase>, random: Arc<Counting>, email: &str) -> Self {
        let new = new_user(&*random, email);
        store::users::insert(&database.db, &new).await.unwrap();
        let key = new_key(&*random, new.user.id, new.workspace.id);
        assert!(store::api_keys::insert(&database.db, &key, 10).await.unwrap());
        let node = NodeId::new(NOW, &*random);
        Self { database, random, user: new.user, workspace: new.workspace, key, node }
    }

    pub(crate) fn db(&self) -> &Db {
        &self.database.db
    }

    pub(crate) fn credits(&self) -> FundKey {
        FundKey::Credits(self.workspace.id)
    }

    pub(crate) fn stamp(&self) -> Stamp {
        Stamp { id: TransferId::new(NOW, &*self.random), at: NOW }
    }

    pub(crate) fn batch(&self) -> BatchId {
        BatchId::new(NOW, &*self.random)
    }

    /// Gives the workspace credit.
    pub(crate) async fn grant(&self, nanos: i64) {
        let stamp = self.stamp();
        let request = stamp.id.to_string();
        let transfer =
            posting::grant(stamp, self.workspace.id, usd(nanos), (&request, "for a test")).unwrap();
        transfers::post(self.db(), &[transfer]).await.unwrap();
    }

    /// Limits the key and tells the fund of its current window.
    pub(crate) async fn limit(&self, limit: SpendLimit) -> FundKey {
        let (workspace, key) = (self.workspace.id, self.key.id);
        assert!(
            store::api_keys::set_limit(self.db(), workspace, key, Some(limit), NOW).await.unwrap()
        );
        FundKey::budget(key, &limit, NOW)
    }

    pub(crate) fn lease_request(&self, fund: &FundKey, at_least: i64, want: i64) -> LeaseRequest {
        LeaseRequest {
            lease: LeaseId::new(NOW, &*self.random),
            node: self.node,
            fund: fund.clone(),
            at_least: usd(at_least),
            want: usd(want),
            now: NOW,
            expires_at: NOW.plus(seconds(60)),
        }
    }

    /// Leases exactly this much.
    pub(crate) async fn lease(&self, fund: &FundKey, nanos: i64) -> LeaseId {
        let request = self.lease_request(fund, nanos, nanos);
        let outcome = leases::lease(self.db(), &request).await.unwrap();
        assert_eq!(outcome, LeaseOutcome::Granted { amount: usd(nanos) });
        request.lease
    }

    pub(crate) fn generation(&self, cost: i64) -> Generation {
        generation(&*self.random, (self.workspace.id, self.key.id, self.user.id), cost)
    }

    /// A generation drawn from one lease of credits.
    pub(crate) fn settled(&self, cost: i64, lease: LeaseId) -> SettledGeneration {
        let draws = vec![Draw { fund: self.credits(), lease, amount: usd(cost) }];
        SettledGeneration { generation: self.generation(cost), draws }
    }

    pub(crate) async fn settle(
        &self,
        generations: &[SettledGeneration],
    ) -> store::ledger::settle::Settled {
        store::ledger::settle::settle(self.db(), self.batch(), generations, &*self.random, NOW)
            .await
            .unwrap()
    }

    /// What was added, used and is pending, in nano-dollars.
    pub(crate) async fn balance(&self) -> (i64, i64, i64) {
        let balance = store::ledger::accounts::balance(self.db(), self.workspace.id).await.unwrap();
        (balance.credits.nanos(), balance.used.nanos(), balance.pending.nanos())
    }

    #[track_caller]
    pub(crate) fn assert_clean(&self) -> impl Future<Output = ()> {
        let at = std::panic::Location::caller();
        async move {
            let report = audit::audit(self.db()).await.unwrap();
            assert_eq!(report.findings, [], "at {at}");
        }
    }
}

pub(crate) fn new_user(random: &dyn Random, email: &str) -> NewUser {
    let user = User {
        id: UserId::new(NOW, random),
        email: email.to_owned(),
        name: "Ada".to_owned(),
        is_operator: false,
        created_at: NOW,
    };
    let workspace = Workspace {
        id: WorkspaceId::new(NOW, random),
        name: "Ada's workspace".to_owned(),
        owner: user.id,
        billing: Billing::Prepaid,
        created_at: NOW,
    };
    NewUser { user, password_hash: "$argon2id$…".to_owned(), workspace }
}

pub(crate) fn new_key(random: &dyn Random, creator: UserId, workspace: WorkspaceId) -> ApiKey {
    let mut digest = [0; 32];
    random.fill(&mut digest);
    ApiKey {
        id: ApiKeyId::new(NOW, random),
        workspace_id: workspace,
        creator,
        hash: KeyHash::from_digest(digest),
        name: "test".to_owned(),
        label: "sk-ep-v1-abc…xyz".to_owned(),
        disabled: false,
        limit: None,
        created_at: NOW,
        updated_at: None,
        last_used_at: None,
    }
}

/// A generation with every field filled in.
pub(crate) fn generation(
    random: &dyn Random,
    (workspace_id, api_key_id, user_id): (WorkspaceId, ApiKeyId, UserId),
    cost: i64,
) -> Generation {
    Generation {
        id: GenerationId::new(NOW, random),
        workspace_id,
        api_key_id,
        user_id,
        requested_model: "acme/large:nitro".to_owned(),
        model: "acme/large".parse().unwrap(),
        endpoint_id: Some("acme/large@acme".to_owned()),
        provider: Some("acme".to_owned()),
        provider_name: Some("Acme".to_owned()),
        upstream_id: Some("chatcmpl-1".to_owned()),
        streamed: true,
        outcome: Outcome::Finished,
        finish_reason: Some(FinishReason::ToolCalls),
        native_finish_reason: Some("tool_use".to_owned()),
        error_code: None,
        usage: Usage {
            prompt: 1,
            cache_read: 2,
            cache_write_5m: 3,
            cache_write_1h: 4,
            audio_input: 5,
            image_input: 6,
            completion: 7,
            reasoning: 8,
            audio_output: 9,
            image_output: 10,
            requests: 1,
            web_searches: 12,
        },
        usage_source: UsageSource::Provider,
        cost: usd(cost),
        upstream_cost: usd(cost / 2),
        ttft_ms: Some(120),
        generation_ms: 2_400,
        attempts: vec![Attempt {
            endpoint_id: "acme/large@other".to_owned(),
            provider: "other".to_owned(),
            provider_name: "Other".to_owned(),
            status: Some(503),
            latency_ms: 80,
            error: Some("provider_unavailable".to_owned()),
        }],
        http_referer: Some("https://example.com".to_owned()),
        app_title: Some("Example".to_owned()),
        user_agent: Some("curl/8".to_owned()),
        external_user: Some("user-1".to_owned()),
        session_id: Some("session-1".to_owned()),
        created_at: NOW,
        finished_at: NOW.plus(seconds(2)),
    }
}
