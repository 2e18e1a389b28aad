//! Which addresses may be dialled for a caller: the public ones, and only those.
//!
//! A name is resolved once, and what is dialled is what was checked: there is no second look-up
//! that could give another answer.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Decides about addresses.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Guard(fn(IpAddr) -> bool);

/// Said of an address that may not be dialled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    #[error("must be an `http:` or `https:` address")]
    Scheme,
    #[error("must not hold a user name or a password")]
    Credentials,
    #[error("must be an address on the public internet")]
    Private,
}

impl Guard {
    /// `allow_private` is for operators who trust their callers, and for tests.
    pub(crate) const fn new(allow_private: bool) -> Self {
        if allow_private { Self(|_| true) } else { Self(is_public) }
    }

    #[cfg(test)]
    pub(super) const fn of(allows: fn(IpAddr) -> bool) -> Self {
        Self(allows)
    }

    /// What can be told from the address alone. A host that is a number, however it was written,
    /// is one in its usual form by now; names are looked at when they are resolved.
    pub(crate) fn check(self, url: &Url) -> Result<(), Refused> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Refused::Scheme);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refused::Credentials);
        }
        let host = url.host_str().ok_or(Refused::Scheme)?;
        let host = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
        match host.parse::<IpAddr>() {
            Ok(address) if !(self.0)(address) => Err(Refused::Private),
            _ => Ok(()),
        }
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let allows = self.0;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> = found.filter(|address| allows(address.ip())).collect();
            if allowed.is_empty() {
                return Err(Refused::Private.into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

/// Whether an address belongs to the public internet.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    // Azure's host answers at a public address, from inside only.
    let is_azure_host = address == Ipv4Addr::new(168, 63, 129, 16);
    !(a == 0
        || a == 10
        || a == 127
        || a >= 224
        || (a == 100 && (64..128).contains(&b))
        || (a == 169 && b == 254)
        || (a == 172 && (16..32).contains(&b))
        || (a == 192 && b == 168)
        || (a == 192 && b == 0 && (c == 0 || c == 2))
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (b == 18 || b == 19))
        || (a == 198 && b == 51 && c == 100)
        || (a == 203 && b == 0 && c == 113)
        || is_azure_host)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    let embedded = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match segments {
        // Addresses of the older kind, as such or behind a translator.
        [0, 0, 0, 0, 0, 0xFFFF, high, low] | [0x64, 0xFF9B, 0, 0, 0, 0, high, low] => {
            embedded(high, low)
        }
        // Tunnels to addresses of the older kind.
        [0x2002, high, low, ..] => embedded(high, low),
        // Teredo, benchmarks, ORCHID and documentation.
        [0x2001, 0 | 2 | 0x10..=0x2F | 0x0DB8, ..] | [0x3FFF, 0..=0x0FFF, ..] => false,
        // Only this part of the space is handed out.
        [first, ..] => (0x2000..=0x3FFF).contains(&first),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_are_public() {
        for address in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "100.100.100.200",
            "127.0.0.1",
            "127.255.255.254",
            "168.63.129.16",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.192",
            "192.0.2.1",
            "192.168.0.1",
            "198.18.0.1",
            "203.0.113.9",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "2002:7f00:1::",
            "2001::1",
            "2001:db8::1",
            "100::1",
            "fe80::1",
            "fec0::1",
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
        ] {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
        for address in [
            "1.1.1.1",
            "8.8.8.8",
            "100.63.0.1",
            "172.32.0.1",
            "169.253.1.1",
            "2606:4700::1111",
            "2a00:1450:4001:80b::200e",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
        ] {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn hosts_that_are_numbers_are_known_however_they_are_written() {
        let guard = Guard::new(false);
        for (url, expected) in [
            ("https://example.com/a.png", Ok(())),
            ("http://8.8.8.8/", Ok(())),
            ("http://127.0.0.1/", Err(Refused::Private)),
            ("http://127.1/", Err(Refused::Private)),
            ("http://2130706433/", Err(Refused::Private)),
            ("http://0x7f000001/", Err(Refused::Private)),
            ("http://0x7f.0.0.1/", Err(Refused::Private)),
            ("http://0177.0.0.1/", Err(Refused::Private)),
            ("http://0/", Err(Refused::Private)),
            ("http://[::1]/", Err(Refused::Private)),
            ("http://[::ffff:127.0.0.1]/", Err(Refused::Private)),
            ("http://[::ffff:7f00:1]:8080/", Err(Refused::Private)),
            ("http://169.254.169.254/latest/meta-data/", Err(Refused::Private)),
            ("http://127\u{3002}0\u{3002}0\u{3002}1/", Err(Refused::Private)),
            ("http://user@example.com/", Err(Refused::Credentials)),
            ("http://:secret@example.com/", Err(Refused::Credentials)),
            ("ftp://example.com/", Err(Refused::Scheme)),
            ("file:///etc/passwd", Err(Refused::Scheme)),
            ("gopher://127.0.0.1/", Err(Refused::Scheme)),
        ] {
            assert_eq!(guard.check(&url.parse().unwrap()), expected, "{url}");
        }
        let trusting = Guard::new(true);
        assert_eq!(trusting.check(&"http://127.0.0.1/".parse().unwrap()), Ok(()));
        assert_eq!(trusting.check(&"file:///x".parse().unwrap()), Err(Refused::Scheme));
    }

    #[tokio::test]
    async fn names_of_private_addresses_are_refused() {
        let name = || "localhost".parse::<Name>().unwrap();
        let Err(error) = Guard::new(false).resolve(name()).await else { panic!("it was found") };
        assert_eq!(error.downcast_ref::<Refused>(), Some(&Refused::Private));
        assert!(Guard::new(true).resolve(name()).await.is_ok());
    }
}
