//! The catalog: models, providers and the endpoints that join them, as one immutable snapshot.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::model::ModelSlug;
use crate::pricing::PriceSheet;

/// A kind of content that a model takes or makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Modality {
    Text,
    Image,
    File,
    Audio,
    Video,
    Embeddings,
    Rerank,
}

impl Modality {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Image => "image",
            Self::File => "file",
            Self::Audio => "audio",
            Self::Video => "video",
            Self::Embeddings => "embeddings",
            Self::Rerank => "rerank",
        }
    }
}

/// The parameters that an endpoint may support, by their public names.
pub const PARAMETERS: [&str; 26] = [
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "top_a",
    "frequency_penalty",
    "presence_penalty",
    "repetition_penalty",
    "max_tokens",
    "max_completion_tokens",
    "logit_bias",
    "logprobs",
    "top_logprobs",
    "prediction",
    "seed",
    "response_format",
    "structured_outputs",
    "stop",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "include_reasoning",
    "reasoning",
    "reasoning_effort",
    "web_search_options",
    "verbosity",
];

/// How weights are stored at an endpoint, by the public names.
pub const QUANTIZATIONS: [&str; 12] = [
    "int4", "int8", "fp4", "mxfp4", "nvfp4", "fp6", "fp8", "mxfp8", "fp16", "bf16", "fp32",
    "unknown",
];

/// A model, whoever serves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    pub slug: ModelSlug,
    /// The permanent, dated name; equal to the slug when there is none.
    pub canonical_slug: String,
    /// `Author: Name`.
    pub name: String,
    pub description: String,
    /// When the model was released, Unix seconds.
    pub created: i64,
    pub context_length: u32,
    pub input_modalities: Vec<Modality>,
    pub output_modalities: Vec<Modality>,
    /// A tokenizer family of the public vocabulary: `GPT`, `Llama3`, `Other`, …
    pub tokenizer: String,
    pub instruct_type: Option<String>,
    pub hugging_face_id: Option<String>,
    /// `YYYY-MM-DD`.
    pub knowledge_cutoff: Option<String>,
    /// `YYYY-MM-DD`, when it will be withdrawn.
    pub expiration_date: Option<String>,
    pub open_weights: bool,
    /// In the order of the catalog file.
    pub endpoints: Vec<Arc<Endpoint>>,
}

/// What a model is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Answers to conversations.
    Chat,
    Embeddings,
    Rerank,
}

impl Model {
    /// A model that makes vectors or orders answers no conversation.
    pub fn purpose(&self) -> Purpose {
        let makes = |modality| self.output_modalities.contains(&modality);
        if makes(Modality::Embeddings) {
            Purpose::Embeddings
        } else if makes(Modality::Rerank) {
            Purpose::Rerank
        } else {
            Purpose::Chat
        }
    }

    /// `text+image->text`.
    pub fn modality(&self) -> String {
        let join = |list: &[Modality]| {
            list.iter().map(|modality| modality.as_str()).collect::<Vec<_>>().join("+")
        };
        format!("{}->{}", join(&self.input_modalities), join(&self.output_modalities))
    }

    /// The union of what its endpoints support, sorted.
    pub fn supported_parameters(&self) -> Vec<String> {
        let all: std::collections::BTreeSet<&String> =
            self.endpoints.iter().flat_map(|endpoint| &endpoint.supported_parameters).collect();
        all.into_iter().cloned().collect()
    }

    /// The endpoint whose prices stand for the model: the cheapest for equal input and output.
    pub fn cheapest(&self) -> Option<&Arc<Endpoint>> {
        use crate::pricing::Unit;
        self.endpoints.iter().filter(|endpoint| !endpoint.hidden).min_by_key(|endpoint| {
            endpoint
                .prices
                .price(Unit::Prompt)
                .nanos_per_million()
                .saturating_add(endpoint.prices.price(Unit::Completion).nanos_per_million())
        })
    }
}

/// One model at one provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Unique in the catalog: `<model slug>@<tag>`.
    pub id: String,
    pub model: ModelSlug,
    pub provider: Arc<Provider>,
    /// The routing slug: `deepinfra`, `deepinfra/turbo`, `google-vertex/us-east5`.
    pub tag: String,
    /// What the provider calls the model.
    pub upstream_model: String,
    pub context_length: u32,
    pub max_prompt_tokens: Option<u32>,
    pub max_completion_tokens: Option<u32>,
    /// One of [`QUANTIZATIONS`].
    pub quantization: Option<String>,
    /// Of [`PARAMETERS`], sorted.
    pub supported_parameters: Vec<String>,
    pub prices: PriceSheet,
    pub regions: Vec<String>,
    /// Not shown and not routed to.
    pub hidden: bool,
    /// Quirks of this endpoint over those of its provider.
    pub quirks: Quirks,
}

impl Endpoint {
    /// The most output tokens that this endpoint can produce.
    pub fn output_tokens_max(&self) -> u32 {
        self.max_completion_tokens.unwrap_or(self.context_length)
    }

    pub fn supports(&self, parameter: &str) -> bool {
        self.supported_parameters.iter().any(|name| name == parameter)
    }

    /// The slug of the adapter that speaks to it.
    pub fn dialect(&self) -> &str {
        self.quirks
            .dialect
            .as_deref()
            .or(self.provider.quirks.dialect.as_deref())
            .unwrap_or(&self.provider.dialect)
    }
}

/// A company that serves models.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    pub slug: String,
    /// Display name.
    pub name: String,
    /// The slug of the adapter that speaks its dialect.
    pub dialect: String,
    /// Without a trailing slash: `https://api.example.com/v1`.
    pub base_url: String,
    pub auth: Auth,
    /// The environment variable that holds our credential; none when no credential is needed.
    pub credential_env: Option<String>,
    pub quirks: Quirks,
    pub data_policy: DataPolicy,
    pub cancellation: Cancellation,
    pub regions: Vec<String>,
    /// ISO 3166 alpha-2.
    pub headquarters: Option<String>,
    pub datacenters: Vec<String>,
    pub terms_url: Option<String>,
    pub privacy_url: Option<String>,
    pub status_url: Option<String>,
    pub serving: Serving,
}

/// Who answers requests for a provider in this process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Serving {
    /// The provider itself, with our credential.
    Live,
    /// The sandbox, at this base address, because there is no credential.
    Sandbox { base_url: String },
    /// Nobody: there is no credential and the sandbox may not answer.
    Hidden,
}

impl Provider {
    /// The address that requests go to.
    pub fn dialled_url(&self) -> &str {
        match &self.serving {
            Serving::Sandbox { base_url } => base_url,
            Serving::Live | Serving::Hidden => &self.base_url,
        }
    }

    pub fn is_sandboxed(&self) -> bool {
        matches!(self.serving, Serving::Sandbox { .. })
    }
}

/// How a credential is attached to a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub enum Auth {
    /// `Authorization: Bearer …`
    Bearer,
    /// A header of this name.
    Header { name: String },
    /// A query parameter of this name.
    Query { name: String },
    /// AWS's signature, version 4, for a service in a region. The credential is
    /// `ACCESS_KEY_ID:SECRET[:SESSION_TOKEN]`; one without a colon is an API key of Bedrock and
    /// goes as a bearer token.
    Aws { service: String, region: String },
    /// `Authorization: Bearer …` with a short-lived token of Google's, which the gateway mints
    /// from the credential: a service account's key.
    GoogleOauth,
    /// Nothing is attached.
    None,
}

/// How an upstream departs from the dialect that it speaks. Data, so that it needs no code.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Quirks {
    /// The dialect, where it isn't the provider's: the slug of an adapter.
    pub dialect: Option<String>,
    /// Parameter → the name that this upstream gives it.
    pub rename: BTreeMap<String, String>,
    /// Parameter → the bounds that this upstream sets; what is outside is moved to the bound.
    pub clamp: BTreeMap<String, Bounds>,
    /// Parameters that this upstream refuses and that are therefore left out; with a dot, what is
    /// in them: `tools.strict`, `messages.name`, `messages.parts`.
    pub unsupported: Vec<String>,
    /// Parameters that few upstreams know and this one does: `prompt_cache_key`, `modalities`, …
    pub accepts: Vec<String>,
    /// Parameters that must be there: what is sent where the caller gives none (JSON text).
    pub defaults: BTreeMap<String, String>,
    /// JSON members that are always added to the body (values as JSON text).
    pub body: BTreeMap<String, String>,
    /// Headers that are always added.
    pub headers: BTreeMap<String, String>,
    /// Whether `stream_options.include_usage` is understood; it is by default.
    pub no_stream_options: bool,
    /// Whether the `developer` role must be sent as `system`.
    pub no_developer_role: bool,
    /// The member that carries the output bound, where it isn't `max_tokens`.
    pub max_tokens_name: Option<String>,
    /// The path of generation below the base address, where it isn't the dialect's own.
    pub chat_path: Option<String>,
    /// `api-version` in the query, for upstreams that number their API so.
    pub api_version: Option<String>,
    /// How thinking is asked for.
    pub reasoning: Option<ReasoningForm>,
    /// The efforts that are known; all of them where the list is empty.
    pub reasoning_efforts: Vec<String>,
    /// The member that carries a budget of tokens to think with.
    pub reasoning_budget: Option<String>,
    /// The member of an assistant's message under which earlier reasoning is taken back.
    pub reasoning_replay: Option<ReasoningReplay>,
    /// The `format` of its `reasoning_details`, where it isn't the dialect's own.
    pub reasoning_format: Option<String>,
    /// The forms of `tool_choice` that are taken, of `auto`, `none`, `required` and `named`; all
    /// of them where the list is empty.
    pub tool_choices: Vec<String>,
    /// The word for the `tool_choice` `required`.
    pub tool_choice_required: Option<String>,
    /// Ids of tool calls must be this many letters and digits.
    pub tool_id_length: Option<u32>,
    /// What an assistant's message at the end needs in order to be continued.
    pub prefill: Option<Prefill>,
    /// What is made of the marks that say where a prompt may be cached.
    pub cache_marks: Option<CacheMarks>,
    /// How many tokens must stand before the conversation for us to mark them for caching where
    /// the caller marks nothing, in dialects that have marks.
    pub cache_tokens_min: Option<u32>,
    /// Kinds of parts that it does not fetch from an address: `image`, `video`, `file`.
    pub inline: Vec<String>,
    /// How a file is written as a part of a message.
    pub file_part: Option<FilePart>,
    /// The values of `service_tier` that are known; none where the list is empty.
    pub service_tiers: Vec<String>,
}

/// Bounds of a parameter, as decimal numbers in text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounds {
    pub min: String,
    pub max: String,
}

/// How an upstream is asked to think.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReasoningForm {
    /// `"reasoning_effort": "high"`
    Effort,
    /// `"reasoning": {"effort": "high"}`
    Object,
    /// `"reasoning": {"enabled": true}`
    Enabled,
    /// `"thinking": {"type": "enabled"}`
    Thinking,
    /// `"enable_thinking": true`
    EnableThinking,
    /// `"chat_template_kwargs": {"enable_thinking": true}`
    TemplateEnableThinking,
    /// `"chat_template_kwargs": {"thinking": true}`
    TemplateThinking,
    /// `"thinking": {"type": "adaptive"}` with an effort beside it, in Anthropic's dialect, where
    /// a budget is the rule.
    Adaptive,
    /// Not at all: it thinks as it likes.
    Fixed,
}

/// Where an upstream takes earlier reasoning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReasoningReplay {
    /// As text in `reasoning_content`.
    ReasoningContent,
    /// As text in `reasoning`.
    Reasoning,
    /// As the list that it gave.
    ReasoningDetails,
    /// As a part of the content, of the type `thinking`.
    ThinkingPart,
}

/// How an upstream is made to go on where an assistant's message ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Prefill {
    /// `"prefix": true` in the message.
    Prefix,
    /// `"partial": true` in the message.
    Partial,
    /// `"continue_final_message": true` in the body.
    ContinueFinalMessage,
    /// It refuses such a message.
    Refused,
}

/// The marks for caching that an upstream knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CacheMarks {
    /// `"cache_control": {"type": "ephemeral"}`
    CacheControl,
    /// `"prompt_cache_breakpoint": {"mode": "explicit"}`
    PromptCacheBreakpoint,
}

/// A file as a part of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FilePart {
    /// `{"type": "document_url", "document_url": "…"}`
    DocumentUrl,
    /// `{"type": "file_url", "file_url": {"url": "…"}}`
    FileUrl,
}

/// What a provider does with prompts.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DataPolicy {
    /// Trains on prompts.
    pub training: bool,
    /// Keeps prompts at all.
    pub retains: bool,
    /// For how many days, if it says so.
    pub retention_days: Option<u32>,
    /// Publishes prompts.
    pub publishes: bool,
}

impl DataPolicy {
    pub const fn zero_data_retention(&self) -> bool {
        !self.retains && !self.training && !self.publishes
    }
}

/// What happens to the bill when the caller leaves in the middle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cancellation {
    /// The upstream stops and bills what it has produced.
    #[default]
    Stops,
    /// The upstream goes on and bills the whole completion.
    BillsWhole,
}

/// Everything that can be asked for, at one moment. Never changed: replaced.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    models: Vec<Arc<Model>>,
    by_slug: HashMap<String, usize>,
    providers: Vec<Arc<Provider>>,
    provider_by_slug: HashMap<String, usize>,
    /// Says which snapshot this is, for caches and `ETag`s.
    version: u64,
}

impl Catalog {
    /// Indexes validated models and providers. Models are sorted newest first, then by slug;
    /// providers by slug.
    pub fn new(mut models: Vec<Model>, mut providers: Vec<Arc<Provider>>, version: u64) -> Self {
        models.sort_by(|a, b| b.created.cmp(&a.created).then_with(|| a.slug.cmp(&b.slug)));
        providers.sort_by(|a, b| a.slug.cmp(&b.slug));
        let models: Vec<Arc<Model>> = models.into_iter().map(Arc::new).collect();
        let by_slug =
            models.iter().enumerate().map(|(i, model)| (model.slug.to_string(), i)).collect();
        let provider_by_slug =
            providers.iter().enumerate().map(|(i, p)| (p.slug.clone(), i)).collect();
        Self { models, by_slug, providers, provider_by_slug, version }
    }

    /// Newest first.
    pub fn models(&self) -> &[Arc<Model>] {
        &self.models
    }

    pub fn find_model(&self, slug: &str) -> Option<&Arc<Model>> {
        self.by_slug.get(slug).and_then(|index| self.models.get(*index))
    }

    /// By slug.
    pub fn providers(&self) -> &[Arc<Provider>] {
        &self.providers
    }

    pub fn find_provider(&self, slug: &str) -> Option<&Arc<Provider>> {
        self.provider_by_slug.get(slug).and_then(|index| self.providers.get(*index))
    }

    pub const fn version(&self) -> u64 {
        self.version
    }
}
