use bytes::BytesMut;
use domain::generation::FinishReason;
use domain::money::Usd;
use domain::usage::Usage;
use proptest::prelude::*;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::{decode, encoder};
use crate::chat::event::{ChatEvent, Delta, ToolCallDelta};
use crate::chat::request::{Content, PartKind, Role};
use crate::dialects::{Envelope, Summary};
use crate::error::{ErrorType, PublicError};

/// A valid request with some members added or replaced.
fn with(members: &Value) -> String {
    let mut request = json!({"model": "a/b", "messages": [{"role": "user", "content": "Hi"}]});
    for (name, value) in members.as_object().unwrap() {
        request[name] = value.clone();
    }
    request.to_string()
}

fn refusal(body: &str) -> PublicError {
    let error = decode(body.as_bytes()).expect_err(body);
    assert_eq!((error.status, error.error_type), (400, ErrorType::InvalidRequest), "{body}");
    error
}

/// The members are refused, and the refusal names the field.
fn check_refused(members: &Value, field: &str) {
    let error = refusal(&with(members));
    assert_eq!(error.metadata["field"], field, "{members} → {}", error.message);
    assert!(error.message.starts_with(&format!("`{field}` ")), "{}", error.message);
}

#[test]
fn a_request_keeps_what_it_says() {
    let body = r#"{"model":"openai/gpt-4o:nitro","models":["a/b","c/d"],"stream":true,
        "temperature":0.5,"x_new":{"b":1,"a":[2]},"max_tokens":9,"max_completion_tokens":7,"n":2,
        "provider":{"order":["groq"],"sort":"price","max_price":{"prompt":1.5,"completion":"2"}},
        "user":"u","session_id":"s","usage":{"include":true},"stream_options":{"include_usage":true},
        "transforms":["middle-out"],"seed":null,"stop":["a"],"top_k":5,
        "messages":[{"role":"system","content":"Be\nbrief"},
        {"role":"user","name":"Ada","content":[{"type":"text","text":"What?"},
            {"type":"image_url","image_url":{"url":"https://x/y.png"}}]},
        {"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function",
            "function":{"name":"f","arguments":"{}"}}]},
        {"role":"tool","tool_call_id":"c","content":"ok"}]}"#;
    let request = decode(body.as_bytes()).unwrap();
    assert_eq!(request.model.as_deref(), Some("openai/gpt-4o:nitro"));
    assert_eq!(request.models, ["a/b", "c/d"]);
    assert!(request.stream);
    assert_eq!((request.max_tokens, request.n), (Some(7), Some(2)));
    assert_eq!(request.provider.order.as_deref(), Some(&["groq".to_owned()][..]));
    assert_eq!(request.user.as_deref(), Some("u"));
    assert_eq!(request.session_id.as_deref(), Some("s"));
    let kept: Vec<(&str, &str)> =
        request.parameters.iter().map(|(name, raw)| (name.as_str(), raw.get())).collect();
    let expected = [
        ("temperature", "0.5"),
        ("x_new", r#"{"b":1,"a":[2]}"#),
        ("stop", r#"["a"]"#),
        ("top_k", "5"),
    ];
    assert_eq!(kept, expected);
    let [system, user, assistant, tool] = &request.messages[..] else { panic!("four messages") };
    assert!(matches!(&system.content, Content::Text(text) if text == "Be\nbrief"));
    let Content::Parts(parts) = &user.content else { panic!("parts") };
    assert_eq!(parts[0].kind, PartKind::Text { bytes: 5 });
    assert_eq!(parts[1].kind, PartKind::Image);
    assert_eq!(parts[1].raw.get(), r#"{"type":"image_url","image_url":{"url":"https://x/y.png"}}"#);
    assert_eq!(user.other[0].0, "name");
    assert!(matches!(assistant.content, Content::None));
    assert_eq!((assistant.role, tool.role), (Role::Assistant, Role::Tool));
}

#[test]
fn numbers_out_of_range_are_refused_by_name() {
    for (members, field) in [
        (json!({"temperature": 2.1}), "temperature"),
        (json!({"temperature": "1"}), "temperature"),
        (json!({"temperature": -0.1}), "temperature"),
        (json!({"top_p": 1.5}), "top_p"),
        (json!({"top_k": -1}), "top_k"),
        (json!({"top_k": 1.5}), "top_k"),
        (json!({"min_p": 2}), "min_p"),
        (json!({"top_a": -1}), "top_a"),
        (json!({"frequency_penalty": 3}), "frequency_penalty"),
        (json!({"presence_penalty": -3}), "presence_penalty"),
        (json!({"repetition_penalty": 2.5}), "repetition_penalty"),
        (json!({"seed": 1.5}), "seed"),
        (json!({"max_tokens": 0}), "max_tokens"),
        (json!({"max_tokens": -1}), "max_tokens"),
        (json!({"max_tokens": 5_000_000_000_u64}), "max_tokens"),
        (json!({"max_completion_tokens": "9"}), "max_completion_tokens"),
        (json!({"n": 0}), "n"),
        (json!({"n": 129}), "n"),
        (json!({"logprobs": true, "top_logprobs": 21}), "top_logprobs"),
        (json!({"top_logprobs": 2}), "top_logprobs"),
        (json!({"logit_bias": {"50256": 101}}), "logit_bias.50256"),
        (json!({"max_tool_calls": 31}), "max_tool_calls"),
    ] {
        check_refused(&members, field);
    }
    let error = refusal(&with(&json!({"temperature": 3})));
    assert_eq!(error.message, "`temperature` must be a number from 0 to 2");
    let error = refusal(r#"{"messages":[{"role":"user","content":"x"}],"temperature":1e999}"#);
    assert_eq!(error.metadata["field"], "temperature");
}

#[test]
fn whole_numbers_may_be_written_as_floats() {
    let body = r#"{"model":"a/b","messages":[{"role":"user","content":"x"}],
        "max_tokens":1e2,"n":2.0,"top_k":40.0,"seed":-7.0}"#;
    let request = decode(body.as_bytes()).unwrap();
    assert_eq!((request.max_tokens, request.n), (Some(100), Some(2)));
    for number in ["1e19", "-1e19", "1e400", "0.1", "1e-400"] {
        let body = body.replace("1e2", number);
        assert_eq!(refusal(&body).metadata["field"], "max_tokens", "{number}");
    }
}

#[test]
fn wrong_shapes_are_refused_by_name() {
    for (members, field) in [
        (json!({"stream": "yes"}), "stream"),
        (json!({"stream": 1}), "stream"),
        (json!({"model": 5}), "model"),
        (json!({"model": " "}), "model"),
        (json!({"models": "a/b"}), "models"),
        (json!({"models": ["a/b", 1]}), "models[1]"),
        (json!({"stop": 1}), "stop"),
        (json!({"stop": ["a", "b", "c", "d", "e"]}), "stop"),
        (json!({"stop": [1]}), "stop"),
        (json!({"user": {}}), "user"),
        (json!({"session_id": "x".repeat(257)}), "session_id"),
        (json!({"logit_bias": []}), "logit_bias"),
        (json!({"metadata": {"a": 1}}), "metadata.a"),
        (json!({"modalities": ["smell"]}), "modalities[0]"),
        (json!({"prediction": {"type": "x"}}), "prediction.type"),
        (json!({"prediction": {"type": "content"}}), "prediction.content"),
        (json!({"verbosity": "loud"}), "verbosity"),
        (json!({"service_tier": "gold"}), "service_tier"),
        (json!({"route": "x"}), "route"),
        (json!({"plugins": {}}), "plugins"),
        (json!({"reasoning": "high"}), "reasoning"),
        (json!({"reasoning": {"effort": "huge"}}), "reasoning.effort"),
        (json!({"reasoning": {"max_tokens": -1}}), "reasoning.max_tokens"),
        (json!({"reasoning": {"exclude": 1}}), "reasoning.exclude"),
        (json!({"reasoning_effort": "huge"}), "reasoning_effort"),
        (json!({"reasoning_effort": "low", "reasoning": {"effort": "high"}}), "reasoning_effort"),
        (json!({"include_reasoning": "no"}), "include_reasoning"),
        (json!({"cache_control": {"type": "x"}}), "cache_control.type"),
        (json!({"response_format": "json"}), "response_format"),
        (json!({"response_format": {"type": "xml"}}), "response_format.type"),
        (json!({"response_format": {"type": "json_schema"}}), "response_format.json_schema"),
        (
            json!({"response_format": {"type": "json_schema", "json_schema": {"schema": {}}}}),
            "response_format.json_schema.name",
        ),
        (json!({"audio": {"voice": "alloy"}}), "audio.format"),
        (json!({"audio": {"voice": 1, "format": "wav"}}), "audio.voice"),
        (json!({"prediction": {"type": "content", "content": [{}]}}), "prediction.content"),
        (json!({"logit_bias": {"hello": 1}}), "logit_bias.hello"),
        (
            json!({"web_search_options": {"search_context_size": "all"}}),
            "web_search_options.search_context_size",
        ),
        (json!({"prompt_cache_options": {"mode": "implicit"}}), "prompt_cache_options.mode"),
        (json!({"image_config": {"size": {}}}), "image_config.size"),
        (json!({"debug": {"echo_upstream_body": 1}}), "debug.echo_upstream_body"),
        (json!({"trace": {"trace_id": 1}}), "trace.trace_id"),
        (json!({"usage": {"include": "yes"}}), "usage.include"),
        (json!({"stream_options": {"include_usage": 1}}), "stream_options.include_usage"),
        (json!({"transforms": ["inside-out"]}), "transforms[0]"),
        (json!({"plugins": [{"id": "web"}, {}]}), "plugins[1].id"),
        (json!({"stop_server_tools_when": [{"type": "moon"}]}), "stop_server_tools_when[0].type"),
        (
            json!({"stop_server_tools_when": [{"type": "step_count_is"}]}),
            "stop_server_tools_when[0].step_count",
        ),
        (json!({"deferred_tools": {"protocol": "v2"}}), "deferred_tools.protocol"),
        (
            json!({"response_format": {"type": "json_schema",
                "json_schema": {"name": "a", "schema": {"type": "thing"}}}}),
            "response_format.json_schema.schema.type",
        ),
        (
            json!({"tools": [{"type": "function", "function": {"name": "f",
                "parameters": {"type": "object", "properties": {"a": {"type": "text"}}}}}]}),
            "tools[0].function.parameters.properties.a.type",
        ),
        (json!({"tools": {}}), "tools"),
        (json!({"tools": ["f"]}), "tools[0]"),
        (json!({"tools": [{}]}), "tools[0].type"),
        (json!({"tools": [{"type": "function"}]}), "tools[0].function"),
        (json!({"tools": [{"type": "function", "function": {}}]}), "tools[0].function.name"),
        (
            json!({"tools": [{"type": "function", "function": {"name": "f", "parameters": 1}}]}),
            "tools[0].function.parameters",
        ),
        (json!({"tool_choice": "required"}), "tool_choice"),
        (json!({"tool_choice": "maybe"}), "tool_choice"),
        (json!({"tool_choice": {"type": "function"}}), "tool_choice.function"),
        (json!({"prompt": "x"}), "prompt"),
    ] {
        check_refused(&members, field);
    }
}

#[test]
fn contradictions_are_refused_by_name() {
    let tool = |name: &str| json!({"type": "function", "function": {"name": name}});
    let choice = |name: &str| json!({"type": "function", "function": {"name": name}});
    for (members, field) in [
        (json!({"reasoning": {"effort": "low", "max_tokens": 9}}), "reasoning.max_tokens"),
        (
            json!({"reasoning_effort": "low", "reasoning": {"max_tokens": 9}}),
            "reasoning.max_tokens",
        ),
        (json!({"tools": [tool("a"), tool("b"), tool("a")]}), "tools[2].function.name"),
        (json!({"tools": [tool("a")], "tool_choice": choice("b")}), "tool_choice.function.name"),
        (json!({"tool_choice": choice("b")}), "tool_choice"),
        (json!({"tools": [], "tool_choice": "required"}), "tool_choice"),
    ] {
        check_refused(&members, field);
    }
    let fine = json!({
        "tools": [tool("a"), {"type": "openrouter:web_search"}, {"type": "web_search", "function": 5}],
        "tool_choice": choice("a"),
        "reasoning_effort": "low",
        "reasoning": {"effort": "low", "exclude": true},
    });
    let request = decode(with(&fine).as_bytes()).unwrap();
    assert!(request.parameter("tools").is_some());
}

#[test]
fn media_are_refused_by_path() {
    let part = |kind: &str, source: Value| {
        let mut part = json!({"type": kind});
        part[kind] = source;
        json!([{"role": "user", "content": [{"type": "text", "text": "x"}, part]}])
    };
    for (messages, field, error_type) in [
        (part("image_url", json!({"url": "u"})), "image_url.url", ErrorType::InvalidRequest),
        (
            part("image_url", json!({"url": "data:image/png;base64,SGVsbG8h"})),
            "image_url.url",
            ErrorType::InvalidImage,
        ),
        (
            part("image_url", json!({"url": "data:image/bmp;base64,Qk1mAAAA"})),
            "image_url.url",
            ErrorType::UnsupportedImageFormat,
        ),
        (
            part("image_url", json!({"url": "https://x/y", "detail": "huge"})),
            "image_url.detail",
            ErrorType::InvalidRequest,
        ),
        (
            part("input_audio", json!({"data": "!", "format": "wav"})),
            "input_audio.data",
            ErrorType::InvalidRequest,
        ),
        (
            part("input_audio", json!({"data": "UklGRg==", "format": "midi"})),
            "input_audio.format",
            ErrorType::InvalidRequest,
        ),
        (
            part("video_url", json!({"url": "/tmp/film.mp4"})),
            "video_url.url",
            ErrorType::InvalidRequest,
        ),
        (
            part("file", json!({"file_data": "JVBERi0="})),
            "file.file_data",
            ErrorType::InvalidRequest,
        ),
        (
            part("file", json!({"file_data": "https://x/y.pdf", "file_id": "f"})),
            "file.file_id",
            ErrorType::InvalidRequest,
        ),
    ] {
        let error = decode(with(&json!({"messages": messages})).as_bytes()).expect_err(field);
        assert_eq!(error.metadata["field"], format!("messages[0].content[1].{field}"));
        assert_eq!((error.status, error.error_type), (400, error_type), "{}", error.message);
    }
}

#[test]
fn provider_preferences_are_refused_by_name() {
    for (preferences, field) in [
        (json!("groq"), "provider"),
        (json!(["groq"]), "provider"),
        (json!([]), "provider"),
        (json!({"enforce_distillable_text": true}), "provider.enforce_distillable_text"),
        (json!({"enforce_distillable_text": 1}), "provider.enforce_distillable_text"),
        (json!({"order": "groq"}), "provider.order"),
        (json!({"only": [1]}), "provider.only[0]"),
        (json!({"allow_fallbacks": "no"}), "provider.allow_fallbacks"),
        (json!({"data_collection": "maybe"}), "provider.data_collection"),
        (json!({"sort": "beauty"}), "provider.sort"),
        (json!({"quantizations": ["fp7"]}), "provider.quantizations[0]"),
        (json!({"max_price": {"prompt": "cheap"}}), "provider.max_price.prompt"),
        (json!({"max_price": {"prompt": -1}}), "provider.max_price.prompt"),
        (json!({"max_price": {"tokens": 1}}), "provider.max_price.tokens"),
        (json!({"options": []}), "provider.options"),
        (json!({"options": {"groq": 1}}), "provider.options.groq"),
    ] {
        check_refused(&json!({"provider": preferences}), field);
    }
    let error = refusal(&with(&json!({"provider": {"only": [1]}})));
    assert_eq!(error.message, "`provider.only[0]` must be a provider slug, such as `openai`");
    let request = decode(with(&json!({"provider": null})).as_bytes()).unwrap();
    assert_eq!(request.provider, domain::routing::ProviderPreferences::default());
}

#[test]
fn messages_are_refused_by_path() {
    for (messages, field) in [
        (json!("Hi"), "messages"),
        (json!({}), "messages"),
        (json!([]), "messages"),
        (json!(null), "messages"),
        (json!(["Hi"]), "messages[0]"),
        (json!([{"content": "x"}]), "messages[0].role"),
        (json!([{"role": "robot", "content": "x"}]), "messages[0].role"),
        (json!([{"role": 1, "content": "x"}]), "messages[0].role"),
        (json!([{"role": "user"}]), "messages[0].content"),
        (json!([{"role": "user", "content": null}]), "messages[0].content"),
        (json!([{"role": "user", "content": 5}]), "messages[0].content"),
        (json!([{"role": "user", "content": []}]), "messages[0].content"),
        (json!([{"role": "user", "content": ["x"]}]), "messages[0].content[0]"),
        (json!([{"role": "user", "content": [{"text": "x"}]}]), "messages[0].content[0].type"),
        (json!([{"role": "user", "content": [{"type": "text"}]}]), "messages[0].content[0].text"),
        (
            json!([{"role": "user", "content": [{"type": "image_url", "image_url": "u"}]}]),
            "messages[0].content[0].image_url",
        ),
        (
            json!([{"role": "user", "content": [{"type": "input_audio", "input_audio":
                {"data": "UklGRg=="}}]}]),
            "messages[0].content[0].input_audio.format",
        ),
        (
            json!([{"role": "user", "content": [{"type": "file", "file": {}}]}]),
            "messages[0].content[0].file",
        ),
        (
            json!([{"role": "system", "content": [{"type": "image_url",
                "image_url": {"url": "https://x/y.png"}}]}]),
            "messages[0].content[0].type",
        ),
        (json!([{"role": "user", "content": "x", "name": 1}]), "messages[0].name"),
        (json!([{"role": "assistant"}]), "messages[0].content"),
        (
            json!([{"role": "assistant", "content": "x", "reasoning_details": [{}]}]),
            "messages[0].reasoning_details[0].type",
        ),
        (
            json!([{"role": "user", "content": [{"type": "text", "text": "x",
                "cache_control": {"type": "eternal"}}]}]),
            "messages[0].content[0].cache_control.type",
        ),
        (json!([{"role": "tool", "content": "x"}]), "messages[0].tool_call_id"),
        (
            json!([{"role": "user", "content": "x"}, {"role": "assistant", "tool_calls": [{}]}]),
            "messages[1].tool_calls[0].id",
        ),
        (
            json!([{"role": "assistant", "tool_calls": [{"id": "a", "type": "function",
                "function": {"name": "f", "arguments": {}}}]}]),
            "messages[0].tool_calls[0].function.arguments",
        ),
    ] {
        check_refused(&json!({"messages": messages}), field);
    }
}

#[test]
fn what_is_not_json_is_refused_with_its_place() {
    for (body, line, column) in [
        ("", 1, 0),
        ("{", 1, 1),
        ("{\"model\": \"a/b\",\n  \"messages\": [}", 2, 16),
        ("{\"messages\":[{\"role\":\"user\",\"content\":\"\u{1}\"}]}", 1, 40),
    ] {
        let error = refusal(body);
        assert!(error.message.starts_with("the body is not valid JSON"), "{}", error.message);
        assert_eq!(
            (&error.metadata["line"], &error.metadata["column"]),
            (&json!(line), &json!(column))
        );
    }
    assert!(decode(b"{\"model\":\"\xFF\"}").is_err());
    for body in ["[]", "5", "null", "\"x\""] {
        assert!(refusal(body).message.contains("must be a JSON object"), "{body}");
    }
    let trailing = format!("{} x", with(&json!({})));
    assert!(refusal(&trailing).message.contains("not valid JSON"));
    assert_eq!(refusal("{}").metadata["field"], "messages");
}

#[test]
fn repetition_and_depth_are_bounded() {
    let twice = r#"{"temperature":1,"temperature":1,"messages":[{"role":"user","content":"x"}]}"#;
    assert_eq!(refusal(twice).message, "`temperature` is given twice: keep one of them");
    let twice = r#"{"messages":[{"role":"user","content":"x","role":"user"}]}"#;
    assert_eq!(refusal(twice).metadata["field"], "messages[0].role");
    let many: Value =
        (0..200).map(|n| (format!("x{n}"), json!(n))).collect::<serde_json::Map<_, _>>().into();
    assert!(refusal(&with(&many)).message.contains("more than 128 members"));
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for name in ["x_new", "tools", "response_format", "messages", "provider", "stop"] {
        let body = format!(
            "{{\"{name}\":{deep},\"m\":1{}}}",
            if name == "messages" {
                ""
            } else {
                ",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]"
            }
        );
        // Unknown members may be anything; what is looked into is refused.
        assert_eq!(decode(body.as_bytes()).is_ok(), name == "x_new", "{name}");
    }
}

#[test]
fn older_spellings_are_understood() {
    let request = decode(br#"{"prompt":"Hi"}"#).unwrap();
    assert!(matches!(&request.messages[0].content, Content::Text(text) if text == "Hi"));
    let request = decode(with(&json!({"include_reasoning": false})).as_bytes()).unwrap();
    assert!(request.excludes_reasoning());
    let both = json!({"reasoning": { "effort": "low" }, "include_reasoning": false});
    let request = decode(with(&both).as_bytes()).unwrap();
    assert!(request.excludes_reasoning());
    assert!(request.parameter("reasoning").unwrap().get().contains("\"effort\":\"low\""));
    let request = decode(with(&json!({"include_reasoning": true})).as_bytes()).unwrap();
    assert!(!request.excludes_reasoning());
    let request = decode(with(&json!({"tools": [], "tool_choice": "auto"})).as_bytes()).unwrap();
    assert!(request.parameters.is_empty());
}

fn envelope() -> Envelope {
    Envelope {
        id: "gen-1700000000-abc".into(),
        created: 1_700_000_000,
        model: "openai/gpt-4o".into(),
        provider: "OpenAI".into(),
    }
}

fn summary() -> Summary {
    Summary {
        metadata: Some(raw(&json!({"attempt": 1})).into()),
        usage: Usage {
            prompt: 10,
            cache_read: 5,
            cache_write_5m: 1,
            completion: 7,
            reasoning: 3,
            requests: 1,
            ..Usage::default()
        },
        cost: Usd::from_nanos(1_234_567),
        upstream_prompt_cost: Usd::from_nanos(1_000_000),
        upstream_completion_cost: Usd::from_nanos(100_000),
    }
}

fn raw(value: &Value) -> Box<RawValue> {
    serde_json::value::to_raw_value(value).unwrap()
}

fn delta(choice: u32, delta: Delta) -> ChatEvent {
    ChatEvent::Delta { choice, delta }
}

fn call(id: Option<&str>, name: Option<&str>, arguments: &str) -> Delta {
    let (id, name) = (id.map(Into::into), name.map(Into::into));
    Delta::ToolCall(ToolCallDelta { index: 0, id, name, arguments: arguments.into() })
}

fn events() -> Vec<ChatEvent> {
    vec![
        ChatEvent::Started {
            upstream_id: Some("x".into()),
            upstream_model: None,
            system_fingerprint: Some("fp_1".into()),
            service_tier: Some("default".into()),
        },
        delta(0, Delta::Reasoning("Hmm".into())),
        delta(
            0,
            Delta::ReasoningDetails(raw(
                &json!([{"type": "reasoning.text", "text": "Hmm", "index": 0}]),
            )),
        ),
        delta(0, Delta::Content("He said \"hi\"\n".into())),
        delta(1, Delta::Content("Other".into())),
        delta(0, Delta::Logprobs(raw(&json!({"content": []})))),
        delta(0, call(Some("call_1"), Some("f"), "")),
        delta(0, call(None, None, "{\"a\":1}")),
        delta(0, Delta::Other { name: "annotations".into(), value: raw(&json!([{"type": "x"}])) }),
        ChatEvent::Finished {
            choice: 0,
            reason: FinishReason::ToolCalls,
            native_reason: Some("tool_use".into()),
            stop_sequence: None,
        },
        ChatEvent::Usage(Usage::default()),
    ]
}

fn encoded(stream: bool, end: fn(&mut dyn crate::dialects::Encoder, &mut BytesMut)) -> String {
    let mut encoder = encoder(envelope(), stream);
    let mut out = BytesMut::new();
    encoder.keep_alive(&mut out);
    for event in events() {
        encoder.push(&event, &mut out);
    }
    end(&mut *encoder, &mut out);
    String::from_utf8(out.to_vec()).unwrap()
}

fn finish(encoder: &mut dyn crate::dialects::Encoder, out: &mut BytesMut) {
    let last = ChatEvent::Finished {
        choice: 1,
        reason: FinishReason::Stop,
        native_reason: None,
        stop_sequence: None,
    };
    encoder.push(&last, out);
    encoder.finish(&summary(), out);
}

fn fail(encoder: &mut dyn crate::dialects::Encoder, out: &mut BytesMut) {
    let error = PublicError::new(ErrorType::ProviderUnavailable, "the provider went away")
        .with_metadata("provider_name", "OpenAI");
    encoder.fail(&error, &summary(), out);
}

/// Every data line is JSON, and usage stands once, before the terminator.
fn check_stream(text: &str) {
    let data: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
    let (last, chunks) = data.split_last().unwrap();
    assert_eq!(*last, "[DONE]");
    let chunks: Vec<Value> =
        chunks.iter().map(|data| serde_json::from_str(data).unwrap()).collect();
    let with_usage = chunks.iter().filter(|chunk| chunk.get("usage").is_some()).count();
    assert_eq!(with_usage, 1);
    let last = chunks.last().unwrap();
    assert_eq!(last["choices"], json!([]));
    assert!(text.contains("\"cost\":0.001234567,"), "{text}");
}

#[test]
fn a_stream_is_written_as_openrouter_writes_it() {
    let text = encoded(true, finish);
    check_stream(&text);
    insta::assert_snapshot!(text);
}

#[test]
fn a_broken_stream_says_so_and_ends() {
    let text = encoded(true, fail);
    check_stream(&text);
    insta::assert_snapshot!(text.rsplit("\n\n").take(4).collect::<Vec<_>>().join("\n"));
}

#[test]
fn a_whole_answer_is_written_as_openrouter_writes_it() {
    let text = encoded(false, finish);
    serde_json::from_str::<Value>(&text).unwrap();
    insta::assert_snapshot!(text);
}

#[test]
fn a_broken_answer_keeps_what_was_said() {
    let value: Value = serde_json::from_str(&encoded(false, fail)).unwrap();
    assert_eq!(value["choices"][0]["finish_reason"], "tool_calls");
    assert_eq!(value["choices"][1]["finish_reason"], "error");
    assert_eq!(value["choices"][1]["message"]["content"], "Other");
    assert_eq!(value["choices"][1]["error"]["code"], 502);

    let mut encoder = encoder(envelope(), false);
    let mut out = BytesMut::new();
    fail(&mut *encoder, &mut out);
    let value: Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(value["choices"][0]["error"]["metadata"]["error_type"], "provider_unavailable");
}

proptest! {
    #[test]
    fn no_bytes_panic(body: Vec<u8>) {
        let _ = decode(&body);
    }

    #[test]
    fn no_json_panics(value in json_value()) {
        for name in ["messages", "tools", "provider", "reasoning", "stop", "response_format",
            "tool_choice", "logit_bias", "max_tokens", "models", "prediction"] {
            let _ = decode(with(&json!({name: value.clone()})).as_bytes());
        }
        let _ = decode(with(&json!({"messages": [{"role": "user", "content": [value.clone()]}]})).as_bytes());
        let _ = decode(value.to_string().as_bytes());
    }

    #[test]
    fn any_cut_of_a_request_is_refused(end in 0_usize..400) {
        let body = with(&json!({"tools": [], "provider": {"sort": "price"}, "stop": ["x"]}));
        if end < body.len() && body.is_char_boundary(end) {
            prop_assert!(decode(&body.as_bytes()[..end]).is_err());
        }
    }
}

/// JSON that resembles what requests are made of.
fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-z]{0,6}".prop_map(Value::from),
        prop_oneof![Just("text"), Just("function"), Just("json_schema"), Just("image_url")]
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let name = prop_oneof![
            Just("type".to_owned()),
            Just("role".to_owned()),
            Just("content".to_owned()),
            Just("function".to_owned()),
            Just("text".to_owned()),
            Just("image_url".to_owned()),
            Just("json_schema".to_owned()),
            "[a-z]{1,4}",
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(name, inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}
