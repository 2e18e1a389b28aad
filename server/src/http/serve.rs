//! The accept loop: connections in, and out again when the server stops.
//!
//! Callers are served HTTP/1.1. Over HTTP/2 an answer that comes before the end of a body, such
//! as 401 to a wrong key, resets the stream and is lost with it; a proxy that ends TLS speaks
//! HTTP/2 to the world and HTTP/1.1 to us.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tower::Service as _;

use super::extract::client_address::Peer;
use crate::config::http::Http;
use crate::lanes::Lanes;
use crate::tasks::Tasks;

/// How long to wait when the system has no more file descriptors.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(100);

/// Takes the address, or says how to choose another.
pub async fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        format!(
            "cannot listen on {address}; set ENTREPOT__HTTP__ADDRESS to another address, such as \
             127.0.0.1:0 for any free port"
        )
    })
}

/// Accepts connections until `stop` completes, then waits for those that are open, up to the
/// drain timeout. Says whether all of them ended by themselves.
pub async fn run(
    listener: TcpListener,
    router: Router,
    settings: Arc<Http>,
    tasks: Tasks,
    lanes: &Lanes,
    stop: impl Future<Output = ()>,
) -> bool {
    let server = builder(&settings);
    let graceful = GracefulShutdown::new();
    let slots = Arc::new(Semaphore::new(settings.connections_max as usize));
    tokio::pin!(stop);
    loop {
        // Cancelling either wait loses nothing: a permit is given back, a connection stays queued.
        let accepted = tokio::select! {
            biased;
            () = &mut stop => break,
            accepted = accept(&listener, &slots) => accepted,
        };
        let Some((stream, peer, slot)) = accepted else { continue };
        let Some(lane) = lanes.next() else { break };
        let (router, server) = (router.clone(), server.clone());
        let (watcher, owner) = (graceful.watcher(), tasks.clone());
        tasks.spawn_on(lane, async move {
            // What is cut off here had all of the drain timeout to end by itself.
            tokio::select! {
                () = serve(stream, peer, router, server, watcher) => {}
                () = owner.stopping() => {}
            }
            drop(slot);
        });
    }
    drop(listener);
    tokio::time::timeout(settings.drain_timeout, graceful.shutdown()).await.is_ok()
}

type Slot = tokio::sync::OwnedSemaphorePermit;

async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> Option<(std::net::TcpStream, SocketAddr, Slot)> {
    let slot = slots.clone().acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => {
            // Without this a stream's small pieces wait for each other's acknowledgement.
            match stream.set_nodelay(true).and_then(|()| stream.into_std()) {
                Ok(stream) => Some((stream, peer, slot)),
                Err(error) => {
                    tracing::debug!(error = %error, "A connection ended before it began");
                    None
                }
            }
        }
        Err(error) => {
            // A peer that left is no concern of ours; no descriptors left is, and passes.
            let gone = matches!(
                error.kind(),
                std::io::ErrorKind::ConnectionAborted | std::io::ErrorKind::ConnectionReset
            );
            if !gone {
                tracing::error!(error = %error, "Connections cannot be accepted");
                tokio::time::sleep(EXHAUSTED_PAUSE).await;
            }
            None
        }
    }
}

async fn serve(
    stream: std::net::TcpStream,
    peer: SocketAddr,
    router: Router,
    server: http1::Builder,
    watcher: Watcher,
) {
    // From here on this lane's runtime watches the socket.
    let stream = match TcpStream::from_std(stream) {
        Ok(stream) => stream,
        Err(error) => {
            tracing::error!(error = %error, "A connection cannot be watched");
            return;
        }
    };
    let service = service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(Peer(peer));
        // A router is always ready.
        router.clone().call(request)
    });
    let connection = server.serve_connection(TokioIo::new(stream), service);
    if let Err(error) = watcher.watch(connection).await {
        // Callers leave in the middle all the time.
        tracing::debug!(error = %error, "A connection ended early");
    }
}

fn builder(settings: &Http) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(settings.header_timeout)
        .max_headers(settings.headers_max as usize)
        .max_buf_size(128 * 1024);
    builder
}
