//! AWS's signature, version 4.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign as signature};
use aws_sigv4::sign::v4::SigningParams;
use bytes::Bytes;
use domain::secret::Secret;
use domain::time::Timestamp;
use http::header::{HOST, HeaderName, HeaderValue};

use crate::error::EncodeError;

/// Signs a request as it stands: method, address, host, content headers and body.
pub(crate) fn sign(
    request: &mut http::Request<Bytes>,
    service: &str,
    region: &str,
    credential: &Secret<String>,
    now: Timestamp,
) -> Result<(), EncodeError> {
    let identity = read(credential)?.into();
    let params = SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name(service)
        .time(system_time(now))
        .settings(SigningSettings::default())
        .build()
        .map_err(|_| EncodeError::Credential("cannot be signed with"))?
        .into();
    let address = request.uri().to_string();
    // Others may be rewritten on the way; what is signed must arrive as it is.
    let headers = ["content-type", "x-amzn-bedrock-trace"]
        .into_iter()
        .filter_map(|name| Some((name, request.headers().get(name)?.to_str().ok()?)));
    let signable = SignableRequest::new(
        request.method().as_str(),
        address.as_str(),
        headers,
        SignableBody::Bytes(request.body()),
    )
    .map_err(|_| EncodeError::Address(address.clone()))?;
    let (instructions, _) = signature(signable, &params)
        .map_err(|_| EncodeError::Credential("cannot be signed with"))?
        .into_parts();
    let (signed, _) = instructions.into_parts();
    for header in signed {
        let refused = || EncodeError::Header(header.name().to_owned());
        let name = HeaderName::try_from(header.name()).map_err(|_| refused())?;
        if name == HOST {
            continue;
        }
        let mut value = HeaderValue::from_str(header.value()).map_err(|_| refused())?;
        value.set_sensitive(true);
        request.headers_mut().insert(name, value);
    }
    Ok(())
}

/// `ACCESS_KEY_ID:SECRET[:SESSION_TOKEN]`.
fn read(credential: &Secret<String>) -> Result<Credentials, EncodeError> {
    let mut parts = credential.expose().splitn(3, ':');
    let mut part = || parts.next().filter(|part| !part.is_empty());
    let (Some(id), Some(secret)) = (part(), part()) else {
        let rule = "must be `ACCESS_KEY_ID:SECRET`, with `:SESSION_TOKEN` if there is one";
        return Err(EncodeError::Credential(rule));
    };
    Ok(Credentials::new(id, secret, part().map(str::to_owned), None, "environment"))
}

fn system_time(now: Timestamp) -> SystemTime {
    UNIX_EPOCH + Duration::from_micros(u64::try_from(now.as_micros()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed(credential: &str) -> Result<http::Request<Bytes>, EncodeError> {
        let mut request = http::Request::post(
            "https://bedrock-runtime.us-east-1.amazonaws.com/model/a.b-v1%3A0/converse-stream",
        )
        .header("content-type", "application/json")
        .body(Bytes::from_static(b"{}"))
        .unwrap();
        // 2015-08-30T12:36:00Z, the moment of AWS's own examples.
        let now = Timestamp::from_seconds(1_440_938_160);
        let credential = Secret::new(credential.to_owned());
        sign(&mut request, "bedrock", "us-east-1", &credential, now)?;
        Ok(request)
    }

    #[test]
    fn a_signature_names_its_key_its_scope_and_what_it_covers() {
        let request = signed("AKIDEXAMPLE:wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY").unwrap();
        let headers = request.headers();
        assert_eq!(headers["x-amz-date"], "20150830T123600Z");
        assert!(headers.get("x-amz-security-token").is_none() && headers.get("host").is_none());
        let authorization = headers["authorization"].to_str().unwrap();
        let expected = "AWS4-HMAC-SHA256 \
            Credential=AKIDEXAMPLE/20150830/us-east-1/bedrock/aws4_request, \
            SignedHeaders=content-type;host;x-amz-date, Signature=";
        assert_eq!(authorization.split_at(expected.len()).0, expected);
        // Computed by hand from the published steps, with the path's percent sign escaped again.
        assert_eq!(&authorization[expected.len()..], SIGNATURE);
        assert!(headers["authorization"].is_sensitive());
    }

    const SIGNATURE: &str = "87f283cd5e773ee9a3350cc15d699c3bf8e0ce22ef7b0beb2de389e2d1dea9f0";

    #[test]
    fn a_session_has_its_token_sent_and_signed() {
        let request = signed("ASIA:secret:token:with/colon").unwrap();
        assert_eq!(request.headers()["x-amz-security-token"], "token:with/colon");
        let authorization = request.headers()["authorization"].to_str().unwrap();
        assert!(authorization.contains("x-amz-date;x-amz-security-token"), "{authorization}");
    }

    #[test]
    fn half_a_credential_is_refused() {
        for credential in [":", "AKID:", ":secret"] {
            assert!(matches!(signed(credential), Err(EncodeError::Credential(_))), "{credential}");
        }
    }
}
