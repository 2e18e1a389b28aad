//! Connections, paths and what is answered on each.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::SandboxOptions;
use crate::answer::Answer;
use crate::fault::{Behaviour, EXAMPLES, Fault, Flush};
use crate::playback::{Payload, Playback};
use crate::profile::{Dice, Profile};
use crate::request::{ChatRequest, Head};
use crate::script::{self, Script};
use crate::stats::{Answering, Stats};

const BODY_BYTES_MAX: usize = 64 * 1024 * 1024;
/// How many different benchmark answers are kept rendered.
const RENDERED_MAX: usize = 64;

/// Everything that connections share.
#[derive(Debug)]
pub(crate) struct Server {
    options: SandboxOptions,
    stats: Arc<Stats>,
    rendered: Mutex<HashMap<(usize, Flush), Rendered>>,
}

/// A benchmark answer in both forms.
#[derive(Debug, Clone)]
struct Rendered {
    script: Script,
    document: Bytes,
}

/// The connection is to be closed without an answer.
#[derive(Debug)]
struct Refused;

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the connection is closed without an answer")
    }
}

impl std::error::Error for Refused {}

impl Server {
    pub(crate) fn new(options: SandboxOptions) -> Arc<Self> {
        Arc::new(Self { options, stats: Arc::default(), rendered: Mutex::default() })
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

    async fn respond(self: Arc<Self>, request: Request<Incoming>) -> Result<Reply, Refused> {
        let (head, body) = request.into_parts();
        let mut path = head.uri.path().trim_matches('/').splitn(2, '/');
        let (first, rest) = (path.next().unwrap_or_default(), path.next().unwrap_or_default());
        match (&head.method, rest) {
            (&Method::GET, "stats") if first == "_sandbox" => {
                Ok(json_reply(StatusCode::OK, self.stats.to_json()))
            }
            (&Method::GET, path) if is_below(path, "models") => {
                Ok(json_reply(StatusCode::OK, model_list(first)))
            }
            // Whatever the path of the provider's own address is.
            (&Method::POST, path) if is_below(path, "chat/completions") => {
                let body = Limited::new(body, BODY_BYTES_MAX);
                let Ok(body) = body.collect().await else {
                    return Ok(error_reply(413, "the body is too large", "request_too_large"));
                };
                let answering = self.stats.begin();
                self.chat(first, &body.to_bytes(), answering).await
            }
            _ => Ok(error_reply(404, "the sandbox has no such path", "not_found")),
        }
    }

    async fn chat(
        &self,
        provider: &str,
        body: &[u8],
        mut answering: Answering,
    ) -> Result<Reply, Refused> {
        let head: Head = match serde_json::from_slice(body) {
            Ok(head) => head,
            Err(error) => {
                answering.finish();
                return Ok(error_reply(400, &error.to_string(), "invalid_request_error"));
            }
        };
        let behaviour = Behaviour::of(&head.model);
        let fault = match behaviour {
            Behaviour::Fast { chunks, flush } => {
                let rendered = self.rendered(chunks, flush);
                return Ok(if head.stream {
                    stream_reply(rendered.script, answering)
                } else {
                    answering.finish();
                    whole_reply(StatusCode::OK, "application/json", rendered.document)
                });
            }
            Behaviour::Unknown => {
                answering.finish();
                let message = format!("the sandbox has no model `{}`", head.model);
                return Ok(error_reply(404, &message, "model_not_found"));
            }
            Behaviour::Ordinary => None,
            Behaviour::Fault(fault) => Some(fault),
        };
        if let Some(fault) = fault
            && let Some(reply) = instead_of_an_answer(fault).await
        {
            answering.finish();
            return reply;
        }
        let request: ChatRequest = match serde_json::from_slice(body) {
            Ok(request) => request,
            Err(error) => {
                answering.finish();
                return Ok(error_reply(400, &error.to_string(), "invalid_request_error"));
            }
        };
        if request.messages.is_empty() {
            answering.finish();
            return Ok(error_reply(400, "`messages` is empty", "invalid_request_error"));
        }
        Ok(self.answer(provider, &request, head.stream, fault, answering).await)
    }

    /// An answer made for this request, and broken as asked.
    async fn answer(
        &self,
        provider: &str,
        request: &ChatRequest,
        stream: bool,
        fault: Option<Fault>,
        mut answering: Answering,
    ) -> Reply {
        let question = request.question();
        let mut dice = Dice::new(self.options.seed, &[provider, &request.model, &question]);
        let profile = Profile::of(self.options.seed, provider, &request.model);
        if fault.is_none()
            && self.speed().is_some()
            && dice.below(10_000) < profile.failures_per_10_000
        {
            answering.finish();
            return error_reply(503, "the sandbox is having a bad moment", "overloaded");
        }
        let pace = self.pace(&profile, fault, &mut dice);
        let answer = Answer::to(request, self.options.seed, provider);
        let id = format!("chatcmpl-{:016x}", dice.next());
        let with_usage = fault != Some(Fault::NoUsage);
        if stream {
            let with_usage = with_usage && request.stream_options.include_usage;
            let script = script::stream(&answer, &request.model, &id, with_usage, &pace);
            let script = match fault {
                Some(fault) => script::broken(script, fault),
                None => script,
            };
            return stream_reply(script, answering);
        }
        let tokens = u32::try_from(answer.completion_tokens()).unwrap_or(u32::MAX);
        let duration = pace.per_token.saturating_mul(tokens).saturating_add(pace.first_token);
        if !duration.is_zero() {
            tokio::time::sleep(duration).await;
        }
        let mut document = script::document(&answer, &request.model, &id, with_usage);
        match fault {
            Some(Fault::HangAfter(_)) => std::future::pending::<()>().await,
            Some(Fault::ErrorAfter(_)) => {
                answering.finish();
                return error_reply(500, "the sandbox was asked to fail", "server_error");
            }
            Some(Fault::TruncateAfter(_) | Fault::AbortAfter(_) | Fault::MalformedAfter(_)) => {
                document.truncate(document.len() / 2);
            }
            _ => {}
        }
        answering.finish();
        whole_reply(StatusCode::OK, "application/json", document.into())
    }

    fn rendered(&self, chunks: usize, flush: Flush) -> Rendered {
        let mut kept = self.rendered.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(rendered) = kept.get(&(chunks, flush)) {
            return rendered.clone();
        }
        let name = match flush {
            Flush::Each => format!("fast/{chunks}"),
            Flush::Together => format!("burst/{chunks}"),
        };
        let answer = script::fast_answer(chunks);
        let rendered = Rendered {
            script: script::fast(chunks, &name, flush),
            document: script::document(&answer, &name, "chatcmpl-fast", true).into(),
        };
        if kept.len() < RENDERED_MAX {
            kept.insert((chunks, flush), rendered.clone());
        }
        rendered
    }

    /// What waits are divided by; none when there are no waits.
    fn speed(&self) -> Option<f64> {
        Some(self.options.speed).filter(|speed| speed.is_finite() && *speed > 0.0)
    }

    fn pace(&self, profile: &Profile, fault: Option<Fault>, dice: &mut Dice) -> Profile {
        let mut pace = profile.clone();
        if let Some(speed) = self.speed() {
            // Each request is a little quicker or slower than its endpoint usually is.
            let mood = u32::try_from(dice.between(80, 140)).unwrap_or(100);
            let scaled = |wait: Duration| {
                let seconds = wait.as_secs_f64() * f64::from(mood) / 100.0 / speed;
                Duration::try_from_secs_f64(seconds).unwrap_or(Duration::ZERO)
            };
            pace.first_token = scaled(pace.first_token);
            pace.per_token = scaled(pace.per_token);
        } else {
            pace.first_token = Duration::ZERO;
            pace.per_token = Duration::ZERO;
        }
        if let Some(Fault::SlowFirst(wait)) = fault {
            pace.first_token = wait;
        }
        pace
    }
}

type Reply = Response<Payload>;

/// The faults that need no answer to break.
async fn instead_of_an_answer(fault: Fault) -> Option<Result<Reply, Refused>> {
    Some(match fault {
        Fault::Status { status, retry_after_s } => {
            let message = format!("the sandbox was asked for {status}");
            let mut reply = error_reply(status, &message, kind_of(status));
            if let Some(seconds) = retry_after_s {
                reply.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
            }
            Ok(reply)
        }
        Fault::Context => Ok(error_reply(
            400,
            "This model's maximum context length is 4096 tokens; the sandbox was asked to say so",
            "context_length_exceeded",
        )),
        Fault::Refuse => Err(Refused),
        Fault::Hang => {
            let never: Infallible = std::future::pending().await;
            match never {}
        }
        Fault::ErrorBody => Ok(json_reply(
            StatusCode::OK,
            error_body("the sandbox was asked for an error in a good response", "server_error"),
        )),
        Fault::Empty => Ok(whole_reply(StatusCode::OK, "text/event-stream", Bytes::new())),
        Fault::HangAfter(_)
        | Fault::TruncateAfter(_)
        | Fault::AbortAfter(_)
        | Fault::MalformedAfter(_)
        | Fault::ErrorAfter(_)
        | Fault::NoUsage
        | Fault::SlowFirst(_) => return None,
    })
}

const fn kind_of(status: u16) -> &'static str {
    match status {
        401 => "invalid_api_key",
        402 => "insufficient_quota",
        404 => "model_not_found",
        429 => "rate_limit_exceeded",
        503 | 529 => "overloaded",
        400..=499 => "invalid_request_error",
        _ => "server_error",
    }
}

fn model_list(provider: &str) -> String {
    let entry = |id: &str| json!({"id": id, "object": "model", "created": 0, "owned_by": provider});
    let data: Vec<_> = EXAMPLES.iter().map(|id| entry(id)).collect();
    let note = "the sandbox answers for a model of any name; these names have a meaning";
    json!({"object": "list", "data": data, "note": note}).to_string()
}

fn error_body(message: &str, code: &str) -> String {
    json!({"error": {"message": message, "type": code, "param": null, "code": code}}).to_string()
}

fn error_reply(status: u16, message: &str, code: &str) -> Reply {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    json_reply(status, error_body(message, code))
}

fn json_reply(status: StatusCode, body: String) -> Reply {
    whole_reply(status, "application/json", body.into())
}

fn whole_reply(status: StatusCode, content_type: &'static str, body: Bytes) -> Reply {
    let mut reply = Response::new(Payload::Whole(Full::new(body)));
    *reply.status_mut() = status;
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    reply
}

fn stream_reply(script: Script, answering: Answering) -> Reply {
    let mut reply = Response::new(Payload::Played(Playback::new(script, answering)));
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    reply
}

/// Whether a path ends in these segments.
fn is_below(path: &str, end: &str) -> bool {
    path.strip_suffix(end).is_some_and(|base| base.is_empty() || base.ends_with('/'))
}
