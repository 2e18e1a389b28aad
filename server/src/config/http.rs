//! `[http]`: the listener and what callers may send.

use std::net::SocketAddr;
use std::time::Duration;

use super::section::Section;

/// How the server listens and what it accepts.
#[derive(Debug, Clone)]
pub struct Http {
    pub address: SocketAddr,
    /// As browsers see it, without a trailing slash; none when it follows from the address.
    pub public_url: Option<String>,
    pub body_bytes_max: usize,
    pub header_timeout: Duration,
    pub body_timeout: Duration,
    pub headers_max: u32,
    pub connections_max: u32,
    pub drain_timeout: Duration,
    pub trust_proxy: bool,
}

impl Http {
    pub(super) fn read(section: &Section<'_>) -> Self {
        Self {
            address: section
                .parsed("address", |text| parse_address(text).map(Some))
                .unwrap_or(SocketAddr::from(([127, 0, 0, 1], 3000))),
            public_url: section.parsed("public_url", parse_public_url),
            body_bytes_max: section.bytes("body_bytes_max"),
            header_timeout: section.duration("header_timeout"),
            body_timeout: section.duration("body_timeout"),
            headers_max: section.count("headers_max", 10..=1_000),
            connections_max: section.count("connections_max", 1..=1_000_000),
            drain_timeout: section.duration("drain_timeout"),
            trust_proxy: section.flag("trust_proxy"),
        }
    }

    /// Whether browsers reach the server through https.
    pub fn is_https(&self) -> bool {
        self.public_url.as_deref().is_some_and(|url| url.starts_with("https://"))
    }
}

fn parse_address(text: &str) -> Result<SocketAddr, String> {
    let numeric = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
    numeric.as_deref().unwrap_or(text).parse().map_err(|_| {
        "must be an IP address and a port, such as `127.0.0.1:3000` or `[::]:3000`".to_owned()
    })
}

fn parse_public_url(text: &str) -> Result<Option<String>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let reason = || {
        "must be `http://` or `https://` and a host, without a path, such as \
         `https://models.example.com`"
            .to_owned()
    };
    let uri: axum::http::Uri = text.parse().map_err(|_| reason())?;
    let origin_only = uri.path() == "/" && uri.query().is_none();
    match (uri.scheme_str(), uri.authority()) {
        (Some(scheme @ ("http" | "https")), Some(authority)) if origin_only => {
            Ok(Some(format!("{scheme}://{authority}")))
        }
        _ => Err(reason()),
    }
}
