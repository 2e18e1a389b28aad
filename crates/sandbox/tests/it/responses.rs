//! OpenAI's Responses over the wire.

use serde_json::{Value, json};

use crate::wire::{SHOWN, check_refusals, post, start, with};

const PATH: &str = "/p/v1/responses";

fn ask(model: &str) -> Value {
    json!({"model": model, "input": "Is it dark at the harbour?"})
}

/// The items that the deltas amount to must be those that are sent as done.
fn accumulated(events: &[Value]) -> Value {
    let mut texts: Vec<String> = Vec::new();
    let mut done = Vec::new();
    for (position, event) in events.iter().enumerate() {
        assert_eq!(event["sequence_number"], position);
        let index = event["output_index"].as_u64().map(|index| usize::try_from(index).unwrap());
        let kind = event["type"].as_str().unwrap();
        match kind {
            "response.output_item.added" => {
                assert_eq!(index, Some(texts.len()));
                texts.push(String::new());
            }
            "response.output_text.delta"
            | "response.refusal.delta"
            | "response.reasoning_summary_text.delta"
            | "response.function_call_arguments.delta" => {
                texts[index.unwrap()].push_str(event["delta"].as_str().unwrap());
            }
            "response.output_item.done" => {
                assert_eq!(index, Some(done.len()));
                done.push(event["item"].clone());
            }
            _ => {}
        }
    }
    for (text, item) in texts.iter().zip(&done) {
        let said = ["/content/0/text", "/content/0/refusal", "/summary/0/text", "/arguments"]
            .iter()
            .find_map(|pointer| item.pointer(pointer))
            .and_then(Value::as_str)
            .unwrap_or("");
        assert_eq!(said, text);
    }
    let response = events.last().unwrap()["response"].clone();
    assert_eq!(response["output"], json!(done));
    response
}

#[tokio::test]
async fn streams_amount_to_the_document() {
    let sandbox = start().await;
    let models = SHOWN.iter().map(|features| format!("show/{features}"));
    let others = ["gpt", "fast/8", "show/logprobs"].map(str::to_owned);
    for model in models.chain(others) {
        let document = post(&sandbox, PATH, &ask(&model)).await.json();
        let stream = post(&sandbox, PATH, &with(ask(&model), "/stream", true.into())).await;
        let events = stream.events();
        assert_eq!(events[0]["type"], "response.created");
        let last = events.last().unwrap()["type"].as_str().unwrap();
        let is_cut = model.ends_with("length") || model.ends_with("filter");
        assert_eq!(last, if is_cut { "response.incomplete" } else { "response.completed" });
        assert_eq!(accumulated(&events), document, "{model}");
    }
    sandbox.shutdown().await;
}

#[tokio::test]
async fn what_is_shown_has_the_right_shape() {
    let sandbox = start().await;
    let shown =
        async |features: &str| post(&sandbox, PATH, &ask(&format!("show/{features}"))).await.json();
    let calls = shown("text+tools-parallel").await;
    let output = calls["output"].as_array().unwrap();
    assert_eq!(output.len(), 3);
    assert_ne!(output[1]["call_id"], output[2]["call_id"]);
    assert_ne!(output[1]["id"], output[2]["id"]);
    assert_eq!(shown("tool-noargs").await["output"][0]["arguments"], "{}");
    assert_eq!(shown("refusal").await["output"][0]["content"][0]["type"], "refusal");
    let cut = shown("text+content-filter").await;
    assert_eq!(cut["incomplete_details"]["reason"], "content_filter");
    let cited = shown("citations").await;
    assert_eq!(cited["output"][0]["content"][0]["annotations"].as_array().unwrap().len(), 2);
    assert_eq!(shown("image").await["output"][1]["type"], "image_generation_call");
    sandbox.shutdown().await;
}

#[tokio::test]
async fn what_openai_refuses_is_refused() {
    let sandbox = start().await;
    let mut first = ask("show/reasoning+tool");
    first["include"] = json!(["reasoning.encrypted_content"]);
    first["reasoning"] = json!({"effort": "low", "summary": "auto"});
    let output = post(&sandbox, PATH, &first).await.json()["output"].clone();
    assert!(output[0]["encrypted_content"].is_string());
    let mut fine = ask("gpt");
    fine["input"] = json!([{"role": "user", "content": "weather?"}, output[0], output[1],
        {"type": "function_call_output", "call_id": output[1]["call_id"], "output": "18"}]);
    fine["tools"] = json!([{"type": "function", "name": "get_weather", "strict": true,
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}},
            "required": ["city"], "additionalProperties": false}}]);
    let lax = json!({"type": "object", "properties": {"city": {"type": "string"}},
        "additionalProperties": false});
    let image = json!([{"type": "image_url", "image_url": {"url": "https://x"}}]);
    let wrong = vec![
        ("/messages", json!([]), "Unknown parameter: 'messages'"),
        ("/max_output_tokens", json!(5), "between 16"),
        ("/input", json!(5), "Invalid type for 'input'"),
        ("/input/0/content", image, "Supported values are: 'input_text'"),
        ("/input/1/id", json!("msg_1"), "begins with 'rs'"),
        ("/input/1/encrypted_content", json!("AAAA"), "could not be verified"),
        ("/input/2", json!({"role": "user", "content": "x"}), "required following item"),
        ("/input/2/id", json!("call_1"), "begins with 'fc'"),
        ("/input/2/call_id", json!("call_1"), "No tool call found"),
        ("/input/3", json!({"role": "user", "content": "x"}), "No tool output found"),
        ("/tools/0/parameters", lax, "In context=(), 'required' is required"),
        ("/tool_choice", json!({"type": "function", "name": "x"}), "not found in 'tools'"),
        ("/text", json!({"format": {"type": "json_schema", "name": "x"}}), "text.format.schema"),
        ("/reasoning", json!({"effort": "huge"}), "one of"),
        ("/include", json!(["everything"]), "'everything'"),
    ];
    check_refusals(&sandbox, PATH, &fine, "/error/message", wrong).await;
    sandbox.shutdown().await;
}
