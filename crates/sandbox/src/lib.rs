//! Providers that are not real: an HTTP server on loopback that speaks their dialects.
//!
//! It stands in for providers without a credential, so that everything can be tried, tested and
//! measured without one. It reads requests on its own, without any code of the gateway's, as
//! strictly as the real provider does: what a test finds understood here was really said.
//!
//! # Addresses
//!
//! The first segment names the provider; what stands between it and the endings below is free.
//!
//! | ending | dialect |
//! |---|---|
//! | `/chat/completions`, `/embeddings`, `/rerank` | OpenAI's, and what many providers have beside it |
//! | `/openai/deployments/{d}/chat/completions?api-version=…`, `…/embeddings` | the same, on Azure |
//! | `/responses`, `/responses/input_tokens` | OpenAI's Responses |
//! | `/messages`, `/messages/count_tokens` | Anthropic's Messages |
//! | `/models/{m}:rawPredict`, `:streamRawPredict` | the same, on Vertex |
//! | `/models/{m}:generateContent`, `:streamGenerateContent` (a JSON array, or events with `?alt=sse`), `:countTokens`, `:embedContent`, `:batchEmbedContents`, `:predict` | Gemini and Vertex |
//! | `/model/{id}/converse`, `/converse-stream`, `/count-tokens` | Amazon Bedrock, in binary frames |
//! | `/v2/chat`, `/v2/embed`, `/v2/rerank` | Cohere |
//! | `GET …/models` | what can be asked for |
//!
//! Names of models may be percent-encoded or not (`models/fault/429:generateContent`).
//!
//! **Credentials** are not needed. Two kinds are checked when they come: an AWS signature must be
//! by the access key `AKIASANDBOX` with the secret `sandbox-secret`; a bearer token on an address
//! with `/projects/` must be from `POST /_sandbox/token`, which takes a JWT-bearer grant as
//! Google's token endpoint does (its signature is the one thing that is not verified).
//!
//! # To look at
//!
//! - `GET /_sandbox/stats`: `requests`, `active`, `finished`, `cancelled`, and the same under
//!   `dialects` for `chat`, `anthropic`, `gemini`, `bedrock`, `responses` and `cohere`.
//! - `GET /_sandbox/requests?last=n&provider=p`: the last requests, oldest first, each with its
//!   address, headers (without credentials), body, and what was `understood` or the `refusal`.
//!   256 of them or 32 MiB are kept; benchmarks are not.
//!
//! # Answers
//!
//! They say what they are: the sandbox never pretends to be the model that it stands for. They
//! repeat the caller's topic, think when asked to, call tools that the question names (several at
//! once unless that is forbidden) or that must be called, follow `max_tokens`, stop sequences, `n`
//! and schemas, make pictures and sounds when those are wanted, and report usage. Everything about
//! them (words, time to first token, tokens a second, the rare failure) follows from the seed, the
//! provider, the model and the prompt, so that the same question is always answered in the same
//! way.
//!
//! **Thoughts** are signed, or encrypted where that is the dialect's way. What comes back must be
//! ours to the byte, or is refused as the real provider would: a signature of Claude's works for
//! Anthropic, Vertex and Bedrock; Gemini's and OpenAI's only for themselves. Gemini signs its calls
//! since the third generation, told by the model's name, and then refuses unsigned ones.
//!
//! **Caches** count what is marked: as written when a prefix is new, as read when it was seen
//! before at the same provider and model, however short it is. Without marks, long prompts are
//! half cached where providers cache by themselves (all dialects but Anthropic, Bedrock, Cohere).
//!
//! **Speed**: `speed` divides every wait; at 0 there are no waits, and endpoints do not fail by
//! chance either, because then it is tests that ask.
//!
//! # Models with a meaning
//!
//! They mean the same in every dialect.
//!
//! | model | what happens |
//! |---|---|
//! | `echo/understood` | the text of the answer is the request as [`Understood`], in canonical JSON |
//! | `show/<feature>+<feature>…` | an answer that has these features, whatever was asked |
//! | `fast/<n>` | exactly n content chunks without a wait, each flushed on its own as a real provider does |
//! | `burst/<n>` | the same in as few writes as possible; both are rendered once and then only sent |
//! | `fault/<status>` | that HTTP status (400 to 599) with an error object |
//! | `fault/429-retry-after-<s>` | 429 with `Retry-After: <s>`; works for every status |
//! | `fault/400-context` | 400 with the dialect's way to say that the prompt is too long |
//! | `fault/prompt-blocked` | a filter stops the prompt: 400, or at Google an answer without candidates |
//! | `fault/refuse` | the connection is closed without an answer |
//! | `fault/hang` | no answer, ever |
//! | `fault/hang-after-<n>` | silence after n content chunks |
//! | `fault/truncate-after-<n>` | the body ends in good order after n chunks, without an end |
//! | `fault/abort-after-<n>` | the connection breaks after n chunks |
//! | `fault/malformed-first` | the first chunk cannot be read |
//! | `fault/malformed-after-<n>` | n chunks, then one that cannot be read |
//! | `fault/error-midstream-<n>` | n chunks, then an error as the dialect has it |
//! | `fault/error-body` | 200 with an error object instead of an answer |
//! | `fault/empty` | 200 with an empty body |
//! | `fault/no-usage` | a whole answer that does not say what it used |
//! | `fault/slow-first-<ms>` | that long before the first byte, whatever the speed |
//!
//! After any of these names may stand whose model is played, for callers that go by the name of a
//! model: `show/reasoning@anthropic.claude`.
//!
//! Features: `text` (there unless `tool…`, `refusal`, `json`, `unicode` or `empty` takes its
//! place), `unicode` (characters of every length), `reasoning` (signed), `reasoning-redacted` (a
//! thought that nobody can read), `tool`, `tools-parallel` (two calls), `tool-noargs`, `refusal`,
//! `content-filter`, `length`, `stop-sequence` (the caller's first, or `END`), `citations` (two),
//! `image`, `audio`, `logprobs`, `cache` (2,048 tokens read, 512 written), `json` (after the
//! caller's schema, through the tool that must be called if there is one) and `empty`. Tools are
//! the caller's own where it has some. What a dialect cannot say is left out of its answers:
//! Anthropic, Cohere and Bedrock have no sounds, Gemini and Cohere say refusals as text, only
//! chat completions, Gemini, Responses and Cohere have probabilities.
//!
//! What is not here: anything that the gateway could see and a real provider would not send.

mod answer;
mod author;
mod cache;
mod canonical;
mod dialects;
mod fault;
mod features;
mod fields;
mod generate;
mod google_token;
mod media;
mod playback;
mod profile;
mod records;
mod refusal;
mod route;
mod schema;
mod script;
mod seal;
mod server;
mod show;
mod sigv4;
mod stats;
mod understood;
mod vectors;

pub use understood::{
    CacheMark, Media, Part, Reasoning, ResponseFormat, Role, Tool, ToolChoice, Turn, Understood,
};

use std::io;
use std::net::SocketAddr;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How the sandbox behaves.
#[derive(Debug, Clone, Copy)]
pub struct SandboxOptions {
    /// Where to listen; port 0 picks a free one.
    pub address: SocketAddr,
    /// What all chance follows from.
    pub seed: u64,
    /// Divides every wait; 0 means no waits at all.
    pub speed: f64,
}

/// A sandbox that is listening.
#[derive(Debug)]
pub struct Sandbox {
    address: SocketAddr,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Sandbox {
    /// Starts listening. Connections are served until [`Sandbox::shutdown`].
    pub async fn start(options: SandboxOptions) -> io::Result<Self> {
        let listener = TcpListener::bind(options.address).await?;
        let address = listener.local_addr()?;
        let stop = CancellationToken::new();
        let tasks = TaskTracker::new();
        let server = server::Server::new(options);
        tasks.spawn(server.accept(listener, stop.clone(), tasks.clone()));
        tracing::info!(address = %address, "Sandbox providers are listening");
        Ok(Self { address, stop, tasks })
    }

    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address below which every provider has its own path.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Stops listening, breaks what is still being answered, and returns when nothing is left.
    pub async fn shutdown(self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}
