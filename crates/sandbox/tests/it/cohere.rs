//! Cohere's second API over the wire.

use serde_json::{Value, json};

use crate::wire::{SHOWN, check_refusals, post, start, with};

const PATH: &str = "/p/v2/chat";

fn ask(model: &str) -> Value {
    json!({"model": model,
        "messages": [{"role": "user", "content": "Is it dark at the harbour?"}]})
}

/// The document that events amount to.
fn accumulated(events: &[Value]) -> Value {
    assert_eq!(events[0]["type"], "message-start");
    let mut message = json!({"role": "assistant"});
    let mut list = |name: &str, index: &Value, value: &Value| {
        if !message[name].is_array() {
            message[name] = json!([]);
        }
        let values = message[name].as_array_mut().unwrap();
        let index = usize::try_from(index.as_u64().unwrap()).unwrap();
        if value.is_null() {
            return values[index].clone();
        }
        if index == values.len() {
            values.push(value.clone());
        } else {
            values[index] = value.clone();
        }
        value.clone()
    };
    for event in events {
        let index = &event["index"];
        let delta = &event["delta"]["message"];
        match event["type"].as_str().unwrap() {
            "content-start" => drop(list("content", index, &delta["content"])),
            "content-delta" => {
                let mut block = list("content", index, &Value::Null);
                let kind = block["type"].as_str().unwrap().to_owned();
                let text = delta["content"][&kind].as_str().unwrap();
                block[&kind] = format!("{}{text}", block[&kind].as_str().unwrap()).into();
                list("content", index, &block);
            }
            "tool-call-start" => drop(list("tool_calls", index, &delta["tool_calls"])),
            "tool-call-delta" => {
                let mut call = list("tool_calls", index, &Value::Null);
                let part = delta["tool_calls"]["function"]["arguments"].as_str().unwrap();
                let arguments = &mut call["function"]["arguments"];
                *arguments = format!("{}{part}", arguments.as_str().unwrap()).into();
                list("tool_calls", index, &call);
            }
            "citation-start" => drop(list("citations", index, &delta["citations"])),
            "message-start" | "content-end" | "tool-call-end" | "citation-end" | "message-end" => {}
            other => panic!("{other}"),
        }
    }
    let end = events.last().unwrap();
    assert_eq!(end["type"], "message-end");
    json!({"id": events[0]["id"], "message": message,
        "finish_reason": end["delta"]["finish_reason"], "usage": end["delta"]["usage"]})
}

#[tokio::test]
async fn streams_amount_to_the_document() {
    let sandbox = start().await;
    let models = SHOWN.iter().map(|features| format!("show/{features}"));
    for model in models.chain(["command".to_owned(), "fast/8".to_owned()]) {
        let document = post(&sandbox, PATH, &ask(&model)).await.json();
        let stream = post(&sandbox, PATH, &with(ask(&model), "/stream", true.into())).await;
        assert_eq!(accumulated(&stream.events()), document, "{model}");
    }
    sandbox.shutdown().await;
}

#[tokio::test]
async fn what_cohere_refuses_is_refused() {
    let sandbox = start().await;
    let mut fine = ask("command");
    fine["messages"] = json!([{"role": "user", "content": "weather?"},
        {"role": "assistant", "tool_plan": "I will look.", "tool_calls": [{"id": "c1",
            "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "c1", "content": "18"}]);
    fine["tools"] = json!([{"type": "function", "function": {"name": "get_weather",
        "parameters": {"type": "object"}}}]);
    let format = json!({"type": "json_object"});
    let wrong = vec![
        ("/n", json!(2), "parameter 'n' is not a valid field"),
        ("/temperature", json!(1.5), "between 0 and 1"),
        ("/p", json!(1), "between 0.01"),
        ("/tool_choice", json!("auto"), "one of"),
        ("/response_format", format, "with tools"),
        ("/strict_tools", json!(true), "required parameter"),
        ("/messages/1/tool_calls/0/function/arguments", json!("x"), "JSON object"),
        ("/messages/2/tool_call_id", json!("c2"), "`c2`"),
        ("/messages/0/role", json!("someone"), "unknown role"),
        ("/messages/2", json!({"role": "user", "content": "x"}), "followed by its result"),
    ];
    check_refusals(&sandbox, PATH, &fine, "/message", wrong).await;
    sandbox.shutdown().await;
}

#[tokio::test]
async fn vectors_and_orders_are_given() {
    let sandbox = start().await;
    let body = json!({"model": "embed", "input_type": "search_query", "texts": ["one", "two"],
        "embedding_types": ["float", "int8", "ubinary", "base64"], "output_dimension": 16});
    let got = post(&sandbox, "/p/v2/embed", &body).await.json();
    let embeddings = &got["embeddings"];
    for (kind, length) in [("float", 16), ("int8", 16), ("ubinary", 2)] {
        assert_eq!(embeddings[kind][1].as_array().unwrap().len(), length, "{kind}");
    }
    assert!(embeddings["base64"][0].is_string());
    assert_eq!(got["meta"]["billed_units"]["input_tokens"], 2);
    let without = with(body, "/input_type", Value::Null);
    assert_eq!(post(&sandbox, "/p/v2/embed", &without).await.status, 400);
    let body = json!({"model": "rerank", "query": "harbour lights", "top_n": 1,
        "documents": ["bread", "lights of the harbour"]});
    let got = post(&sandbox, "/p/v2/rerank", &body).await.json();
    assert_eq!(got["results"][0]["index"], 1);
    assert_eq!(got["meta"]["billed_units"]["search_units"], 1);
    sandbox.shutdown().await;
}
