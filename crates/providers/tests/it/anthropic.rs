//! Anthropic's Messages.

use std::sync::Arc;

use domain::catalog::{Endpoint, Provider};
use http::{HeaderMap, StatusCode};
use protocol::chat::event::{ChatEvent, Delta};
use protocol::chat::fold::Fold;
use protocol::chat::request::{ChatRequest, PartKind};
use protocol::dialects::chat_completions;
use providers::adapter::{Adapter, Encoded, Target};
use providers::anthropic::Anthropic;
use providers::error::EncodeError;
use serde_json::{Value, json};

use crate::support::{self, Fixture};

#[test]
fn recorded_answers_become_events() {
    for Fixture { name, body } in support::answers("anthropic") {
        let decoded = support::decoded(Anthropic.decoder(), [&body[..]]);
        insta::assert_snapshot!(format!("decode_{name}"), decoded);
    }
}

#[test]
fn any_cut_gives_the_same_events_and_no_damage_a_panic() {
    support::check_decoder(&Anthropic, &support::answers("anthropic"));
}

#[test]
fn failures_are_told_apart() {
    let mut lines = Vec::new();
    for (status, kind, message) in [
        (400, "invalid_request_error", "messages.0.content: Field required"),
        (400, "invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum"),
        (
            400,
            "invalid_request_error",
            "Your credit balance is too low to access the Anthropic API.",
        ),
        (400, "invalid_request_error", "This organization has been disabled."),
        (400, "invalid_request_error", "You have reached your specified API usage limits."),
        (400, "invalid_request_error", "Output blocked by content filtering policy"),
        (400, "invalid_request_error", "messages.0.content.0.image: Could not process image"),
        (401, "authentication_error", "invalid x-api-key"),
        (402, "billing_error", "There's an issue with your billing or payment information"),
        (403, "permission_error", "Your API key does not have permission"),
        (404, "not_found_error", "model: claude-9"),
        (413, "request_too_large", "Request exceeds the maximum size"),
        (429, "rate_limit_error", "This request would exceed your rate limit"),
        (500, "api_error", "Internal server error"),
        (504, "timeout_error", "Request timed out"),
        (529, "overloaded_error", "Overloaded"),
    ] {
        let body = json!({"type": "error", "error": {"type": kind, "message": message}});
        let mut headers = HeaderMap::new();
        headers.insert("retry-after", "7".parse().unwrap());
        let status = StatusCode::from_u16(status).unwrap();
        let error = Anthropic.classify(status, &headers, body.to_string().as_bytes());
        let shown = if error.raw.is_some() { "shown" } else { "kept" };
        lines.push(format!("{status} {message}: {:?} {:?} {shown}", error.kind, error.retry));
    }
    let error = Anthropic.classify(StatusCode::BAD_GATEWAY, &HeaderMap::new(), b"<html>");
    lines.push(format!("no JSON: {:?} {:?}", error.kind, error.retry));
    insta::assert_snapshot!(lines.join("\n"));
}

pub(crate) fn endpoint() -> Endpoint {
    let mut endpoint = support::endpoint("anthropic", "https://api.anthropic.test/v1");
    endpoint.max_completion_tokens = Some(64_000);
    endpoint
}

pub(crate) fn quirky(quirks: Value) -> Endpoint {
    let mut endpoint = endpoint();
    let mut provider = Provider::clone(&endpoint.provider);
    provider.quirks = serde_json::from_value(quirks).unwrap();
    endpoint.provider = Arc::new(provider);
    endpoint
}

pub(crate) fn without(parameters: &[&str]) -> Endpoint {
    let mut endpoint = endpoint();
    endpoint.supported_parameters.retain(|name| !parameters.contains(&name.as_str()));
    endpoint
}

pub(crate) fn encode(request: &ChatRequest, endpoint: &Endpoint) -> Result<Encoded, EncodeError> {
    Anthropic.encode(request, &Target { endpoint, base_url: &endpoint.provider.base_url })
}

fn chat(request: &Value) -> ChatRequest {
    chat_completions::decode(request.to_string().as_bytes()).unwrap()
}

/// The body that is sent, and what was dropped.
pub(crate) fn sent(request: &Value, endpoint: &Endpoint) -> (Value, Vec<String>) {
    let encoded = encode(&chat(request), endpoint).unwrap();
    (serde_json::from_slice(encoded.request.body()).unwrap(), encoded.dropped)
}

pub(crate) fn ask(members: &Value) -> Value {
    let mut request = json!({"model": "a/b", "messages": [{"role": "user", "content": "Hi"}]});
    for (name, value) in members.as_object().unwrap() {
        request[name] = value.clone();
    }
    request
}

pub(crate) fn say(messages: &Value) -> Value {
    ask(&json!({ "messages": messages }))
}

pub(crate) fn weather() -> Value {
    json!({"type": "function", "function": {"name": "weather", "description": "Tells it.",
        "strict": true, "parameters": {"type": "object", "properties": {"city": {"type": "string"}},
        "required": ["city"], "additionalProperties": false}}})
}

#[test]
fn a_conversation_is_written_in_turns() {
    let request = json!({
        "model": "a/b", "user": "ada@example.org", "stream": false, "temperature": 1.5,
        "top_k": 40, "stop": ["END", " "], "seed": 7, "logit_bias": {"1": 2}, "n": 2,
        "max_tokens": 500, "parallel_tool_calls": false, "tool_choice": "required",
        "service_tier": "default", "tools": [weather(), {"type": "function", "function": {"name": "now"}}],
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "developer", "content": [{"type": "text", "text": "Be kind.",
                "cache_control": {"type": "ephemeral", "ttl": "1h"}}]},
            {"role": "user", "name": "Ada", "content": [
                {"type": "text", "text": "What is this?"},
                {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}},
                {"type": "image_url", "image_url": {"url":
                    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="}},
                {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0xLjQK"}},
                {"type": "file", "file": {"filename": "a.txt", "file_data": "data:text/plain;base64,aGVsbG8="}}]},
            {"role": "user", "content": "And the weather?"},
            {"role": "assistant", "content": "Let me look.", "tool_calls": [
                {"id": "toolu_1", "type": "function", "function": {"name": "weather", "arguments": "{\"city\":\"Oslo\"}"}},
                {"id": "functions.now:1", "type": "function", "function": {"name": "now", "arguments": ""}}]},
            {"role": "tool", "tool_call_id": "toolu_1", "content": "Rain"},
            {"role": "tool", "tool_call_id": "functions.now:1", "content": "no clock", "is_error": true},
            {"role": "user", "content": "So?"},
        ],
    });
    let encoded = encode(&chat(&request), &endpoint()).unwrap();
    let upstream = &encoded.request;
    assert_eq!(upstream.method(), http::Method::POST);
    assert_eq!(upstream.uri(), "https://api.anthropic.test/v1/messages");
    assert_eq!(upstream.headers()["anthropic-version"], "2023-06-01");
    assert_eq!(upstream.headers()["content-type"], "application/json");
    assert!(upstream.headers().get("anthropic-beta").is_none());
    let body: Value = serde_json::from_slice(upstream.body()).unwrap();
    insta::assert_json_snapshot!(body);
    assert_eq!(encoded.dropped, ["logit_bias", "seed", "n", "stop"]);
}

#[test]
fn thinking_is_sent_back_as_it_was_given() {
    let details = json!([
        {"type": "reasoning.text", "text": "Thi", "format": "anthropic-claude-v1", "index": 0},
        {"type": "reasoning.text", "text": "nk\u{e9}", "format": "anthropic-claude-v1", "index": 0},
        {"type": "reasoning.text", "signature": "s+/=", "format": "anthropic-claude-v1", "index": 0},
        {"type": "reasoning.encrypted", "data": "Emw+/=", "format": "anthropic-claude-v1", "index": 1},
        {"type": "reasoning.text", "text": "no signature", "format": "anthropic-claude-v1", "index": 2},
        {"type": "reasoning.text", "text": "x", "signature": "y", "format": "google-gemini-v1", "index": 3},
        {"type": "reasoning.text", "text": "", "signature": "kept to itself",
            "format": "anthropic-claude-v1", "index": 4},
    ]);
    let request = say(&json!([
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello", "reasoning": "Think\u{e9}", "reasoning_details": details},
        {"role": "user", "content": "Go on"}]));
    let (body, _) = sent(&request, &endpoint());
    let expected = json!([
        {"type": "thinking", "thinking": "Think\u{e9}", "signature": "s+/="},
        {"type": "redacted_thinking", "data": "Emw+/="},
        {"type": "thinking", "thinking": "", "signature": "kept to itself"},
        {"type": "text", "text": "Hello"},
    ]);
    assert_eq!(body["messages"][1]["content"], expected);
}

#[test]
fn an_answer_can_be_replayed() {
    for fixture in ["thinking", "whole"] {
        let fixture =
            support::answers("anthropic").into_iter().find(|f| f.name == fixture).unwrap();
        let (events, outcome) = support::events_of(Anthropic.decoder(), [&fixture.body[..]]);
        outcome.unwrap();
        let mut fold = Fold::new();
        for event in &events {
            fold.push(event);
        }
        let choice = &fold.response().choices[0];
        let request = say(&json!([{"role": "user", "content": "Hi"},
            {"role": "assistant", "content": choice.content, "reasoning_details": choice.reasoning_details},
            {"role": "user", "content": "Go on"}]));
        let (body, _) = sent(&request, &endpoint());
        let thoughts: Vec<&Value> = body["messages"][1]["content"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|block| block["type"] != "text")
            .collect();
        insta::assert_json_snapshot!(format!("replay_{}", fixture.name), thoughts);
    }
}

#[test]
fn either_temperature_or_top_p() {
    let (body, dropped) = sent(&ask(&json!({"top_p": 0.5, "temperature": 0.25})), &endpoint());
    assert_eq!((&body["temperature"], body.get("top_p")), (&json!(0.25), None));
    assert_eq!(dropped, ["top_p"]);
    let (body, dropped) = sent(&ask(&json!({"top_p": 0.5})), &endpoint());
    assert_eq!((&body["top_p"], dropped.len()), (&json!(0.5), 0));
    let (body, _) = sent(&ask(&json!({"temperature": 2, "top_k": 0})), &endpoint());
    assert_eq!((&body["temperature"], body.get("top_k")), (&json!(1.0), None));
}

#[test]
fn answers_in_a_form_are_asked_for_by_the_means_there_are() {
    let schema = json!({"type": "object", "properties": {"a": {"type": "integer"}}});
    let format = json!({"response_format": {"type": "json_schema",
        "json_schema": {"name": "n", "description": "A number.", "strict": true, "schema": schema}}});
    let (body, _) = sent(&ask(&format), &endpoint());
    assert_eq!(body["output_config"]["format"], json!({"type": "json_schema", "schema": schema}));
    assert!(body.get("tools").is_none());

    let lesser = without(&["structured_outputs"]);
    let (body, dropped) = sent(&ask(&format), &lesser);
    assert_eq!(body["tool_choice"], json!({"type": "tool", "name": "answer_json"}));
    assert_eq!(body["tools"][0]["input_schema"], schema);
    assert!(body["tools"][0]["description"].as_str().unwrap().starts_with("A number."));
    assert!(dropped.is_empty());

    let mut both = ask(&format);
    both["tools"] = json!([weather()]);
    let (body, dropped) = sent(&both, &lesser);
    assert_eq!(body["tool_choice"], json!({"type": "any"}));
    assert_eq!(body["tools"].as_array().unwrap().len(), 2);
    assert_eq!(dropped, ["tools.strict"]);

    let mut thoughtful = ask(&json!({"response_format": {"type": "json_object"}}));
    thoughtful["reasoning"] = json!({"effort": "low"});
    let (body, dropped) = sent(&thoughtful, &endpoint());
    assert_eq!(body["tool_choice"]["name"], "answer_json");
    assert_eq!((body.get("thinking"), dropped), (None, vec!["reasoning".to_owned()]));

    let grammar = json!({"response_format": {"type": "grammar", "grammar": "x"}});
    let (_, dropped) = sent(&ask(&grammar), &endpoint());
    assert_eq!(dropped, ["response_format"]);
}

#[test]
fn the_input_of_the_tool_that_stands_for_the_answer_is_the_answer() {
    let request = chat(&ask(&json!({"response_format": {"type": "json_object"}})));
    let fixture = support::answers("anthropic").into_iter().find(|f| f.name == "tool_use").unwrap();
    let body = String::from_utf8(fixture.body).unwrap().replace("get_weather", "answer_json");
    let call = body
        .find("event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":2");
    let end = body.find("event: message_delta").unwrap();
    let body = format!("{}{}", &body[..call.unwrap()], &body[end..]);
    let decoder = encode(&request, &endpoint()).unwrap().decoder;
    insta::assert_snapshot!(support::decoded(decoder, [body.as_bytes()]));
}

#[test]
fn names_of_tools_come_back_as_they_were() {
    let tool = json!({"type": "function", "function": {"name": "get_weather.v2"}});
    let request = ask(&json!({ "tools": [tool] }));
    let encoded = encode(&chat(&request), &endpoint()).unwrap();
    let body: Value = serde_json::from_slice(encoded.request.body()).unwrap();
    let name = body["tools"][0]["name"].as_str().unwrap();
    assert!(name.starts_with("get_weather_v2_") && name.len() <= 128, "{name}");
    let fixture = support::answers("anthropic").into_iter().find(|f| f.name == "tool_use").unwrap();
    let answer =
        String::from_utf8(fixture.body).unwrap().replace("\"get_weather\"", &format!("\"{name}\""));
    let (events, _) = support::events_of(encoded.decoder, [answer.as_bytes()]);
    let called = events.iter().any(|event| {
        matches!(event, ChatEvent::Delta { delta: Delta::ToolCall(call), .. }
            if call.name.as_deref() == Some("get_weather.v2"))
    });
    assert!(called, "{events:?}");
}

#[test]
fn conversations_that_begin_or_end_oddly_are_made_to_fit() {
    let (body, _) = sent(&say(&json!([{"role": "system", "content": "Sing"}])), &endpoint());
    assert_eq!(
        body["messages"],
        json!([{"role": "user", "content": [{"type": "text", "text": "Sing"}]}])
    );
    assert!(body.get("system").is_none());
    let prefilled = say(&json!([{"role": "user", "content": "Hi"},
        {"role": "assistant", "name": "Bot", "content": "Hello, \n"}]));
    let (body, _) = sent(&prefilled, &endpoint());
    assert_eq!(body["messages"][1]["content"], json!([{"type": "text", "text": "Hello,"}]));
    let refused = encode(&chat(&prefilled), &quirky(json!({"prefill": "refused"}))).err();
    let parameter = "messages[1].role".to_owned();
    assert_eq!(refused, Some(EncodeError::Unsupported { parameter }));
    let greeted = say(
        &json!([{"role": "assistant", "content": "Welcome"}, {"role": "user", "content": "Hi"}]),
    );
    let (body, _) = sent(&greeted, &endpoint());
    assert_eq!(
        body["messages"][0],
        json!({"role": "user", "content": [{"type": "text", "text": "."}]})
    );
    let blank = say(&json!([{"role": "user", "content": " "}]));
    assert!(encode(&chat(&blank), &endpoint()).is_err());
    let heard = say(&json!([{"role": "user", "content": [{"type": "text", "text": "x"},
        {"type": "input_audio", "input_audio": {"data": "UklGRiQAAABXQVZFZm10IBAAAAABAAEA", "format": "wav"}}]}]));
    let parameter = "messages[0].content[1]".to_owned();
    assert_eq!(
        encode(&chat(&heard), &endpoint()).err(),
        Some(EncodeError::Unsupported { parameter })
    );
    let called = say(&json!([{"role": "user", "content": "Hi"},
        {"role": "assistant", "content": null, "tool_calls": [{"id": "c", "type": "function",
            "function": {"name": "f", "arguments": "not json"}}]},
        {"role": "tool", "tool_call_id": "c", "content": "r"}]));
    let (body, _) = sent(&called, &endpoint());
    assert_eq!(
        body["messages"][1]["content"][0]["input"],
        json!({"invalid_arguments": "not json"})
    );
    assert_eq!(
        (&body["tools"][0]["name"], &body["tool_choice"]["type"]),
        (&json!("f"), &json!("none"))
    );
}

#[test]
fn parameters_that_are_required_are_never_left_out() {
    for members in [json!({"seed": 1}), json!({"n": 2}), json!({"min_p": 0.1}), json!({"x_new": 1})]
    {
        let name = members.as_object().unwrap().keys().next().unwrap().clone();
        let mut request = ask(&members);
        assert_eq!(sent(&request, &endpoint()).1, std::slice::from_ref(&name));
        request["provider"] = json!({"require_parameters": true});
        let refused = encode(&chat(&request), &endpoint()).err();
        assert_eq!(refused, Some(EncodeError::Unsupported { parameter: name }));
    }
}

#[test]
fn prompts_are_counted() {
    let counter = Anthropic.count_tokens().unwrap();
    let endpoint = endpoint();
    let target = Target { endpoint: &endpoint, base_url: &endpoint.provider.base_url };
    let request =
        ask(&json!({"temperature": 0.5, "tools": [weather()], "reasoning": {"effort": "low"}}));
    let upstream = counter.encode(&chat(&request), &target).unwrap();
    assert_eq!(upstream.uri(), "https://api.anthropic.test/v1/messages/count_tokens");
    let body: Value = serde_json::from_slice(upstream.body()).unwrap();
    let names: Vec<&String> = body.as_object().unwrap().keys().collect();
    assert_eq!(names, ["messages", "model", "thinking", "tools"]);
    assert_eq!(counter.decode(br#"{"input_tokens": 14}"#).unwrap(), 14);
    assert!(counter.decode(b"{}").is_err() && counter.decode(b"[").is_err());
}

#[test]
fn what_it_can_fetch_is_left_to_it() {
    let endpoint = endpoint();
    let target = Target { endpoint: &endpoint, base_url: "" };
    let fetches = |kind, url| Anthropic.fetches(&kind, url, &target);
    assert!(fetches(PartKind::Image, "https://example.org/a.png"));
    assert!(fetches(PartKind::File, "https://example.org/a.pdf?x=1"));
    assert!(!fetches(PartKind::File, "https://example.org/a.txt"));
    assert!(!fetches(PartKind::Image, "http://example.org/a.png"));
    assert!(!fetches(PartKind::Video, "https://example.org/a.mp4"));
}
