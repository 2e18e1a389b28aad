//! A gateway with one key, one model and the sandbox.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use domain::api_key::KeyHash;
use domain::catalog::{Catalog, Endpoint, Modality, Model, Provider, Quirks};
use domain::id::{ApiKeyId, UserId, WorkspaceId};
use domain::model::ModelSlug;
use domain::money::Usd;
use domain::pricing::{Price, PriceSheet, Unit};
use domain::random::Counting;
use domain::secret::Secret;
use domain::time::{ManualClock, Timestamp};
use domain::workspace::Billing;
use gateway::ports::Caller;
use gateway::testing::{MemoryKeys, MemoryLedger};
use gateway::{Attribution, Gateway, GatewayError, Inbound, Outbound, Parts, Settings};
use ledger::account::FundKey;
use protocol::dialects::{chat_completions, embeddings};
use protocol::embeddings::Encoding;
use sandbox::{Sandbox, SandboxOptions};
use sha2::{Digest, Sha256};
use tokio_util::task::TaskTracker;

pub(crate) const MODEL: &str = "test/model";
pub(crate) const VECTORS: &str = "test/vectors";
/// Our own at the first provider. It looks like nothing in particular.
const CREDENTIAL: &str = "plaincredential";

pub(crate) fn secret() -> &'static str {
    "sk-ep-v1-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
}

pub(crate) struct World {
    pub(crate) gateway: Gateway,
    pub(crate) keys: Arc<MemoryKeys>,
    pub(crate) ledger: Arc<MemoryLedger>,
    pub(crate) clock: Arc<ManualClock>,
    catalog: Arc<ArcSwap<Catalog>>,
    sandbox: Sandbox,
    fund: FundKey,
}

/// A world whose workspace can pay for anything.
pub(crate) async fn rich() -> World {
    let world = World::new().await;
    world.add(Usd::from_dollars(5));
    world
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(Settings::default()).await
    }

    /// With these settings, but for the patience with upstreams.
    pub(crate) async fn with(settings: Settings) -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(1_800_000_000)));
        let random = Arc::new(Counting::new());
        let now = Timestamp::from_seconds(1_800_000_000);
        let workspace_id = WorkspaceId::new(now, &*random);
        let keys = Arc::new(MemoryKeys::default());
        keys.insert(Caller {
            key_id: ApiKeyId::new(now, &*random),
            key_hash: KeyHash::from_digest(Sha256::digest(secret()).into()),
            workspace_id,
            user_id: UserId::new(now, &*random),
            billing: Billing::Prepaid,
            disabled: false,
            limit: None,
        });
        let ledger = Arc::new(MemoryLedger::default());
        let catalog = Arc::new(ArcSwap::from_pointee(Catalog::default()));
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let options = SandboxOptions { address, seed: 1, speed: 0.0 };
        let sandbox = Sandbox::start(options).await.unwrap();
        let gateway = Gateway::new(Parts {
            catalog: catalog.clone(),
            keys: keys.clone(),
            ledger: ledger.clone(),
            clock: clock.clone(),
            random,
            // Attached nowhere, because the sandbox's providers take none; but known.
            credentials: HashMap::from([("p0".to_owned(), Secret::new(CREDENTIAL.to_owned()))]),
            settings: Settings {
                first_event_timeout: Duration::from_millis(400),
                idle_timeout: Duration::from_millis(400),
                ..settings
            },
            tasks: TaskTracker::new(),
        })
        .unwrap();
        let fund = FundKey::Credits(workspace_id);
        let world = Self { gateway, keys, ledger, clock, catalog, sandbox, fund };
        world.endpoints(&["fast/4"]);
        world
    }

    pub(crate) fn add(&self, amount: Usd) {
        self.ledger.add(self.fund.clone(), amount);
    }

    pub(crate) fn spent(&self) -> Usd {
        self.ledger.spent(&self.fund)
    }

    /// Serves the model by these upstream models. The last costs $1 and $10 per million tokens,
    /// each before it so much less that the first is always tried first.
    pub(crate) fn endpoints(&self, upstream_models: &[&str]) {
        let slug: ModelSlug = MODEL.parse().unwrap();
        let mut providers = Vec::new();
        let endpoints = upstream_models.iter().enumerate().map(|(index, upstream)| {
            let provider = Arc::new(self.provider(&format!("p{index}")));
            providers.push(provider.clone());
            Arc::new(endpoint(
                &slug,
                provider,
                upstream,
                10_000_i64.pow(u32::try_from(upstream_models.len() - 1 - index).unwrap()),
            ))
        });
        let model = Model { endpoints: endpoints.collect(), ..model(&slug) };
        self.catalog.store(Arc::new(Catalog::new(vec![model], providers, 1)));
    }

    /// Serves the model, which sees images, at these providers, which are tried in this order.
    pub(crate) fn served_by(&self, providers: Vec<Provider>) {
        let slug: ModelSlug = MODEL.parse().unwrap();
        let count = providers.len();
        let providers: Vec<Arc<Provider>> = providers.into_iter().map(Arc::new).collect();
        let endpoints = providers.iter().enumerate().map(|(index, provider)| {
            let divisor = 10_000_i64.pow(u32::try_from(count - 1 - index).unwrap());
            Arc::new(endpoint(&slug, provider.clone(), "m", divisor))
        });
        let model = Model {
            input_modalities: vec![Modality::Text, Modality::Image],
            endpoints: endpoints.collect(),
            ..model(&slug)
        };
        self.catalog.store(Arc::new(Catalog::new(vec![model], providers, 3)));
    }

    /// Serves a model of vectors at these base addresses, which are tried in this order.
    pub(crate) fn vectors_at(&self, bases: &[String]) {
        let slug: ModelSlug = VECTORS.parse().unwrap();
        let mut providers = Vec::new();
        let endpoints = bases.iter().enumerate().map(|(index, base)| {
            let provider = Arc::new(gateway::testing::provider(&format!("p{index}"), base));
            providers.push(provider.clone());
            let divisor = 10_000_i64.pow(u32::try_from(bases.len() - 1 - index).unwrap());
            Arc::new(endpoint(&slug, provider, "vectors", divisor))
        });
        let model = Model {
            output_modalities: vec![Modality::Embeddings],
            endpoints: endpoints.collect(),
            ..model(&slug)
        };
        self.catalog.store(Arc::new(Catalog::new(vec![model], providers, 2)));
    }

    pub(crate) async fn embed(&self, body: &serde_json::Value) -> Result<String, GatewayError> {
        let request = embeddings::decode(body.to_string().as_bytes())
            .map_err(|error| GatewayError::Invalid(Box::new(error)))?;
        let inbound = Inbound {
            request,
            attribution: Attribution::default(),
            encoder: embeddings::encoder(Encoding::Float),
            wants_metadata: false,
        };
        let caller = self.gateway.authenticate(Some(secret())).await?;
        Ok(Self::read(self.gateway.serve(caller, inbound).await?).await)
    }

    fn provider(&self, slug: &str) -> Provider {
        gateway::testing::provider(slug, &format!("http://{}/{slug}/v1", self.sandbox.address()))
    }

    pub(crate) async fn upstream_requests(&self) -> u64 {
        let url = format!("http://{}/_sandbox/stats", self.sandbox.address());
        let client = reqwest::Client::builder().build().unwrap();
        let text = client.get(url).send().await.unwrap().text().await.unwrap();
        let stats: serde_json::Value = serde_json::from_str(&text).unwrap();
        stats["requests"].as_u64().unwrap()
    }

    pub(crate) async fn open(
        &self,
        max_tokens: Option<u32>,
        stream: bool,
    ) -> Result<Outbound, GatewayError> {
        self.request(MODEL, max_tokens, stream).await
    }

    async fn request(
        &self,
        model: &str,
        max_tokens: Option<u32>,
        stream: bool,
    ) -> Result<Outbound, GatewayError> {
        self.send(&Self::body(model, max_tokens, stream)).await
    }

    pub(crate) fn body(model: &str, max_tokens: Option<u32>, stream: bool) -> serde_json::Value {
        let mut body = serde_json::json!({
            "model": model,
            "messages": [{ "role": "user", "content": "Tell me about warehouses." }],
            "stream": stream,
        });
        if let Some(max_tokens) = max_tokens {
            body["max_tokens"] = max_tokens.into();
        }
        body
    }

    pub(crate) async fn ask_with(&self, body: &serde_json::Value) -> Result<String, GatewayError> {
        Ok(Self::read(self.send(body).await?).await)
    }

    async fn send(&self, body: &serde_json::Value) -> Result<Outbound, GatewayError> {
        let caller = self.gateway.authenticate(Some(secret())).await?;
        let request = chat_completions::decode(body.to_string().as_bytes())
            .map_err(|error| GatewayError::Invalid(Box::new(error)))?;
        let attribution = Attribution::default();
        let encoder = Box::new(chat_completions::encoder);
        self.gateway
            .serve(caller, Inbound { request, attribution, encoder, wants_metadata: false })
            .await
    }

    /// Everything that was sent, when it has all been sent.
    async fn read(outbound: Outbound) -> String {
        let mut outbound = outbound;
        let mut text = Vec::new();
        while let Some(bytes) = outbound.body.recv().await {
            text.extend_from_slice(&bytes);
        }
        String::from_utf8(text).unwrap()
    }

    pub(crate) async fn ask_model(
        &self,
        max_tokens: Option<u32>,
        stream: bool,
    ) -> Result<String, GatewayError> {
        Ok(Self::read(self.open(max_tokens, stream).await?).await)
    }

    pub(crate) async fn ask(
        &self,
        upstream: &str,
        max_tokens: u32,
        stream: bool,
    ) -> Result<String, GatewayError> {
        self.endpoints(&[upstream]);
        self.ask_model(Some(max_tokens), stream).await
    }

    pub(crate) async fn ask_unbounded(&self, upstream: &str) -> Result<String, GatewayError> {
        self.endpoints(&[upstream]);
        self.ask_model(None, true).await
    }

    pub(crate) async fn ask_for(&self, model: &str) -> Result<String, GatewayError> {
        Ok(Self::read(self.request(model, Some(10), false).await?).await)
    }

    /// Nothing is under way, held or leased any more, and what was charged is what was spent.
    pub(crate) async fn is_at_rest(&self) {
        for _ in 0..500 {
            if self.gateway.gauges().active_generations == 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        self.gateway.flush().await;
        let gauges = self.gateway.gauges();
        assert_eq!(gauges.active_generations, 0);
        assert_eq!(gauges.unsettled, 0);
        assert_eq!(gauges.held, Usd::ZERO);
        self.clock.advance(Duration::from_secs(5));
        self.gateway.tick().await;
        assert_eq!(self.ledger.open_leases(), 0);
    }
}

/// A model that nobody serves.
fn model(slug: &ModelSlug) -> Model {
    Model {
        slug: slug.clone(),
        canonical_slug: slug.to_string(),
        name: "Test: Model".into(),
        description: String::new(),
        created: 0,
        context_length: 200_000,
        input_modalities: vec![Modality::Text],
        output_modalities: vec![Modality::Text],
        tokenizer: "Other".into(),
        instruct_type: None,
        hugging_face_id: None,
        knowledge_cutoff: None,
        expiration_date: None,
        open_weights: true,
        endpoints: Vec::new(),
    }
}

fn endpoint(model: &ModelSlug, provider: Arc<Provider>, upstream: &str, divisor: i64) -> Endpoint {
    let dollars = |n: i64| Price::from_nanos_per_million(n * 1_000_000_000 / divisor);
    Endpoint {
        id: format!("{model}@{}", provider.slug),
        model: model.clone(),
        tag: provider.slug.clone(),
        provider,
        upstream_model: upstream.into(),
        context_length: 200_000,
        max_prompt_tokens: None,
        max_completion_tokens: None,
        quantization: None,
        supported_parameters: vec!["max_tokens".into(), "reasoning".into()],
        prices: PriceSheet::default()
            .with(Unit::Prompt, dollars(1))
            .with(Unit::Completion, dollars(10)),
        regions: Vec::new(),
        hidden: false,
        quirks: Quirks::default(),
    }
}
