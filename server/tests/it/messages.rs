//! `POST /api/v1/messages` and `/api/v1/messages/count_tokens`: what Anthropic's clients get, from
//! an upstream that speaks the same dialect and from one that doesn't.

use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{Options, Reply, TestApp};

const PROVIDER: &str = r#"
name = "Clio"
dialect = "anthropic"
base_url = "https://clio.invalid/v1"
auth = { header = "x-api-key" }
credential_env = "TEST_CLIO_API_KEY"
"#;

/// Models that answer in Anthropic's dialect and in OpenAI's.
const MODELS: [&str; 2] = ["test/native", "test/translated"];

fn model(provider: &str, upstream: &str) -> String {
    format!(
        r#"
name = "Test: {provider}"
description = "Answers through {provider}."
released = "2026-05-06"
context_length = 200000
input_modalities = ["text", "image", "file"]
output_modalities = ["text"]
tokenizer = "Claude"

[[endpoints]]
provider = "{provider}"
upstream = "{upstream}"
max_completion_tokens = 64000
parameters = ["max_tokens", "temperature", "top_p", "top_k", "stop", "tools", "tool_choice", "parallel_tool_calls", "reasoning", "response_format", "structured_outputs"]
prices = {{ prompt = "3", completion = "15", cache_read = "0.3" }}
"#
    )
}

async fn app() -> TestApp {
    let mut options = Options::new()
        .with_catalog_file("providers/clio.toml", PROVIDER)
        .with_catalog_file("models/test/native.toml", &model("clio", "native"))
        .with_catalog_file("models/test/translated.toml", &model("alpha", "translated"));
    for (name, upstream) in [
        ("midstream", "fault/error-midstream-2"),
        ("overloaded", "fault/529"),
        ("refused", "fault/400"),
    ] {
        let path = format!("models/test/{name}.toml");
        options = options.with_catalog_file(&path, &model("clio", upstream));
    }
    options.start().await
}

fn question(model: &str, members: &Value) -> Value {
    let mut body = json!({
        "model": model,
        "max_tokens": 2048,
        "messages": [{"role": "user", "content": "Why is the sky blue?"}],
    });
    for (name, value) in members.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

async fn ask(app: &TestApp, body: &Value) -> Reply {
    app.post("/api/v1/messages", body.to_string()).await
}

async fn message(app: &TestApp, body: &Value) -> Value {
    let reply = ask(app, body).await;
    assert_eq!(reply.status, 200, "{body}: {}", reply.text);
    reply.json()
}

/// The events of a stream, each under the name that its data has.
fn events(reply: &Reply) -> Vec<Value> {
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert!(reply.header("content-type").starts_with("text/event-stream"));
    let event = |text: &str| {
        let (name, data) = text.split_once('\n').unwrap();
        let data: Value = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
        assert_eq!(name.strip_prefix("event: "), data["type"].as_str());
        data
    };
    reply.text.trim_end().split("\n\n").map(event).filter(|event| event["type"] != "ping").collect()
}

/// What a client makes of a stream.
fn accumulated(events: &[Value]) -> Value {
    let mut message = events[0]["message"].clone();
    let mut input = String::new();
    for event in events {
        let content = message["content"].as_array_mut().unwrap();
        match event["type"].as_str().unwrap() {
            "content_block_start" => {
                input.clear();
                content.push(event["content_block"].clone());
            }
            "content_block_delta" => {
                let (block, delta) = (content.last_mut().unwrap(), &event["delta"]);
                match delta["type"].as_str().unwrap() {
                    "text_delta" => grow(&mut block["text"], &delta["text"]),
                    "thinking_delta" => grow(&mut block["thinking"], &delta["thinking"]),
                    "signature_delta" => block["signature"] = delta["signature"].clone(),
                    "input_json_delta" => input.push_str(delta["partial_json"].as_str().unwrap()),
                    other => panic!("{other}"),
                }
            }
            "content_block_stop" if !input.is_empty() => {
                content.last_mut().unwrap()["input"] = serde_json::from_str(&input).unwrap();
                input.clear();
            }
            "message_delta" => {
                message["stop_reason"] = event["delta"]["stop_reason"].clone();
                message["stop_sequence"] = event["delta"]["stop_sequence"].clone();
                message["usage"] = event["usage"].clone();
            }
            _ => {}
        }
    }
    message
}

fn grow(text: &mut Value, more: &Value) {
    *text = format!("{}{}", text.as_str().unwrap(), more.as_str().unwrap()).into();
}

/// Asks both ways and expects the same answer; gives it.
async fn both_ways(app: &TestApp, body: &Value) -> Value {
    let mut whole = message(app, body).await;
    let mut streaming = body.clone();
    streaming["stream"] = json!(true);
    let reply = ask(app, &streaming).await;
    let events = events(&reply);
    assert_eq!(events.last().unwrap()["type"], "message_stop");
    let mut stream = accumulated(&events);
    assert_eq!(reply.header("x-generation-id"), stream["id"]);
    for message in [&mut whole, &mut stream] {
        assert!(message["id"].as_str().unwrap().starts_with("gen-"));
        message["id"] = Value::Null;
    }
    assert_eq!(stream, whole);
    whole
}

#[tokio::test(flavor = "multi_thread")]
async fn both_ways_of_asking_give_the_same_message_at_the_same_cost() {
    let app = app().await;
    for model in MODELS {
        let body = both_ways(&app, &question(model, &json!({"system": "Be brief."}))).await;
        assert_eq!((&body["type"], &body["role"]), (&json!("message"), &json!("assistant")));
        assert_eq!(body["model"], model);
        let [block] = body["content"].as_array().unwrap().as_slice() else { panic!("{body}") };
        assert_eq!(block["type"], "text");
        assert!(!block["text"].as_str().unwrap().is_empty());
        assert_eq!(body["stop_reason"], "end_turn");
        let usage = &body["usage"];
        assert!(usage["input_tokens"].as_u64().unwrap() > 0, "{usage}");
        assert!(usage["output_tokens"].as_u64().unwrap() > 0, "{usage}");
        assert!(usage["cost"].as_f64().unwrap() > 0.0, "{usage}");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loop_of_tools_goes_round() {
    let app = app().await;
    let tools = json!([
        {"name": "get_weather", "description": "Tells the weather.", "input_schema":
            {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}},
        {"name": "get_population", "description": "Counts people.", "input_schema":
            {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}},
    ]);
    for model in MODELS {
        let mut body = question(
            model,
            &json!({
                "tools": tools,
                "messages": [{"role": "user", "content": "What are the weather and the population in Paris?"}],
            }),
        );
        let answer = both_ways(&app, &body).await;
        assert_eq!(answer["stop_reason"], "tool_use", "{answer}");
        let calls: Vec<&Value> = answer["content"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|b| b["type"] == "tool_use")
            .collect();
        let [first, second] = calls.as_slice() else { panic!("{answer}") };
        assert_eq!(
            (&first["name"], &second["name"]),
            (&json!("get_weather"), &json!("get_population"))
        );
        assert!(first["input"]["city"].is_string(), "{answer}");
        assert_ne!(first["id"], second["id"]);
        let results = json!([
            {"type": "tool_result", "tool_use_id": first["id"], "content": "no thermometer", "is_error": true},
            {"type": "tool_result", "tool_use_id": second["id"], "content": [{"type": "text", "text": "two million"}]},
        ]);
        let messages = body["messages"].as_array_mut().unwrap();
        messages.push(json!({"role": "assistant", "content": answer["content"]}));
        messages.push(json!({"role": "user", "content": results}));
        let answer = both_ways(&app, &body).await;
        assert_eq!(answer["stop_reason"], "end_turn", "{answer}");
        let text = answer["content"].to_string();
        assert!(text.contains("two million") || text.contains("no thermometer"), "{text}");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn choices_among_tools_and_schemas_are_kept() {
    let app = app().await;
    let tools = json!([
        {"name": "alpha", "input_schema": {"type": "object"}},
        {"name": "omega", "input_schema": {"type": "object"}},
    ]);
    let schema = json!({"type": "object", "properties": {"colour": {"type": "string"}},
        "required": ["colour"], "additionalProperties": false});
    for model in MODELS {
        let chosen = json!({"tools": tools, "tool_choice": {"type": "tool", "name": "omega"}});
        let answer = both_ways(&app, &question(model, &chosen)).await;
        assert_eq!(answer["content"][0]["name"], "omega", "{answer}");
        assert_eq!(answer["stop_reason"], "tool_use");
        let none = json!({"tools": tools, "tool_choice": {"type": "none"}});
        let answer = both_ways(&app, &question(model, &none)).await;
        assert_eq!(answer["content"][0]["type"], "text", "{answer}");
        let format =
            json!({"output_config": {"format": {"type": "json_schema", "schema": schema}}});
        let answer = both_ways(&app, &question(model, &format)).await;
        let text = answer["content"][0]["text"].as_str().unwrap();
        let value: Value = serde_json::from_str(text).unwrap();
        assert!(value["colour"].is_string(), "{value}");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn thinking_is_signed_and_can_be_given_back() {
    let app = app().await;
    let thinking = json!({
        "thinking": {"type": "enabled", "budget_tokens": 1024},
        "tools": [{"name": "get_weather", "input_schema": {"type": "object"}}],
        "messages": [{"role": "user", "content": "How is the weather?"}],
    });
    for model in MODELS {
        let mut body = question(model, &thinking);
        let answer = both_ways(&app, &body).await;
        let block = &answer["content"][0];
        assert_eq!(block["type"], "thinking", "{answer}");
        assert!(!block["thinking"].as_str().unwrap().is_empty());
        if model == "test/native" {
            assert!(!block["signature"].as_str().unwrap().is_empty(), "{answer}");
        }
        let call = answer["content"].as_array().unwrap().last().unwrap();
        assert_eq!(call["type"], "tool_use", "{answer}");
        let result = json!([{"type": "tool_result", "tool_use_id": call["id"], "content": "sun"}]);
        let messages = body["messages"].as_array_mut().unwrap();
        messages.push(json!({"role": "assistant", "content": answer["content"]}));
        messages.push(json!({"role": "user", "content": result}));
        // The sandbox refuses thinking that it did not sign.
        let answer = both_ways(&app, &body).await;
        assert_eq!(answer["stop_reason"], "end_turn", "{answer}");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_and_stops_are_told_in_anthropics_words() {
    let app = app().await;
    for model in MODELS {
        let short = both_ways(&app, &question(model, &json!({"max_tokens": 3}))).await;
        assert_eq!(short["stop_reason"], "max_tokens");
        let stop = json!({"stop_sequences": ["sandbox"]});
        let stopped = both_ways(&app, &question(model, &stop)).await;
        if model == "test/native" {
            assert_eq!(stopped["stop_reason"], "stop_sequence");
            assert_eq!(stopped["stop_sequence"], "sandbox");
        }
        assert!(!stopped["content"].to_string().contains("sandbox"), "{stopped}");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_in_anthropics_envelope() {
    let app = app().await;
    let anonymous = app
        .http
        .post(app.url("/api/v1/messages"))
        .body(question("test/native", &json!({})).to_string());
    let reply = Reply::of(anonymous.send().await.unwrap()).await;
    assert_eq!(reply.status, 401);
    check_error(&reply, "authentication_error", "authentication");
    let reply = app.get("/api/v1/messages").await;
    assert_eq!(reply.status, 405);
    check_error(&reply, "invalid_request_error", "invalid_request");
    let mut unbounded = question("test/native", &json!({}));
    unbounded.as_object_mut().unwrap().remove("max_tokens");
    for (body, status, kind, error_type, field) in [
        (
            unbounded.to_string(),
            400,
            "invalid_request_error",
            "invalid_request",
            Some("max_tokens"),
        ),
        ("{".to_owned(), 400, "invalid_request_error", "invalid_request", None),
        (
            question("test/none", &json!({})).to_string(),
            400,
            "invalid_request_error",
            "invalid_request",
            Some("model"),
        ),
        (
            question(
                "test/native",
                &json!({"messages": [{"role": "user", "content": [{"type": "tool_result"}]}]}),
            )
            .to_string(),
            400,
            "invalid_request_error",
            "invalid_request",
            Some("messages[0].content[0].tool_use_id"),
        ),
    ] {
        let reply = app.post("/api/v1/messages", body.clone()).await;
        assert_eq!(reply.status, status, "{body}: {}", reply.text);
        let error = check_error(&reply, kind, error_type);
        assert_eq!(error["metadata"]["field"].as_str(), field, "{error}");
    }
    app.finish().await;
}

fn check_error(reply: &Reply, kind: &str, error_type: &str) -> Value {
    let body = reply.json();
    assert_eq!(body["type"], "error", "{body}");
    assert_eq!(body["error"]["type"], kind, "{body}");
    assert_eq!(body["error"]["error_type"], error_type, "{body}");
    assert!(!body["error"]["message"].as_str().unwrap().is_empty());
    assert!(body.as_object().unwrap().contains_key("request_id"));
    body["error"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_of_providers_are_told_and_not_charged() {
    let app = app().await;
    let reply = ask(&app, &question("test/overloaded", &json!({}))).await;
    assert_eq!(reply.status, 503, "{}", reply.text);
    check_error(&reply, "overloaded_error", "provider_overloaded");
    let reply = ask(&app, &question("test/refused", &json!({}))).await;
    assert_eq!(reply.status, 400, "{}", reply.text);
    // Half an answer has no place in this dialect; the whole of it is an error.
    let reply = ask(&app, &question("test/midstream", &json!({}))).await;
    assert!(reply.status.is_server_error(), "{} {}", reply.status, reply.text);
    assert_eq!(reply.json()["type"], "error");
    let reply = ask(&app, &question("test/midstream", &json!({"stream": true}))).await;
    let events = events(&reply);
    assert_eq!(events[0]["type"], "message_start");
    let last = events.last().unwrap();
    assert_eq!(last["type"], "error", "{last}");
    assert_eq!(last["request_id"], reply.header("x-generation-id"));
    assert_eq!(last["usage"]["cost"], 0.0);
    assert_eq!(app.balance().await.posted(), domain::money::Usd::from_dollars(5));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_anthropic_client_finds_what_it_expects() {
    let app = app().await;
    // It sends its key in a header of its own, and adds `/v1/messages` to its base address.
    for path in ["/api/v1/messages", "/v1/messages"] {
        let request = app
            .http
            .request(Method::POST, app.url(path))
            .header("x-api-key", &app.key)
            .header("anthropic-version", "2023-06-01")
            .header("anthropic-beta", "interleaved-thinking-2025-05-14")
            .header("x-openrouter-metadata", "enabled")
            .body(question("test/native", &json!({"stream": true})).to_string());
        let reply = Reply::of(request.send().await.unwrap()).await;
        let events = events(&reply);
        assert_eq!(reply.header("request-id"), reply.header("x-generation-id"));
        assert_eq!(events.last().unwrap()["openrouter_metadata"]["requested"], "test/native");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_counted_by_a_provider_or_estimated() {
    let app = app().await;
    let mut counts = Vec::new();
    for model in MODELS {
        let mut body = question(model, &json!({"system": "Be brief."}));
        let answer = message(&app, &body).await;
        body.as_object_mut().unwrap().remove("max_tokens");
        let reply = app.post("/api/v1/messages/count_tokens", body.to_string()).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        let counted = reply.json()["input_tokens"].as_u64().unwrap();
        let used = answer["usage"]["input_tokens"].as_u64().unwrap();
        counts.push((counted, used));
    }
    let [(counted, used), (estimated, close)] = counts.as_slice() else { panic!() };
    assert_eq!(counted, used, "the provider's own count is passed on");
    assert!(estimated.abs_diff(*close) <= 12, "{estimated} is not near {close}");
    let reply = app.post("/api/v1/messages/count_tokens", "{}").await;
    assert_eq!(reply.status, 400);
    check_error(&reply, "invalid_request_error", "invalid_request");
    // A count costs nothing, nor is it a generation.
    let reply = app
        .post("/api/v1/messages/count_tokens", question("test/overloaded", &json!({})).to_string())
        .await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    app.finish().await;
}

/// What the sandbox was sent for a body, and the headers of it.
async fn sent(body: &Value, betas: &str) -> (Value, Value) {
    let address = "127.0.0.1:0".parse().unwrap();
    let options = sandbox::SandboxOptions { address, seed: 1, speed: 0.0 };
    let upstream = sandbox::Sandbox::start(options).await.unwrap();
    let provider = PROVIDER
        .replace("https://clio.invalid", &format!("{}/clio", upstream.base_url()))
        .replace("auth = { header = \"x-api-key\" }", "auth = \"none\"")
        .replace("credential_env = \"TEST_CLIO_API_KEY\"", "");
    let app = Options::new()
        .with_catalog_file("providers/clio.toml", &provider)
        .with_catalog_file("models/test/native.toml", &model("clio", "native"))
        .set("ENTREPOT__BILLING__DEMO", "true")
        .start()
        .await;
    let request = app
        .request(Method::POST, "/api/v1/messages")
        .header("anthropic-beta", betas)
        .body(body.to_string());
    // Whether the sandbox knows all of it does not matter here.
    Reply::of(request.send().await.unwrap()).await;
    let records = app.http.get(format!("{}/_sandbox/requests?last=1", upstream.base_url()));
    let records: Value = records.send().await.unwrap().json().await.unwrap();
    app.finish().await;
    upstream.shutdown().await;
    let record = &records["requests"][0];
    (record["body"].clone(), record["headers"].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_of_the_same_dialect_is_sent_what_was_written() {
    let mark = json!({"type": "ephemeral", "ttl": "1h"});
    let written = json!({
        "system": [{"type": "text", "text": "Be brief.", "cache_control": mark}],
        "context_management": {"edits": [{"type": "clear_tool_uses_20250919"}]},
        "a_member_of_tomorrow": {"deep": [1, 2, 3]},
        "tools": [{"type": "web_search_20250305", "name": "web_search", "max_uses": 2}],
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "x", "cache_control": mark}]},
            {"role": "assistant", "content": [
                {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "x"}},
                {"type": "text", "text": "y"}]},
            {"role": "user", "content": "z"}],
    });
    let mut body = question("test/native", &written);
    body["provider"] = json!({"only": ["clio"]});
    body["session_id"] = json!("s");
    let (sent, headers) = sent(&body, "context-management-2025-06-27,a-beta-2030-01-01").await;
    for name in written.as_object().unwrap().keys() {
        assert_eq!(sent[name], written[name], "{name}");
    }
    assert_eq!((&sent["model"], &sent["stream"]), (&json!("native"), &json!(true)));
    for name in ["provider", "session_id", "anthropic_beta"] {
        assert!(sent.get(name).is_none(), "{name} is ours: {sent}");
    }
    let betas = headers["anthropic-beta"].as_str().unwrap();
    assert!(betas.contains("context-management-2025-06-27"), "{betas}");
    assert!(betas.contains("a-beta-2030-01-01"), "{betas}");
}
