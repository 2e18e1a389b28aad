//! What HTTP hands in and gets back.

use bytes::Bytes;
use domain::generation::Outcome;
use domain::id::GenerationId;
use protocol::chat::request::ChatRequest;
use protocol::dialects::MakeEncoder;
use tokio::sync::{mpsc, oneshot};

use crate::error::GatewayError;

/// A parsed request from an authenticated caller.
pub struct Inbound {
    pub request: ChatRequest,
    pub attribution: Attribution,
    /// Makes the writer of the caller's dialect.
    pub encoder: MakeEncoder,
    /// Whether the answer is to say how it came about, as `openrouter_metadata`.
    pub wants_metadata: bool,
}

/// What is asked, without the way in which it is answered.
pub(crate) struct Asked {
    pub(crate) request: ChatRequest,
    pub(crate) attribution: Attribution,
    pub(crate) wants_metadata: bool,
}

impl Inbound {
    pub(crate) fn split(self) -> (Asked, MakeEncoder) {
        let Self { mut request, attribution, encoder, wants_metadata } = self;
        if request.session_id.is_none() {
            request.session_id.clone_from(&attribution.session_id);
        }
        (Asked { request, attribution, wants_metadata }, encoder)
    }
}

/// Who the caller says it is. Recorded, never used to decide anything.
#[derive(Debug, Clone, Default)]
pub struct Attribution {
    pub http_referer: Option<String>,
    pub app_title: Option<String>,
    pub user_agent: Option<String>,
    /// The session that the request belongs to, where its body names none.
    pub session_id: Option<String>,
}

/// An answer that has begun. Dropping it tells the gateway that the caller has left.
#[derive(Debug)]
pub struct Outbound {
    pub generation_id: GenerationId,
    pub streaming: bool,
    /// Encoded bytes; one item when the answer isn't streamed.
    pub body: mpsc::Receiver<Bytes>,
}

/// The caller's end, as the task that owns the call sees it.
pub(crate) struct Reply {
    head: Option<oneshot::Sender<Result<Outbound, GatewayError>>>,
    body: Option<mpsc::Sender<Bytes>>,
}

impl Reply {
    pub(crate) fn new(head: oneshot::Sender<Result<Outbound, GatewayError>>) -> Self {
        Self { head: Some(head), body: None }
    }

    /// Completes when the caller has left, or when everything has been said.
    pub(crate) async fn gone(&mut self) {
        match (&mut self.body, &mut self.head) {
            (Some(body), _) => body.closed().await,
            (None, Some(head)) => head.closed().await,
            (None, None) => {}
        }
    }

    /// Commits to an answer whose bytes follow.
    pub(crate) fn begin(&mut self, id: &GenerationId, chunks: usize) {
        let (sender, body) = mpsc::channel(chunks);
        if let Some(head) = self.head.take() {
            let outbound = Outbound { generation_id: id.clone(), streaming: true, body };
            // An error means that the caller has left, which `gone` reports.
            if head.send(Ok(outbound)).is_ok() {
                self.body = Some(sender);
            }
        }
    }

    /// Sends bytes, waiting while the caller's buffer is full.
    pub(crate) async fn send(&mut self, bytes: Bytes) -> Result<(), Outcome> {
        match &self.body {
            Some(body) => body.send(bytes).await.map_err(|_| Outcome::Cancelled),
            None => Err(Outcome::Cancelled),
        }
    }

    /// Sends bytes if that needs no waiting; whatever happens is fine.
    pub(crate) fn offer(&mut self, bytes: Bytes) {
        if let Some(body) = &self.body {
            // A full buffer or a caller that left: neither needs a sign of life.
            let _ = body.try_send(bytes);
        }
    }

    /// Answers a request that wasn't streamed.
    pub(crate) fn answer(&mut self, id: &GenerationId, bytes: Bytes) {
        if let Some(head) = self.head.take() {
            let (sender, body) = mpsc::channel(1);
            // Capacity one, just made: there is room.
            let _ = sender.try_send(bytes);
            let _ = head.send(Ok(Outbound { generation_id: id.clone(), streaming: false, body }));
        }
    }

    /// Answers with an error, if nothing has been said yet.
    pub(crate) fn refuse(&mut self, error: GatewayError) {
        if let Some(head) = self.head.take() {
            // An error means that the caller has left and needs no answer.
            let _ = head.send(Err(error));
        }
    }
}
