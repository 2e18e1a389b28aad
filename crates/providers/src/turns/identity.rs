//! Ids and names that are sent on in another form.

use std::borrow::Cow;
use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

/// Longest id of a call that both dialects take.
const TOOL_ID_BYTES_MAX: usize = 64;

/// The id of a call in the letters that both dialects take. Equal ids stay equal, and those that
/// have to be rewritten stay distinct.
pub(crate) fn tool_id(id: Cow<'_, str>) -> Cow<'_, str> {
    if is_plain(&id, TOOL_ID_BYTES_MAX) {
        return id;
    }
    let mut out = String::from("call_");
    push_digest(&mut out, id.as_bytes(), 12);
    Cow::Owned(out)
}

/// An end user as a provider may know them: always the same, and not who they are.
pub(crate) fn end_user(user: &str) -> String {
    let mut out = String::with_capacity(64);
    push_digest(&mut out, format!("entrepot end user\n{user}").as_bytes(), 32);
    out
}

pub(super) fn is_plain(text: &str, bytes_max: usize) -> bool {
    let letter = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    !text.is_empty() && text.len() <= bytes_max && text.bytes().all(letter)
}

pub(super) fn push_digest(out: &mut String, bytes: &[u8], length: usize) {
    for byte in Sha256::digest(bytes).iter().take(length) {
        // Writing to a string cannot fail.
        let _ = write!(out, "{byte:02x}");
    }
}
