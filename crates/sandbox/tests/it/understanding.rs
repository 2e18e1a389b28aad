//! The same request in every dialect is understood in the same way.

use sandbox::{Part, Reasoning, Role, ToolChoice, Understood};
use serde_json::{Value, json};

use crate::wire::{post, start};

const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPj/HwADBwIAMCbHYQAAAABJRU5ErkJggg==";

/// A conversation with everything that all dialects have, in each of them.
#[expect(clippy::too_many_lines, reason = "one request, seven times")]
fn requests() -> Vec<(&'static str, Value)> {
    let schema = json!({"type": "object", "properties": {"city": {"type": "string"}},
        "required": ["city"]});
    let url = format!("data:image/png;base64,{PNG}");
    let chat = json!({"model": "echo/understood", "max_tokens": 900, "temperature": 0.5,
        "top_p": 0.9, "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "Look:"},
                {"type": "image_url", "image_url": {"url": url}}]},
            {"role": "assistant", "content": "I see.", "tool_calls": [{"id": "call_1",
                "type": "function", "function": {"name": "get_weather",
                    "arguments": "{\"city\": \"Oslo\"}"}}]},
            {"role": "tool", "tool_call_id": "call_1", "content": "18 degrees"},
            {"role": "user", "content": "And now?"}],
        "tools": [{"type": "function", "function": {"name": "get_weather",
            "description": "Looks out of the window.", "parameters": schema}}],
        "tool_choice": "required"});
    let anthropic = json!({"model": "echo/understood", "max_tokens": 900, "temperature": 0.5,
        "top_p": 0.9, "system": "Be brief.", "messages": [
            {"role": "user", "content": [{"type": "text", "text": "Look:"},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png",
                    "data": PNG}}]},
            {"role": "assistant", "content": [{"type": "text", "text": "I see."},
                {"type": "tool_use", "id": "call_1", "name": "get_weather",
                    "input": {"city": "Oslo"}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "call_1",
                "content": "18 degrees"}, {"type": "text", "text": "And now?"}]}],
        "tools": [{"name": "get_weather", "description": "Looks out of the window.",
            "input_schema": schema}],
        "tool_choice": {"type": "any"}});
    let gemini = json!({"systemInstruction": {"parts": [{"text": "Be brief."}]}, "contents": [
            {"role": "user", "parts": [{"text": "Look:"},
                {"inline_data": {"mime_type": "image/png", "data": PNG}}]},
            {"role": "model", "parts": [{"text": "I see."},
                {"functionCall": {"name": "get_weather", "args": {"city": "Oslo"}}}]},
            {"role": "user", "parts": [{"functionResponse": {"name": "get_weather",
                "response": {"output": "18 degrees"}}}, {"text": "And now?"}]}],
        "tools": [{"functionDeclarations": [{"name": "get_weather",
            "description": "Looks out of the window.", "parameters": {"type": "OBJECT",
                "properties": {"city": {"type": "STRING"}}, "required": ["city"]}}]}],
        "toolConfig": {"functionCallingConfig": {"mode": "ANY"}},
        "generationConfig": {"maxOutputTokens": 900, "temperature": 0.5, "topP": 0.9}});
    let bedrock = json!({"system": [{"text": "Be brief."}], "messages": [
            {"role": "user", "content": [{"text": "Look:"},
                {"image": {"format": "png", "source": {"bytes": PNG}}}]},
            {"role": "assistant", "content": [{"text": "I see."}, {"toolUse": {
                "toolUseId": "call_1", "name": "get_weather", "input": {"city": "Oslo"}}}]},
            {"role": "user", "content": [{"toolResult": {"toolUseId": "call_1",
                "content": [{"text": "18 degrees"}]}}, {"text": "And now?"}]}],
        "toolConfig": {"tools": [{"toolSpec": {"name": "get_weather",
            "description": "Looks out of the window.", "inputSchema": {"json": schema}}}],
            "toolChoice": {"any": {}}},
        "inferenceConfig": {"maxTokens": 900, "temperature": 0.5, "topP": 0.9}});
    let responses = json!({"model": "echo/understood", "max_output_tokens": 900,
        "temperature": 0.5, "top_p": 0.9, "instructions": "Be brief.", "input": [
            {"role": "user", "content": [{"type": "input_text", "text": "Look:"},
                {"type": "input_image", "image_url": url}]},
            {"type": "message", "role": "assistant",
                "content": [{"type": "output_text", "text": "I see.", "annotations": []}]},
            {"type": "function_call", "call_id": "call_1", "name": "get_weather",
                "arguments": "{\"city\":\"Oslo\"}"},
            {"type": "function_call_output", "call_id": "call_1", "output": "18 degrees"},
            {"role": "user", "content": "And now?"}],
        "tools": [{"type": "function", "name": "get_weather",
            "description": "Looks out of the window.", "parameters": schema}],
        "tool_choice": "required"});
    let mut cohere = chat.clone();
    cohere["p"] = cohere.as_object_mut().unwrap().remove("top_p").unwrap();
    cohere["tool_choice"] = "REQUIRED".into();
    vec![
        ("/p/v1/chat/completions", chat.clone()),
        ("/p/openai/deployments/echo%2Funderstood/chat/completions?api-version=1", chat),
        ("/p/v1/messages", anthropic),
        ("/p/v1beta/models/echo%2Funderstood:generateContent", gemini),
        ("/p/model/echo%2Funderstood/converse", bedrock),
        ("/p/v1/responses", responses),
        ("/p/v2/chat", cohere),
    ]
}

/// The text of an answer in one piece, in any dialect.
fn text(path: &str, answer: &Value) -> String {
    let pointer = match path {
        _ if path.contains("chat/completions") => "/choices/0/message/content",
        _ if path.contains("messages") => "/content/0/text",
        _ if path.contains("generateContent") => "/candidates/0/content/parts/0/text",
        _ if path.contains("converse") => "/output/message/content/0/text",
        _ if path.contains("responses") => "/output/0/content/0/text",
        _ => "/message/content/0/text",
    };
    answer.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("{answer}")).to_owned()
}

/// Without the ids that Gemini does not have.
fn without_ids(mut seen: Understood) -> Understood {
    for part in seen.turns.iter_mut().flat_map(|turn| &mut turn.parts) {
        if let Part::ToolCall { id, .. } | Part::ToolResult { id, .. } = part {
            *id = None;
        }
    }
    seen
}

#[tokio::test]
async fn one_request_is_understood_alike_in_every_dialect() {
    let sandbox = start().await;
    let mut first: Option<Understood> = None;
    for (path, body) in requests() {
        let got = post(&sandbox, path, &body).await;
        assert_eq!(got.status, 200, "{path}: {}", got.text());
        let text = text(path, &got.json());
        let seen: Understood = serde_json::from_str(&text).unwrap();
        assert_eq!(seen.to_canonical_json(), text, "{path}");
        let seen = without_ids(seen);
        match &first {
            None => first = Some(seen),
            Some(first) => assert_eq!(&seen, first, "{path}"),
        }
    }
    let seen = first.unwrap();
    assert_eq!(
        seen.turns.iter().map(|turn| turn.role).collect::<Vec<_>>(),
        [Role::User, Role::Assistant, Role::User]
    );
    assert_eq!(seen.tool_choice, Some(ToolChoice::Required));
    let Part::Image { media, .. } = &seen.turns[0].parts[1] else { panic!("{seen:?}") };
    assert_eq!(media.bytes, Some(70));
    let Part::ToolResult { name, .. } = &seen.turns[2].parts[0] else { panic!("{seen:?}") };
    assert_eq!(name.as_deref(), Some("get_weather"));
    sandbox.shutdown().await;
}

#[tokio::test]
async fn thinking_is_understood_in_every_dialect() {
    let sandbox = start().await;
    let on = |effort: Option<&str>, budget: Option<u64>| Reasoning {
        enabled: true,
        effort: effort.map(str::to_owned),
        budget,
        ..Reasoning::default()
    };
    let messages = json!([{"role": "user", "content": "Why?"}]);
    let contents = json!([{"parts": [{"text": "Why?"}]}]);
    let turns = json!([{"role": "user", "content": [{"text": "Why?"}]}]);
    let cases = [
        (
            "/p/v1/chat/completions",
            json!({"model": "m", "messages": messages, "reasoning_effort": "high"}),
            on(Some("high"), None),
        ),
        (
            "/p/v1/messages",
            json!({"model": "m", "messages": messages, "max_tokens": 3000,
                "thinking": {"type": "enabled", "budget_tokens": 2000}}),
            on(None, Some(2000)),
        ),
        (
            "/p/v1beta/models/m:generateContent",
            json!({"contents": contents,
                "generationConfig": {"thinkingConfig": {"thinkingBudget": 512}}}),
            on(None, Some(512)),
        ),
        (
            "/p/model/m/converse",
            json!({"messages": turns, "inferenceConfig": {"maxTokens": 3000},
                "additionalModelRequestFields": {"thinking": {"type": "enabled",
                    "budget_tokens": 2000}}}),
            on(None, Some(2000)),
        ),
        (
            "/p/v1/responses",
            json!({"model": "m", "input": "Why?", "reasoning": {"effort": "low",
                "summary": "auto"}, "include": ["reasoning.encrypted_content"]}),
            Reasoning { shown: Some(true), encrypted: true, ..on(Some("low"), None) },
        ),
        (
            "/p/v2/chat",
            json!({"model": "m", "messages": messages,
                "thinking": {"type": "enabled", "token_budget": 99}}),
            on(None, Some(99)),
        ),
    ];
    for (path, body, expected) in cases {
        let got = post(&sandbox, path, &body).await;
        assert_eq!(got.status, 200, "{path}: {}", got.text());
        let seen = crate::wire::last_understood(&sandbox).await;
        assert_eq!(seen.reasoning, Some(expected), "{path}");
    }
    sandbox.shutdown().await;
}
