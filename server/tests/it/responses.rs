//! `/api/v1/responses`: what a caller gets, and what is kept when it asks.

use domain::money::Usd;
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{Options, Reply, TestApp};

const PATH: &str = "/api/v1/responses";

/// A model whose answers have these features of the sandbox's.
fn model_that_shows(features: &str) -> String {
    format!(
        "
name = \"Test: Shows\"
description = \"Answers with what its upstream's name lists.\"
released = \"2026-02-02\"
context_length = 65536
input_modalities = [\"text\", \"image\"]
output_modalities = [\"text\", \"image\"]
tokenizer = \"Other\"

[[endpoints]]
provider = \"alpha\"
upstream = \"{features}\"
max_completion_tokens = 8192
parameters = [\"max_tokens\", \"temperature\", \"tools\", \"tool_choice\", \"parallel_tool_calls\", \"reasoning\", \"response_format\"]
prices = {{ prompt = \"1\", completion = \"2\" }}
"
    )
}

async fn app_that_shows(features: &str) -> TestApp {
    Options::new()
        .with_catalog_file("models/test/shows.toml", &model_that_shows(features))
        .start()
        .await
}

fn ask(model: &str, input: Value) -> Value {
    let mut body = json!({ "model": model, "max_output_tokens": 512 });
    body["input"] = input;
    body
}

async fn respond(app: &TestApp, body: &Value) -> Reply {
    app.post(PATH, body.to_string()).await
}

async fn respond_well(app: &TestApp, body: &Value) -> Value {
    let reply = respond(app, body).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.json()
}

/// The events of a stream, whose names and numbers are checked.
fn events(reply: &Reply) -> Vec<Value> {
    let data = reply.events();
    let (last, events) = data.split_last().expect("a stream has events");
    assert_eq!(*last, "[DONE]");
    let names: Vec<&str> =
        reply.text.lines().filter_map(|line| line.strip_prefix("event: ")).collect();
    let events: Vec<Value> =
        events.iter().map(|event| serde_json::from_str(event).unwrap()).collect();
    assert_eq!(names.len(), events.len());
    for (position, (name, event)) in names.iter().zip(&events).enumerate() {
        assert_eq!(event["type"], *name);
        assert_eq!(event["sequence_number"], position);
    }
    events
}

/// Asserts the status and the envelope of this dialect; gives the error.
fn refusal(reply: &Reply, status: u16, error_type: &str) -> Value {
    assert_eq!(reply.status.as_u16(), status, "{}", reply.text);
    let body = reply.json();
    assert_eq!(body["error_type"], error_type, "{body}");
    let error = body["error"].clone();
    assert!(!error["message"].as_str().unwrap().is_empty(), "{body}");
    assert_eq!(error["code"], status, "{body}");
    error
}

fn text_of(response: &Value) -> String {
    let output = response["output"].as_array().unwrap();
    let parts = output.iter().filter_map(|item| item["content"].as_array()).flatten();
    parts.filter_map(|part| part["text"].as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_response_in_one_piece_and_as_a_stream_are_the_same() {
    let app = TestApp::start().await;
    let mut body = ask("test/small", json!("Say something short."));
    body["instructions"] = json!("Be brief.");
    let reply = respond(&app, &body).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let whole = reply.json();
    assert_eq!(reply.header("x-generation-id"), whole["id"]);
    assert_eq!((&whole["object"], &whole["status"]), (&json!("response"), &json!("completed")));
    assert_eq!((&whole["model"], &whole["provider"]), (&json!("test/small"), &json!("Alpha")));
    assert_eq!(whole["store"], false);
    assert_eq!(whole["instructions"], "Be brief.");
    assert!(whole["completed_at"].as_i64() >= whole["created_at"].as_i64());
    let cost: Usd = whole["usage"]["cost"].to_string().parse().unwrap();
    assert!(cost.is_positive());
    let record = format!("/api/v1/generation?id={}", reply.header("x-generation-id"));
    assert_eq!(app.get(&record).await.json()["data"]["total_cost"], whole["usage"]["cost"]);

    body["stream"] = json!(true);
    let reply = respond(&app, &body).await;
    assert!(reply.header("content-type").starts_with("text/event-stream"));
    let events = events(&reply);
    let streamed: String = events
        .iter()
        .filter(|event| event["type"] == "response.output_text.delta")
        .filter_map(|event| event["delta"].as_str())
        .collect();
    assert!(!streamed.is_empty());
    assert_eq!(streamed, text_of(&whole));
    let last = events.last().unwrap();
    assert_eq!(last["type"], "response.completed");
    assert_eq!(last["response"]["usage"], whole["usage"]);
    assert_eq!(text_of(&last["response"]), streamed);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_go_out_and_their_outputs_come_back() {
    let app = app_that_shows("show/reasoning+tools-parallel").await;
    let mut input = vec![json!({ "role": "user", "content": "What is the weather?" })];
    let tool = json!({ "type": "function", "name": "get_weather", "description": "The weather.",
        "parameters": { "type": "object", "properties": { "place": { "type": "string" } } } });
    let mut body = ask("test/shows", json!(input));
    body["tools"] = json!([tool]);
    for stream in [false, true] {
        body["stream"] = json!(stream);
        let reply = respond(&app, &body).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        let response =
            if stream { events(&reply).last().unwrap()["response"].clone() } else { reply.json() };
        let output = response["output"].as_array().unwrap();
        let calls: Vec<&Value> =
            output.iter().filter(|item| item["type"] == "function_call").collect();
        assert!(calls.len() >= 2, "{response}");
        assert_ne!(calls[0]["call_id"], calls[1]["call_id"]);
        for call in &calls {
            let arguments: Value =
                serde_json::from_str(call["arguments"].as_str().unwrap()).unwrap();
            assert!(arguments.is_object());
        }
        assert_eq!(output[0]["type"], "reasoning", "{response}");
        assert!(response["usage"]["output_tokens_details"]["reasoning_tokens"].is_number());
        if stream {
            input.extend(output.clone());
            input.extend(calls.iter().map(|call| {
                json!({ "type": "function_call_output", "call_id": call["call_id"], "output": "Sun" })
            }));
        }
    }
    body["stream"] = json!(false);
    body["input"] = json!(input);
    assert_eq!(respond_well(&app, &body).await["object"], "response");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_cut_short_is_incomplete() {
    let app = app_that_shows("show/text+length").await;
    let response = respond_well(&app, &ask("test/shows", json!("Hello"))).await;
    assert_eq!(response["status"], "incomplete");
    assert_eq!(response["incomplete_details"]["reason"], "max_output_tokens");
    assert!(!text_of(&response).is_empty());
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_have_the_envelope_of_this_dialect() {
    let app = TestApp::start().await;
    let good = ask("test/small", json!("Hello"));
    let with = |name: &str, value: Value| {
        let mut body = good.clone();
        body[name] = value;
        body
    };
    for (body, field) in [
        (with("temperature", json!(9)), "temperature"),
        (with("input", json!([{ "role": "robot", "content": "x" }])), "input[0].role"),
        (with("model", json!("nobody/nothing")), "model"),
        (with("background", json!(true)), "background"),
        (with("conversation", json!("conv_1")), "conversation"),
        (with("previous_response_id", json!("gen-1-unknown")), "previous_response_id"),
        (with("tool_choice", json!("required")), "tool_choice"),
    ] {
        let reply = respond(&app, &body).await;
        let error = refusal(&reply, 400, "invalid_request");
        assert_eq!(error["param"], field, "{}", reply.text);
    }
    for body in ["", "[]", "{", "7"] {
        refusal(&app.post(PATH, body).await, 400, "invalid_request");
    }
    let stranger = app.http.post(app.url(PATH)).body(good.to_string());
    refusal(&Reply::of(stranger.send().await.unwrap()).await, 401, "authentication");
    let stranger = app.http.get(app.url("/api/v1/responses/gen-1")).send();
    refusal(&Reply::of(stranger.await.unwrap()).await, 401, "authentication");
    assert_eq!(app.balance().await.used, Usd::ZERO);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_fails_is_told_before_and_within_a_stream() {
    let app = app_that_shows("fault/429-retry-after-7").await;
    let reply = respond(&app, &ask("test/shows", json!("Hello"))).await;
    refusal(&reply, 429, "rate_limit_exceeded");
    assert_eq!(reply.header("retry-after"), "7");
    app.finish().await;

    let app = app_that_shows("fault/error-midstream-3").await;
    let mut body = ask("test/shows", json!("Hello"));
    body["stream"] = json!(true);
    let events = events(&respond(&app, &body).await);
    let [.., error, last] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!(error["type"], "error");
    assert_eq!(last["type"], "response.failed");
    assert_eq!(last["response"]["status"], "failed");
    assert!(!text_of(&last["response"]).is_empty());
    assert_eq!(last["response"]["error"]["message"], error["message"]);
    assert!(last["response"]["error_type"].is_string());
    body["stream"] = json!(false);
    let response = respond_well(&app, &body).await;
    assert_eq!(response["status"], "failed");
    // What broke off costs nothing.
    assert_eq!(app.balance().await.used, Usd::ZERO);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_stored_can_be_read_continued_and_deleted() {
    check_store(TestApp::start().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_stored_can_be_read_continued_and_deleted_on_postgres() {
    // Where there is no PostgreSQL, this records that the test was left out.
    if let Some(database) = store::testing::postgres().await {
        check_store(Options::new().set("DATABASE_URL", database.url()).start().await).await;
    }
}

async fn check_store(app: TestApp) {
    let mut body = ask("test/small", json!("Remember the word heron."));
    body["instructions"] = json!("Only now.");
    body["store"] = json!(true);
    body["stream"] = json!(true);
    let streamed = events(&respond(&app, &body).await).last().unwrap()["response"].clone();
    assert_eq!(streamed["store"], true);
    let first = streamed["id"].as_str().unwrap().to_owned();
    let at = |id: &str| format!("{PATH}/{id}");
    assert_eq!(app.get(&at(&first)).await.json(), streamed);

    // At once, and again: the conversation goes on without being sent.
    let mut again = ask("test/small", json!([{ "role": "user", "content": "Which word?" }]));
    again["previous_response_id"] = json!(first);
    again["store"] = json!(true);
    let second = respond_well(&app, &again).await;
    assert_eq!(second["previous_response_id"], json!(first));
    // The instructions are not said again, and what was said is paid for again.
    assert_eq!(second["instructions"], Value::Null);
    let tokens = |response: &Value| response["usage"]["input_tokens"].as_u64().unwrap();
    let alone = respond_well(&app, &ask("test/small", again["input"].clone())).await;
    assert!(tokens(&second) > tokens(&alone), "{second} {alone}");
    let second_id = second["id"].as_str().unwrap().to_owned();
    assert_eq!(app.get(&at(&second_id)).await.json(), second);

    let items = app.get(&format!("{PATH}/{second_id}/input_items")).await.json();
    assert_eq!((&items["object"], &items["has_more"]), (&json!("list"), &json!(false)));
    assert_eq!(items["data"].as_array().unwrap().len(), 1);
    assert_eq!(items["data"][0]["content"][0]["text"], "Which word?");
    assert_eq!(items["first_id"], items["data"][0]["id"]);

    let gone = Reply::of(app.request(Method::DELETE, &at(&first)).send().await.unwrap()).await;
    assert_eq!(gone.json(), json!({ "id": first, "object": "response", "deleted": true }));
    refusal(&app.get(&at(&first)).await, 404, "not_found");
    let twice = Reply::of(app.request(Method::DELETE, &at(&first)).send().await.unwrap()).await;
    refusal(&twice, 404, "not_found");
    // What continued it is kept, and cannot be continued without it.
    assert_eq!(app.get(&at(&second_id)).await.status, 200);
    again["previous_response_id"] = json!(second_id);
    let error = refusal(&respond(&app, &again).await, 400, "invalid_request");
    assert_eq!(error["param"], "previous_response_id");
    assert!(error["message"].as_str().unwrap().contains(&first), "{error}");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_input_go_both_ways() {
    let app = TestApp::start().await;
    let said: Vec<Value> =
        (0..5).map(|n| json!({ "role": "user", "content": format!("{n}") })).collect();
    let mut body = ask("test/small", json!(said));
    body["store"] = json!(true);
    let id = respond_well(&app, &body).await["id"].as_str().unwrap().to_owned();
    let page =
        async |query: &str| app.get(&format!("{PATH}/{id}/input_items?{query}")).await.json();
    let texts = |page: &Value| -> Vec<String> {
        let items = page["data"].as_array().unwrap();
        items.iter().map(|it| it["content"][0]["text"].as_str().unwrap().to_owned()).collect()
    };
    let first = page("limit=2").await;
    assert_eq!(texts(&first), ["4", "3"]);
    assert_eq!(first["has_more"], true);
    let after = first["last_id"].as_str().unwrap();
    let rest = page(&format!("after={after}")).await;
    assert_eq!(texts(&rest), ["2", "1", "0"]);
    assert_eq!(texts(&page("order=asc&limit=3").await), ["0", "1", "2"]);
    for (query, field) in [("limit=0", "limit"), ("order=up", "order"), ("after=x", "after")] {
        let reply = app.get(&format!("{PATH}/{id}/input_items?{query}")).await;
        assert_eq!(refusal(&reply, 400, "invalid_request")["param"], field);
    }
    refusal(&app.get(&format!("{PATH}/gen-1/input_items")).await, 404, "not_found");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_stored_unasked_or_beyond_the_bound() {
    let app = Options::new().set("ENTREPOT__RESPONSES__BYTES_MAX", "2 KiB").start().await;
    let response = respond_well(&app, &ask("test/small", json!("Hello"))).await;
    let path = format!("{PATH}/{}", response["id"].as_str().unwrap());
    refusal(&app.get(&path).await, 404, "not_found");
    let mut body = ask("test/small", json!("long ".repeat(1_000)));
    body["store"] = json!(true);
    let error = refusal(&respond(&app, &body).await, 400, "invalid_request");
    assert_eq!(error["param"], "store");
    app.finish().await;
}
