//! What an answer thought, given back by a client that knows nothing but Messages.

use bytes::BytesMut;
use serde_json::{Value, json};

use super::encode::{reasoning, text, whole};
use super::{conversation, decoded, native};
use crate::chat::event::{ChatEvent, Delta};

/// A conversation in which an answer of these events is given back.
fn replayed(events: &[ChatEvent]) -> crate::chat::request::ChatRequest {
    let content = whole(events)["content"].clone();
    decoded(&json!({"messages": [
        {"role": "user", "content": "x"},
        {"role": "assistant", "content": content},
        {"role": "user", "content": "y"}]}))
}

#[test]
fn thinking_of_anthropic_is_given_back_byte_by_byte() {
    let blocks = json!([
        {"type": "thinking", "thinking": "Hm.", "signature": "EqoBCkgIARABGAIiQL8="},
        {"type": "redacted_thinking", "data": "EmwKAhgBEgy3va3pzix/LafPsn4="},
        {"type": "text", "text": "Yes."}]);
    let messages =
        json!([{"role": "user", "content": "x"}, {"role": "assistant", "content": blocks}]);
    let request = decoded(&json!({"messages": messages}));
    assert_eq!(native(&request, "messages"), messages);
    assert_eq!(
        conversation(&request)[1],
        json!({"role": "assistant", "content": "Yes.", "reasoning": "Hm.", "reasoning_details": [
            {"type": "reasoning.text", "text": "Hm.", "signature": "EqoBCkgIARABGAIiQL8=",
             "format": "anthropic-claude-v1", "index": 0},
            {"type": "reasoning.encrypted", "data": "EmwKAhgBEgy3va3pzix/LafPsn4=",
             "format": "anthropic-claude-v1", "index": 1}]})
    );
}

#[test]
fn reasoning_of_others_survives_and_anthropic_never_sees_it() {
    let details = json!([
        {"type": "reasoning.summary", "summary": "I add.", "id": "rs_1", "format": "openai-responses-v1", "index": 0},
        {"type": "reasoning.encrypted", "data": "gAAAA+/=\u{e9}", "id": "rs_1", "format": "openai-responses-v1", "index": 0}]);
    let events = [reasoning("I add."), super::encode::details(&details), text("4")];
    let request = replayed(&events);
    assert_eq!(
        conversation(&request)[1],
        json!({"role": "assistant", "content": "4", "reasoning": "I add.", "reasoning_details": details})
    );
    assert_eq!(
        native(&request, "messages")[1],
        json!({"role": "assistant", "content": [{"type": "text", "text": "4"}]})
    );
}

#[test]
fn hidden_reasoning_of_others_travels_in_a_redacted_block() {
    let details = json!([{"type": "reasoning.encrypted", "data": "sig", "format": "google-gemini-v1", "index": 0}]);
    let request = replayed(&[super::encode::details(&details), text("4")]);
    assert_eq!(conversation(&request)[1]["reasoning_details"], details);
    // An answer of nothing else has nothing that Anthropic could be told.
    let request = replayed(&[super::encode::details(&details)]);
    assert_eq!(
        native(&request, "messages"),
        json!([{"role": "user", "content": "x"}, {"role": "user", "content": "y"}])
    );
}

#[test]
fn unsigned_thinking_is_text_and_nothing_else() {
    let details =
        json!([{"type": "reasoning.text", "text": "Hm.", "format": "unknown", "index": 0}]);
    let request = replayed(&[reasoning("Hm."), super::encode::details(&details), text("4")]);
    assert_eq!(
        conversation(&request)[1],
        json!({"role": "assistant", "content": "4", "reasoning": "Hm."})
    );
    assert_eq!(native(&request, "messages")[1]["content"], json!([{"type": "text", "text": "4"}]));
}

#[test]
fn images_of_an_answer_are_given_back_as_images() {
    let png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
    let images = json!([{"type": "image_url", "image_url": {"url": format!("data:image/png;base64,{png}")}}]);
    let event = ChatEvent::Delta {
        choice: 0,
        delta: Delta::Other {
            name: "images".into(),
            value: serde_json::value::to_raw_value(&images).unwrap(),
        },
    };
    let request = replayed(&[text("Here."), event]);
    assert_eq!(conversation(&request)[1]["images"], images);
    assert_eq!(
        native(&request, "messages")[1]["content"],
        json!([{"type": "text", "text": "Here."}])
    );
}

#[test]
fn a_call_that_was_cut_off_can_be_given_back() {
    let call = super::encode::call(0, Some("f"), "{\"a\": ");
    let body = whole(&[call]);
    assert_eq!(body["content"][0]["input"], "{\"a\": ");
    let request = replayed(&[super::encode::call(0, Some("f"), "{\"a\": ")]);
    let message = &conversation(&request)[1];
    assert_eq!(message["tool_calls"][0]["function"]["arguments"], "{\"a\": ");
}

#[test]
fn omitted_thoughts_can_still_be_replayed() {
    let request = decoded(&json!({"thinking": {"type": "adaptive", "display": "omitted"}}));
    let make = crate::dialects::messages::encoder_for(&request);
    let mut encoder = make(super::encode::envelope(), false);
    let mut out = BytesMut::new();
    let details = json!([{"type": "reasoning.text", "text": "Hm.", "signature": "s", "format": "google-gemini-v1", "index": 0}]);
    for event in [reasoning("Hm."), super::encode::details(&details), text("4")] {
        encoder.push(&event, &mut out);
    }
    encoder.finish(&super::encode::summary(), &mut out);
    let body: Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(body["content"][0]["thinking"], "");
    assert!(body["content"][0]["signature"].as_str().unwrap().starts_with("ep1."));
}

#[test]
fn citations_of_others_are_not_anthropics() {
    let cite = |url: &str| {
        let list = json!([{"type": "url_citation", "url_citation": {"url": url}}]);
        let value = serde_json::value::to_raw_value(&list).unwrap();
        let name = "annotations".into();
        ChatEvent::Delta { choice: 0, delta: Delta::Other { name, value } }
    };
    // The second has no text to stand at.
    let call = super::encode::call(0, Some("f"), "{}");
    let request = replayed(&[text("So."), cite("https://x"), call, cite("https://y")]);
    assert_eq!(conversation(&request)[1]["content"], "So.");
    assert_eq!(
        native(&request, "messages")[1]["content"],
        json!([
            {"type": "text", "text": "So."},
            {"type": "tool_use", "id": "toolu_0", "name": "f", "input": {}}])
    );
    let own = json!([{"type": "text", "text": "x", "citations": [
        {"type": "web_search_result_location", "url": "https://x", "encrypted_index": "E"}]}]);
    let messages = json!([{"role": "user", "content": "x"}, {"role": "assistant", "content": own}]);
    assert_eq!(native(&decoded(&json!({"messages": messages})), "messages"), messages);
}
