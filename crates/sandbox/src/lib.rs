//! Providers that are not real: an HTTP server on loopback that speaks OpenAI's chat dialect.
//!
//! It stands in for providers without a credential, so that everything can be tried, tested and
//! measured without one. `POST /{provider}/v1/chat/completions` answers, streamed or whole;
//! `GET /{provider}/v1/models` lists what can be asked for; `GET /_sandbox/stats` counts.
//!
//! **Answers** say what they are: the sandbox never pretends to be the model that it stands for.
//! They repeat the caller's topic, follow `max_tokens`, `stop`, `n`, `tools`, `tool_choice`,
//! `response_format` and `reasoning_effort`, and report usage. Everything about them (words,
//! time to first token, tokens a second, the rare failure) follows from the seed, the provider,
//! the model and the prompt, so that the same question is always answered in the same way.
//!
//! **Speed**: `speed` divides every wait; at 0 there are no waits, and endpoints do not fail by
//! chance either, because then it is tests that ask.
//!
//! **Faults** are asked for by the name of the upstream model:
//!
//! | model | what happens |
//! |---|---|
//! | `fault/<status>` | that HTTP status (400 to 599) with an error object |
//! | `fault/429-retry-after-<s>` | 429 with `Retry-After: <s>`; works for every status |
//! | `fault/400-context` | 400 with the code `context_length_exceeded` |
//! | `fault/refuse` | the connection is closed without an answer |
//! | `fault/hang` | no answer, ever |
//! | `fault/hang-after-<n>` | silence after n content chunks |
//! | `fault/truncate-after-<n>` | the body ends in good order after n chunks, without an end |
//! | `fault/abort-after-<n>` | the connection breaks after n chunks |
//! | `fault/malformed-first` | the first chunk is not JSON |
//! | `fault/malformed-after-<n>` | n chunks, then one that is not JSON |
//! | `fault/error-midstream-<n>` | n chunks, then an error object |
//! | `fault/error-body` | 200 with an error object instead of an answer |
//! | `fault/empty` | 200 with an empty body |
//! | `fault/no-usage` | a whole answer that does not say what it used |
//! | `fault/slow-first-<ms>` | that long before the first byte, whatever the speed |
//!
//! After any of these names may stand whose model is played, for callers that go by the name of a
//! model: `show/reasoning@anthropic.claude`.
//!
//! **Benchmarks** ask for `fast/<n>`: exactly n content chunks without a wait, each flushed on
//! its own as a real provider does, or `burst/<n>`: the same in as few writes as possible. Both
//! are rendered once and then only sent.
//!
//! What is not here: anything that the gateway could see and a real provider would not send.

mod answer;
mod author;
mod cache;
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
