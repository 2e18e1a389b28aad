//! Amazon Bedrock's Converse.

use std::sync::Arc;

use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use domain::catalog::{Endpoint, Provider};
use domain::pricing::{Price, Unit};
use http::{HeaderMap, StatusCode};
use protocol::chat::fold::Fold;
use protocol::chat::request::PartKind;
use protocol::dialects::chat_completions;
use providers::adapter::{Adapter, Encoded, Target};
use providers::bedrock::Bedrock;
use providers::error::EncodeError;
use serde_json::{Value, json};

use crate::support::{self, Fixture};

#[test]
fn recorded_answers_become_events() {
    for Fixture { name, body } in support::answers("bedrock") {
        let decoded = support::decoded(Bedrock.decoder(), [&body[..]]);
        insta::assert_snapshot!(format!("decode_{name}"), decoded);
    }
}

#[test]
fn any_cut_gives_the_same_events_and_no_damage_a_panic() {
    support::check_decoder(&Bedrock, &support::answers("bedrock"));
}

/// A frame whose checksums are right, whatever it holds.
fn frame(event: &str, payload: &[u8]) -> Vec<u8> {
    let header = |name: &str, value: &str| {
        Header::new(name.to_owned(), HeaderValue::String(value.to_owned().into()))
    };
    let message = Message::new(payload.to_vec())
        .add_header(header(":message-type", "event"))
        .add_header(header(":event-type", event));
    let mut bytes = Vec::new();
    write_message_to(&message, &mut bytes).unwrap();
    bytes
}

#[test]
fn nonsense_in_whole_frames_does_not_panic() {
    let payload = br#"{"contentBlockIndex":0,"delta":{"toolUse":{"input":"x"}},"stopReason":"a","usage":{"inputTokens":1}}"#;
    for event in
        ["contentBlockStart", "contentBlockDelta", "contentBlockStop", "messageStop", "metadata"]
    {
        for position in 0..payload.len() {
            for byte in *b"{}[]\",:0-9e\n\xFF" {
                let mut damaged = payload.to_vec();
                damaged[position] = byte;
                support::decoded(Bedrock.decoder(), [&frame(event, &damaged)[..]]);
            }
        }
        let deep = b"[".repeat(100_000);
        let outcome = support::decoded(Bedrock.decoder(), [&frame(event, &deep)[..]]);
        assert!(outcome.contains("not valid"), "{outcome}");
    }
}

#[test]
fn other_makers_reasoning_is_shown_and_not_signed_for() {
    let other = endpoint("us.deepseek.r1-v1:0");
    let details = json!([{"type": "reasoning.text", "text": "x", "signature": "s",
        "format": "anthropic-claude-v1", "index": 0}]);
    let request = ask(&json!({"messages": [{"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello", "reasoning_details": details},
        {"role": "user", "content": "Go on"}]}));
    let (body, _) = sent(&request, &other);
    assert_eq!(body["messages"][1]["content"], json!([{"text": "Hello"}]));
    let decoder = encode(&request, &other).unwrap().decoder;
    let fixture = support::answers("bedrock").into_iter().find(|f| f.name == "reasoning").unwrap();
    let decoded = support::decoded(decoder, [&fixture.body[..]]);
    assert!(decoded.contains("\"format\":\"unknown\"") && !decoded.contains("anthropic-claude-v1"));
}

#[test]
fn impossible_lengths_are_refused_before_anything_is_kept() {
    for length in [0_u32, 15, 16 * 1024 * 1024 + 1, u32::MAX] {
        let mut decoder = Bedrock.decoder();
        let bytes = [&length.to_be_bytes()[..], &[0; 8]].concat();
        assert!(decoder.push(&bytes, &mut Vec::new()).is_err(), "{length}");
    }
}

#[test]
fn failures_are_told_apart() {
    let mut lines = Vec::new();
    for (status, kind, message) in [
        (400, "ValidationException", "Malformed input request"),
        (400, "ValidationException", "Input is too long for requested model."),
        (400, "ValidationException", "The provided model identifier is invalid."),
        (400, "ValidationException", "Operation not allowed"),
        (
            400,
            "ValidationException",
            "Invocation of model ID x with on-demand throughput isn't supported.",
        ),
        (403, "AccessDeniedException", "You don't have access to the model"),
        (403, "ExpiredTokenException", "The security token included in the request is expired"),
        (404, "ResourceNotFoundException", "Could not resolve the foundation model"),
        (408, "ModelTimeoutException", "Model has timed out"),
        (424, "ModelErrorException", "The model returned an error"),
        (429, "ThrottlingException", "Too many requests"),
        (429, "ModelNotReadyException", "Model is not ready for inference"),
        (500, "InternalServerException", "The system encountered an unexpected error"),
        (503, "ServiceUnavailableException", "Bedrock is unable to process your request."),
    ] {
        let mut headers = HeaderMap::new();
        let value = format!("{kind}:http://internal.amazon.com/coral/com.amazon.bedrock/");
        headers.insert("x-amzn-errortype", value.parse().unwrap());
        let status = StatusCode::from_u16(status).unwrap();
        let body = json!({ "message": message }).to_string();
        let error = Bedrock.classify(status, &headers, body.as_bytes());
        let code = error.provider_code.unwrap();
        let shown = if error.raw.is_some() { "shown" } else { "kept" };
        lines.push(format!("{code} {message}: {:?} {:?} {shown}", error.kind, error.retry));
    }
    insta::assert_snapshot!(lines.join("\n"));
}

fn endpoint(model: &str) -> Endpoint {
    let mut endpoint = support::endpoint("bedrock", "https://bedrock-runtime.us-east-1.test");
    endpoint.upstream_model = model.into();
    endpoint.max_completion_tokens = Some(64_000);
    endpoint.supported_parameters.retain(|name| name != "structured_outputs");
    endpoint
}

fn claude() -> Endpoint {
    endpoint("us.anthropic.claude-sonnet-4-5-20250929-v1:0")
}

fn quirky(mut endpoint: Endpoint, quirks: Value) -> Endpoint {
    let mut provider = Provider::clone(&endpoint.provider);
    provider.quirks = serde_json::from_value(quirks).unwrap();
    endpoint.provider = Arc::new(provider);
    endpoint
}

fn encode(request: &Value, endpoint: &Endpoint) -> Result<Encoded, EncodeError> {
    let request = chat_completions::decode(request.to_string().as_bytes()).unwrap();
    Bedrock.encode(&request, &Target { endpoint, base_url: &endpoint.provider.base_url })
}

fn sent(request: &Value, endpoint: &Endpoint) -> (Value, Vec<String>) {
    let encoded = encode(request, endpoint).unwrap();
    (serde_json::from_slice(encoded.request.body()).unwrap(), encoded.dropped)
}

fn ask(members: &Value) -> Value {
    let mut request = json!({"model": "a/b", "messages": [{"role": "user", "content": "Hi"}]});
    for (name, value) in members.as_object().unwrap() {
        request[name] = value.clone();
    }
    request
}

fn weather() -> Value {
    json!({"type": "function", "function": {"name": "weather", "description": "Tells it.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}})
}

const PIXEL: &str = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

#[test]
fn a_conversation_is_written_in_turns() {
    let request = json!({
        "model": "a/b", "stream": false, "temperature": 0.5, "top_k": 40, "stop": ["END", ""],
        "seed": 7, "max_tokens": 500, "parallel_tool_calls": false, "tool_choice": "required",
        "tools": [weather(), {"type": "function", "function": {"name": "now"},
            "cache_control": {"type": "ephemeral"}}],
        "messages": [
            {"role": "system", "content": [{"type": "text", "text": "Be brief.",
                "cache_control": {"type": "ephemeral"}}]},
            {"role": "user", "content": [
                {"type": "image_url", "image_url": {"url": PIXEL}},
                {"type": "file", "file": {"filename": "a_b (1).pdf", "file_data": "data:application/pdf;base64,JVBERi0xLjQK"}},
                {"type": "file", "file": {"filename": "notes.md", "file_data": "data:;base64,aGVsbG8="}}]},
            {"role": "assistant", "content": "Let me look.", "reasoning_details": [
                {"type": "reasoning.text", "text": "Hm", "signature": "s+/=", "format": "anthropic-claude-v1", "index": 0},
                {"type": "reasoning.encrypted", "data": "ZW5j", "format": "anthropic-claude-v1", "index": 1}],
             "tool_calls": [
                {"id": "tooluse_1", "type": "function", "function": {"name": "weather", "arguments": "{\"city\":\"Oslo\"}"}},
                {"id": "tooluse_2", "type": "function", "function": {"name": "now", "arguments": ""}}]},
            {"role": "tool", "tool_call_id": "tooluse_1", "content": "Rain"},
            {"role": "tool", "tool_call_id": "tooluse_2", "content": "", "is_error": true},
            {"role": "user", "content": "So?"},
        ],
    });
    let encoded = encode(&request, &claude()).unwrap();
    let upstream = &encoded.request;
    assert_eq!(
        upstream.uri(),
        "https://bedrock-runtime.us-east-1.test/model/\
         us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse-stream"
    );
    assert_eq!(upstream.headers()["accept"], "application/vnd.amazon.eventstream");
    let body: Value = serde_json::from_slice(upstream.body()).unwrap();
    insta::assert_json_snapshot!(body);
    assert_eq!(encoded.dropped, ["parallel_tool_calls", "seed", "stop"]);
}

#[test]
fn each_family_is_asked_to_think_in_its_own_words() {
    let request =
        ask(&json!({"reasoning": {"effort": "high"}, "max_tokens": 10_000, "temperature": 0.5}));
    let (body, dropped) = sent(&request, &claude());
    assert_eq!(
        body["additionalModelRequestFields"],
        json!({"thinking": {"type": "enabled", "budget_tokens": 8_000}})
    );
    assert_eq!(
        (body["inferenceConfig"].get("temperature"), dropped),
        (None, vec!["temperature".to_owned()])
    );
    let adaptive = quirky(claude(), json!({"reasoning": "adaptive"}));
    let (body, _) = sent(&request, &adaptive);
    assert_eq!(
        body["additionalModelRequestFields"],
        json!({"thinking": {"type": "adaptive", "display": "summarized"}, "output_config": {"effort": "high"}})
    );
    let (body, dropped) = sent(&request, &endpoint("openai.gpt-oss-120b-1:0"));
    assert_eq!(body["additionalModelRequestFields"], json!({"reasoning_effort": "high"}));
    assert_eq!((&body["inferenceConfig"]["temperature"], dropped.len()), (&json!(0.5), 0));
    let fixed = quirky(endpoint("us.deepseek.r1-v1:0"), json!({"reasoning": "fixed"}));
    let (body, dropped) = sent(&request, &fixed);
    assert_eq!(
        (body.get("additionalModelRequestFields"), dropped),
        (None, vec!["reasoning".to_owned()])
    );
}

#[test]
fn parameters_go_where_each_family_has_them() {
    let request = ask(&json!({"top_k": 5, "top_p": 0.9, "temperature": 2}));
    let (body, dropped) = sent(&request, &endpoint("us.amazon.nova-pro-v1:0"));
    assert_eq!(body["additionalModelRequestFields"], json!({"inferenceConfig": {"topK": 5}}));
    assert_eq!(
        body["inferenceConfig"],
        json!({"maxTokens": 64_000, "temperature": 1.0, "topP": 0.9})
    );
    assert!(dropped.is_empty());
    let (body, dropped) = sent(&request, &endpoint("us.meta.llama3-3-70b-instruct-v1:0"));
    assert_eq!(
        (body.get("additionalModelRequestFields"), dropped),
        (None, vec!["top_k".to_owned()])
    );
    let (_, dropped) = sent(&request, &claude());
    assert_eq!(dropped, ["top_p"]);
}

#[test]
fn tools_that_may_not_be_used_are_not_offered() {
    let request = ask(&json!({"tools": [weather()], "tool_choice": "none"}));
    let (body, dropped) = sent(&request, &claude());
    assert_eq!((body.get("toolConfig"), dropped.len()), (None, 0));
    let mut called = request.clone();
    called["messages"] = json!([{"role": "user", "content": "Hi"},
        {"role": "assistant", "content": null, "tool_calls": [{"id": "c", "type": "function",
            "function": {"name": "weather", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "c", "content": "r"}]);
    let (body, dropped) = sent(&called, &claude());
    assert_eq!(body["toolConfig"]["tools"].as_array().unwrap().len(), 1);
    assert_eq!(
        (body["toolConfig"].get("toolChoice"), dropped),
        (None, vec!["tool_choice".to_owned()])
    );
    called.as_object_mut().unwrap().remove("tools");
    called.as_object_mut().unwrap().remove("tool_choice");
    let (body, _) = sent(&called, &claude());
    assert_eq!(body["toolConfig"]["tools"][0]["toolSpec"]["name"], "weather");
    let named = json!({"type": "function", "function": {"name": "weather"}});
    let request = ask(&json!({"tools": [weather()], "tool_choice": named}));
    let (body, _) = sent(&request, &claude());
    assert_eq!(body["toolConfig"]["toolChoice"], json!({"tool": {"name": "weather"}}));
}

#[test]
fn answers_in_a_form_are_asked_for_by_the_means_there_are() {
    let schema = json!({"type": "object", "properties": {"a": {"type": "integer"}}});
    let request = ask(&json!({"response_format": {"type": "json_schema",
        "json_schema": {"name": "n", "schema": schema}}}));
    let (body, _) = sent(&request, &claude());
    assert_eq!(body["toolConfig"]["toolChoice"], json!({"tool": {"name": "answer_json"}}));
    assert_eq!(body["toolConfig"]["tools"][0]["toolSpec"]["inputSchema"]["json"], schema);

    let mut native = claude();
    native.supported_parameters.push("structured_outputs".to_owned());
    let (body, _) = sent(&request, &native);
    let definition = &body["outputConfig"]["textFormat"]["structure"]["jsonSchema"];
    assert_eq!(definition["name"], "n");
    let text = definition["schema"].as_str().unwrap();
    assert_eq!(serde_json::from_str::<Value>(text).unwrap(), schema);

    let free =
        quirky(endpoint("us.meta.llama3-3-70b-instruct-v1:0"), json!({"tool_choices": ["auto"]}));
    let (_, dropped) = sent(&request, &free);
    assert_eq!(dropped, ["response_format"]);

    let decoder = encode(&request, &claude()).unwrap().decoder;
    let fixture = support::answers("bedrock").into_iter().find(|f| f.name == "whole").unwrap();
    let body = String::from_utf8(fixture.body).unwrap().replace("top_song", "answer_json");
    insta::assert_snapshot!(support::decoded(decoder, [body.as_bytes()]));
}

#[test]
fn an_answer_can_be_replayed() {
    let fixture = support::answers("bedrock").into_iter().find(|f| f.name == "reasoning").unwrap();
    let (events, outcome) = support::events_of(Bedrock.decoder(), [&fixture.body[..]]);
    outcome.unwrap();
    let mut fold = Fold::new();
    for event in &events {
        fold.push(event);
    }
    let choice = &fold.response().choices[0];
    let request = ask(&json!({"messages": [{"role": "user", "content": "Hi"},
        {"role": "assistant", "content": choice.content, "reasoning_details": choice.reasoning_details},
        {"role": "user", "content": "Go on"}]}));
    let (body, _) = sent(&request, &claude());
    let expected = json!([
        {"reasoningContent": {"reasoningText":
            {"text": "Nine cubed is 729.", "signature": "ErcBCkgIBBABGAIqQE+/="}}},
        {"reasoningContent": {"redactedContent": "ZW5jcnlwdGVk+/=="}},
        {"text": "729"},
    ]);
    assert_eq!(body["messages"][1]["content"], expected);
}

#[test]
fn prompts_are_marked_for_caching_after_what_is_to_be_kept() {
    let mut endpoint = claude();
    endpoint.prices = endpoint
        .prices
        .with(Unit::Prompt, Price::parse_per_million("3").unwrap())
        .with(Unit::CacheRead, Price::parse_per_million("0.3").unwrap());
    let request = ask(&json!({"session_id": "s", "messages": [
        {"role": "system", "content": "word ".repeat(1_000)}, {"role": "user", "content": "Hi"}]}));
    let (body, _) = sent(&request, &endpoint);
    assert_eq!(body["system"][1], json!({"cachePoint": {"type": "default"}}));
    let marked = ask(&json!({"cache_control": {"type": "ephemeral", "ttl": "1h"}}));
    let (body, _) = sent(&marked, &endpoint);
    assert_eq!(
        body["messages"][0]["content"][1],
        json!({"cachePoint": {"type": "default", "ttl": "1h"}})
    );
    let without = quirky(claude(), json!({"unsupported": ["cache_control"]}));
    let (body, _) = sent(&marked, &without);
    assert_eq!(body["messages"][0]["content"].as_array().unwrap().len(), 1);
}

#[test]
fn only_bytes_are_sent() {
    let endpoint = claude();
    let target = Target { endpoint: &endpoint, base_url: "" };
    assert!(!Bedrock.fetches(&PartKind::Image, "https://example.org/a.png", &target));
    for part in [
        json!({"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}),
        json!({"type": "file", "file": {"filename": "a.bin", "file_data": "data:application/zip;base64,UEsDBA=="}}),
        json!({"type": "file", "file": {"file_id": "file-1"}}),
    ] {
        let request = ask(&json!({"messages": [{"role": "user", "content": [part]}]}));
        let parameter = "messages[0].content[0]".to_owned();
        let refused = encode(&request, &endpoint).err();
        assert_eq!(refused, Some(EncodeError::Unsupported { parameter }), "{request}");
    }
}
