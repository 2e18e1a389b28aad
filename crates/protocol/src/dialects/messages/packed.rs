//! Reasoning of other vendors, in the one place that Anthropic's clients give back untouched: the
//! signature of a thinking block, or the data of a redacted one.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

/// Nothing that Anthropic signs contains a full stop.
const PREFIX: &str = "ep1.";

/// Items of `reasoning_details` as one opaque text.
pub(super) fn pack(details: &[Value]) -> String {
    let mut packed = String::from(PREFIX);
    let json = Value::from(details.to_vec()).to_string();
    URL_SAFE_NO_PAD.encode_string(json, &mut packed);
    packed
}

pub(super) fn is_packed(text: &str) -> bool {
    text.starts_with(PREFIX)
}

/// The items, where the text is whole.
pub(super) fn unpack(text: &str) -> Option<Vec<Value>> {
    let json = URL_SAFE_NO_PAD.decode(text.strip_prefix(PREFIX)?).ok()?;
    let details: Vec<Value> = serde_json::from_slice(&json).ok()?;
    details.iter().all(|detail| detail["type"].is_string()).then_some(details)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    proptest! {
        #[test]
        fn what_is_packed_comes_back_equal(data: String, index: u32) {
            let details = vec![json!({"type": "reasoning.encrypted", "data": data, "index": index})];
            let packed = pack(&details);
            prop_assert!(is_packed(&packed));
            prop_assert_eq!(unpack(&packed), Some(details));
        }

        #[test]
        fn no_text_panics(text: String) {
            let _ = unpack(&text);
            let _ = unpack(&format!("{PREFIX}{text}"));
        }
    }

    #[test]
    fn what_is_damaged_or_foreign_is_not_unpacked() {
        let packed = pack(&[json!({"type": "reasoning.text"})]);
        assert_eq!(unpack(&packed[..packed.len() - 2]), None);
        assert_eq!(unpack("EqoBCkgIARABGAIi"), None);
        assert_eq!(unpack(&pack(&[json!(1)])), None);
    }
}
