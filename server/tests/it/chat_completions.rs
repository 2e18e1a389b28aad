//! `POST /api/v1/chat/completions`: what a caller gets.

use domain::money::Usd;
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{Options, Reply, TestApp, question};

/// The shape of a value: every text, number and id replaced by its kind.
fn shape(value: &Value) -> Value {
    match value {
        Value::Null => json!("null"),
        Value::Bool(_) => json!("boolean"),
        Value::Number(_) => json!("number"),
        Value::String(_) => json!("text"),
        Value::Array(items) => items.iter().take(1).map(shape).collect(),
        Value::Object(members) => {
            members.iter().map(|(name, value)| (name.clone(), shape(value))).collect()
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unary_answer_has_openrouters_shape() {
    let app = TestApp::start().await;
    let reply = app.ask("test/small").await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(reply.header("content-type"), "application/json");
    let body = reply.json();
    assert!(body["id"].as_str().unwrap().starts_with("gen-"), "{body}");
    assert_eq!(reply.header("x-generation-id"), body["id"]);
    assert_eq!(body["object"], "chat.completion");
    assert_eq!(body["model"], "test/small");
    assert_eq!(body["provider"], "Alpha");
    let choice = &body["choices"][0];
    assert_eq!(choice["message"]["role"], "assistant");
    assert!(!choice["message"]["content"].as_str().unwrap().is_empty());
    assert!(["stop", "length"].contains(&choice["finish_reason"].as_str().unwrap()));
    insta::assert_json_snapshot!("unary_shape", shape(&body));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_with_one_usage_chunk_and_done() {
    let app = TestApp::start().await;
    let mut body = question("test/small");
    body["stream"] = json!(true);
    let reply = app.chat(&body).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert!(reply.header("content-type").starts_with("text/event-stream"));
    assert_eq!(reply.header("x-accel-buffering"), "no");
    assert_eq!(reply.header("cache-control"), "no-cache");
    let chunks = reply.chunks();
    let id = reply.header("x-generation-id");
    assert!(chunks.iter().all(|chunk| chunk["id"] == id));
    assert!(chunks.iter().all(|chunk| chunk["object"] == "chat.completion.chunk"));
    let with_usage: Vec<_> = chunks.iter().filter(|chunk| chunk["usage"].is_object()).collect();
    let [usage] = with_usage.as_slice() else { panic!("{with_usage:?}") };
    assert!(std::ptr::eq(*usage, chunks.last().unwrap()));
    assert_eq!(usage["choices"], json!([]));
    assert!(usage["usage"]["cost"].as_f64().unwrap() > 0.0);
    let text: String = chunks
        .iter()
        .filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str())
        .collect();
    assert!(!text.is_empty());
    insta::assert_json_snapshot!("first_chunk_shape", shape(&chunks[0]));
    insta::assert_json_snapshot!("usage_chunk_shape", shape(usage));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn both_ways_of_asking_give_the_same_text_at_the_same_cost() {
    let app = TestApp::start().await;
    let unary = app.ask("test/small").await.json();
    let mut body = question("test/small");
    body["stream"] = json!(true);
    let chunks = app.chat(&body).await.chunks();
    let text: String = chunks
        .iter()
        .filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str())
        .collect();
    assert_eq!(unary["choices"][0]["message"]["content"], text);
    assert_eq!(unary["usage"]["cost"], chunks.last().unwrap()["usage"]["cost"]);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_balance_falls_by_exactly_the_cost_on_sqlite() {
    check_balance(TestApp::start().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_balance_falls_by_exactly_the_cost_on_postgres() {
    // Where there is no PostgreSQL, this records that the test was left out.
    if let Some(database) = store::testing::postgres().await {
        check_balance(Options::new().set("DATABASE_URL", database.url()).start().await).await;
    }
}

async fn check_balance(app: TestApp) {
    let before = app.balance().await;
    assert_eq!(before.posted(), Usd::from_dollars(5));
    let mut total = Usd::ZERO;
    for model in ["test/small", "test/large", "test/free"] {
        let body = app.ask(model).await.json();
        let cost: Usd = body["usage"]["cost"].to_string().parse().unwrap();
        assert_eq!(cost.is_zero(), model == "test/free", "{body}");
        total = total.saturating_add(cost);
    }
    let after = app.balance().await;
    assert_eq!(before.posted().saturating_sub(after.posted()), total);
    assert_eq!(after.used, total);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_routes_are_below_v1() {
    let app = TestApp::start().await;
    let reply = app.post("/v1/chat/completions", question("test/small").to_string()).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(app.get("/v1/models").await.text, app.get("/api/v1/models").await.text);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_needs_no_content_type_and_may_have_unknown_fields() {
    let app = TestApp::start().await;
    let mut body = question("test/small");
    body["a_field_from_the_future"] = json!({ "deep": [1, 2, 3] });
    for content_type in ["text/plain", "application/x-www-form-urlencoded", "nonsense"] {
        let request = app
            .request(Method::POST, "/api/v1/chat/completions")
            .header("content-type", content_type)
            .body(body.to_string());
        let reply = Reply::of(request.send().await.unwrap()).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn browsers_of_any_origin_may_ask_with_a_key() {
    let app = TestApp::start().await;
    let preflight = app
        .http
        .request(Method::OPTIONS, app.url("/api/v1/chat/completions"))
        .header("origin", "https://example.com")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,content-type")
        .send()
        .await
        .unwrap();
    let preflight = Reply::of(preflight).await;
    assert!(preflight.status.is_success());
    assert_eq!(preflight.header("access-control-allow-origin"), "*");
    assert_eq!(preflight.header("access-control-allow-credentials"), "");
    // A `*` would not cover this one.
    assert!(preflight.header("access-control-allow-headers").contains("authorization"));
    let request = app
        .request(Method::POST, "/api/v1/chat/completions")
        .header("origin", "https://example.com")
        .body(question("test/small").to_string());
    let reply = Reply::of(request.send().await.unwrap()).await;
    assert_eq!(reply.header("access-control-allow-origin"), "*");
    assert!(reply.header("access-control-expose-headers").contains("x-generation-id"));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_may_name_itself() {
    let app = TestApp::start().await;
    let request = app
        .request(Method::POST, "/api/v1/chat/completions")
        .header("http-referer", "https://app.example")
        .header("x-title", "An app")
        .header("user-agent", "tests/1")
        .body(question("test/small").to_string());
    let reply = Reply::of(request.send().await.unwrap()).await;
    let record =
        app.get(&format!("/api/v1/generation?id={}", reply.header("x-generation-id"))).await;
    let data = &record.json()["data"];
    assert_eq!(data["http_referer"], "https://app.example");
    assert_eq!(data["user_agent"], "tests/1");
    app.finish().await;
}
