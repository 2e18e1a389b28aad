use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;
use crate::settings::Settings;
use crate::upstream::transport;

/// Made for these tests; nobody trusts it.
const KEY: &str = include_str!("test_key.pem");

fn account(token_uri: &str) -> Secret<String> {
    Secret::new(
        json!({
            "type": "service_account", "client_email": "robot@project.example",
            "private_key": KEY, "private_key_id": "k1", "token_uri": token_uri,
        })
        .to_string(),
    )
}

/// A token endpoint that counts its tokens, and refuses when it is told to.
async fn endpoint(refuses: bool) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/token", listener.local_addr().unwrap());
    let count = Arc::new(AtomicUsize::new(0));
    let counted = count.clone();
    #[expect(clippy::disallowed_methods, reason = "it ends with the test's runtime")]
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = Vec::new();
            while !String::from_utf8_lossy(&request).contains("&assertion=") {
                let mut piece = [0; 4096];
                let read = stream.read(&mut piece).await.unwrap_or(0);
                request.extend_from_slice(&piece[..read]);
                if read == 0 {
                    break;
                }
            }
            let number = counted.fetch_add(1, Ordering::Relaxed);
            let body = json!({"access_token": format!("ya29.{number}"), "expires_in": 3599});
            let (status, body) = if refuses {
                ("400 Bad Request", "{\"error\":\"invalid_grant\"}".to_owned())
            } else {
                ("200 OK", body.to_string())
            };
            let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n", body.len());
            let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
        }
    });
    (address, count)
}

fn tokens() -> GoogleTokens {
    with(Guard::new(true), true)
}

fn with(guard: Guard, allow_plain: bool) -> GoogleTokens {
    let client = transport::guarded(&Settings::default(), guard).unwrap();
    GoogleTokens::new(client, guard, allow_plain)
}

#[test]
fn a_claim_is_signed_with_the_accounts_key() {
    let account: Account =
        serde_json::from_str(account("https://oauth2.example/token").expose()).unwrap();
    let assertion = account.assertion(Timestamp::from_seconds(1_000)).unwrap();
    let parts: Vec<&str> = assertion.split('.').collect();
    let json = |part: &str| -> Value {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    };
    assert_eq!(json(parts[0]), json!({"alg": "RS256", "typ": "JWT", "kid": "k1"}));
    let claims = json!({"iss": "robot@project.example", "scope": SCOPE,
        "aud": "https://oauth2.example/token", "iat": 1_000, "exp": 4_600});
    assert_eq!(json(parts[1]), claims);
    let der = STANDARD.decode(KEY.lines().filter(|l| !l.starts_with('-')).collect::<String>());
    let key = RsaKeyPair::from_pkcs8(&der.unwrap()).unwrap();
    let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.public().as_ref());
    let signed = format!("{}.{}", parts[0], parts[1]);
    let signature = URL_SAFE_NO_PAD.decode(parts[2]).unwrap();
    assert!(public.verify(signed.as_bytes(), &signature).is_ok());
    assert!(public.verify(b"something else", &signature).is_err());
}

#[tokio::test]
async fn a_token_serves_until_shortly_before_its_end() {
    let (address, count) = endpoint(false).await;
    let (tokens, credential) = (tokens(), account(&address));
    let at = |seconds| Timestamp::from_seconds(seconds);
    let bearer = async |now| tokens.bearer("google-vertex", &credential, now).await.unwrap();
    assert_eq!(bearer(at(0)).await.expose(), "ya29.0");
    assert_eq!(bearer(at(3_298)).await.expose(), "ya29.0");
    assert_eq!(bearer(at(3_300)).await.expose(), "ya29.1");
    assert_eq!(tokens.bearer("another", &credential, at(0)).await.unwrap().expose(), "ya29.2");
    assert_eq!(count.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn everybody_waits_for_the_same_exchange() {
    let (address, count) = endpoint(false).await;
    let (tokens, credential) = (tokens(), account(&address));
    let all = (0..20).map(|_| tokens.bearer("google-vertex", &credential, Timestamp::EPOCH));
    for token in futures_util::future::join_all(all).await {
        assert_eq!(token.unwrap().expose(), "ya29.0");
    }
    assert_eq!(count.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_refusal_is_not_remembered() {
    let (address, count) = endpoint(true).await;
    let (tokens, credential) = (tokens(), account(&address));
    for _ in 0..2 {
        let refused = tokens.bearer("google-vertex", &credential, Timestamp::EPOCH).await;
        assert_eq!(refused.err(), Some(TokenError::Refused(400)));
    }
    assert_eq!(count.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn credentials_that_are_no_keys_are_used_or_refused() {
    let tokens = tokens();
    let bearer = async |text: &str| {
        let credential = Secret::new(text.to_owned());
        tokens.bearer("p", &credential, Timestamp::EPOCH).await
    };
    assert_eq!(bearer("ya29.mine").await.unwrap().expose(), "ya29.mine");
    assert_eq!(bearer("{}").await.err(), Some(TokenError::NoKey));
    assert_eq!(bearer("{\"type\": \"authorized_user\"}").await.err(), Some(TokenError::NoKey));
    let broken = json!({"client_email": "a", "private_key": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
        "token_uri": "http://127.0.0.1:1/"});
    assert_eq!(bearer(&broken.to_string()).await.err(), Some(TokenError::PrivateKey));
    let strict = with(Guard::new(false), false);
    for address in ["http://oauth2.example/", "https://127.0.0.1/", "https://[::1]/", "nowhere"] {
        let refused = strict.bearer("p", &account(address), Timestamp::EPOCH).await;
        assert_eq!(refused.err(), Some(TokenError::Address), "{address}");
    }
    let nobody = bearer(account("http://127.0.0.1:1/").expose()).await;
    assert_eq!(nobody.err(), Some(TokenError::Unreachable));
}
