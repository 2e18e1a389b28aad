//! Connections, addresses and what is answered on each.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming as IncomingBody;
use hyper::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use hyper::http::request::Parts;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::SandboxOptions;
use crate::dialects::{Dialect, Said, chat};
use crate::fault::{EXAMPLES, Fault};
use crate::generate::Generator;
use crate::google_token;
use crate::playback::{Payload, Playback};
use crate::refusal::Refusal;
use crate::route::Route;
use crate::script::Script;
use crate::stats::{Answering, Stats};

const BODY_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Everything that connections share.
#[derive(Debug)]
pub(crate) struct Server {
    stats: Arc<Stats>,
    generator: Generator,
}

/// The connection is to be closed without an answer.
#[derive(Debug)]
pub(crate) struct Refused;

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the connection is closed without an answer")
    }
}

impl std::error::Error for Refused {}

pub(crate) type Reply = Response<Payload>;

impl Server {
    pub(crate) fn new(options: SandboxOptions) -> Arc<Self> {
        Arc::new(Self { stats: Arc::default(), generator: Generator::new(options) })
    }

    /// Serves connections until it is told to stop; then drops them.
    pub(crate) async fn accept(
        self: Arc<Self>,
        listener: TcpListener,
        stop: CancellationToken,
        tasks: TaskTracker,
    ) {
        loop {
            let accepted = tokio::select! {
                () = stop.cancelled() => return,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, _)) => {
                    tasks.spawn(Arc::clone(&self).connection(stream, stop.clone()));
                }
                Err(error) => {
                    // Out of file descriptors, most likely: trying at once would only spin.
                    tracing::warn!(%error, "The sandbox could not accept a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
    }

    async fn connection(self: Arc<Self>, stream: TcpStream, stop: CancellationToken) {
        if stream.set_nodelay(true).is_err() {
            return;
        }
        let service = service_fn(move |request| Arc::clone(&self).respond(request));
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .serve_connection(TokioIo::new(stream), service);
        tokio::select! {
            () = stop.cancelled() => {}
            // Broken connections are what many of our callers come for.
            _ = connection => {}
        }
    }

    async fn respond(self: Arc<Self>, request: Request<IncomingBody>) -> Result<Reply, Refused> {
        let (head, body) = request.into_parts();
        match head.method {
            Method::GET => Ok(self.show(&head)),
            Method::POST => self.post(&head, body).await,
            _ => Ok(no_such_path()),
        }
    }

    /// What can be looked at.
    fn show(&self, head: &Parts) -> Reply {
        let path = head.uri.path().trim_matches('/');
        let query = head.uri.query().unwrap_or_default();
        let parameter = |name: &str| {
            let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            pairs.filter(|(key, _)| *key == name).map(|(_, value)| value).next()
        };
        match path.split_once('/') {
            Some(("_sandbox", "stats")) => json_reply(self.stats.to_json().to_string()),
            Some(("_sandbox", "requests")) => {
                let count = parameter("last").and_then(|last| last.parse().ok()).unwrap_or(1);
                let records = self.generator.records().last(count, parameter("provider"));
                json_reply(records.to_string())
            }
            Some((provider, rest)) if format!("/{rest}").ends_with("/models") => {
                json_reply(model_list(provider, rest.contains("v1beta")))
            }
            _ => no_such_path(),
        }
    }

    async fn post(&self, head: &Parts, body: IncomingBody) -> Result<Reply, Refused> {
        let (path, query) = (head.uri.path(), head.uri.query().unwrap_or_default());
        let is_token = path.trim_matches('/') == "_sandbox/token";
        let route = match Route::of(path, query) {
            Some(Ok(route)) => Some(route),
            Some(Err(refusal)) => return Ok(said(chat::Chat.refuse(&refusal))),
            None if is_token => None,
            None => return Ok(no_such_path()),
        };
        let collected = Limited::new(body, BODY_BYTES_MAX).collect().await;
        let Some(route) = route else {
            let body = collected.map(http_body_util::Collected::to_bytes).unwrap_or_default();
            return Ok(said(google_token::grant(&body)));
        };
        let Ok(body) = collected else {
            let refusal = Refusal::of_status(413, "the body is too large");
            return Ok(said(route.dialect.refuse(&refusal)));
        };
        let answering = self.stats.begin(route.dialect);
        self.generator.respond(&route, head, body.to_bytes(), answering).await
    }
}

/// The faults that need no answer to break.
pub(crate) async fn instead_of_an_answer(
    fault: Fault,
    route: &Route,
) -> Option<Result<Reply, Refused>> {
    let dialect = route.dialect;
    Some(match fault {
        Fault::Status { status, retry_after_s } => {
            let message = format!("the sandbox was asked for {status}");
            let mut reply = said(dialect.refuse(&Refusal::of_status(status, message)));
            if let Some(seconds) = retry_after_s {
                reply.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
            }
            Ok(reply)
        }
        Fault::Context => Ok(said(dialect.refuse(&Refusal::context_length()))),
        Fault::Blocked => Ok(said(dialect.block(route))),
        Fault::Refuse => Err(Refused),
        Fault::Hang => {
            let never: Infallible = std::future::pending().await;
            match never {}
        }
        Fault::ErrorBody => {
            let message = "the sandbox was asked for an error in a good response";
            let error = dialect.refuse(&Refusal::of_status(500, message));
            Ok(said(Said { status: 200, ..error }))
        }
        Fault::Empty => {
            Ok(whole_reply(StatusCode::OK, dialect.content_type(route.framing), Bytes::new()))
        }
        Fault::HangAfter(_)
        | Fault::TruncateAfter(_)
        | Fault::AbortAfter(_)
        | Fault::MalformedAfter(_)
        | Fault::ErrorAfter(_)
        | Fault::NoUsage
        | Fault::SlowFirst(_) => return None,
    })
}

fn model_list(provider: &str, is_gemini: bool) -> String {
    let note = "the sandbox answers for a model of any name; these names have a meaning";
    if is_gemini {
        let models = EXAMPLES.map(|id| {
            json!({"name": format!("models/{id}"), "displayName": id,
                "supportedGenerationMethods": ["generateContent", "countTokens"]})
        });
        return json!({"models": models, "note": note}).to_string();
    }
    let data =
        EXAMPLES.map(|id| json!({"id": id, "object": "model", "created": 0, "owned_by": provider}));
    json!({"object": "list", "data": data, "note": note}).to_string()
}

fn no_such_path() -> Reply {
    said(chat::Chat.refuse(&Refusal::of_status(404, "the sandbox has no such path")))
}

/// An error as an HTTP response.
pub(crate) fn said(said: Said) -> Reply {
    let status = StatusCode::from_u16(said.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut reply = whole_reply(status, "application/json", said.body.into());
    for (name, value) in said.headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            reply.headers_mut().insert(name, value);
        }
    }
    reply
}

pub(crate) fn json_reply(body: String) -> Reply {
    whole_reply(StatusCode::OK, "application/json", body.into())
}

pub(crate) fn whole_reply(status: StatusCode, content_type: &'static str, body: Bytes) -> Reply {
    let mut reply = Response::new(Payload::Whole(Full::new(body)));
    *reply.status_mut() = status;
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    reply
}

pub(crate) fn stream_reply(
    script: Script,
    content_type: &'static str,
    answering: Answering,
) -> Reply {
    let mut reply = Response::new(Payload::Played(Playback::new(script, answering)));
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    reply
}
