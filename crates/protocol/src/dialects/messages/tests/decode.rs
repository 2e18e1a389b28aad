use proptest::prelude::*;
use serde_json::{Value, json};

use super::{conversation, decoded, native, parameter, with};
use crate::chat::reasoning::Reasoning;
use crate::chat::request::PartKind;
use crate::chat::view::{FunctionTool, ResponseFormat, Tool, ToolChoice};
use crate::dialects::Dialect;
use crate::dialects::messages::{Betas, decode, decode_count, decode_with};

/// The smallest PNG there is.
const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

#[test]
fn a_plain_request_is_read() {
    let request = decoded(&json!({
        "system": "Be brief.", "temperature": 0.5, "top_p": 0.9, "top_k": 40,
        "stop_sequences": ["\n\nHuman:", "END"], "stream": true,
        "metadata": {"user_id": "u-1"}, "service_tier": "standard_only",
    }));
    assert_eq!(request.model.as_deref(), Some("a/b"));
    assert_eq!((request.max_tokens, request.stream), (Some(1024), true));
    assert_eq!(request.user.as_deref(), Some("u-1"));
    assert_eq!(
        conversation(&request),
        json!([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"}])
    );
    assert_eq!(parameter(&request, "temperature"), 0.5);
    assert_eq!(parameter(&request, "top_k"), 40);
    assert_eq!(request.stop_sequences(), ["\n\nHuman:", "END"]);
    assert_eq!(parameter(&request, "service_tier"), "default");
}

#[test]
fn content_of_every_kind_becomes_parts() {
    let mark = json!({"type": "ephemeral", "ttl": "1h"});
    let pdf = "JVBERi0xLjQK";
    let request = decoded(&json!({"messages": [{"role": "user", "content": [
        {"type": "text", "text": "See:", "cache_control": mark},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
        {"type": "image", "source": {"type": "url", "url": "https://x.example/a.png"}, "cache_control": mark},
        {"type": "document", "title": "paper.pdf", "context": "A paper.", "cache_control": mark,
         "source": {"type": "base64", "media_type": "application/pdf", "data": pdf}},
        {"type": "document", "source": {"type": "url", "url": "https://x.example/b.pdf"}},
        {"type": "document", "source": {"type": "file", "file_id": "file_1"}},
        {"type": "document", "title": "Notes", "source":
            {"type": "text", "media_type": "text/plain", "data": "Grass is green."}},
        {"type": "document", "source": {"type": "content", "content": [
            {"type": "text", "text": "First."}, {"type": "text", "text": "Second."}]}},
        {"type": "search_result", "source": "https://x.example", "title": "T",
         "content": [{"type": "text", "text": "Found."}]},
    ]}]}));
    assert_eq!(
        conversation(&request)[0]["content"],
        json!([
            {"type": "text", "text": "See:", "cache_control": mark},
            {"type": "image_url", "image_url": {"url": format!("data:image/png;base64,{PNG}")}},
            {"type": "image_url", "image_url": {"url": "https://x.example/a.png"}, "cache_control": mark},
            {"type": "text", "text": "A paper."},
            {"type": "file", "cache_control": mark, "file": {"filename": "paper.pdf",
                "file_data": format!("data:application/pdf;base64,{pdf}")}},
            {"type": "file", "file": {"file_data": "https://x.example/b.pdf"}},
            {"type": "file", "file": {"file_id": "file_1"}},
            {"type": "text", "text": "Notes\n\nGrass is green."},
            {"type": "text", "text": "First."},
            {"type": "text", "text": "Second."},
            {"type": "text", "text": "T\n\nhttps://x.example\n\nFound."},
        ])
    );
    let crate::chat::request::Content::Parts(parts) = &request.messages[0].content else {
        panic!()
    };
    assert_eq!(parts[1].kind, PartKind::Image);
    assert_eq!(parts[4].kind, PartKind::File);
    assert_eq!(parts[0].kind, PartKind::Text { bytes: 4 });
}

#[test]
fn an_image_is_of_the_type_that_its_data_says() {
    let source = json!({"type": "base64", "media_type": "image/jpeg", "data": PNG});
    let content = json!([{"type": "text", "text": "x"}, {"type": "image", "source": source}]);
    let request = decoded(&json!({"messages": [{"role": "user", "content": content}]}));
    let url = &conversation(&request)[0]["content"][1]["image_url"]["url"];
    assert!(url.as_str().unwrap().starts_with("data:image/png;"), "{url}");
}

#[test]
fn results_of_tools_come_before_the_rest_of_what_the_user_says() {
    let mark = json!({"type": "ephemeral"});
    let request = decoded(&json!({"messages": [
        {"role": "user", "content": "Weather?"},
        {"role": "assistant", "content": [
            {"type": "text", "text": "I look."},
            {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {"city": "Paris"}},
            {"type": "tool_use", "id": "toolu_2", "name": "now", "input": {}}]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "toolu_1", "content": "15 degrees", "cache_control": mark},
            {"type": "text", "text": "And?"},
            {"type": "tool_result", "tool_use_id": "toolu_2", "is_error": true, "content": [
                {"type": "text", "text": "no clock"},
                {"type": "image", "source": {"type": "url", "url": "https://x.example/a.png"}}]},
            {"type": "tool_result", "tool_use_id": "toolu_3"}]},
    ]}));
    assert_eq!(
        conversation(&request),
        json!([
            {"role": "user", "content": "Weather?"},
            {"role": "assistant", "content": "I look.", "tool_calls": [
                {"id": "toolu_1", "type": "function",
                 "function": {"name": "get_weather", "arguments": "{\"city\":\"Paris\"}"}},
                {"id": "toolu_2", "type": "function", "function": {"name": "now", "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": "toolu_1",
             "content": [{"type": "text", "text": "15 degrees", "cache_control": mark}]},
            {"role": "tool", "tool_call_id": "toolu_2", "is_error": true, "content": [
                {"type": "text", "text": "no clock"},
                {"type": "image_url", "image_url": {"url": "https://x.example/a.png"}}]},
            {"role": "tool", "tool_call_id": "toolu_3", "content": ""},
            {"role": "user", "content": "And?"},
        ])
    );
}

#[test]
fn tools_and_every_choice_among_them_are_read() {
    let tools = json!([
        {"name": "get_weather", "description": "Tells it.", "strict": true,
         "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
         "cache_control": {"type": "ephemeral"}},
        {"type": "custom", "name": "now", "input_schema": {"type": "object"}, "defer_loading": true},
        {"type": "web_search_20250305", "name": "web_search", "max_uses": 5},
    ]);
    for (choice, expected, parallel) in [
        (json!({"type": "auto"}), ToolChoice::Auto, Value::Null),
        (
            json!({"type": "any", "disable_parallel_tool_use": true}),
            ToolChoice::Required,
            json!(false),
        ),
        (json!({"type": "tool", "name": "now"}), ToolChoice::Function("now".into()), Value::Null),
        (json!({"type": "none"}), ToolChoice::None, Value::Null),
    ] {
        let request = decoded(&json!({"tools": tools, "tool_choice": choice}));
        assert_eq!(request.tool_choice(), Some(expected), "{choice}");
        assert_eq!(parameter(&request, "parallel_tool_calls"), parallel, "{choice}");
        let read = request.tools();
        let [Tool::Function(first), Tool::Function(FunctionTool { name, .. })] = &read[..] else {
            panic!("{read:?}")
        };
        assert_eq!((&*first.name, first.strict, &**name), ("get_weather", Some(true), "now"));
        assert!(first.cache_mark.is_some() && first.parameters.is_some());
        let left_out = &request.native.as_ref().unwrap().unconverted;
        assert_eq!(left_out, &["tools.defer_loading", "tools.web_search_20250305"]);
        assert_eq!(native(&request, "tools"), tools);
    }
    let only_anthropics = decoded(&json!({
        "tools": [{"type": "web_search_20250305", "name": "web_search"}],
        "tool_choice": {"type": "tool", "name": "web_search"},
    }));
    assert_eq!(parameter(&only_anthropics, "tools"), Value::Null);
    assert_eq!(parameter(&only_anthropics, "tool_choice"), Value::Null);
}

#[test]
fn thinking_and_effort_become_reasoning() {
    for (members, expected) in [
        (
            json!({"thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 2048}),
            json!({"max_tokens": 1024}),
        ),
        (json!({"thinking": {"type": "disabled"}}), json!({"enabled": false})),
        (
            json!({"thinking": {"type": "adaptive", "display": "summarized"}}),
            json!({"enabled": true, "summary": "auto"}),
        ),
        (
            json!({"thinking": {"type": "adaptive"}, "output_config": {"effort": "max"}}),
            json!({"enabled": true, "effort": "max"}),
        ),
        (json!({"output_config": {"effort": "low"}}), json!({"effort": "low"})),
        (json!({"output_config": {"effort": null}}), Value::Null),
    ] {
        let request = decoded(&members);
        assert_eq!(parameter(&request, "reasoning"), expected, "{members}");
        assert_eq!(Reasoning::of(&request).is_some(), !expected.is_null());
    }
    let request = decoded(&json!({"thinking": {"type": "disabled"}, "output_config":
        {"effort": "high", "task_budget": {"type": "tokens", "total": 9}}}));
    assert_eq!(parameter(&request, "reasoning"), json!({"enabled": false}));
    let left_out = &request.native.as_ref().unwrap().unconverted;
    assert_eq!(left_out, &["output_config.effort", "output_config.task_budget"]);
}

#[test]
fn a_format_of_the_output_becomes_a_strict_schema() {
    let format = json!({"type": "json_schema", "schema": {"type": "object", "properties": {}}});
    for members in [json!({"output_config": {"format": format}}), json!({"output_format": format})]
    {
        let request = decoded(&members);
        let Some(ResponseFormat::JsonSchema { strict, schema, .. }) = request.response_format()
        else {
            panic!("{members}")
        };
        assert_eq!(strict, Some(true));
        assert!(schema.unwrap().get().contains("properties"));
    }
}

#[test]
fn what_is_ours_stays_here_and_the_rest_is_kept_for_anthropic() {
    let request = decoded(&json!({
        "models": ["c/d"], "session_id": "s", "user": "u",
        "provider": {"only": ["anthropic"], "options": {"anthropic": {"a": 1}}},
        "plugins": [], "trace": {}, "route": "fallback", "stop_server_tools_when": [],
        "stream": true, "service_tier": "flex", "speed": "fast",
        "context_management": {"edits": []}, "container": "c", "a_new_member": {"deep": [1]},
        "messages": [{"role": "user", "content": [{"type": "text", "text": "x"}, {"type": "container_upload", "file_id": "f"}]}],
    }));
    let (slug, options) = &request.provider_options[0];
    assert_eq!((slug.as_str(), options.get()), ("anthropic", r#"{"a":1}"#));
    let native = request.native.as_ref().unwrap();
    assert_eq!(native.dialect, Dialect::Messages);
    let mut names: Vec<&str> = native.members.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "a_new_member",
            "container",
            "context_management",
            "max_tokens",
            "messages",
            "metadata",
            "speed"
        ]
    );
    assert_eq!(super::native(&request, "metadata"), json!({"user_id": "u"}));
    let mut left_out = native.unconverted.clone();
    left_out.sort_unstable();
    assert_eq!(
        left_out,
        ["a_new_member", "container", "context_management", "messages.content.container_upload"]
    );
    assert_eq!(request.models, ["c/d"]);
    assert_eq!(parameter(&request, "service_tier"), "flex");
    assert_eq!(conversation(&request), json!([{"role": "user", "content": "x"}]));
    let fallbacks =
        decoded(&json!({"fallbacks": [{"model": "c/d"}, {"model": "e/f"}], "speed": "fast"}));
    assert_eq!(fallbacks.models, ["c/d", "e/f"]);
    assert_eq!(parameter(&fallbacks, "service_tier"), "priority");
}

#[test]
fn betas_travel_as_a_member_of_the_native_body() {
    let betas = Betas::read(
        ["context-1m-2025-08-07, interleaved-thinking-2025-05-14", " , bad name,"].into_iter(),
    );
    let body = with(&json!({
        "thinking": {"type": "enabled", "budget_tokens": 4096}, "anthropic_beta": ["files-api-2025-04-14"],
        "anthropic_version": "bedrock-2023-05-31",
    }));
    let request = decode_with(&body, &betas).unwrap();
    assert_eq!(
        native(&request, "anthropic_beta"),
        json!(["context-1m-2025-08-07", "interleaved-thinking-2025-05-14", "files-api-2025-04-14"])
    );
    assert_eq!(native(&request, "anthropic_version"), Value::Null);
    // Without the beta for it, a budget fits into the answer.
    assert!(decode(&body).is_err());
}

#[test]
fn tokens_can_be_counted_without_a_bound_on_output() {
    let body =
        json!({"model": "a/b", "messages": [{"role": "user", "content": "Hello"}]}).to_string();
    let request = decode_count(body.as_bytes(), &Betas::default()).unwrap();
    assert_eq!(request.max_tokens, None);
    assert!(decode(body.as_bytes()).is_err());
}

#[test]
fn a_conversation_may_hold_system_messages_and_a_prefill() {
    let request = decoded(
        &json!({"system": [{"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}],
        "messages": [
            {"role": "user", "content": "x"},
            {"role": "system", "content": "b"},
            {"role": "assistant", "content": "The answer is"}]}),
    );
    let roles: Vec<Value> =
        conversation(&request).as_array().unwrap().iter().map(|m| m["role"].clone()).collect();
    assert_eq!(roles, ["system", "user", "system", "assistant"]);
    let crate::chat::request::Content::Parts(parts) = &request.messages[0].content else {
        panic!()
    };
    assert!(parts[0].cache_mark().is_some());
}

#[test]
fn inventions_do_not_make_a_long_list() {
    let blocks: Vec<Value> = (0..1_000).map(|n| json!({"type": format!("new_{n}")})).collect();
    let request = decoded(&json!({"messages": [{"role": "user", "content": blocks}]}));
    assert!(request.native.unwrap().unconverted.len() <= 64);
}

proptest! {
    #[test]
    fn no_bytes_panic(body: Vec<u8>) {
        let _ = decode(&body);
    }

    #[test]
    fn no_json_panics(value in json_value()) {
        for name in ["messages", "system", "tools", "tool_choice", "thinking", "output_config",
            "output_format", "metadata", "fallbacks", "models", "provider", "cache_control",
            "stop_sequences", "max_tokens", "anthropic_beta"] {
            let _ = decode(&with(&json!({name: value.clone()})));
        }
        for role in ["user", "assistant", "system"] {
            let content = json!([value.clone()]);
            let _ = decode(&with(&json!({"messages": [{"role": role, "content": content}]})));
        }
        let _ = decode(value.to_string().as_bytes());
    }
}

/// JSON that resembles what requests are made of.
fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a-z]{0,6}".prop_map(Value::from),
        prop::sample::select(vec![
            "text",
            "image",
            "document",
            "tool_use",
            "tool_result",
            "thinking",
            "redacted_thinking",
            "base64",
            "url",
            "content",
            "enabled",
            "any",
            "tool",
            "ep1.",
            "ep1.W10",
            "image/png",
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        let name = prop::sample::select(vec![
            "type",
            "role",
            "content",
            "text",
            "source",
            "data",
            "media_type",
            "url",
            "id",
            "name",
            "input",
            "input_schema",
            "tool_use_id",
            "thinking",
            "signature",
            "budget_tokens",
            "format",
            "schema",
            "effort",
            "is_error",
            "cache_control",
            "model",
            "title",
        ])
        .prop_map(str::to_owned);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(name, inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

#[test]
fn what_is_no_text_is_known_by_where_its_caller_wrote_it() {
    let image = json!({"type": "image", "source": {"type": "url", "url": "https://a.example/b"}});
    let request = decoded(&json!({
        "system": "s",
        "messages": [
            {"role": "user", "content": "x"},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "c", "name": "f", "input": {}}]},
            {"role": "user", "content": [
                {"type": "text", "text": "x"},
                image,
                {"type": "tool_result", "tool_use_id": "c", "content": [image]},
            ]},
        ],
    }));
    assert_eq!(request.place_of("messages", 3, 0), "messages[2].content[2].content[0]");
    assert_eq!(request.place_of("messages", 4, 1), "messages[2].content[1]");
}
