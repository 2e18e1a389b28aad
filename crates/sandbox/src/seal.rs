//! Signatures that only the sandbox can make, on what callers must bring back unchanged.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

use crate::media::hex;

/// Not a secret: it keeps values apart that different makers sign, nothing else.
const KEY: &[u8] = b"entrepot sandbox";

/// Whose signature it is. One maker's is worthless to the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Maker {
    Claude,
    Gemini,
    OpenAi,
    /// Tokens for Vertex.
    Google,
}

impl Maker {
    const fn label(self) -> &'static str {
        match self {
            Self::Claude => "claude",
            Self::Gemini => "gemini",
            Self::OpenAi => "openai",
            Self::Google => "google",
        }
    }
}

/// An opaque text that carries `payload` and proves that it is ours.
pub(crate) fn seal(maker: Maker, payload: &str) -> String {
    let mac = hmac(KEY, format!("{}:{payload}", maker.label()).as_bytes());
    STANDARD.encode(format!("{}:{}", hex(&mac), payload))
}

/// What a sealed text carries; none unless it is ours to the last byte.
pub(crate) fn open(maker: Maker, sealed: &str) -> Option<String> {
    let bytes = STANDARD.decode(sealed).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (_, payload) = text.split_once(':')?;
    (seal(maker, payload) == sealed).then(|| payload.to_owned())
}

/// A signature on a text.
pub(crate) fn sign(maker: Maker, text: &str) -> String {
    seal(maker, &hex(&Sha256::digest(text.as_bytes())))
}

pub(crate) fn is_signed(maker: Maker, text: &str, signature: &str) -> bool {
    sign(maker, text) == signature
}

/// HMAC-SHA-256.
pub(crate) fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    // A key of any length is accepted, so there is no error to speak of.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return [0; 32] };
    mac.update(message);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_signed_opens() {
        let sealed = seal(Maker::Claude, "thought");
        assert_eq!(open(Maker::Claude, &sealed).as_deref(), Some("thought"));
        assert_eq!(open(Maker::Gemini, &sealed), None);
        assert_eq!(open(Maker::Claude, &format!("{sealed}=")), None);
        assert_eq!(open(Maker::Claude, &sealed[1..]), None);
        assert!(is_signed(Maker::Claude, "a", &sign(Maker::Claude, "a")));
        assert!(!is_signed(Maker::Claude, "b", &sign(Maker::Claude, "a")));
    }

    #[test]
    fn codes_are_those_of_the_standard() {
        // RFC 4231, test case 2.
        let mac = hmac(b"Jefe", b"what do ya want for nothing?");
        assert_eq!(hex(&mac), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }
}
