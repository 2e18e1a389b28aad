//! `POST /api/v1/embeddings` and `POST /api/v1/rerank`: what is asked about texts besides an
//! answer.

use domain::money::Usd;
use serde_json::{Value, json};

use crate::app::{Options, TestApp, question};

const VECTORS: &str = r#"
name = "Test: Vectors"
released = "2026-01-01"
context_length = 64
output_modalities = ["embeddings"]

[[endpoints]]
provider = "alpha"
upstream = "vectors"
parameters = []
prices = { prompt = "500", completion = "0" }
"#;

const RANKER: &str = r#"
name = "Test: Ranker"
released = "2026-01-01"
context_length = 64
output_modalities = ["rerank"]

[[endpoints]]
provider = "alpha"
upstream = "ranker"
parameters = []
prices = { prompt = "0", completion = "0", request = "0.002" }
"#;

async fn start() -> TestApp {
    Options::new()
        .with_catalog_file("models/test/vectors.toml", VECTORS)
        .with_catalog_file("models/test/ranker.toml", RANKER)
        .start()
        .await
}

async fn embed(app: &TestApp, input: Value, more: Value) -> Value {
    let mut body = json!({ "model": "test/vectors", "input": input });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let reply = app.post("/api/v1/embeddings", body.to_string()).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(reply.header("x-generation-id"), reply.json()["id"]);
    reply.json()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_form_of_input_has_its_vector() {
    let app = start().await;
    for (input, count) in [
        (json!("A cat"), 1),
        (json!(["A cat", "A dog", "A house"]), 3),
        (json!([791, 8415]), 1),
        (json!([[791], [8415, 1]]), 2),
        (json!([{"content": [{"type": "text", "text": "A cat"}]}]), 1),
    ] {
        let body = embed(&app, input.clone(), json!({})).await;
        assert_eq!(body["object"], "list");
        assert_eq!(body["model"], "test/vectors");
        let data = body["data"].as_array().unwrap();
        assert_eq!(data.len(), count, "{input}");
        for (index, item) in data.iter().enumerate() {
            assert_eq!((&item["object"], &item["index"]), (&json!("embedding"), &json!(index)));
            assert!(!item["embedding"].as_array().unwrap().is_empty());
        }
        assert!(body["usage"]["prompt_tokens"].as_u64().unwrap() > 0, "{body}");
        assert_eq!(body["usage"]["prompt_tokens"], body["usage"]["total_tokens"]);
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_are_the_same_however_they_are_written() {
    let app = start().await;
    let floats = embed(&app, json!("A cat"), json!({ "dimensions": 8 })).await;
    let floats: Vec<f64> = floats["data"][0]["embedding"]
        .as_array()
        .unwrap()
        .iter()
        .map(|value| value.as_f64().unwrap())
        .collect();
    assert_eq!(floats.len(), 8);
    let asked = json!({ "dimensions": 8, "encoding_format": "base64" });
    let packed = embed(&app, json!("A cat"), asked).await;
    let packed = unpack(packed["data"][0]["embedding"].as_str().unwrap());
    assert_eq!(packed.len(), 8);
    assert!(packed.iter().zip(&floats).all(|(a, b)| (f64::from(*a) - b).abs() < 1e-6));
    app.finish().await;
}

/// Little-endian floats out of base64, read the slow way.
fn unpack(base64: &str) -> Vec<f32> {
    const DIGITS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits = base64.trim_end_matches('=').chars().map(|digit| DIGITS.find(digit).unwrap());
    let bits: Vec<u8> = digits
        .flat_map(|value| (0..6).rev().map(move |bit| u8::from(value >> bit & 1 == 1)))
        .collect();
    let byte = |bits: &[u8]| bits.iter().fold(0, |byte, bit| byte << 1 | bit);
    let bytes: Vec<u8> = bits.chunks_exact(8).map(byte).collect();
    bytes.chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().unwrap())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn vectors_are_charged_and_recorded() {
    let app = start().await;
    let before = app.balance().await.posted();
    let body = embed(&app, json!(["A cat", "A dog"]), json!({ "user": "ada" })).await;
    let cost: Usd = body["usage"]["cost"].to_string().parse().unwrap();
    assert!(cost.is_positive(), "{body}");
    assert_eq!(before.saturating_sub(app.balance().await.posted()), cost);
    let id = body["id"].as_str().unwrap();
    let record = app.get(&format!("/api/v1/generation?id={id}")).await.json();
    assert_eq!(record["data"]["api_type"], "embeddings", "{record}");
    assert_eq!(record["data"]["tokens_prompt"], body["usage"]["prompt_tokens"]);
    assert_eq!(record["data"]["tokens_completion"], 0);
    assert_eq!(record["data"]["session_id"], Value::Null);
    // Each input must fit by itself; together they may be longer than the context.
    let many = embed(&app, json!(vec!["A cat sat on a mat."; 50]), json!({})).await;
    assert_eq!(many["data"].as_array().unwrap().len(), 50);
    let long = json!({ "model": "test/vectors", "input": "cat ".repeat(200) });
    let reply = app.post("/api/v1/embeddings", long.to_string()).await;
    assert!(reply.error(404, "not_found").contains("longer than its context"));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_are_put_in_order() {
    let app = start().await;
    let before = app.balance().await.posted();
    let body = json!({
        "model": "test/ranker",
        "query": "What is the capital of France?",
        "documents": ["Berlin is in Germany.", {"text": "Paris is the capital of France."}, "Tea"],
        "top_n": 2,
    });
    let reply = app.post("/api/v1/rerank", body.to_string()).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let answer = reply.json();
    let results = answer["results"].as_array().unwrap();
    assert_eq!(results.len(), 2, "{answer}");
    assert_eq!(results[0]["index"], 1);
    assert_eq!(results[0]["document"]["text"], "Paris is the capital of France.");
    assert!(results[0]["relevance_score"].as_f64() >= results[1]["relevance_score"].as_f64());
    assert_eq!(answer["usage"]["search_units"], 1, "{answer}");
    let cost: Usd = answer["usage"]["cost"].to_string().parse().unwrap();
    assert_eq!(cost, "0.002".parse().unwrap());
    assert_eq!(before.saturating_sub(app.balance().await.posted()), cost);
    let id = answer["id"].as_str().unwrap();
    let record = app.get(&format!("/api/v1/generation?id={id}")).await.json();
    assert_eq!(record["data"]["api_type"], "rerank", "{record}");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_is_asked_where_it_answers() {
    let app = start().await;
    let before = app.balance().await.posted();
    let embedding = |model: &str| json!({ "model": model, "input": "A cat" });
    let prompt = |model: &str| json!({ "model": model, "prompt": "A cat" });
    let ranking = |model: &str| json!({ "model": model, "query": "q", "documents": ["d"] });
    for (path, body, right) in [
        ("/api/v1/chat/completions", question("test/vectors"), "/api/v1/embeddings"),
        ("/api/v1/chat/completions", question("test/ranker"), "/api/v1/rerank"),
        ("/api/v1/completions", prompt("test/vectors"), "/api/v1/embeddings"),
        ("/api/v1/embeddings", embedding("test/small"), "/api/v1/chat/completions"),
        ("/api/v1/embeddings", embedding("test/ranker"), "/api/v1/rerank"),
        ("/api/v1/rerank", ranking("test/vectors"), "/api/v1/embeddings"),
        ("/api/v1/rerank", ranking("test/large"), "/api/v1/chat/completions"),
    ] {
        let reply = app.post(path, body.to_string()).await;
        let message = reply.error(400, "invalid_request");
        assert!(message.contains(&format!("POST {right}")), "{message}");
        let error = &reply.json()["error"];
        assert_eq!(error["availability"]["code"], "wrong_endpoint", "{error}");
        assert_eq!(error["availability"]["requested_models"], json!([body["model"]]));
        assert_eq!(error["metadata"]["field"], "model");
    }
    // A fallback of the wrong kind is found before anybody is asked.
    let mut body = question("test/small");
    body["models"] = json!(["test/vectors"]);
    let reply = app.chat(&body).await;
    assert_eq!(reply.json()["error"]["availability"]["code"], "wrong_endpoint");
    assert_eq!(app.balance().await.posted(), before);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_request_is_named() {
    let app = start().await;
    for (path, body, field) in [
        ("embeddings", json!({ "model": "test/vectors" }), "input"),
        ("embeddings", json!({ "model": "test/vectors", "input": ["a", ""] }), "input[1]"),
        ("embeddings", json!({ "input": "a" }), "model"),
        ("rerank", json!({ "model": "test/ranker", "documents": ["d"] }), "query"),
        ("rerank", json!({ "model": "test/ranker", "query": "q", "documents": [] }), "documents"),
    ] {
        let reply = app.post(&format!("/api/v1/{path}"), body.to_string()).await;
        reply.error(400, "invalid_request");
        assert_eq!(reply.json()["error"]["metadata"]["field"], field, "{}", reply.text);
    }
    // An image for a model that reads text only.
    let picture = json!({ "model": "test/vectors", "input": [{ "content": [
        { "type": "image_url", "image_url": { "url": "https://example.com/a.png" } },
    ]}]});
    let reply = app.post("/api/v1/embeddings", picture.to_string()).await;
    let message = reply.error(400, "invalid_request");
    assert!(message.contains("`input[0].content[0]` is image input"), "{message}");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn models_that_make_vectors_are_listed_by_themselves() {
    let app = start().await;
    let body = app.get("/api/v1/embeddings/models").await.json();
    assert_eq!(body["total_count"], 1, "{body}");
    assert_eq!(body["links"], json!({ "next": null }));
    assert_eq!(body["data"][0]["id"], "test/vectors");
    assert_eq!(body["data"][0]["architecture"]["output_modalities"], json!(["embeddings"]));
    let empty = app.get("/api/v1/embeddings/models?offset=1&limit=5").await.json();
    assert_eq!((&empty["data"], &empty["total_count"]), (&json!([]), &json!(1)));
    app.get("/api/v1/embeddings/models?limit=0").await.error(400, "invalid_request");
    let models = app.get("/api/v1/models").await.text;
    assert!(!models.contains("test/vectors") && !models.contains("test/ranker"));
    app.finish().await;
}
