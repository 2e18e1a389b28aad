//! The OpenAI-compatible dialect.

use std::sync::Arc;

use domain::catalog::{Endpoint, Provider};
use protocol::dialects::chat_completions;
use providers::adapter::{Adapter, Target};
use providers::error::EncodeError;
use providers::openai_compatible::OpenAiCompatible;
use serde_json::{Value, json};

use crate::support::{self, Fixture};

fn decoded<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> String {
    support::decoded(OpenAiCompatible.decoder(), pieces)
}

#[test]
fn recorded_answers_become_events() {
    for Fixture { name, body } in support::answers("openai_compatible") {
        insta::assert_snapshot!(format!("decode_{name}"), decoded([&body[..]]));
    }
}

#[test]
fn any_cut_gives_the_same_events_and_no_damage_a_panic() {
    support::check_decoder(&OpenAiCompatible, &support::answers("openai_compatible"));
}

#[test]
fn hostile_indices_are_refused() {
    for body in [
        r#"data: {"choices":[{"index":4294967296,"delta":{"content":"x"}}]}"#,
        r#"data: {"choices":[{"index":128,"delta":{"content":"x"}}]}"#,
        r#"data: {"choices":[{"index":-1,"delta":{"content":"x"}}]}"#,
        r#"data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":4000000000,"id":"a"}]}}]}"#,
    ] {
        assert!(decoded([body.as_bytes(), b"\n\n"]).contains("not valid"), "{body}");
    }
}

fn endpoint() -> Endpoint {
    support::endpoint("openai_compatible", "https://api.acme.test/v1")
}

fn encode(
    request: &Value,
    endpoint: &Endpoint,
) -> Result<http::Request<bytes::Bytes>, EncodeError> {
    let request = chat_completions::decode(request.to_string().as_bytes()).unwrap();
    let target = Target { endpoint, base_url: &endpoint.provider.base_url };
    OpenAiCompatible.encode(&request, &target).map(|encoded| encoded.request)
}

fn body(request: &Value, endpoint: &Endpoint) -> Value {
    serde_json::from_slice(encode(request, endpoint).unwrap().body()).unwrap()
}

fn ask(members: &Value) -> Value {
    let mut request = json!({"model": "a/b", "messages": [{"role": "user", "content": "Hi"}]});
    for (name, value) in members.as_object().unwrap() {
        request[name] = value.clone();
    }
    request
}

#[test]
fn a_request_is_written_for_its_endpoint() {
    let request = json!({
        "model": "a/b:nitro", "models": ["c/d"], "provider": {"order": ["acme"]}, "route": "fallback",
        "transforms": [], "plugins": [{"id": "web"}], "preset": "p", "session_id": "s",
        "trace": {"trace_id": "t"}, "usage": {"include": true}, "debug": {},
        "metadata": {"a": "b"}, "user": "ada", "stream": false, "max_tokens": 50, "n": 2,
        "temperature": 0.25, "x_unknown": {"kept": [1, 2]}, "reasoning": {"effort": "high"},
        "tools": [{"type": "function", "function": {"name": "f"}}], "tool_choice": "auto",
        "messages": [
            {"role": "developer", "content": "Be \"brief\""},
            {"role": "user", "name": "Ada", "content": [{"type": "text", "text": "Hi"}]},
            {"role": "assistant", "content": null, "tool_calls": [{"id": "c", "type": "function",
                "function": {"name": "f", "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": "c", "content": "ok"},
        ],
    });
    let upstream = encode(&request, &endpoint()).unwrap();
    assert_eq!(upstream.method(), http::Method::POST);
    assert_eq!(upstream.uri(), "https://api.acme.test/v1/chat/completions");
    assert_eq!(upstream.headers()["content-type"], "application/json");
    assert_eq!(upstream.headers()["accept"], "text/event-stream");
    insta::assert_snapshot!(std::str::from_utf8(upstream.body()).unwrap());
}

#[test]
fn parameters_that_an_endpoint_does_not_take_are_left_out() {
    let mut endpoint = endpoint();
    endpoint.supported_parameters = vec!["max_tokens".into(), "tools".into()];
    let request = ask(&json!({"temperature": 1, "top_k": 4, "reasoning": {"effort": "low"},
        "max_tokens": 3, "parallel_tool_calls": false, "x_unknown": 1,
        "tools": [{"type": "function", "function": {"name": "f"}}]}));
    let sent = body(&request, &endpoint);
    for name in ["temperature", "top_k", "reasoning", "reasoning_effort"] {
        assert!(sent.get(name).is_none(), "{name}");
    }
    assert_eq!(sent["max_tokens"], 3);
    assert_eq!(sent["parallel_tool_calls"], false);
    assert_eq!(sent["x_unknown"], 1);
}

#[test]
fn parameters_that_are_required_are_never_left_out() {
    let mut endpoint = endpoint();
    endpoint.supported_parameters = vec![];
    for (members, parameter) in [
        (json!({"temperature": 1}), "temperature"),
        (json!({"max_tokens": 1}), "max_tokens"),
        (json!({"reasoning": {"effort": "low"}}), "reasoning"),
        (json!({"reasoning_effort": "low"}), "reasoning_effort"),
        (json!({"response_format": {"type": "json_object"}}), "response_format"),
    ] {
        let mut request = ask(&members);
        assert!(encode(&request, &endpoint).is_ok());
        request["provider"] = json!({"require_parameters": true});
        let parameter = parameter.to_owned();
        assert_eq!(encode(&request, &endpoint).err(), Some(EncodeError::Unsupported { parameter }));
    }
}

#[test]
fn quirks_change_what_is_sent() {
    let mut endpoint = endpoint();
    let mut provider = Provider::clone(&endpoint.provider);
    provider.quirks = serde_json::from_value(json!({
        "rename": {"repetition_penalty": "rep_pen"},
        "unsupported": ["logit_bias", "n"],
        "body": {"safe_prompt": "false", "shared": "1"},
        "headers": {"x-api-version": "2"},
        "no_stream_options": true,
        "no_developer_role": true,
        "max_tokens_name": "max_completion_tokens",
        "chat_path": "/openai/chat",
    }))
    .unwrap();
    endpoint.provider = Arc::new(provider);
    endpoint.quirks =
        serde_json::from_value(json!({"body": {"shared": "2", "temperature": "0.7"}})).unwrap();
    let request = ask(&json!({"repetition_penalty": 1.1, "logit_bias": {"1": 2}, "n": 3,
        "max_tokens": 9, "temperature": 2, "messages": [{"role": "developer", "content": "x"}]}));
    let upstream = encode(&request, &endpoint).unwrap();
    assert_eq!(upstream.uri(), "https://api.acme.test/v1/openai/chat");
    assert_eq!(upstream.headers()["x-api-version"], "2");
    let sent: Value = serde_json::from_slice(upstream.body()).unwrap();
    let expected = json!({
        "model": "b-large", "messages": [{"role": "system", "content": "x"}], "stream": true,
        "max_completion_tokens": 9, "rep_pen": 1.1, "safe_prompt": false, "shared": 2,
        "temperature": 0.7,
    });
    assert_eq!(sent, expected);

    endpoint.quirks = serde_json::from_value(json!({"body": {"bad": "{"}})).unwrap();
    assert_eq!(encode(&request, &endpoint).err(), Some(EncodeError::Quirk("bad".into())));
    endpoint.quirks = serde_json::from_value(json!({"headers": {"x": "a\nb"}})).unwrap();
    assert_eq!(encode(&request, &endpoint).err(), Some(EncodeError::Header("x".into())));
    endpoint.quirks = serde_json::from_value(json!({"chat_path": " not a path"})).unwrap();
    assert!(matches!(encode(&request, &endpoint), Err(EncodeError::Address(_))));
}

#[test]
fn reasoning_is_written_as_effort() {
    for (members, effort) in [
        (json!({"reasoning": {"effort": "minimal"}}), json!("minimal")),
        (json!({"reasoning_effort": "high"}), json!("high")),
        (json!({"reasoning": {"enabled": true}}), json!("medium")),
        (json!({"reasoning": {"enabled": false}}), json!("none")),
        (json!({"reasoning": {"exclude": true}}), Value::Null),
        (json!({}), Value::Null),
    ] {
        assert_eq!(body(&ask(&members), &endpoint())["reasoning_effort"], effort, "{members}");
    }
}
