//! `POST /api/v1/completions`: the older form of asking.

use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{Reply, TestApp};

fn prompt(model: &str) -> Value {
    json!({ "model": model, "prompt": "Say something short.", "max_tokens": 64 })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_is_continued() {
    let app = TestApp::start().await;
    let reply = app.post("/api/v1/completions", prompt("test/small").to_string()).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let whole = reply.json();
    assert_eq!(whole["object"], "text_completion");
    assert_eq!(reply.header("x-generation-id"), whole["id"]);
    let text = whole["choices"][0]["text"].as_str().unwrap().to_owned();
    assert!(!text.is_empty(), "{whole}");
    assert!(whole["usage"]["cost"].as_f64().unwrap() > 0.0, "{whole}");

    let mut body = prompt("test/small");
    body["stream"] = json!(true);
    let reply = app.post("/api/v1/completions", body.to_string()).await;
    let chunks = reply.chunks();
    let said: String =
        chunks.iter().filter_map(|chunk| chunk["choices"][0]["text"].as_str()).collect();
    assert_eq!(said, text);
    assert!(chunks.iter().all(|chunk| chunk["object"] == "text_completion"));
    assert_eq!(chunks.last().unwrap()["usage"]["cost"], whole["usage"]["cost"]);

    let mut body = prompt("test/small");
    body["echo"] = json!(true);
    let echoed = app.post("/api/v1/completions", body.to_string()).await.json();
    assert_eq!(echoed["choices"][0]["text"], format!("Say something short.{text}"));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_prompt_cannot_have_is_refused_and_costs_nothing() {
    let app = TestApp::start().await;
    let before = app.balance().await;
    for (name, value) in [
        ("prompt", json!(["a", "b"])),
        ("prompt", json!([1, 2])),
        ("suffix", json!("the end")),
        ("best_of", json!(4)),
        ("messages", json!([])),
        ("temperature", json!(9)),
    ] {
        let mut body = prompt("test/small");
        body[name] = value;
        let reply = app.post("/api/v1/completions", body.to_string()).await;
        let message = reply.error(400, "invalid_request");
        assert!(message.starts_with(&format!("`{name}`")), "{message}");
        assert_eq!(reply.json()["error"]["metadata"]["field"], name);
    }
    assert_eq!(app.balance().await.posted(), before.posted());
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_named_by_a_header_or_better_by_the_body() {
    let app = TestApp::start().await;
    let ask = async |header: &str, body: Value| {
        let request = app.request(Method::POST, "/api/v1/completions");
        Reply::of(
            request.header("x-session-id", header).body(body.to_string()).send().await.unwrap(),
        )
        .await
    };
    for (body, expected) in [(None, "by-header"), (Some("by-body"), "by-body")] {
        let mut prompt = prompt("test/small");
        prompt["session_id"] = json!(body);
        let id = ask("by-header", prompt).await.json()["id"].as_str().unwrap().to_owned();
        let record = app.get(&format!("/api/v1/generation?id={id}")).await.json();
        assert_eq!(record["data"]["session_id"], expected);
    }
    let refused = ask(&"x".repeat(257), prompt("test/small")).await;
    refused.error(400, "invalid_request");
    assert_eq!(refused.json()["error"]["metadata"]["field"], "x-session-id");
    app.finish().await;
}
