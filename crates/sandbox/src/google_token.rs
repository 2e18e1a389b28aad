//! Tokens for Vertex, as Google's token endpoint gives them for a service account.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::dialects::{Incoming, Said};
use crate::refusal::Refusal;
use crate::route::decode;
use crate::seal::{Maker, open, seal};

const PREFIX: &str = "ya29.";
const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// Answers `POST /_sandbox/token`.
pub(crate) fn grant(body: &[u8]) -> Said {
    match account(body) {
        Ok(account) => {
            let token = format!("{PREFIX}{}", seal(Maker::Google, &account));
            let body = json!({"access_token": token, "expires_in": 3599, "token_type": "Bearer"});
            Said::new(200, &body)
        }
        Err((error, description)) => {
            Said::new(400, &json!({"error": error, "error_description": description}))
        }
    }
}

/// The account that an assertion is about. The signature is not checked, because nobody told the
/// sandbox whose key it is; everything else is.
fn account(body: &[u8]) -> Result<String, (&'static str, &'static str)> {
    let body = std::str::from_utf8(body).map_err(|_| ("invalid_request", "not a form"))?;
    let member = |name: &str| {
        let pairs = body.split('&').filter_map(|pair| pair.split_once('='));
        pairs.filter(|(key, _)| *key == name).map(|(_, value)| decode(value)).next()
    };
    if member("grant_type").as_deref() != Some(GRANT) {
        return Err(("unsupported_grant_type", "Invalid grant_type"));
    }
    let invalid = ("invalid_grant", "Invalid JWT: it must have a header, claims and a signature");
    let assertion = member("assertion").ok_or(invalid)?;
    let parts: Vec<&str> = assertion.split('.').collect();
    let [header, claims, signature] = parts.as_slice() else { return Err(invalid) };
    if URL_SAFE_NO_PAD.decode(signature).is_ok_and(|bytes| bytes.len() < 32) {
        return Err(("invalid_grant", "Invalid JWT Signature."));
    }
    let json = |part: &str| -> Option<Value> {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
    };
    let (header, claims) = json(header).zip(json(claims)).ok_or(invalid)?;
    if header["alg"] != "RS256" {
        return Err(("invalid_grant", "Invalid JWT: only RS256 is accepted"));
    }
    let times = claims["iat"].as_i64().zip(claims["exp"].as_i64());
    let is_short = times.is_some_and(|(from, to)| from < to && to - from <= 3_600);
    if !is_short {
        return Err((
            "invalid_grant",
            "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable \
             timeframe. Check your iat and exp values in the JWT claim.",
        ));
    }
    if claims["scope"].as_str().is_none_or(str::is_empty) {
        return Err(("invalid_scope", "Empty or missing scope not allowed."));
    }
    if claims["aud"].as_str().is_none_or(str::is_empty) {
        return Err(("invalid_grant", "Invalid JWT: aud is missing"));
    }
    let account = claims["iss"].as_str().filter(|account| !account.is_empty());
    account.map(str::to_owned).ok_or(("invalid_grant", "Invalid JWT: iss is missing"))
}

/// Lets a caller in to Vertex who has no token at all, or one of ours.
pub(crate) fn admit(incoming: &Incoming<'_>) -> Result<(), Refusal> {
    let is_vertex = incoming.path.contains("/projects/");
    let token = incoming.header("authorization").filter(|_| is_vertex);
    let is_ours = |token: &str| {
        let sealed = token.strip_prefix("Bearer ").and_then(|token| token.strip_prefix(PREFIX));
        sealed.and_then(|sealed| open(Maker::Google, sealed)).is_some()
    };
    match token {
        Some(token) if !is_ours(token) => Err(Refusal::of_status(
            401,
            "Request had invalid authentication credentials. Expected OAuth 2 access token, login \
             cookie or other valid authentication credential.",
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signature = URL_SAFE_NO_PAD.encode([7; 256]);
        let header = part(&json!({"alg": "RS256", "typ": "JWT"}));
        let assertion = format!("{header}.{}.{signature}", part(claims));
        format!(
            "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion={assertion}"
        )
    }

    #[test]
    fn a_good_assertion_becomes_a_token() {
        let claims = json!({"iss": "robot@example.com", "scope": "cloud", "aud": "token",
            "iat": 0, "exp": 3600});
        assert_eq!(grant(form(&claims).as_bytes()).status, 200);
        for (member, value) in [
            ("iss", Value::Null),
            ("scope", "".into()),
            ("exp", 3_601.into()),
            ("aud", Value::Null),
        ] {
            let mut wrong = claims.clone();
            wrong[member] = value;
            assert_eq!(grant(form(&wrong).as_bytes()).status, 400, "{member}");
        }
        assert_eq!(grant(b"grant_type=password").status, 400);
    }
}
