//! Ids of tool calls for upstreams that demand a shape of them.

use bytes::BytesMut;
use protocol::json::write_string;
use serde_json::value::RawValue;

use crate::body::text;

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Writes an id in so many letters and digits. One that has the shape stays; the same id always
/// becomes the same, so that a result still names its call.
pub(super) fn write(out: &mut BytesMut, raw: &RawValue, length: usize) {
    let Some(id) = text(raw) else {
        out.extend_from_slice(raw.get().as_bytes());
        return;
    };
    if id.len() == length && id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        write_string(out, &id);
    } else {
        write_string(out, &shaped(&id, length));
    }
}

/// FNV-1a, drawn out to the length that is wanted.
fn shaped(id: &str, length: usize) -> String {
    let mut state = 0xCBF2_9CE4_8422_2325_u64;
    for byte in id.bytes() {
        state = (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
    }
    let mut shaped = String::with_capacity(length);
    for _ in 0..length {
        let place = usize::try_from(state % 62).unwrap_or_default();
        shaped.push(char::from(ALPHABET.get(place).copied().unwrap_or(b'0')));
        state = (state / 62) ^ state.rotate_left(29).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
    shaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_get_their_shape_and_stay_apart() {
        let written = |id: &str| {
            let mut out = BytesMut::new();
            let raw = serde_json::value::to_raw_value(id).unwrap();
            write(&mut out, &raw, 9);
            String::from_utf8(out.to_vec()).unwrap()
        };
        assert_eq!(written("D681PevKs"), "\"D681PevKs\"");
        let ids: std::collections::BTreeSet<String> =
            (0..2_000).map(|n| written(&format!("call_abc_0_{n}"))).collect();
        assert_eq!(ids.len(), 2_000);
        assert!(ids.iter().all(|id| id.len() == 11), "{ids:?}");
        assert_eq!(written("toolu_01"), written("toolu_01"));
    }
}
