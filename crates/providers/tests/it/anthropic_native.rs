//! Requests that were written in Anthropic's Messages to begin with.

use protocol::dialects::messages;
use serde_json::{Value, json};

use crate::anthropic::{encode, endpoint, quirky, sent};

#[test]
fn what_was_written_in_this_dialect_goes_out_as_it_was_written() {
    let body = json!({"model": "a/b", "max_tokens": 99_000, "top_k": 5, "metadata": {"user_id": "u"},
        "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Hi", "x_new": 1}]}],
        "x_unknown": {"kept": [1, 2.50]}, "thinking": {"type": "enabled", "budget_tokens": 2_000},
        "output_config": {"effort": "low"}});
    let request = messages::decode(body.to_string().as_bytes()).unwrap();
    let encoded = encode(&request, &endpoint()).unwrap();
    let expected = "{\"model\":\"b-large\",\"max_tokens\":64000,\"stream\":true,";
    let text = std::str::from_utf8(encoded.request.body()).unwrap();
    assert!(text.starts_with(expected), "{text}");
    let mut wanted = body.clone();
    wanted["model"] = json!("b-large");
    wanted["max_tokens"] = json!(64_000);
    wanted["stream"] = json!(true);
    // Who the caller's end users are is not the provider's business, in no dialect.
    let chat =
        json!({"model": "a/b", "user": "u", "messages": [{"role": "user", "content": "Hi"}]});
    wanted["metadata"] = sent(&chat, &endpoint()).0["metadata"].clone();
    assert_eq!(wanted["metadata"]["user_id"].as_str().map(str::len), Some(64));
    assert_eq!(serde_json::from_str::<Value>(text).unwrap(), wanted);
    assert!(encoded.dropped.is_empty());

    let mut adaptive = quirky(json!({"reasoning": "adaptive"}));
    adaptive.supported_parameters.retain(|name| name != "top_k");
    let encoded = encode(&request, &adaptive).unwrap();
    let sent: Value = serde_json::from_slice(encoded.request.body()).unwrap();
    assert_eq!(sent["thinking"], json!({"type": "adaptive", "display": "summarized"}));
    assert_eq!(sent["output_config"], json!({"effort": "low"}));
    assert_eq!((sent.get("top_k"), encoded.dropped), (None, vec!["top_k".to_owned()]));
}

#[test]
fn reasoning_of_others_does_not_go_out_in_disguise() {
    let foreign = json!([{"type": "reasoning.encrypted", "data": "gAAA", "format": "openai-responses-v1", "index": 0}]);
    let answer = json!({"role": "assistant", "content": [
        {"type": "thinking", "thinking": "", "signature": format!("ep1.{}", base64(&foreign.to_string()))},
        {"type": "text", "text": "Hello"}]});
    let body = json!({"model": "a/b", "max_tokens": 10, "messages": [
        {"role": "user", "content": "Hi"}, answer, {"role": "user", "content": "Go on"}]});
    let request = messages::decode(body.to_string().as_bytes()).unwrap();
    let encoded = encode(&request, &endpoint()).unwrap();
    let sent: Value = serde_json::from_slice(encoded.request.body()).unwrap();
    assert_eq!(sent["messages"][1]["content"], json!([{"type": "text", "text": "Hello"}]));
}

fn base64(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text)
}
