//! A closed-loop load client: each connection sends its next request when the last answer ended.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use hdrhistogram::Histogram;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// One JSON answer of one content chunk.
    Unary,
    /// One JSON answer of 64 content chunks. The gateway always streams from its upstream, so this
    /// one shows what putting an answer together costs; the others get it in one piece.
    LongUnary,
    /// A stream of 64 content chunks.
    Stream,
    /// The same in Anthropic's Messages, from a provider that speaks them too.
    MessagesStream,
    /// The same in Anthropic's Messages, translated from a provider that speaks chat completions.
    /// The others are asked for what that provider says.
    TranslatedStream,
}

/// The form of a request and of its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    Chat,
    Messages,
}

impl Kind {
    pub(crate) const ALL: [Self; 5] =
        [Self::Unary, Self::LongUnary, Self::Stream, Self::MessagesStream, Self::TranslatedStream];

    /// The model to ask for, as the sandbox names it: it answers without delay, with so many
    /// content chunks.
    pub(crate) const fn upstream_model(self) -> &'static str {
        match self {
            Self::Unary => "fast/1",
            Self::LongUnary | Self::Stream | Self::MessagesStream | Self::TranslatedStream => {
                "fast/64"
            }
        }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Unary => "unary",
            Self::LongUnary => "unary, 64 chunks",
            Self::Stream => "64-chunk stream",
            Self::MessagesStream => "64-chunk stream, messages",
            Self::TranslatedStream => "64-chunk stream, messages from chat",
        }
    }

    pub(crate) const fn is_stream(self) -> bool {
        match self {
            Self::Unary | Self::LongUnary => false,
            Self::Stream | Self::MessagesStream | Self::TranslatedStream => true,
        }
    }

    /// What the caller speaks.
    pub(crate) const fn inbound(self) -> Dialect {
        match self {
            Self::Unary | Self::LongUnary | Self::Stream => Dialect::Chat,
            Self::MessagesStream | Self::TranslatedStream => Dialect::Messages,
        }
    }

    /// What the provider speaks.
    pub(crate) const fn upstream(self) -> Dialect {
        match self {
            Self::MessagesStream => Dialect::Messages,
            Self::Unary | Self::LongUnary | Self::Stream | Self::TranslatedStream => Dialect::Chat,
        }
    }
}

impl Dialect {
    /// Whether the last bytes are those of a complete answer.
    fn is_complete(self, stream: bool, tail: &[u8]) -> bool {
        let tail = tail.trim_ascii_end();
        match (self, stream) {
            (_, false) => tail.ends_with(b"}"),
            (Self::Chat, true) => tail.ends_with(b"data: [DONE]"),
            (Self::Messages, true) => {
                let last = tail.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
                last.starts_with(b"data: ") && memmem(last, b"\"message_stop\"")
            }
        }
    }
}

fn memmem(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len()).any(|window| window == word)
}

/// How much of the end of an answer is looked at.
const TAIL_BYTES: usize = 512;

/// The parts of a request that stay the same.
#[derive(Debug, Clone)]
pub(crate) struct Template {
    pub(crate) path: String,
    pub(crate) authorization: Option<String>,
    pub(crate) body: Bytes,
    pub(crate) dialect: Dialect,
}

/// One measurement to be made.
pub(crate) struct Load {
    pub(crate) address: SocketAddr,
    pub(crate) request: Template,
    pub(crate) kind: Kind,
    pub(crate) connections: usize,
    pub(crate) duration: Duration,
}

/// What came of it.
pub(crate) struct Outcome {
    pub(crate) requests: u64,
    pub(crate) elapsed: Duration,
    /// Nanoseconds from sending a request to the end of its answer.
    pub(crate) latency: Histogram<u64>,
}

impl Load {
    pub(crate) async fn run(self) -> Result<Outcome> {
        let started = Instant::now();
        let until = started + self.duration;
        let mut connections = JoinSet::new();
        for _ in 0..self.connections {
            let caller = Caller {
                address: self.address,
                request: self.request.clone(),
                kind: self.kind,
                until,
            };
            connections.spawn(caller.run());
        }
        let mut latency = Histogram::new(3)?;
        while let Some(result) = connections.join_next().await {
            latency.add(result??)?;
        }
        Ok(Outcome { requests: latency.len(), elapsed: started.elapsed(), latency })
    }
}

struct Caller {
    address: SocketAddr,
    request: Template,
    kind: Kind,
    until: Instant,
}

impl Caller {
    async fn run(self) -> Result<Histogram<u64>> {
        let mut latency = Histogram::new(3)?;
        // Owns the task that drives the connection, and ends it with this caller.
        let mut driver = JoinSet::new();
        let mut sender = self.connect(&mut driver).await?;
        while Instant::now() < self.until {
            if sender.is_closed() {
                sender = self.connect(&mut driver).await?;
            }
            let sent = Instant::now();
            self.ask(&mut sender).await?;
            latency.record(u64::try_from(sent.elapsed().as_nanos())?)?;
        }
        Ok(latency)
    }

    async fn connect(&self, driver: &mut JoinSet<()>) -> Result<SendRequest<Full<Bytes>>> {
        let stream = TcpStream::connect(self.address).await.context("could not connect")?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        driver.spawn(async move {
            // A broken connection shows as an error of the request that it carried.
            let _ = connection.await;
        });
        Ok(sender)
    }

    async fn ask(&self, sender: &mut SendRequest<Full<Bytes>>) -> Result<()> {
        sender.ready().await?;
        let mut request = Request::post(&self.request.path)
            .header(http::header::HOST, "127.0.0.1")
            .header(http::header::CONTENT_TYPE, "application/json");
        if let Some(authorization) = &self.request.authorization {
            request = request.header(http::header::AUTHORIZATION, authorization);
        }
        let response =
            sender.send_request(request.body(Full::new(self.request.body.clone()))?).await?;
        let status = response.status();
        let mut body = response.into_body();
        // The last event may come in pieces: what is kept is longer than any.
        let mut tail = Vec::with_capacity(2 * TAIL_BYTES);
        while let Some(frame) = body.frame().await {
            if let Ok(data) = frame?.into_data() {
                let end = data.len().saturating_sub(TAIL_BYTES);
                tail.extend_from_slice(data.get(end..).unwrap_or_default());
                tail.drain(..tail.len().saturating_sub(TAIL_BYTES));
            }
        }
        if !status.is_success() {
            bail!("answered {status}: {}", String::from_utf8_lossy(&tail));
        }
        let is_complete = self.request.dialect.is_complete(self.kind.is_stream(), &tail);
        ensure!(is_complete, "the answer ended early");
        Ok(())
    }
}
