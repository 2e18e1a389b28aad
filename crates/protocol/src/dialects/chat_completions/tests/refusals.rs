use serde_json::{Value, json};

use super::{check_refused, decode, refusal, with};
use crate::error::ErrorType;

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
    ] {
        check_refused(&members, field);
    }
}

#[test]
fn wrong_formats_and_tools_are_refused_by_name() {
    for (members, field) in [
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
