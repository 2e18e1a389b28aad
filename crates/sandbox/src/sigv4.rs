//! AWS signatures, checked independently of the crate that makes them.

use sha2::{Digest as _, Sha256};

use crate::dialects::Incoming;
use crate::media::hex;
use crate::refusal::{Kind, Refusal};
use crate::route::decode;
use crate::seal::hmac;

const ACCESS_KEY: &str = "AKIASANDBOX";
const SECRET: &str = "sandbox-secret";
const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// Lets in who does not sign, and who signs as [`ACCESS_KEY`] and does it right. A bearer token
/// (a Bedrock API key) is taken on trust.
pub(crate) fn admit(incoming: &Incoming<'_>) -> Result<(), Refusal> {
    let Some(header) = incoming.header("authorization") else { return Ok(()) };
    let Some(rest) = header.strip_prefix(ALGORITHM) else { return Ok(()) };
    let member = |name: &str| {
        let members = rest.split(',').filter_map(|member| member.trim().split_once('='));
        members.filter(|(key, _)| *key == name).map(|(_, value)| value).next()
    };
    let parts = (member("Credential"), member("SignedHeaders"), member("Signature"));
    let (Some(credential), Some(signed), Some(signature)) = parts else {
        return Err(wrong(
            "Authorization header requires 'Credential', 'SignedHeaders' and 'Signature' parameters.",
        ));
    };
    let scope: Vec<&str> = credential.split('/').collect();
    let [key, date, region, service, "aws4_request"] = scope.as_slice() else {
        return Err(wrong("Credential should be scoped to a valid region and service."));
    };
    if *key != ACCESS_KEY {
        let message = "The security token included in the request is invalid.";
        return Err(Refusal { kind: Kind::Authentication, ..Refusal::of_status(403, message) });
    }
    let Some(time) = incoming.header("x-amz-date").filter(|time| time.starts_with(date)) else {
        return Err(wrong(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP",
        ));
    };
    if !signed.split(';').any(|name| name == "host") {
        return Err(wrong(
            "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
        ));
    }
    let canonical = canonical_request(incoming, signed);
    let digest = hex(&Sha256::digest(canonical.as_bytes()));
    let to_sign = format!("{ALGORITHM}\n{time}\n{date}/{region}/{service}/aws4_request\n{digest}");
    let mut signing_key = hmac(format!("AWS4{SECRET}").as_bytes(), date.as_bytes());
    for part in [region, service, &"aws4_request"] {
        signing_key = hmac(&signing_key, part.as_bytes());
    }
    if hex(&hmac(&signing_key, to_sign.as_bytes())) == signature {
        return Ok(());
    }
    Err(wrong(
        "The request signature we calculated does not match the signature you provided. Check \
         your AWS Secret Access Key and signing method. Consult the service documentation for \
         details.",
    ))
}

fn wrong(message: &str) -> Refusal {
    Refusal { kind: Kind::Permission, ..Refusal::of_status(403, message) }
}

fn canonical_request(incoming: &Incoming<'_>, signed: &str) -> String {
    let mut headers = String::new();
    for name in signed.split(';') {
        let values = incoming.headers.get_all(name).iter().map(|value| {
            let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
            text.split_whitespace().collect::<Vec<_>>().join(" ")
        });
        let values = values.collect::<Vec<_>>().join(",");
        for part in [name, ":", &values, "\n"] {
            headers.push_str(part);
        }
    }
    let payload = hex(&Sha256::digest(incoming.body));
    // Every service but S3 encodes what is encoded already once more.
    let path: Vec<String> = incoming.path.split('/').map(encode).collect();
    let method = incoming.method;
    let query = canonical_query(incoming.query);
    format!("{method}\n{}\n{query}\n{headers}\n{signed}\n{payload}", path.join("/"))
}

fn canonical_query(query: &str) -> String {
    let mut pairs: Vec<(String, String)> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (encode(&decode(name)), encode(&decode(value)))
        })
        .collect();
    pairs.sort();
    let pairs: Vec<String> =
        pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("&")
}

fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push_str(&hex(&[byte]).to_uppercase());
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_encoded_as_aws_does() {
        assert_eq!(encode("a b%3A~/é"), "a%20b%253A~%2F%C3%A9");
        assert_eq!(canonical_query("b=2&a=x%20y&c"), "a=x%20y&b=2&c=");
    }
}
