//! The only door through which inference traffic leaves.

use bytes::Bytes;
use domain::catalog::Endpoint;
use domain::time::Timestamp;
use protocol::error::ErrorType;
use providers::error::{Retry, UpstreamError};
use reqwest::{Client, Response};
use thread_local::ThreadLocal;

use crate::settings::Settings;
use crate::upstream::credentials::Credentials;
use crate::upstream::fetch::download::Downloader;
use crate::upstream::fetch::guard::Guard;
use crate::upstream::google_token::GoogleTokens;

/// Pooled connections to every provider.
///
/// Each thread has a client of its own: a connection is served by the runtime that opened it,
/// and a chunk that has to cross threads costs a wake-up.
pub struct Transport {
    settings: Settings,
    clients: ThreadLocal<Client>,
    credentials: Credentials,
    downloader: Downloader,
    google_tokens: GoogleTokens,
}

/// The HTTP client could not be made: the system has no usable TLS configuration.
#[derive(Debug, thiserror::Error)]
#[error("the HTTP client could not be made: {0}")]
pub struct TransportError(#[from] reqwest::Error);

impl Transport {
    pub(crate) fn new(
        settings: &Settings,
        credentials: Credentials,
    ) -> Result<Self, TransportError> {
        let clients = ThreadLocal::new();
        clients.get_or_try(|| client(settings))?;
        let guard = Guard::new(settings.allow_private_addresses);
        let google_tokens =
            GoogleTokens::new(guarded(settings, guard)?, guard, settings.allow_private_addresses);
        let downloader = Downloader::new(settings)?;
        Ok(Self { settings: settings.clone(), clients, credentials, downloader, google_tokens })
    }

    /// This thread's client.
    fn client(&self) -> reqwest::Result<&Client> {
        self.clients.get_or_try(|| client(&self.settings))
    }

    /// What gets things that requests name by address.
    pub(crate) const fn downloader(&self) -> &Downloader {
        &self.downloader
    }

    /// What a provider said about its failure, without our credential for it.
    pub(crate) fn redact(&self, error: UpstreamError, endpoint: &Endpoint) -> UpstreamError {
        self.credentials.redact(error, &endpoint.provider)
    }

    /// Signs and sends one request; returns when the response's headers are there.
    pub(crate) async fn send(
        &self,
        mut request: http::Request<Bytes>,
        endpoint: &Endpoint,
        now: Timestamp,
    ) -> Result<Response, UpstreamError> {
        let minted = self.credentials.minted(&self.google_tokens, &endpoint.provider, now).await?;
        self.credentials.attach(&mut request, &endpoint.provider, minted.as_ref(), now)?;
        let request = reqwest::Request::try_from(request)
            .map_err(|_| unreachable(endpoint, "its address is not a URL"))?;
        let client = self.client().map_err(|error| {
            tracing::error!(%error, "the HTTP client could not be made");
            unreachable(endpoint, "this server has no HTTP client")
        })?;
        client.execute(request).await.map_err(|error| {
            let what = if error.is_connect() { "it cannot be reached" } else { "it hung up" };
            unreachable(endpoint, what)
        })
    }
}

fn client(settings: &Settings) -> reqwest::Result<Client> {
    Client::builder()
        .connect_timeout(settings.connect_timeout)
        // Without it a stream waits for acknowledgements, 40 ms at a time.
        .tcp_nodelay(true)
        // A redirect could carry our credential to another host.
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .pool_max_idle_per_host(1_024)
        .user_agent(concat!("Entrepot/", env!("CARGO_PKG_VERSION")))
        .build()
}

/// A client for addresses that callers name: it dials only what the guard lets pass, follows no
/// redirect by itself and keeps no connection.
pub(crate) fn guarded(settings: &Settings, guard: Guard) -> reqwest::Result<Client> {
    Client::builder()
        .connect_timeout(settings.connect_timeout)
        .dns_resolver(guard)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .pool_max_idle_per_host(0)
        .user_agent(concat!("Entrepot/", env!("CARGO_PKG_VERSION")))
        .build()
}

/// A failure without an answer. Says nothing of addresses, which are the operator's business.
pub(crate) fn unreachable(endpoint: &Endpoint, what: &str) -> UpstreamError {
    UpstreamError {
        kind: ErrorType::ProviderUnavailable,
        retry: Retry::Other,
        status: None,
        provider_code: None,
        raw: None,
        message: format!("{} did not answer: {what}.", endpoint.provider.name),
    }
}

/// A failure to answer in time.
pub(crate) fn timed_out(endpoint: &Endpoint) -> UpstreamError {
    UpstreamError {
        kind: ErrorType::Timeout,
        retry: Retry::Other,
        status: None,
        provider_code: None,
        raw: None,
        message: format!("{} did not answer in time.", endpoint.provider.name),
    }
}
