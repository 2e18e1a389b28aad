//! Vectors and orders in the OpenAI form and what grew beside it.

use domain::catalog::Endpoint;
use protocol::chat::event::ChatEvent;
use protocol::chat::request::{ChatRequest, Kind};
use protocol::embeddings::{EmbeddingsRequest, Input};
use protocol::rerank::RerankRequest;
use providers::adapter::{Adapter, Encoded, Target};
use providers::error::DecodeError;
use providers::openai_compatible::OpenAiCompatible;
use serde_json::{Value, json};

use crate::support;

fn endpoint(quirks: Value) -> Endpoint {
    let mut endpoint = support::endpoint("openai_compatible", "https://api.acme.test/v1");
    endpoint.quirks = serde_json::from_value(quirks).unwrap();
    endpoint
}

fn encode(kind: Kind, quirks: Value) -> Encoded {
    let endpoint = endpoint(quirks);
    let request = ChatRequest { kind, ..ChatRequest::default() };
    let target = Target { endpoint: &endpoint, base_url: &endpoint.provider.base_url };
    OpenAiCompatible.encode(&request, &target).unwrap()
}

fn embeddings() -> Kind {
    Kind::Embeddings(Box::new(EmbeddingsRequest {
        inputs: vec![Input::Text("a \"b\"".into()), Input::Tokens(vec![1, 2])],
        dimensions: Some(3),
        input_type: Some("search_query".into()),
        ..EmbeddingsRequest::default()
    }))
}

fn rerank() -> Kind {
    let document = |text: &str| serde_json::value::to_raw_value(text).unwrap();
    Kind::Rerank(Box::new(RerankRequest {
        query: "where?".into(),
        documents: vec![document("here"), document("there")],
        top_n: Some(2),
        ..RerankRequest::default()
    }))
}

/// The events of an answer, however it is cut.
fn answered(kind: &dyn Fn() -> Kind, body: &str) -> (Vec<ChatEvent>, Result<(), DecodeError>) {
    let events = |pieces: Vec<&[u8]>| support::events_of(encode(kind(), json!({})).decoder, pieces);
    let whole = events(vec![body.as_bytes()]);
    for cut in 0..=body.len() {
        let (left, right) = body.as_bytes().split_at(cut);
        let again = events(vec![left, right]);
        assert_eq!(format!("{again:?}"), format!("{whole:?}"), "{body} cut at {cut}");
    }
    whole
}

#[test]
fn vectors_are_asked_for() {
    let encoded = encode(embeddings(), json!({}));
    assert_eq!(encoded.request.uri(), "https://api.acme.test/v1/embeddings");
    assert_eq!(encoded.dropped, ["input_type"]);
    let body: Value = serde_json::from_slice(encoded.request.body()).unwrap();
    let expected = json!({"model": "b-large", "input": ["a \"b\"", [1, 2]],
        "encoding_format": "float", "dimensions": 3});
    assert_eq!(body, expected);
    let encoded = encode(embeddings(), json!({"accepts": ["input_type"]}));
    let body: Value = serde_json::from_slice(encoded.request.body()).unwrap();
    assert_eq!(body["input_type"], "search_query");
}

#[test]
fn vectors_are_read_as_numbers_and_as_base64() {
    let body = r#"{"object":"list","data":[
        {"object":"embedding","index":1,"embedding":"AACAPwAAAMAAAAA/"},
        {"object":"embedding","index":0,"embedding":[0.0023064255,-0.009327292,1]}],
        "model":"text-embedding-3-small","usage":{"prompt_tokens":8,"total_tokens":8}}"#;
    let (events, outcome) = answered(&embeddings, body);
    outcome.unwrap();
    let text: Vec<String> = events.iter().map(|event| format!("{event:?}")).collect();
    insta::assert_snapshot!(text.join("\n"));
}

#[test]
fn vectors_that_are_not_what_was_asked_for_are_refused() {
    let one = r#"{"data":[{"index":0,"embedding":[1]}]}"#;
    let same = r#"{"data":[{"index":0,"embedding":[1]},{"index":0,"embedding":[1]}]}"#;
    let odd = r#"{"data":[{"index":0,"embedding":"AAA="},{"index":1,"embedding":[1]}]}"#;
    let word = r#"{"data":[{"index":0,"embedding":["x"]},{"index":1,"embedding":[1]}]}"#;
    for body in [one, same, odd, word, "{}", "[1]", "<html>"] {
        let (events, outcome) = answered(&embeddings, body);
        assert!(matches!(outcome, Err(DecodeError::Malformed(_))), "{body} {outcome:?}");
        assert!(events.is_empty(), "{body}");
    }
    let error = r#"{"error":{"message":"too long","type":"invalid_request_error"}}"#;
    assert!(matches!(answered(&embeddings, error).1, Err(DecodeError::Upstream(_))));
    for body in ["", " ", r#"{"data":[{"index":0,"#] {
        assert!(matches!(answered(&embeddings, body).1, Err(DecodeError::Truncated)), "{body}");
    }
}

#[test]
fn an_order_is_asked_for() {
    let encoded = encode(rerank(), json!({"rename": {"top_n": "top_k"}}));
    assert_eq!(encoded.request.uri(), "https://api.acme.test/v1/rerank");
    let body: Value = serde_json::from_slice(encoded.request.body()).unwrap();
    let expected = json!({"model": "b-large", "query": "where?", "documents": ["here", "there"],
        "top_k": 2, "return_documents": false});
    assert_eq!(body, expected);
}

#[test]
fn orders_are_read_in_the_forms_in_use() {
    let jina = r#"{"model":"jina-reranker-v2-base-multilingual","object":"list",
        "usage":{"total_tokens":815},"results":[
        {"index":1,"document":{"text":"there"},"relevance_score":0.1},
        {"index":0,"relevance_score":0.98}]}"#;
    let cohere = r#"{"id":"07734bd2","results":[{"index":0,"relevance_score":0.98},
        {"index":1,"relevance_score":0.1}],"meta":{"billed_units":{"search_units":1}}}"#;
    let voyage = r#"{"object":"list","data":[{"index":0,"relevance_score":0.98},
        {"index":1,"relevance_score":0.1}],"usage":{"total_tokens":26}}"#;
    let texts = [jina, cohere, voyage].map(|body| {
        let (events, outcome) = answered(&rerank, body);
        outcome.unwrap();
        events.iter().map(|event| format!("{event:?}")).collect::<Vec<_>>().join("\n")
    });
    insta::assert_snapshot!(texts.join("\n\n"));
}

#[test]
fn orders_of_other_documents_are_refused() {
    for body in [
        r#"{"results":[{"index":2,"relevance_score":1}]}"#,
        r#"{"results":[{"index":0,"relevance_score":1},{"index":0,"relevance_score":1}]}"#,
        r#"{"results":[{"index":-1,"relevance_score":1}]}"#,
        r#"{"results":[{"index":0,"relevance_score":"high"}]}"#,
        r#"{"detail":"no"}"#,
    ] {
        let outcome = answered(&rerank, body).1;
        assert!(matches!(outcome, Err(DecodeError::Malformed(_))), "{body} {outcome:?}");
    }
}
