//! Images, files, sounds and films in a request: is what they claim to be there?
//!
//! Everything is looked at in place: data is never decoded beyond its first bytes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::dialects::check::{Rule, invalid};
use crate::error::{ErrorType, PublicError};

/// Longer addresses are refused by most servers.
const URL_BYTES_MAX: usize = 8_192;

/// Formats of sound that some model takes.
pub const AUDIO_FORMATS: &[&str] =
    &["wav", "mp3", "aiff", "aac", "ogg", "flac", "m4a", "pcm16", "pcm24"];

/// Checks an image that is given by its address or as a `data:` address.
pub fn check_image(field: &str, url: &str) -> Result<(), PublicError> {
    let address = Address::read(field, url)?;
    let Address::Inline { media_type, base64 } = address else { return Ok(()) };
    check_image_data(field, media_type, base64)
}

/// Checks an image that is given as base64 beside its media type.
pub fn check_image_data(field: &str, media_type: &str, base64: &str) -> Result<(), PublicError> {
    const FORMATS: &str = "a PNG, JPEG, WebP or GIF";
    let refusal = |kind: ErrorType, demand: &str| {
        PublicError::new(kind, format!("`{field}` {demand}")).with_metadata("field", field)
    };
    if !is_base64(base64) {
        let demand = "must be standard base64, padded and without line breaks";
        return Err(refusal(ErrorType::InvalidImage, demand));
    }
    if image_type(base64).is_some() {
        return Ok(());
    }
    let claims_other = !IMAGE_TYPES.iter().any(|known| media_type.eq_ignore_ascii_case(known))
        && !media_type.eq_ignore_ascii_case("image/jpg")
        && !media_type.is_empty();
    if claims_other || is_other_format(&head(base64)) {
        let demand = format!("must be {FORMATS} image: convert it first");
        return Err(refusal(ErrorType::UnsupportedImageFormat, &demand));
    }
    Err(refusal(ErrorType::InvalidImage, &format!("is not {FORMATS} image: its data is damaged")))
}

/// Checks a file: an address, or a `data:` address in base64.
pub fn check_file(field: &str, url: &str) -> Result<(), PublicError> {
    match Address::read(field, url)? {
        Address::Remote => Ok(()),
        Address::Inline { base64, .. } => check_base64(field, base64),
    }
}

/// Checks a film: an address, or a `data:` address in base64.
pub fn check_video(field: &str, url: &str) -> Result<(), PublicError> {
    check_file(field, url)
}

/// Checks the data of a sound, which is never given by its address.
pub fn check_audio(field: &str, base64: &str) -> Result<(), PublicError> {
    if base64.starts_with("data:") {
        return Err(invalid(field, "must be bare base64: leave out what precedes the comma"));
    }
    check_base64(field, base64)
}

/// What a sound's `format` must be.
pub(crate) const AUDIO_FORMAT: Rule = Rule::OneOf(AUDIO_FORMATS);

/// Checks that something is base64 and not empty.
pub fn check_base64(field: &str, base64: &str) -> Result<(), PublicError> {
    if is_base64(base64) {
        Ok(())
    } else {
        Err(invalid(field, "must be standard base64, padded and without line breaks"))
    }
}

/// The media type that an image's first bytes tell, whatever it was said to be.
pub fn image_type(base64: &str) -> Option<&'static str> {
    let head = head(base64);
    Some(match head.as_slice() {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1A, b'\n', ..] => "image/png",
        [0xFF, 0xD8, 0xFF, ..] => "image/jpeg",
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => "image/gif",
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => "image/webp",
        _ => return None,
    })
}

const IMAGE_TYPES: [&str; 4] = ["image/png", "image/jpeg", "image/webp", "image/gif"];

/// Images that are whole, but of a kind that models do not take: BMP, TIFF, HEIC and AVIF, SVG,
/// icons, JPEG XL.
fn is_other_format(head: &[u8]) -> bool {
    matches!(
        head,
        [b'B', b'M', ..]
            | [b'I', b'I', b'*', 0, ..]
            | [b'M', b'M', 0, b'*', ..]
            | [_, _, _, _, b'f', b't', b'y', b'p', ..]
            | [b'<', b's', b'v', b'g', ..]
            | [b'<', b'?', b'x', b'm', b'l', ..]
            | [0, 0, 1, 0, ..]
            | [0xFF, 0x0A, ..]
            | [b'%', b'P', b'D', b'F', ..]
    )
}

/// Where something is.
enum Address<'a> {
    Remote,
    Inline { media_type: &'a str, base64: &'a str },
}

impl<'a> Address<'a> {
    fn read(field: &str, url: &'a str) -> Result<Self, PublicError> {
        if let Some(rest) = url.strip_prefix("data:") {
            return Self::inline(field, rest);
        }
        let remote = ["http://", "https://"].iter().find_map(|scheme| {
            url.get(..scheme.len())?
                .eq_ignore_ascii_case(scheme)
                .then(|| url.get(scheme.len()..))?
        });
        let Some(rest) = remote.filter(|rest| !rest.is_empty() && !rest.starts_with('/')) else {
            return Err(invalid(
                field,
                "must be an `https:` address, or data such as `data:<media type>;base64,…`",
            ));
        };
        if url.len() > URL_BYTES_MAX {
            let demand = format!("must be an address of at most {URL_BYTES_MAX} bytes");
            return Err(invalid(field, &demand));
        }
        if rest.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(invalid(field, "must be an address without spaces: percent-encode them"));
        }
        Ok(Self::Remote)
    }

    /// What follows `data:`.
    fn inline(field: &str, rest: &'a str) -> Result<Self, PublicError> {
        let bare = || invalid(field, "must be base64, as in `data:<media type>;base64,…`");
        let (head, base64) = rest.split_once(',').ok_or_else(bare)?;
        let described = head.strip_suffix(";base64").ok_or_else(bare)?;
        let media_type = described.split(';').next().unwrap_or_default();
        Ok(Self::Inline { media_type, base64 })
    }
}

/// Whether each byte stands for six bits.
const ALPHABET: [bool; 256] = {
    let mut table = [false; 256];
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut index = 0;
    while index < letters.len() {
        table[letters[index] as usize] = true;
        index += 1;
    }
    table
};

/// Standard base64 with its padding, and not nothing.
fn is_base64(text: &str) -> bool {
    let bytes = text.as_bytes();
    let padding = bytes.iter().rev().take(2).take_while(|byte| **byte == b'=').count();
    let (digits, _) = bytes.split_at(bytes.len() - padding);
    !digits.is_empty()
        && bytes.len().is_multiple_of(4)
        && digits.iter().all(|byte| ALPHABET[usize::from(*byte)])
}

/// The first bytes that base64 stands for: at most twelve.
fn head(base64: &str) -> Vec<u8> {
    let first = base64.get(..16.min(base64.len())).unwrap_or_default();
    // What is not base64 stands for nothing.
    STANDARD.decode(first).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

    #[test]
    fn images_are_known_by_their_first_bytes() {
        for (base64, kind) in [
            (PNG, Some("image/png")),
            ("/9j/4AAQSkZJRgABAQ==", Some("image/jpeg")),
            ("R0lGODlhAQABAAAAACw=", Some("image/gif")),
            ("UklGRiQAAABXRUJQVlA4", Some("image/webp")),
            ("/9g=", None),
            ("SGVsbG8sIHdvcmxkIQ==", None),
            ("", None),
        ] {
            assert_eq!(image_type(base64), kind, "{base64}");
        }
    }

    #[test]
    fn what_is_no_image_is_refused_with_its_reason() {
        let check = |url: &str, kind: Option<ErrorType>| {
            let found = check_image("messages[0].content[1].image_url.url", url).err();
            assert_eq!(found.as_ref().map(|error| error.error_type), kind, "{url}");
            if let Some(error) = found {
                assert_eq!(error.status, 400);
                assert_eq!(error.metadata["field"], "messages[0].content[1].image_url.url");
            }
        };
        check(&format!("data:image/png;base64,{PNG}"), None);
        // What it is counts, not what it is called.
        check(&format!("data:image/jpeg;base64,{PNG}"), None);
        check("https://example.com/a.png?b=c", None);
        check("HTTP://example.com", None);
        for url in [
            "",
            "u",
            "https://",
            "https:///a.png",
            "ftp://example.com/a",
            "file:///etc/passwd",
            "https://a b",
            "data:",
            "data:image/png,abc",
            "data:image/png;base64",
        ] {
            check(url, Some(ErrorType::InvalidRequest));
        }
        check(&format!("https://x/{}", "a".repeat(9_000)), Some(ErrorType::InvalidRequest));
        check("data:image/png;base64,", Some(ErrorType::InvalidImage));
        check("data:image/png;base64,iVBOR", Some(ErrorType::InvalidImage));
        check("data:image/png;base64,iVBO Rw0=", Some(ErrorType::InvalidImage));
        check("data:image/png;base64,iV-_Rw0=", Some(ErrorType::InvalidImage));
        check("data:image/png;base64,SGVsbG8sIHdvcmxkIQ==", Some(ErrorType::InvalidImage));
        check("data:image/png;base64,Qk1mAAAAAAAAAA==", Some(ErrorType::UnsupportedImageFormat));
        check("data:image/svg+xml;base64,PHN2Zz4=", Some(ErrorType::UnsupportedImageFormat));
        check("data:text/plain;base64,SGVsbG8h", Some(ErrorType::UnsupportedImageFormat));
    }

    #[test]
    fn files_and_sounds_are_base64() {
        assert!(check_file("f", "data:application/pdf;base64,JVBERi0xLjc=").is_ok());
        assert!(check_file("f", "https://example.com/a.pdf").is_ok());
        assert!(check_file("f", "data:application/pdf;base64,JVBER").is_err());
        assert!(check_file("f", "JVBERi0xLjc=").is_err());
        assert!(check_audio("a", "UklGRg==").is_ok());
        assert!(check_audio("a", "data:audio/wav;base64,UklGRg==").is_err());
        assert!(check_audio("a", "").is_err());
    }

    proptest! {
        #[test]
        fn no_text_panics(text: String) {
            let _ = check_image("f", &text);
            let _ = check_image("f", &format!("data:{text}"));
            let _ = check_image("f", &format!("data:image/png;base64,{text}"));
        }

        #[test]
        fn the_head_is_what_the_data_begins_with(bytes: Vec<u8>) {
            let base64 = STANDARD.encode(&bytes);
            prop_assert_eq!(head(&base64), &bytes[..bytes.len().min(12)]);
            prop_assert_eq!(is_base64(&base64), !bytes.is_empty());
        }
    }
}
