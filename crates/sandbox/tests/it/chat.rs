//! Chat completions over the wire, and what goes beside them.

use serde_json::{Value, json};

use crate::wire::{SHOWN, check_refusals, post, start, with};

const PATH: &str = "/p/v1/chat/completions";

fn ask(model: &str) -> Value {
    json!({"model": model,
        "messages": [{"role": "user", "content": "Is it dark at the harbour?"}]})
}

/// The message of the first choice that chunks amount to.
fn accumulated(chunks: &[Value]) -> Value {
    let mut message = json!({"role": "assistant", "content": null});
    let mut calls: Vec<Value> = Vec::new();
    for chunk in chunks {
        let delta = &chunk["choices"][0]["delta"];
        for name in ["content", "reasoning_content", "refusal"] {
            if let Some(text) = delta[name].as_str().filter(|text| !text.is_empty()) {
                let longer = format!("{}{text}", message[name].as_str().unwrap_or(""));
                message[name] = longer.into();
            }
        }
        for name in ["annotations", "images"] {
            if let Some(values) = delta[name].as_array() {
                let mut all = message[name].as_array().cloned().unwrap_or_default();
                all.extend(values.iter().cloned());
                message[name] = all.into();
            }
        }
        for call in delta["tool_calls"].as_array().into_iter().flatten() {
            let index = usize::try_from(call["index"].as_u64().unwrap()).unwrap();
            if index == calls.len() {
                calls.push(json!({"id": call["id"], "type": call["type"],
                    "function": call["function"]}));
            } else {
                let arguments = &mut calls[index]["function"]["arguments"];
                let part = call["function"]["arguments"].as_str().unwrap();
                *arguments = format!("{}{part}", arguments.as_str().unwrap()).into();
            }
        }
    }
    if !calls.is_empty() {
        message["tool_calls"] = calls.into();
    }
    message
}

#[tokio::test]
async fn streams_amount_to_the_document() {
    let sandbox = start().await;
    for model in SHOWN.iter().map(|features| format!("show/{features}")) {
        let document = post(&sandbox, PATH, &ask(&model)).await.json();
        let mut body = with(ask(&model), "/stream", true.into());
        body["stream_options"] = json!({"include_usage": true});
        let chunks = post(&sandbox, PATH, &body).await.events();
        assert_eq!(accumulated(&chunks), document["choices"][0]["message"], "{model}");
        assert_eq!(chunks.last().unwrap()["usage"], document["usage"], "{model}");
        let reasons: Vec<&Value> = chunks
            .iter()
            .map(|c| &c["choices"][0]["finish_reason"])
            .filter(|r| !r.is_null())
            .collect();
        assert_eq!(reasons, [&document["choices"][0]["finish_reason"]], "{model}");
    }
    sandbox.shutdown().await;
}

#[tokio::test]
async fn probabilities_sounds_and_several_choices_are_told() {
    let sandbox = start().await;
    let mut body = ask("gpt");
    body["logprobs"] = true.into();
    body["top_logprobs"] = 3.into();
    body["n"] = 2.into();
    let answer = post(&sandbox, PATH, &body).await.json();
    assert_eq!(answer["choices"].as_array().unwrap().len(), 2);
    let tokens = answer["choices"][1]["logprobs"]["content"].as_array().unwrap();
    let text: String = tokens.iter().map(|token| token["token"].as_str().unwrap()).collect();
    assert_eq!(text, answer["choices"][1]["message"]["content"]);
    assert_eq!(tokens[0]["top_logprobs"].as_array().unwrap().len(), 3);
    let mut body = ask("gpt");
    body["modalities"] = json!(["text", "audio"]);
    let answer = post(&sandbox, PATH, &body).await.json();
    let audio = &answer["choices"][0]["message"]["audio"];
    assert_eq!(audio["transcript"], "The tide is in.");
    assert!(answer["usage"]["completion_tokens_details"]["audio_tokens"].as_u64().unwrap() > 0);
    sandbox.shutdown().await;
}

#[tokio::test]
async fn what_openai_refuses_is_refused() {
    let sandbox = start().await;
    let mut fine = ask("gpt");
    fine["messages"] = json!([{"role": "user", "content": "weather?", "name": "ada"},
        {"role": "assistant", "content": null, "tool_calls": [{"id": "c1", "type": "function",
            "function": {"name": "get_weather", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "c1", "content": "18"}]);
    fine["tools"] = json!([{"type": "function", "function": {"name": "get_weather"}}]);
    fine["a_member_of_tomorrow"] = json!(1);
    let image = |url: &str| json!([{"type": "image_url", "image_url": {"url": url}}]);
    let wrong = vec![
        ("/temperature", json!(3), "between 0 and 2"),
        ("/temperature", json!("hot"), "Invalid type for 'temperature'"),
        ("/max_tokens", json!(0), "between 1"),
        ("/top_logprobs", json!(2), "only allowed when 'logprobs'"),
        ("/stop", json!(["a", "b", "c", "d", "e"]), "maximum length 4"),
        ("/logit_bias", json!({"1": 101}), "between -100 and 100"),
        ("/messages/0/role", json!("someone"), "'someone'"),
        ("/messages/0/content", json!([{"type": "text"}]), "messages[0].content[0].text"),
        ("/messages/0/content", json!([{"type": "smell"}]), "'smell'"),
        ("/messages/0/content", image("data:image/png;base64,!"), "Invalid base64"),
        ("/messages/0/content", image("data:image/bmp;base64,QQ=="), "unsupported image"),
        ("/messages/0/content", image("file:///etc/passwd"), "Invalid URL"),
        ("/messages/2/tool_call_id", json!("c2"), "must be a response"),
        ("/messages/2", json!({"role": "user", "content": "x"}), "did not have response"),
        ("/tools/0/function/name", json!("a b"), "matches the pattern"),
        ("/tool_choice", json!({"type": "function", "function": {"name": "x"}}), "not found"),
        ("/reasoning_effort", json!("huge"), "one of"),
        ("/response_format", json!({"type": "json_schema"}), "json_schema"),
    ];
    check_refusals(&sandbox, PATH, &fine, "/error/message", wrong).await;
    let mut alone = with(fine, "/tools", Value::Null);
    alone["tool_choice"] = "auto".into();
    assert_eq!(post(&sandbox, PATH, &alone).await.status, 400);
    sandbox.shutdown().await;
}

#[tokio::test]
async fn vectors_and_orders_are_given() {
    let sandbox = start().await;
    let body = json!({"model": "embed", "input": ["one", "two"], "dimensions": 8});
    let got = post(&sandbox, "/p/v1/embeddings", &body).await.json();
    assert_eq!(got["data"][1]["embedding"].as_array().unwrap().len(), 8);
    assert_eq!(got["data"][1]["index"], 1);
    let coded = with(body, "/encoding_format", "base64".into());
    let got = post(&sandbox, "/p/v1/embeddings", &coded).await.json();
    assert_eq!(got["data"][0]["embedding"].as_str().unwrap().len(), 44);
    for input in [json!(""), json!([]), json!([1, "x"]), json!(5)] {
        let body = json!({"model": "embed", "input": input});
        assert_eq!(post(&sandbox, "/p/v1/embeddings", &body).await.status, 400, "{input}");
    }
    let body = json!({"model": "rerank", "query": "harbour", "return_documents": true,
        "documents": ["bread", {"text": "the harbour"}]});
    let got = post(&sandbox, "/p/v1/rerank", &body).await.json();
    assert_eq!(got["results"][0]["document"]["text"], "the harbour");
    sandbox.shutdown().await;
}

#[tokio::test]
async fn azure_tells_what_its_filters_found() {
    let sandbox = start().await;
    let path = "/p/openai/deployments/show%2Fcontent-filter/chat/completions?api-version=1";
    let document = post(&sandbox, path, &ask("ignored")).await.json();
    let choice = &document["choices"][0];
    assert_eq!(choice["content_filter_results"]["violence"]["filtered"], true);
    assert_eq!(choice["finish_reason"], "content_filter");
    let chunks = post(&sandbox, path, &with(ask("ignored"), "/stream", true.into())).await.events();
    assert_eq!(chunks[0]["choices"], json!([]));
    assert!(chunks[0]["prompt_filter_results"].is_array());
    assert_eq!(document["model"], "show/content-filter");
    sandbox.shutdown().await;
}
