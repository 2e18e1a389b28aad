//! An answer's items come back as input, and nothing that must be replayed is lost.

use serde_json::{Value, json};

use super::{call, check, content, details, read, reasoning, refusal};
use crate::chat::request::{ChatRequest, Role};

fn replayed(answer: &Value) -> ChatRequest {
    let mut input = vec![json!({ "role": "user", "content": "Hi" })];
    input.extend(answer["output"].as_array().unwrap().clone());
    let mut outputs = Vec::new();
    for item in &input {
        if item["type"] == "function_call" {
            outputs.push(json!({ "type": "function_call_output", "call_id": item["call_id"],
                "output": "42" }));
        }
    }
    input.extend(outputs);
    input.push(json!({ "role": "user", "content": "And?" }));
    read(&json!({ "model": "a/b", "input": input })).request
}

fn assistant_details(request: &ChatRequest) -> Value {
    let message = request.messages.iter().find(|it| it.role == Role::Assistant).unwrap();
    serde_json::from_str(message.member("reasoning_details").unwrap().get()).unwrap()
}

#[test]
fn signatures_of_other_models_come_back_byte_for_byte() {
    let signature = "ErUBCkYIBRgCIkD+/=é\u{1}";
    let answer = check(
        &[
            reasoning("Let me "),
            details(&json!([{ "type": "reasoning.text", "text": "Let me ", "index": 0,
                "format": "anthropic-claude-v1" }])),
            reasoning("see."),
            details(&json!([{ "type": "reasoning.text", "text": "see.", "index": 0,
                "format": "anthropic-claude-v1" }])),
            details(&json!([{ "type": "reasoning.text", "signature": signature, "index": 0,
                "format": "anthropic-claude-v1" }])),
            details(&json!([{ "type": "reasoning.encrypted", "data": "EmwKAh==", "index": 1,
                "format": "anthropic-claude-v1" }])),
            content("I'll look."),
            call(0, Some("toolu_1"), Some("find"), "{\"q\":1}"),
        ],
        None,
    );
    let item = &answer["output"][0];
    assert!(item["encrypted_content"].as_str().unwrap().starts_with("ep1."));
    assert_eq!(item["signature"], signature);
    assert_eq!(item["format"], "anthropic-claude-v1");
    let expected = json!([
        { "type": "reasoning.text", "text": "Let me see.", "signature": signature, "index": 0,
            "format": "anthropic-claude-v1" },
        { "type": "reasoning.encrypted", "data": "EmwKAh==", "index": 1,
            "format": "anthropic-claude-v1" }]);
    assert_eq!(assistant_details(&replayed(&answer)), expected);

    // A client that keeps only what OpenAI documents loses nothing either.
    let mut poor = answer.clone();
    let item = poor["output"][0].as_object_mut().unwrap();
    item.retain(|name, _| matches!(name.as_str(), "type" | "id" | "encrypted_content"));
    item.insert("summary".into(), json!([]));
    assert_eq!(assistant_details(&replayed(&poor)), expected);

    // An upstream of this dialect is not sent what it could not read.
    let request = replayed(&answer);
    let native = request.native.as_ref().unwrap().member("input").unwrap();
    let items: Vec<Value> = serde_json::from_str(native.get()).unwrap();
    assert!(items.iter().all(|item| item["type"] != "reasoning"), "{items:?}");
    assert_eq!(items.len(), 5);

    // Text, reasoning and call are one message again.
    let roles: Vec<_> = request.messages.iter().map(|message| message.role).collect();
    assert_eq!(roles, [Role::User, Role::Assistant, Role::Tool, Role::User]);
    assert_eq!(request.messages[1].plain_text(), "I'll look.");
    assert_eq!(request.messages[1].reasoning().as_deref(), Some("Let me see."));
    assert_eq!(request.messages[1].tool_calls()[0].id, "toolu_1");
}

#[test]
fn openais_own_items_go_back_as_they_came() {
    let answer = check(
        &[
            reasoning("Sum"),
            details(&json!([{ "type": "reasoning.summary", "summary": "Sum", "id": "rs_9",
                "index": 0, "format": "openai-responses-v1" }])),
            details(&json!([{ "type": "reasoning.encrypted", "data": "gAAAAB==", "id": "rs_9",
                "index": 1, "format": "openai-responses-v1" }])),
            content("Yes."),
        ],
        None,
    );
    let request = replayed(&answer);
    assert_eq!(
        assistant_details(&request),
        json!([
            { "type": "reasoning.summary", "summary": "Sum", "id": "rs_9", "index": 0,
                "format": "openai-responses-v1" },
            { "type": "reasoning.encrypted", "data": "gAAAAB==", "id": "rs_9", "index": 1,
                "format": "openai-responses-v1" }])
    );
    let native = request.native.as_ref().unwrap().member("input").unwrap();
    let items: Vec<Value> = serde_json::from_str(native.get()).unwrap();
    assert_eq!(
        items[1],
        json!({ "id": "rs_9", "type": "reasoning", "encrypted_content": "gAAAAB==",
            "summary": [{ "type": "summary_text", "text": "Sum" }] })
    );
}

#[test]
fn an_item_announced_under_another_id_goes_back_under_its_own() {
    // The text came before anybody said whose it was.
    let answer = check(
        &[
            reasoning("Sum"),
            call(0, Some("c"), Some("f"), "{}"),
            details(&json!([{ "type": "reasoning.encrypted", "data": "gAAAAB==", "id": "rs 9",
                "index": 1, "format": "openai-responses-v1" }])),
        ],
        None,
    );
    let item = &answer["output"][2];
    assert_ne!(item["id"], "rs 9");
    let request = replayed(&answer);
    assert_eq!(assistant_details(&request)[1]["id"], "rs 9");
    let native = request.native.as_ref().unwrap().member("input").unwrap();
    let items: Vec<Value> = serde_json::from_str(native.get()).unwrap();
    let own = items.iter().find(|item| item["type"] == "reasoning").unwrap();
    assert_eq!((&own["id"], &own["encrypted_content"]), (&json!("rs 9"), &json!("gAAAAB==")));
}

#[test]
fn items_as_openrouter_writes_them_are_read_too() {
    let request = read(&json!({ "model": "a/b", "input": [
        { "role": "user", "content": "Hi" },
        { "type": "reasoning", "id": "rs_1", "summary": [], "signature": "sig",
            "format": "anthropic-claude-v1",
            "content": [{ "type": "reasoning_text", "text": "thought" }] },
        { "type": "message", "role": "assistant", "content": "Yes" },
        { "role": "user", "content": "Go on" }] }))
    .request;
    assert_eq!(
        assistant_details(&request),
        json!([{ "type": "reasoning.text", "text": "thought", "signature": "sig",
            "format": "anthropic-claude-v1", "id": "rs_1", "index": 0 }])
    );
}

#[test]
fn two_items_of_one_turn_do_not_share_an_index() {
    let item = |id: &str| {
        json!({ "type": "reasoning", "id": id, "encrypted_content": id,
        "summary": [{ "type": "summary_text", "text": id }] })
    };
    let request = read(&json!({ "model": "a/b", "input": [
        { "role": "user", "content": "Hi" }, item("rs_1"), item("rs_2"),
        { "role": "assistant", "content": "Yes" }, { "role": "user", "content": "Go on" }] }))
    .request;
    let details = assistant_details(&request);
    let places: Vec<_> =
        details.as_array().unwrap().iter().map(|it| it["index"].as_u64().unwrap()).collect();
    assert_eq!(places, [0, 1, 2, 3]);
}

#[test]
fn a_packed_item_that_was_changed_is_refused() {
    for changed in ["ep1.", "ep1.!!!", "ep1.e30", "ep1.WzFd"] {
        let body = json!({ "model": "a/b", "input": [
            { "role": "user", "content": "Hi" },
            { "type": "reasoning", "summary": [], "encrypted_content": changed }] });
        assert_eq!(refusal(&body).0, "input[1].encrypted_content", "{changed}");
    }
}

#[test]
fn a_drawn_image_is_shown_again() {
    let request = read(&json!({ "model": "a/b", "input": [
        { "role": "user", "content": "Draw" },
        { "type": "image_generation_call", "id": "ig_1", "status": "completed",
            "result": "iVBORw0KGgo=" },
        { "role": "user", "content": "Again" }] }))
    .request;
    let images: Value =
        serde_json::from_str(request.messages[1].member("images").unwrap().get()).unwrap();
    assert_eq!(images[0]["image_url"]["url"], "data:image/png;base64,iVBORw0KGgo=");
}
