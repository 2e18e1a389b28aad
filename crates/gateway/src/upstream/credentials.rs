//! Our own credentials, by provider.

use std::collections::HashMap;

use bytes::Bytes;
use domain::catalog::{Provider, Serving};
use domain::secret::Secret;
use protocol::error::ErrorType;
use providers::auth;
use providers::error::{Retry, UpstreamError};

/// Provider slug → the secret that its environment variable held at start.
#[derive(Debug, Default)]
pub struct Credentials(HashMap<String, Secret<String>>);

impl Credentials {
    pub fn new(by_provider: HashMap<String, Secret<String>>) -> Self {
        Self(by_provider)
    }

    /// Adds what the provider expects. The sandbox is sent nothing.
    pub(crate) fn attach(
        &self,
        request: &mut http::Request<Bytes>,
        provider: &Provider,
    ) -> Result<(), UpstreamError> {
        let Some(secret) = self.0.get(&provider.slug) else { return Ok(()) };
        if provider.serving != Serving::Live {
            return Ok(());
        }
        auth::attach(request, &provider.auth, secret).map_err(|_| UpstreamError {
            kind: ErrorType::ProviderUnavailable,
            retry: Retry::Other,
            status: None,
            provider_code: None,
            raw: None,
            message: format!("The credential for {} cannot be sent.", provider.name),
        })
    }
}
