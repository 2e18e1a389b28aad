//! Pictures, files and sounds that come along with a request.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use crate::refusal::Refusal;
use crate::understood::Media;

/// What was sent as base64. An undecodable one is refused, as every provider does.
pub(crate) fn inline(path: &str, media_type: Option<String>, data: &str) -> Result<Media, Refusal> {
    let Ok(bytes) = STANDARD.decode(data) else {
        return Err(Refusal::rule(path, "Invalid base64 data"));
    };
    if bytes.is_empty() {
        return Err(Refusal::rule(path, "The data is empty"));
    }
    Ok(known(media_type, &bytes))
}

/// Bytes that are here.
pub(crate) fn known(media_type: Option<String>, bytes: &[u8]) -> Media {
    Media {
        media_type,
        bytes: Some(bytes.len() as u64),
        sha256: Some(hex(&Sha256::digest(bytes))),
        ..Media::default()
    }
}

/// A `data:` address, or one to fetch.
pub(crate) fn address(path: &str, url: &str) -> Result<Media, Refusal> {
    if let Some(rest) = url.strip_prefix("data:") {
        let Some((head, data)) = rest.split_once(',') else {
            return Err(Refusal::rule(path, "Invalid data URL"));
        };
        let Some(media_type) = head.strip_suffix(";base64") else {
            return Err(Refusal::rule(path, "Invalid data URL: only base64 is accepted"));
        };
        let media_type = Some(media_type.to_owned()).filter(|text| !text.is_empty());
        return inline(path, media_type, data);
    }
    if !["https://", "http://", "gs://", "s3://"].iter().any(|scheme| url.starts_with(scheme)) {
        return Err(Refusal::rule(path, "Invalid URL: it must begin with https:// or data:"));
    }
    Ok(Media { url: Some(url.to_owned()), ..Media::default() })
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        // Writing to a string cannot fail.
        let _ = write!(out, "{byte:02x}");
        out
    })
}
