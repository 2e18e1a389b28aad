//! Our own credentials, by provider.

use std::collections::HashMap;

use bytes::Bytes;
use domain::catalog::{Auth, Provider, Serving};
use domain::secret::Secret;
use domain::time::Timestamp;
use protocol::error::ErrorType;
use providers::auth;
use providers::error::{Retry, UpstreamError};

use crate::upstream::google_token::GoogleTokens;

/// Provider slug → the secret that its environment variable held at start.
#[derive(Debug, Default)]
pub struct Credentials(HashMap<String, Secret<String>>);

impl Credentials {
    pub fn new(by_provider: HashMap<String, Secret<String>>) -> Self {
        Self(by_provider)
    }

    /// Our credential for a provider that answers itself. The sandbox is sent nothing.
    fn live(&self, provider: &Provider) -> Option<&Secret<String>> {
        self.0.get(&provider.slug).filter(|_| provider.serving == Serving::Live)
    }

    /// The short-lived token that stands for a credential, where the provider takes only such.
    pub(crate) async fn minted(
        &self,
        tokens: &GoogleTokens,
        provider: &Provider,
        now: Timestamp,
    ) -> Result<Option<Secret<String>>, UpstreamError> {
        let Some(secret) = self.live(provider).filter(|_| provider.auth == Auth::GoogleOauth)
        else {
            return Ok(None);
        };
        let token = tokens.bearer(&provider.slug, secret, now).await.map_err(|error| {
            tracing::warn!(provider.slug, %error, "no token could be had for a provider");
            unsendable(provider)
        })?;
        Ok(Some(token))
    }

    /// Adds what the provider expects: our credential, or the token that was minted for it.
    pub(crate) fn attach(
        &self,
        request: &mut http::Request<Bytes>,
        provider: &Provider,
        minted: Option<&Secret<String>>,
        now: Timestamp,
    ) -> Result<(), UpstreamError> {
        let Some(secret) = minted.or_else(|| self.live(provider)) else { return Ok(()) };
        auth::attach(request, &provider.auth, secret, now).map_err(|_| unsendable(provider))
    }

    /// Takes our credential out of what a provider said about its failure: some repeat it.
    pub(crate) fn redact(&self, error: UpstreamError, provider: &Provider) -> UpstreamError {
        let Some(secret) = self.0.get(&provider.slug) else { return error };
        let clean = |text: String| scrubbed(text, secret.expose());
        UpstreamError {
            raw: error.raw.map(clean),
            provider_code: error.provider_code.map(clean),
            message: clean(error.message),
            ..error
        }
    }
}

fn unsendable(provider: &Provider) -> UpstreamError {
    UpstreamError {
        kind: ErrorType::ProviderUnavailable,
        retry: Retry::Other,
        status: None,
        provider_code: None,
        raw: None,
        message: format!("The credential for {} cannot be sent.", provider.name),
    }
}

/// Parts of a credential that are this long are secrets, or as good as.
const PART_BYTES_MIN: usize = 16;

/// A text without a credential, or any part of one that has several: an id, a secret, a token.
fn scrubbed(text: String, credential: &str) -> String {
    let parts = credential.splitn(3, ':').filter(|part| part.len() >= PART_BYTES_MIN);
    parts.fold(without(text, credential), without)
}

/// The beginning of a secret that is this long betrays it; shorter ones are words.
const BETRAYING_BYTES: usize = 6;

/// A text without a secret, or the beginning of one that the text was cut off in.
fn without(text: String, secret: &str) -> String {
    if secret.is_empty() {
        return text;
    }
    let mut text = if text.contains(secret) { text.replace(secret, REDACTED) } else { text };
    let cut = (BETRAYING_BYTES..secret.len())
        .rev()
        .filter_map(|length| secret.get(..length))
        .find(|beginning| text.ends_with(beginning));
    if let Some(beginning) = cut {
        text.truncate(text.len() - beginning.len());
        text.push_str(REDACTED);
    }
    text
}

const REDACTED: &str = "[redacted]";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;
    use crate::upstream::fetch::guard::Guard;
    use crate::upstream::transport;

    #[test]
    fn each_part_of_a_credential_is_taken_out() {
        let credential = "AKIAIOSFODNN7EXAMPLE:wJalrXUtnFEMI/K7MDENG:short";
        let said = "AKIAIOSFODNN7EXAMPLE may not, nor wJalrXUtnFEMI/K7MDENG; short is a word";
        let expected = "[redacted] may not, nor [redacted]; short is a word";
        assert_eq!(scrubbed(said.to_owned(), credential), expected);
        assert_eq!(scrubbed(format!("key {credential}"), credential), "key [redacted]");
    }

    fn google(serving: Serving) -> Provider {
        let provider = crate::testing::provider("google-vertex", "https://vertex.example/v1");
        Provider { auth: Auth::GoogleOauth, serving, ..provider }
    }

    #[tokio::test]
    async fn googles_tokens_go_where_they_are_wanted_and_nowhere_else() {
        let guard = Guard::new(false);
        let client = transport::guarded(&Settings::default(), guard).unwrap();
        let tokens = GoogleTokens::new(client, guard, false);
        let secret = Secret::new("ya29.mine".to_owned());
        let credentials =
            Credentials::new(HashMap::from([("google-vertex".to_owned(), secret.clone())]));
        let now = Timestamp::EPOCH;

        let live = google(Serving::Live);
        let minted = credentials.minted(&tokens, &live, now).await.unwrap();
        assert_eq!(minted.as_ref(), Some(&secret));
        let mut request = http::Request::new(Bytes::new());
        credentials.attach(&mut request, &live, minted.as_ref(), now).unwrap();
        assert_eq!(request.headers()["authorization"], "Bearer ya29.mine");

        let sandboxed = google(Serving::Sandbox { base_url: "http://127.0.0.1:1".to_owned() });
        assert_eq!(credentials.minted(&tokens, &sandboxed, now).await.unwrap(), None);
        let other = Provider { auth: Auth::Bearer, ..google(Serving::Live) };
        assert_eq!(credentials.minted(&tokens, &other, now).await.unwrap(), None);
        let mut request = http::Request::new(Bytes::new());
        credentials.attach(&mut request, &sandboxed, None, now).unwrap();
        assert!(request.headers().is_empty());

        // A key that cannot be used fails without a word about it.
        let broken = Secret::new("{\"private_key\": \"hush\"}".to_owned());
        let credentials = Credentials::new(HashMap::from([("google-vertex".to_owned(), broken)]));
        let error = credentials.minted(&tokens, &live, now).await.unwrap_err();
        assert!(!format!("{error:?}").contains("hush"));
        assert_eq!((error.kind, error.retry), (ErrorType::ProviderUnavailable, Retry::Other));
    }

    #[test]
    fn a_secret_is_taken_out_whole_or_cut() {
        let secret = "0a1b2c3d4e5f";
        for (text, expected) in [
            ("nothing here", "nothing here"),
            ("key 0a1b2c3d4e5f is wrong: 0a1b2c3d4e5f", "key [redacted] is wrong: [redacted]"),
            ("the key is 0a1b2c3d4", "the key is [redacted]"),
            ("it ends in 0a1b", "it ends in 0a1b"),
        ] {
            assert_eq!(without(text.to_owned(), secret), expected);
        }
        assert_eq!(without("as it is".to_owned(), ""), "as it is");
    }
}
