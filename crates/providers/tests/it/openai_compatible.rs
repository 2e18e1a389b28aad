//! The OpenAI-compatible dialect.

use std::path::PathBuf;
use std::sync::Arc;

use domain::catalog::{
    Auth, Cancellation, DataPolicy, Endpoint, PARAMETERS, Provider, Quirks, Serving,
};
use domain::pricing::PriceSheet;
use protocol::chat::event::ChatEvent;
use protocol::dialects::chat_completions;
use providers::adapter::{Adapter, Target};
use providers::error::{DecodeError, EncodeError};
use providers::openai_compatible::OpenAiCompatible;
use serde_json::{Value, json};

fn fixtures() -> Vec<(String, Vec<u8>)> {
    let root =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/fixtures/openai_compatible");
    let mut cases: Vec<(String, Vec<u8>)> = std::fs::read_dir(root)
        .unwrap()
        .map(|entry| {
            let folder = entry.unwrap().path();
            let name = folder.file_name().unwrap().to_string_lossy().into_owned();
            let file = ["stream.sse", "document.json"]
                .into_iter()
                .map(|file| folder.join(file))
                .find(|file| file.exists())
                .unwrap();
            (name, std::fs::read(file).unwrap())
        })
        .collect();
    cases.sort();
    cases
}

/// What a decoder makes of a body that arrives in pieces, as text to compare.
fn decoded<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut decoder = OpenAiCompatible.decoder();
    let mut events = Vec::new();
    let outcome = pieces
        .into_iter()
        .try_for_each(|piece| decoder.push(piece, &mut events))
        .and_then(|()| decoder.finish(&mut events));
    let mut text: Vec<String> = events.iter().map(|event| format!("{event:?}")).collect();
    text.push(match outcome {
        Ok(()) => "complete".to_owned(),
        Err(DecodeError::Upstream(error)) => format!("{error:#?}"),
        Err(error) => error.to_string(),
    });
    text.join("\n")
}

#[test]
fn recorded_answers_become_events() {
    for (name, body) in fixtures() {
        insta::assert_snapshot!(format!("decode_{name}"), decoded([&body[..]]));
    }
}

#[test]
fn events_do_not_depend_on_how_bytes_are_cut() {
    for (name, body) in fixtures() {
        let whole = decoded([&body[..]]);
        for cut in 0..=body.len() {
            let (left, right) = body.split_at(cut);
            assert_eq!(decoded([left, right]), whole, "{name} cut at {cut}");
        }
        assert_eq!(decoded(body.chunks(1)), whole, "{name} byte by byte");
    }
}

#[test]
fn every_beginning_of_an_answer_ends_in_an_error_or_complete() {
    for (name, body) in fixtures() {
        for end in 0..body.len() {
            let mut decoder = OpenAiCompatible.decoder();
            let mut events = Vec::new();
            let outcome =
                decoder.push(&body[..end], &mut events).and_then(|()| decoder.finish(&mut events));
            if outcome.is_ok() {
                let is_finish = |event: &ChatEvent| matches!(event, ChatEvent::Finished { .. });
                assert!(events.iter().any(is_finish), "{name} ended at {end}");
            }
        }
    }
}

#[test]
fn damaged_answers_do_not_panic() {
    // A fixed sequence: failures must repeat.
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 33).unwrap()
    };
    for (_, body) in fixtures() {
        for _ in 0..400 {
            let mut damaged = body.clone();
            for _ in 0..=next() % 4 {
                let position = next() % damaged.len();
                match next() % 3 {
                    0 => damaged[position] = u8::try_from(next() % 256).unwrap(),
                    1 => drop(damaged.remove(position)),
                    _ => damaged.insert(position, b"{}[]\",:0-9e\n"[next() % 12]),
                }
            }
            decoded([&damaged[..]]);
        }
    }
    let noise: Vec<u8> = (0..4_096).map(|_| u8::try_from(next() % 256).unwrap()).collect();
    decoded([&noise[..]]);
    decoded([&b"data: "[..], &b"[".repeat(200_000), b"\n\n"]);
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
    let provider = Provider {
        slug: "acme".into(),
        name: "Acme".into(),
        dialect: "openai_compatible".into(),
        base_url: "https://api.acme.test/v1".into(),
        auth: Auth::Bearer,
        credential_env: None,
        quirks: Quirks::default(),
        data_policy: DataPolicy::default(),
        cancellation: Cancellation::Stops,
        regions: vec![],
        headquarters: None,
        datacenters: vec![],
        terms_url: None,
        privacy_url: None,
        status_url: None,
        serving: Serving::Live,
    };
    Endpoint {
        id: "a/b@acme".into(),
        model: "a/b".parse().unwrap(),
        provider: Arc::new(provider),
        tag: "acme".into(),
        upstream_model: "b-large".into(),
        context_length: 8_192,
        max_prompt_tokens: None,
        max_completion_tokens: None,
        quantization: None,
        supported_parameters: PARAMETERS.iter().map(|name| (*name).to_owned()).collect(),
        prices: PriceSheet::default(),
        regions: vec![],
        hidden: false,
        quirks: Quirks::default(),
    }
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
