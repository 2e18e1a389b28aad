//! Answers without text: they are there in full, or the next endpoint is asked.

use domain::money::Usd;
use domain::usage::UsageSource;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

use crate::world::{MODEL, VECTORS, World};

/// An upstream that says the same to everybody; its base address.
async fn upstream(answer: &Value) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let body = answer.to_string();
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n";
    let response = format!("{head}content-length: {}\r\n\r\n{body}", body.len());
    TaskTracker::new().spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let mut request = Vec::new();
            // The request's body ends it: it is short and comes with its closing brace.
            while !request.ends_with(b"}") {
                if connection.read_buf(&mut request).await.unwrap_or(0) == 0 {
                    break;
                }
            }
            // A gateway that has gone away needs no answer.
            let _ = connection.write_all(response.as_bytes()).await;
        }
    });
    format!("http://{address}/v1")
}

fn answer(vectors: &[[f32; 2]], usage: Option<u64>) -> Value {
    let data: Vec<Value> = vectors
        .iter()
        .enumerate()
        .map(
            |(index, values)| json!({ "object": "embedding", "index": index, "embedding": values }),
        )
        .collect();
    let mut answer = json!({ "object": "list", "model": "vectors", "data": data });
    if let Some(tokens) = usage {
        answer["usage"] = json!({ "prompt_tokens": tokens, "total_tokens": tokens });
    }
    answer
}

fn request() -> Value {
    json!({ "model": VECTORS, "input": ["A cat", "A dog"] })
}

async fn rich() -> World {
    let world = World::new().await;
    world.add(Usd::from_dollars(5));
    world
}

#[tokio::test]
async fn vectors_are_charged_though_nothing_is_written() {
    let world = rich().await;
    world.vectors_at(&[upstream(&answer(&[[1.0, 0.0], [0.0, 1.0]], Some(4))).await]);
    let body: Value = serde_json::from_str(&world.embed(&request()).await.unwrap()).unwrap();
    assert_eq!(body["data"][1]["embedding"], json!([0, 1]));
    world.is_at_rest().await;
    let settled = world.ledger.settled();
    assert_eq!(settled[0].generation.usage_source, UsageSource::Provider);
    assert_eq!(settled[0].generation.usage.completion_total(), 0);
    // Four tokens at a dollar per million.
    assert_eq!(world.spent(), Usd::from_nanos(4_000));
}

#[tokio::test]
async fn vectors_that_nobody_counted_are_counted_here() {
    let world = rich().await;
    world.vectors_at(&[upstream(&answer(&[[1.0, 0.0], [0.0, 1.0]], None)).await]);
    world.embed(&request()).await.unwrap();
    world.is_at_rest().await;
    assert!(world.spent().is_positive());
    let generation = &world.ledger.settled()[0].generation;
    assert_eq!(generation.usage_source, UsageSource::Estimated);
    assert_eq!(generation.usage.completion_total(), 0);
}

#[tokio::test]
async fn an_answer_that_lacks_vectors_is_no_answer() {
    for lacking in [answer(&[], Some(4)), answer(&[[1.0, 0.0]], Some(4)), json!({"ok": true})] {
        let world = rich().await;
        let whole = upstream(&answer(&[[1.0, 0.0], [0.0, 1.0]], Some(4))).await;
        world.vectors_at(&[upstream(&lacking).await, whole]);
        let body: Value = serde_json::from_str(&world.embed(&request()).await.unwrap()).unwrap();
        assert_eq!(body["data"].as_array().unwrap().len(), 2, "{lacking}");
        world.is_at_rest().await;
        assert_eq!(world.ledger.settled()[0].generation.attempts.len(), 2, "{lacking}");

        let world = rich().await;
        world.vectors_at(&[upstream(&lacking).await]);
        let error = world.embed(&request()).await.unwrap_err().to_public();
        assert_eq!(error.status, 502, "{error:?}");
        world.is_at_rest().await;
        assert_eq!(world.spent(), Usd::ZERO, "{lacking}");
    }
}

#[tokio::test]
async fn a_model_of_another_kind_is_refused_before_credit_is_asked() {
    let world = World::new().await;
    let mut body = request();
    body["model"] = MODEL.into();
    let error = world.embed(&body).await.unwrap_err().to_public();
    assert_eq!(error.status, 400);
    assert_eq!(error.details["availability"]["code"], "wrong_endpoint");
    world.vectors_at(&["http://127.0.0.1:1/v1".to_owned()]);
    let error = world.ask_for(VECTORS).await.unwrap_err().to_public();
    assert_eq!(error.details["availability"]["code"], "wrong_endpoint");
    // The right kind needs credit, and has none.
    assert_eq!(world.embed(&request()).await.unwrap_err().to_public().status, 402);
}
