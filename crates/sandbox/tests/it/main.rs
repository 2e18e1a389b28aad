//! The sandbox over the wire.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod wire;
mod understanding;
mod chat;
mod anthropic;
mod gemini;
mod bedrock;
mod responses;
mod cohere;
mod faults;

use std::time::{Duration, Instant};

use sandbox::{Sandbox, SandboxOptions};
use serde_json::{Value, json};

async fn start(speed: f64) -> Sandbox {
    let address = "127.0.0.1:0".parse().unwrap();
    Sandbox::start(SandboxOptions { address, seed: 42, speed }).await.unwrap()
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().timeout(Duration::from_secs(20)).build().unwrap()
}

async fn chat(
    sandbox: &Sandbox,
    provider: &str,
    body: &Value,
) -> reqwest::Result<reqwest::Response> {
    let url = format!("{}/{provider}/v1/chat/completions", sandbox.base_url());
    client().post(url).json(body).send().await
}

fn ask(model: &str, stream: bool) -> Value {
    json!({"model": model, "stream": stream, "stream_options": {"include_usage": true},
        "messages": [{"role": "user", "content": "How do tides work?"}]})
}

/// The JSON chunks of a stream and whether it ended as it should.
fn chunks(text: &str) -> (Vec<Value>, bool) {
    let data = text.split("\n\n").filter_map(|event| event.strip_prefix("data: "));
    let parsed = data.clone().filter_map(|data| serde_json::from_str(data).ok()).collect();
    (parsed, data.last() == Some("[DONE]"))
}

fn content(chunks: &[Value]) -> String {
    chunks.iter().filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str()).collect()
}

async fn stats(sandbox: &Sandbox) -> Value {
    let url = format!("{}/_sandbox/stats", sandbox.base_url());
    client().get(url).send().await.unwrap().json().await.unwrap()
}

#[tokio::test]
async fn a_stream_and_a_document_say_the_same() {
    let sandbox = start(0.0).await;
    let text = chat(&sandbox, "groq", &ask("llama", true)).await.unwrap().text().await.unwrap();
    let (streamed, is_whole) = chunks(&text);
    let document: Value =
        chat(&sandbox, "groq", &ask("llama", false)).await.unwrap().json().await.unwrap();
    assert!(is_whole);
    assert_eq!(content(&streamed), document["choices"][0]["message"]["content"]);
    assert_eq!(streamed.last().unwrap()["usage"], document["usage"]);
    insta::assert_json_snapshot!(document);
    sandbox.shutdown().await;
}

#[tokio::test]
async fn fast_models_send_exactly_as_many_chunks_as_asked() {
    let sandbox = start(1.0).await;
    for model in ["fast/64", "burst/64"] {
        let text = chat(&sandbox, "p", &ask(model, true)).await.unwrap().text().await.unwrap();
        let (chunks, is_whole) = chunks(&text);
        let with_content =
            chunks.iter().filter(|c| c["choices"][0]["delta"]["content"].is_string()).count();
        assert_eq!((with_content, is_whole), (64, true), "{model}");
        assert_eq!(chunks.last().unwrap()["usage"]["completion_tokens"], 64);
    }
    sandbox.shutdown().await;
}

#[tokio::test]
async fn statuses_are_sent_as_asked() {
    let sandbox = start(0.0).await;
    for (model, status) in [
        ("fault/401", 401),
        ("fault/429", 429),
        ("fault/500", 500),
        ("fault/503", 503),
        ("fault/400-context", 400),
        ("fault/nonsense", 404),
    ] {
        let reply = chat(&sandbox, "p", &ask(model, true)).await.unwrap();
        assert_eq!(reply.status(), status, "{model}");
        let body: Value = reply.json().await.unwrap();
        assert!(body["error"]["message"].is_string(), "{model}");
    }
    let reply = chat(&sandbox, "p", &ask("fault/429-retry-after-7", true)).await.unwrap();
    assert_eq!(reply.headers()["retry-after"], "7");
    assert!(chat(&sandbox, "p", &ask("fault/refuse", true)).await.is_err());
    for body in [json!({}), json!({"model": "x"}), json!({"model": "x", "messages": []}), json!([])]
    {
        assert!(chat(&sandbox, "p", &body).await.unwrap().status().is_client_error(), "{body}");
    }
    sandbox.shutdown().await;
}

#[tokio::test]
async fn streams_break_as_asked() {
    let sandbox = start(0.0).await;
    let read = async |model: &str| {
        let reply = chat(&sandbox, "p", &ask(model, true)).await.unwrap();
        reply.text().await
    };
    let (cut, is_whole) = chunks(&read("fault/truncate-after-3").await.unwrap());
    assert_eq!((cut.len(), is_whole), (4, false));
    assert!(read("fault/abort-after-3").await.is_err());
    let malformed = read("fault/malformed-after-2").await.unwrap();
    assert!(malformed.ends_with("{\"con\n\n"), "{malformed}");
    assert_eq!(chunks(&malformed).0.len(), 3);
    assert!(chunks(&read("fault/malformed-first").await.unwrap()).0.is_empty());
    let (chunks_, _) = chunks(&read("fault/error-midstream-3").await.unwrap());
    assert!(chunks_.last().unwrap()["error"].is_object());
    assert_eq!(read("fault/empty").await.unwrap(), "");
    let (no_usage, is_whole) = chunks(&read("fault/no-usage").await.unwrap());
    assert!(is_whole && no_usage.iter().all(|chunk| chunk["usage"].is_null()));
    let error: Value = serde_json::from_str(&read("fault/error-body").await.unwrap()).unwrap();
    assert!(error["error"].is_object());
    sandbox.shutdown().await;
}

#[tokio::test]
async fn a_caller_who_leaves_is_noticed() {
    let sandbox = start(0.0).await;
    let mut reply = chat(&sandbox, "p", &ask("fault/hang-after-3", true)).await.unwrap();
    assert!(reply.chunk().await.unwrap().is_some());
    assert_eq!(stats(&sandbox).await["active"], 1);
    drop(reply);
    let began = Instant::now();
    loop {
        let now = stats(&sandbox).await;
        if now["cancelled"] == 1 {
            assert_eq!(now["active"], 0);
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(5), "{now}");
        tokio::task::yield_now().await;
    }
    sandbox.shutdown().await;
}

#[tokio::test]
async fn shutting_down_ends_what_hangs() {
    let sandbox = start(0.0).await;
    let mut reply = chat(&sandbox, "p", &ask("fault/hang-after-1", true)).await.unwrap();
    assert!(reply.chunk().await.unwrap().is_some());
    tokio::time::timeout(Duration::from_secs(5), sandbox.shutdown()).await.unwrap();
    while let Ok(Some(_)) = reply.chunk().await {}
}

#[tokio::test]
async fn waits_follow_the_speed_and_the_models_are_listed() {
    let sandbox = start(1_000.0).await;
    let began = Instant::now();
    let reply = chat(&sandbox, "p", &ask("fault/slow-first-120", true)).await.unwrap();
    assert!(reply.text().await.unwrap().contains("[DONE]"));
    assert!(began.elapsed() >= Duration::from_millis(120));
    let reply = chat(&sandbox, "p", &ask("llama", true)).await.unwrap();
    assert!(reply.text().await.unwrap().contains("[DONE]"));
    let url = format!("{}/groq/v1/models", sandbox.base_url());
    let models: Value = client().get(url).send().await.unwrap().json().await.unwrap();
    assert_eq!(models["data"][0]["id"], "fast/64");
    sandbox.shutdown().await;
}
