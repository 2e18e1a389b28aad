use serde_json::{Value, json};

use super::with;
use crate::dialects::Dialect;
use crate::dialects::messages::decode;

fn check(members: &Value, field: &str, says: &str) {
    let error = decode(&with(members)).expect_err(&members.to_string());
    assert_eq!(error.status, 400, "{members}");
    assert_eq!(error.metadata["field"], field, "{members}: {}", error.message);
    assert!(error.message.contains(says), "{members}: {}", error.message);
    let json = error.to_json(Dialect::Messages, None);
    assert_eq!(json["type"], "error");
    assert_eq!(json["error"]["type"], "invalid_request_error");
}

fn check_block(role: &str, block: &Value, field: &str, says: &str) {
    let messages = json!([{"role": "user", "content": "x"}, {"role": role, "content": [block]}]);
    let field = format!("messages[1].content[0]{field}");
    check(&json!({"messages": messages}), &field, says);
}

#[test]
fn each_member_has_its_type_and_range() {
    for (members, field, says) in [
        (json!({"model": 7}), "model", "text"),
        (json!({"max_tokens": null}), "max_tokens", "missing"),
        (json!({"max_tokens": 0}), "max_tokens", "from 1"),
        (json!({"max_tokens": "many"}), "max_tokens", "whole number"),
        (json!({"temperature": 1.5}), "temperature", "from 0 to 1"),
        (json!({"top_p": -1}), "top_p", "from 0 to 1"),
        (json!({"top_k": 0.5}), "top_k", "whole number"),
        (json!({"stream": "yes"}), "stream", "true"),
        (json!({"stop_sequences": "x"}), "stop_sequences", "list"),
        (json!({"stop_sequences": [" "]}), "stop_sequences[0]", "blanks"),
        (json!({"metadata": {"user_id": 1}}), "metadata.user_id", "text"),
        (json!({"service_tier": "gold"}), "service_tier", "must be"),
        (json!({"speed": "warp"}), "speed", "fast"),
        (json!({"user": "u".repeat(257)}), "user", "256"),
        (json!({"cache_control": {"type": "eternal"}}), "cache_control.type", "ephemeral"),
        (json!({"cache_control": {"type": "ephemeral", "ttl": "1d"}}), "cache_control.ttl", "1h"),
        (
            json!({"fallbacks": [{"model": "a"}, {"model": "a"}, {"model": "a"}, {"model": "a"}]}),
            "fallbacks",
            "at most 3",
        ),
        (json!({"fallbacks": [{"model": "a", "x": 1}]}), "fallbacks[0]", "nothing else"),
        (json!({"fallbacks": [{"model": "a"}], "models": ["b"]}), "fallbacks", "left out"),
        (json!({"provider": {"sort": "luck"}}), "provider.sort", "price"),
        (json!({"provider": {"options": 7}}), "provider.options", "object"),
        (json!({"provider": {"options": {"x": 7}}}), "provider.options.x", "object"),
        (json!({"context_management": []}), "context_management", "object"),
    ] {
        check(&members, field, says);
    }
}

#[test]
fn thinking_and_formats_must_make_sense() {
    for (members, field, says) in [
        (json!({"thinking": true}), "thinking", "object"),
        (json!({"thinking": {"type": "deep"}}), "thinking.type", "enabled"),
        (json!({"thinking": {"type": "enabled"}}), "thinking.budget_tokens", "missing"),
        (
            json!({"thinking": {"type": "enabled", "budget_tokens": 1023}}),
            "thinking.budget_tokens",
            "1024",
        ),
        (
            json!({"thinking": {"type": "enabled", "budget_tokens": 1024}}),
            "thinking.budget_tokens",
            "less than `max_tokens`",
        ),
        (
            json!({"thinking": {"type": "adaptive", "display": "loud"}}),
            "thinking.display",
            "omitted",
        ),
        (json!({"output_config": {"effort": "none"}}), "output_config.effort", "low"),
        (
            json!({"output_config": {"format": {"type": "xml"}}}),
            "output_config.format.type",
            "json_schema",
        ),
        (
            json!({"output_format": {"type": "json_schema", "schema": []}}),
            "output_format.schema",
            "object",
        ),
        (
            json!({"output_format": {"type": "json_schema", "schema": {"type": "text"}}}),
            "output_format.schema.type",
            "string",
        ),
        (
            json!({"output_format": {"type": "json_schema", "schema": {}},
            "output_config": {"format": {"type": "json_schema", "schema": {}}}}),
            "output_format",
            "left out",
        ),
    ] {
        check(&members, field, says);
    }
}

#[test]
fn tools_and_choices_must_fit() {
    let tool = json!({"name": "f", "input_schema": {"type": "object"}});
    for (members, field, says) in [
        (json!({"tools": {}}), "tools", "list"),
        (json!({"tools": [1]}), "tools[0]", "object"),
        (json!({"tools": [{"input_schema": {}}]}), "tools[0].name", "missing"),
        (json!({"tools": [{"name": "", "input_schema": {}}]}), "tools[0].name", "1 to 256"),
        (json!({"tools": [{"name": "f"}]}), "tools[0].input_schema", "missing"),
        (
            json!({"tools": [{"name": "f", "input_schema": "x"}]}),
            "tools[0].input_schema",
            "JSON Schema",
        ),
        (
            json!({"tools": [{"name": "f", "input_schema": {"type": "array"}}]}),
            "tools[0].input_schema.type",
            "object",
        ),
        (
            json!({"tools": [{"name": "f", "input_schema": {"properties": {"a": 7}}}]}),
            "tools[0].input_schema.properties.a",
            "JSON Schema",
        ),
        (
            json!({"tools": [{"name": "f", "input_schema": {}, "strict": 1}]}),
            "tools[0].strict",
            "true",
        ),
        (json!({"tools": [tool, tool]}), "tools[1].name", "earlier"),
        (json!({"tool_choice": {"type": "any"}}), "tool_choice", "`tools` has none"),
        (
            json!({"tools": [], "tool_choice": {"type": "tool", "name": "f"}}),
            "tool_choice",
            "`tools` has none",
        ),
        (
            json!({"tools": [tool], "tool_choice": {"type": "tool", "name": "g"}}),
            "tool_choice.name",
            "one of `tools`",
        ),
        (json!({"tools": [tool], "tool_choice": {"type": "required"}}), "tool_choice.type", "any"),
        (json!({"tools": [tool], "tool_choice": "auto"}), "tool_choice", "object"),
    ] {
        check(&members, field, says);
    }
}

#[test]
fn messages_must_have_a_known_role_and_content() {
    for (messages, field, says) in [
        (Value::Null, "messages", "missing"),
        (json!([]), "messages", "at least one"),
        (json!("Hello"), "messages", "list"),
        (json!(["Hello"]), "messages[0]", "role"),
        (json!([{"content": "x"}]), "messages[0].role", "missing"),
        (json!([{"role": "tool", "content": "x"}]), "messages[0].role", "assistant"),
        (json!([{"role": "user"}]), "messages[0].content", "missing"),
        (json!([{"role": "user", "content": 1}]), "messages[0].content", "blocks"),
        (json!([{"role": "user", "content": []}]), "messages[0].content", "at least one"),
        (json!([{"role": "user", "content": ["x"]}]), "messages[0].content[0]", "object"),
        (
            json!([{"role": "system", "content": [{"type": "image"}]}]),
            "messages[0].content[0].type",
            "text",
        ),
    ] {
        check(&json!({"messages": messages}), field, says);
    }
    check(&json!({"system": [{"type": "image"}]}), "system[0].type", "text");
    check(&json!({"system": []}), "system", "at least one");
}

#[test]
fn blocks_must_hold_what_their_type_says() {
    let image = |source: Value| json!({"type": "image", "source": source});
    let document = |source: Value| json!({"type": "document", "source": source});
    for (block, field, says) in [
        (json!({"text": "x"}), ".type", "missing"),
        (json!({"type": "text"}), ".text", "missing"),
        (json!({"type": "text", "text": "x", "cache_control": 1}), ".cache_control", "object"),
        (json!({"type": "image"}), ".source", "missing"),
        (image(json!({"type": "disk"})), ".source.type", "base64"),
        (
            image(json!({"type": "base64", "media_type": "image/tiff", "data": "AAAA"})),
            ".source.media_type",
            "image/png",
        ),
        (
            image(json!({"type": "base64", "media_type": "image/png", "data": "!"})),
            ".source.data",
            "base64",
        ),
        (
            image(json!({"type": "base64", "media_type": "image/png", "data": "AAAA"})),
            ".source.data",
            "image",
        ),
        (image(json!({"type": "url", "url": "ftp://x"})), ".source.url", "http"),
        (
            document(json!({"type": "base64", "media_type": "text/html", "data": "AAAA"})),
            ".source.media_type",
            "application/pdf",
        ),
        (document(json!({"type": "content"})), ".source.content", "missing"),
        (document(json!({"type": "tape"})), ".source.type", "base64"),
        (json!({"type": "tool_result", "content": "x"}), ".tool_use_id", "missing"),
        (json!({"type": "tool_result", "tool_use_id": ""}), ".tool_use_id", "1 to 512"),
        (json!({"type": "tool_result", "tool_use_id": "t", "is_error": "no"}), ".is_error", "true"),
        (
            json!({"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text"}]}),
            ".content[0].text",
            "missing",
        ),
        (json!({"type": "tool_use", "id": "t", "name": "f", "input": {}}), ".type", "user"),
        (json!({"type": "search_result", "title": "t", "source": "s"}), ".content", "missing"),
    ] {
        check_block("user", &block, field, says);
    }
    for (block, field, says) in [
        (json!({"type": "tool_use", "name": "f", "input": {}}), ".id", "missing"),
        (json!({"type": "tool_use", "id": "t", "input": {}}), ".name", "missing"),
        (json!({"type": "tool_use", "id": "t", "name": "f", "input": [1]}), ".input", "object"),
        (json!({"type": "thinking", "signature": "s"}), ".thinking", "missing"),
        (json!({"type": "thinking", "thinking": "t", "signature": 1}), ".signature", "text"),
        (
            json!({"type": "thinking", "thinking": "t", "signature": "ep1.@"}),
            ".signature",
            "damaged",
        ),
        (json!({"type": "redacted_thinking"}), ".data", "missing"),
        (json!({"type": "redacted_thinking", "data": "ep1.AAAA"}), ".data", "damaged"),
    ] {
        check_block("assistant", &block, field, says);
    }
}

#[test]
fn a_body_must_be_one_object() {
    for (body, says) in [
        ("[]", "JSON object"),
        ("{", "not valid JSON"),
        ("", "not valid JSON"),
        ("{}x", "not valid"),
    ] {
        let error = decode(body.as_bytes()).unwrap_err();
        assert!(error.message.contains(says), "{body}: {}", error.message);
    }
    let twice = br#"{"model": "a", "model": "b"}"#;
    assert_eq!(decode(twice).unwrap_err().metadata["field"], "model");
}
