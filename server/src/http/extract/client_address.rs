//! Where a request comes from, for throttling and for what only this machine may read.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;

/// The peer of a connection; in the extensions of every request.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

/// The caller's address; in the extensions of every request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

impl ClientAddress {
    /// The peer itself, or whom a trusted proxy says that it speaks for. The proxy appends the
    /// address that it saw, so only the last entry is its word; those before it are the caller's.
    pub(crate) fn of(peer: SocketAddr, headers: &HeaderMap, trust_proxy: bool) -> Self {
        let forwarded = headers
            .get_all("x-forwarded-for")
            .iter()
            .next_back()
            .and_then(|value| value.to_str().ok()?.rsplit(',').next()?.trim().parse().ok());
        let address: IpAddr = match forwarded {
            Some(address) if trust_proxy => address,
            _ => peer.ip(),
        };
        Self(address.to_canonical())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_hop_of_a_trusted_proxy_is_believed() {
        let peer = "127.0.0.1:5000".parse().unwrap();
        let mut headers = HeaderMap::new();
        headers.append("x-forwarded-for", "10.9.9.9, 203.0.113.7".parse().unwrap());
        assert_eq!(ClientAddress::of(peer, &headers, false).0.to_string(), "127.0.0.1");
        assert_eq!(ClientAddress::of(peer, &headers, true).0.to_string(), "203.0.113.7");
        headers.append("x-forwarded-for", "::ffff:203.0.113.8".parse().unwrap());
        assert_eq!(ClientAddress::of(peer, &headers, true).0.to_string(), "203.0.113.8");
    }
}
