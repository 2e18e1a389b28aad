//! Anthropic's Messages over the wire.

use serde_json::{Value, json};

use crate::wire::{SHOWN, check_refusals, get, post, send, start, with};

const PATH: &str = "/p/v1/messages";

fn ask(model: &str) -> Value {
    json!({"model": model, "max_tokens": 4000,
        "messages": [{"role": "user", "content": "Is it dark at the harbour?"}]})
}

/// The message that events amount to, put together as Anthropic's SDKs do.
fn accumulated(events: &[Value]) -> Value {
    assert_eq!(events[0]["type"], "message_start");
    assert_eq!(events.last().unwrap()["type"], "message_stop");
    let mut message = events[0]["message"].clone();
    let mut open: Option<usize> = None;
    let mut arguments = String::new();
    for event in events {
        let index = event["index"].as_u64().map(|index| usize::try_from(index).unwrap());
        match event["type"].as_str().unwrap() {
            "content_block_start" => {
                assert_eq!(open, None);
                open = index;
                let content = message["content"].as_array_mut().unwrap();
                assert_eq!(Some(content.len()), open);
                content.push(event["content_block"].clone());
                arguments.clear();
            }
            "content_block_delta" => {
                assert_eq!((open, index.is_some()), (index, true));
                let block = &mut message["content"][index.unwrap()];
                let delta = &event["delta"];
                let mut append = |name: &str, from: &str| {
                    let text = format!(
                        "{}{}",
                        block[name].as_str().unwrap(),
                        delta[from].as_str().unwrap()
                    );
                    block[name] = text.into();
                };
                match delta["type"].as_str().unwrap() {
                    "text_delta" => append("text", "text"),
                    "thinking_delta" => append("thinking", "thinking"),
                    "signature_delta" => append("signature", "signature"),
                    "input_json_delta" => {
                        arguments.push_str(delta["partial_json"].as_str().unwrap());
                    }
                    "citations_delta" => {
                        if !block["citations"].is_array() {
                            block["citations"] = json!([]);
                        }
                        let citation = delta["citation"].clone();
                        block["citations"].as_array_mut().unwrap().push(citation);
                    }
                    other => panic!("{other}"),
                }
            }
            "content_block_stop" => {
                assert_eq!((open.take(), index.is_some()), (index, true));
                let block = &mut message["content"][index.unwrap()];
                if block["type"] == "tool_use" && !arguments.is_empty() {
                    block["input"] = serde_json::from_str(&arguments).unwrap();
                }
            }
            "message_delta" => {
                message["stop_reason"] = event["delta"]["stop_reason"].clone();
                message["stop_sequence"] = event["delta"]["stop_sequence"].clone();
                message["usage"] = event["usage"].clone();
            }
            "message_start" | "message_stop" | "ping" => {}
            other => panic!("{other}"),
        }
    }
    assert_eq!(open, None);
    message
}

#[tokio::test]
async fn streams_amount_to_the_document() {
    let sandbox = start().await;
    let models = SHOWN.iter().map(|features| format!("show/{features}"));
    for model in models.chain(["claude".to_owned(), "fast/8".to_owned()]) {
        let document = post(&sandbox, PATH, &ask(&model)).await.json();
        let stream = post(&sandbox, PATH, &with(ask(&model), "/stream", true.into())).await;
        assert_eq!(stream.headers["content-type"], "text/event-stream");
        assert_eq!(accumulated(&stream.events()), document, "{model}");
    }
    sandbox.shutdown().await;
}

#[tokio::test]
async fn what_is_shown_has_the_right_shape() {
    let sandbox = start().await;
    let shown =
        async |features: &str| post(&sandbox, PATH, &ask(&format!("show/{features}"))).await.json();
    let calls = shown("text+tools-parallel").await;
    assert_eq!(calls["stop_reason"], "tool_use");
    assert_eq!(calls["content"].as_array().unwrap().len(), 3);
    assert_ne!(calls["content"][1]["id"], calls["content"][2]["id"]);
    assert_eq!(shown("tool-noargs").await["content"][0]["input"], json!({}));
    assert_eq!(shown("refusal").await["stop_reason"], "refusal");
    assert_eq!(shown("text+length").await["stop_reason"], "max_tokens");
    let stopped = shown("text+stop-sequence").await;
    assert_eq!(
        (&stopped["stop_reason"], &stopped["stop_sequence"]),
        (&json!("stop_sequence"), &json!("END"))
    );
    let cited = shown("citations").await;
    assert_eq!(cited["content"][0]["citations"].as_array().unwrap().len(), 2);
    let cached = &shown("cache").await["usage"];
    assert_eq!(cached["cache_read_input_tokens"], 2048);
    assert_eq!(cached["cache_creation"]["ephemeral_5m_input_tokens"], 512);
    sandbox.shutdown().await;
}

#[tokio::test]
async fn thoughts_come_back_unchanged_or_not_at_all() {
    let sandbox = start().await;
    let answer = post(&sandbox, PATH, &ask("show/reasoning+reasoning-redacted+tool")).await.json();
    let thought = answer["usage"]["output_tokens_details"]["thinking_tokens"].as_u64().unwrap();
    assert!(thought > 0 && thought < answer["usage"]["output_tokens"].as_u64().unwrap());
    let content = answer["content"].clone();
    let id = content[2]["id"].clone();
    let mut again = ask("claude");
    again["thinking"] = json!({"type": "enabled", "budget_tokens": 1024});
    again["tools"] = json!([{"name": "get_weather", "input_schema": {"type": "object"}}]);
    again["messages"] = json!([again["messages"][0], {"role": "assistant", "content": content},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": id}]}]);
    let thought = "/messages/1/content/0/thinking";
    let wrong = vec![
        (thought, json!("another thought"), "Invalid `signature` in `thinking` block"),
        ("/messages/1/content/0/signature", json!("c2lnbmF0dXJl"), "Invalid `signature`"),
        ("/messages/1/content/1/data", json!("AAAA"), "Invalid `data`"),
        ("/messages/1/content/0", json!({"type": "text", "text": "x"}), "Expected `thinking`"),
        ("/tool_choice", json!({"type": "any"}), "tool_choice forces tool use"),
        ("/temperature", json!(0.5), "may only be set to 1"),
        ("/max_tokens", json!(1024), "must be greater than `thinking.budget_tokens`"),
    ];
    check_refusals(&sandbox, PATH, &again, "/error/message", wrong).await;
    sandbox.shutdown().await;
}

#[tokio::test]
async fn what_anthropic_refuses_is_refused() {
    let sandbox = start().await;
    let mut fine = ask("claude");
    fine["tools"] = json!([{"name": "get_weather", "input_schema": {"type": "object"}}]);
    fine["messages"] = json!([{"role": "user", "content": "weather?"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "get_weather",
            "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1",
            "content": [{"type": "text", "text": "18"}], "is_error": true}]}]);
    let image = |data: &str| {
        json!([{"type": "image", "source": {"type": "base64", "media_type": "image/png",
            "data": data}}])
    };
    let marked = json!([{"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}},
        {"type": "text", "text": "b", "cache_control": {"type": "ephemeral", "ttl": "1h"}}]);
    let five = json!(vec![marked[0].clone(); 5]);
    let wrong = vec![
        ("/max_tokens", Value::Null, "max_tokens: Field required"),
        ("/frequency_penalty", json!(1), "Extra inputs are not permitted"),
        ("/temperature", json!(1.5), "between 0 and 1"),
        ("/messages/0/role", json!("system"), "Unexpected role"),
        ("/messages/0/content", json!(""), "non-empty"),
        ("/messages/0/content", json!([{"type": "text", "text": " "}]), "non-whitespace"),
        ("/messages/0/content", image("!"), "Invalid base64"),
        ("/messages/0/content", json!([{"type": "video"}]), "'video'"),
        ("/messages/2/content", json!("18"), "without `tool_result` blocks"),
        ("/messages/2/content/0/tool_use_id", json!("t2"), "unexpected `tool_use_id`"),
        ("/messages/1/content/0/id", json!("t 1"), "should match pattern"),
        ("/tools/0/input_schema", json!({}), "input_schema.type: Field required"),
        ("/tool_choice", json!({"type": "tool", "name": "other"}), "not found in provided tools"),
        ("/thinking", json!({"type": "enabled", "budget_tokens": 10}), "1024"),
        ("/system", marked, "must not come after"),
        ("/system", five, "maximum of 4 blocks"),
        ("/service_tier", json!("priority"), "one of"),
    ];
    check_refusals(&sandbox, PATH, &fine, "/error/message", wrong).await;
    let got = send(&sandbox, PATH, &[], ask("claude").to_string()).await;
    assert_eq!(got.json()["error"]["message"], "anthropic-version: header is required");
    sandbox.shutdown().await;
}

#[tokio::test]
async fn marked_prompts_are_cached_and_counted() {
    let sandbox = start().await;
    let mut body = ask("claude");
    let long = "All the rules of the harbour. ".repeat(40);
    body["system"] = json!([{"type": "text", "text": long,
        "cache_control": {"type": "ephemeral", "ttl": "1h"}}]);
    let first = post(&sandbox, PATH, &body).await.json()["usage"].clone();
    let second = post(&sandbox, PATH, &body).await.json()["usage"].clone();
    let written = &first["cache_creation"]["ephemeral_1h_input_tokens"];
    assert!(written.as_u64().unwrap() >= 300 && first["cache_read_input_tokens"] == 0);
    assert_eq!(&second["cache_read_input_tokens"], written);
    assert_eq!(second["cache_creation_input_tokens"], 0);
    let total = |usage: &Value| {
        ["input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"]
            .iter()
            .map(|name| usage[name].as_u64().unwrap())
            .sum::<u64>()
    };
    assert_eq!(total(&first), total(&second));
    body.as_object_mut().unwrap().remove("max_tokens");
    let counted = post(&sandbox, "/p/v1/messages/count_tokens", &body).await.json();
    assert_eq!(counted["input_tokens"], total(&first));
    sandbox.shutdown().await;
}

#[tokio::test]
async fn claude_on_vertex_has_its_model_in_the_address() {
    let sandbox = start().await;
    let path = "/p/v1/projects/x/locations/y/publishers/anthropic/models/claude:rawPredict";
    let mut body = ask("claude");
    body.as_object_mut().unwrap().remove("model");
    assert_eq!(post(&sandbox, path, &body).await.status, 400);
    body["anthropic_version"] = "vertex-2023-10-16".into();
    let got = post(&sandbox, path, &body).await;
    assert_eq!(got.json()["model"], "claude");
    let stats = get(&sandbox, "/_sandbox/stats").await;
    assert_eq!(stats["dialects"]["anthropic"]["requests"], 2);
    sandbox.shutdown().await;
}
