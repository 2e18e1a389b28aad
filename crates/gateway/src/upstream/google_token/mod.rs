//! Short-lived tokens for Google, minted from a service account's key.
//!
//! The key signs a claim, which Google's token endpoint exchanges for a token that is good for an
//! hour. One exchange serves everybody who waits for it. Neither key nor token is ever logged.

use std::collections::HashMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use domain::secret::Secret;
use domain::time::Timestamp;
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use parking_lot::Mutex;
use reqwest::Client;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use serde::{Deserialize, Serialize};

use crate::upstream::fetch::guard::Guard;

/// What a token lets its bearer do: everything that the account may, which operators narrow
/// there.
const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";

/// How long a claim is good for; Google takes no more.
const CLAIM_SECONDS: i64 = 3_600;

/// A token is not used so shortly before its end: a request may be long under way.
const MARGIN: Duration = Duration::from_secs(300);

/// How long the exchange may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// An answer of the token endpoint is not longer than this.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// Why there is no token. Says nothing of the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TokenError {
    #[error("the credential is no service account's key")]
    NoKey,
    #[error("the private key of the credential cannot be read")]
    PrivateKey,
    #[error("the credential's token address must be an `https:` address on the public internet")]
    Address,
    #[error("the token endpoint cannot be reached")]
    Unreachable,
    #[error("the token endpoint refuses the credential with status {0}")]
    Refused(u16),
    #[error("the token endpoint's answer holds no token")]
    NoToken,
}

type Exchange = Shared<BoxFuture<'static, Result<Token, TokenError>>>;

#[derive(Debug, Clone)]
struct Token {
    secret: Secret<String>,
    ends_at: Timestamp,
}

/// Tokens by provider slug.
pub(crate) struct GoogleTokens {
    client: Client,
    guard: Guard,
    /// Whether a token endpoint may do without TLS: for tests.
    allow_plain: bool,
    exchanges: Mutex<HashMap<String, Exchange>>,
}

impl GoogleTokens {
    /// `client` must be the guard's.
    pub(crate) fn new(client: Client, guard: Guard, allow_plain: bool) -> Self {
        Self { client, guard, allow_plain, exchanges: Mutex::default() }
    }

    /// What is to be sent as a bearer token for a credential: the credential itself, unless it is
    /// a service account's key.
    pub(crate) async fn bearer(
        &self,
        slug: &str,
        credential: &Secret<String>,
        now: Timestamp,
    ) -> Result<Secret<String>, TokenError> {
        if !credential.expose().trim_start().starts_with('{') {
            return Ok(credential.clone());
        }
        let exchange = self.exchange(slug, credential, now)?;
        let result = exchange.clone().await;
        if result.is_err() {
            // Whoever comes next may have more luck.
            let mut exchanges = self.exchanges.lock();
            if exchanges.get(slug).is_some_and(|known| known.ptr_eq(&exchange)) {
                exchanges.remove(slug);
            }
        }
        result.map(|token| token.secret)
    }

    /// The exchange that is under way or whose token is still good, or a new one.
    fn exchange(
        &self,
        slug: &str,
        credential: &Secret<String>,
        now: Timestamp,
    ) -> Result<Exchange, TokenError> {
        let mut exchanges = self.exchanges.lock();
        if let Some(known) = exchanges.get(slug) {
            let is_good = match known.peek() {
                None => true,
                Some(Ok(token)) => now.plus(MARGIN) < token.ends_at,
                Some(Err(_)) => false,
            };
            if is_good {
                return Ok(known.clone());
            }
        }
        let account: Account =
            serde_json::from_str(credential.expose()).map_err(|_| TokenError::NoKey)?;
        let address = self.address(&account.token_uri)?;
        let form = form(&account.assertion(now)?);
        let exchange = ask(self.client.clone(), address, form, now).boxed().shared();
        exchanges.insert(slug.to_owned(), exchange.clone());
        Ok(exchange)
    }

    fn address(&self, text: &str) -> Result<reqwest::Url, TokenError> {
        let address: reqwest::Url = text.parse().map_err(|_| TokenError::Address)?;
        let is_fit = address.scheme() == "https" || self.allow_plain;
        let is_fit = is_fit && self.guard.check(&address).is_ok();
        is_fit.then_some(address).ok_or(TokenError::Address)
    }
}

async fn ask(
    client: Client,
    address: reqwest::Url,
    form: String,
    now: Timestamp,
) -> Result<Token, TokenError> {
    #[derive(Deserialize)]
    struct Answer {
        access_token: String,
        expires_in: Option<u64>,
    }
    let request = client
        .post(address)
        .timeout(PATIENCE)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form);
    let mut response = request.send().await.map_err(|_| TokenError::Unreachable)?;
    if !response.status().is_success() {
        return Err(TokenError::Refused(response.status().as_u16()));
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|_| TokenError::Unreachable)? {
        if body.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err(TokenError::NoToken);
        }
        body.extend_from_slice(&chunk);
    }
    let answer: Answer = serde_json::from_slice(&body).map_err(|_| TokenError::NoToken)?;
    let seconds = answer.expires_in.unwrap_or(3_600).min(24 * 3_600);
    let ends_at = now.plus(Duration::from_secs(seconds));
    Ok(Token { secret: Secret::new(answer.access_token), ends_at })
}

fn form(assertion: &str) -> String {
    // What an assertion is made of needs no escapes.
    format!(
        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion={assertion}"
    )
}

/// A service account's key, as Google writes it.
#[derive(Deserialize)]
struct Account {
    client_email: String,
    private_key: String,
    private_key_id: Option<String>,
    token_uri: String,
}

#[derive(Serialize)]
struct Header<'a> {
    alg: &'static str,
    typ: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<&'a str>,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    scope: &'static str,
    aud: &'a str,
    iat: i64,
    exp: i64,
}

impl Account {
    /// A signed claim to be this account (RFC 7523).
    fn assertion(&self, now: Timestamp) -> Result<String, TokenError> {
        let part = |json: Result<Vec<u8>, serde_json::Error>| {
            json.map(|json| URL_SAFE_NO_PAD.encode(json)).map_err(|_| TokenError::NoKey)
        };
        let kid = self.private_key_id.as_deref();
        let header = part(serde_json::to_vec(&Header { alg: "RS256", typ: "JWT", kid }))?;
        let iat = now.as_seconds();
        let claims = part(serde_json::to_vec(&Claims {
            iss: &self.client_email,
            scope: SCOPE,
            aud: &self.token_uri,
            iat,
            exp: iat + CLAIM_SECONDS,
        }))?;
        let signed = format!("{header}.{claims}");
        let signature = sign(&self.private_key, signed.as_bytes())?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

/// RS256 with a key in PEM.
fn sign(pem: &str, message: &[u8]) -> Result<Vec<u8>, TokenError> {
    let base64: String = pem
        .lines()
        .map(str::trim)
        .skip_while(|line| *line != "-----BEGIN PRIVATE KEY-----")
        .skip(1)
        .take_while(|line| *line != "-----END PRIVATE KEY-----")
        .collect();
    let der = STANDARD.decode(base64).map_err(|_| TokenError::PrivateKey)?;
    let key = RsaKeyPair::from_pkcs8(&der).map_err(|_| TokenError::PrivateKey)?;
    let mut signature = vec![0; key.public().modulus_len()];
    // The randomness hides the key from whoever measures time; the signature does not depend on
    // it, and `ring` takes no other source.
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)
        .map_err(|_| TokenError::PrivateKey)?;
    Ok(signature)
}

#[cfg(test)]
mod tests;
