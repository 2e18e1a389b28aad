use bytes::BytesMut;
use domain::money::Usd;
use domain::usage::Usage;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::chat::event::ChatEvent;
use crate::chat::request::Kind;
use crate::dialects::{Envelope, Summary};
use crate::error::PublicError;
use crate::rerank::{Ranked, RerankRequest};

fn read(members: &Value) -> Result<(RerankRequest, Option<Documents>), PublicError> {
    let mut body = json!({
        "model": "cohere/rerank-v3.5",
        "query": "What is the capital of France?",
        "documents": ["Berlin \"B\"", {"text": "Paris", "year": 1}],
    });
    for (name, value) in members.as_object().unwrap() {
        body[name] = value.clone();
    }
    let (request, documents) = decode(body.to_string().as_bytes())?;
    let Kind::Rerank(asked) = request.kind else { panic!("rerank") };
    Ok((*asked, documents))
}

#[test]
fn a_request_keeps_what_it_says() {
    let (asked, documents) = read(&json!({"top_n": 1, "max_tokens_per_doc": 500})).unwrap();
    assert_eq!(asked.query, "What is the capital of France?");
    assert_eq!(asked.documents[0].get(), r#""Berlin \"B\"""#);
    assert_eq!(asked.documents[1].get(), r#"{"text":"Paris","year":1}"#);
    assert_eq!((asked.top_n, asked.return_documents), (Some(1), true));
    assert_eq!(asked.parameters[0].0, "max_tokens_per_doc");
    assert_eq!(documents.unwrap().len(), 2);
    assert!(read(&json!({"return_documents": false})).unwrap().1.is_none());
}

#[test]
fn what_is_wrong_is_refused_by_path() {
    for (members, field) in [
        (json!({"query": null}), "query"),
        (json!({"query": " "}), "query"),
        (json!({"query": 1}), "query"),
        (json!({"documents": null}), "documents"),
        (json!({"documents": "x"}), "documents"),
        (json!({"documents": []}), "documents"),
        (json!({"documents": vec!["x"; 10_001]}), "documents"),
        (json!({"documents": ["x", 1]}), "documents[1]"),
        (json!({"documents": [{"title": "x"}]}), "documents[0]"),
        (json!({"documents": [{"text": 5}]}), "documents[0].text"),
        (json!({"documents": [{"image": "x"}]}), "documents[0].image"),
        (json!({"top_n": 0}), "top_n"),
        (json!({"return_documents": "no"}), "return_documents"),
        (json!({"stream": true}), "stream"),
        (json!({"provider": {"sort": "luck"}}), "provider.sort"),
    ] {
        let error = read(&members).expect_err(field);
        assert_eq!(error.status, 400);
        assert_eq!(error.metadata["field"], field, "{members} → {}", error.message);
    }
}

fn encoded(members: &Value) -> Value {
    let envelope = Envelope {
        id: "gen-1".into(),
        created: 0,
        model: "cohere/rerank-v3.5".into(),
        provider: "Cohere".into(),
    };
    let mut encoder = encoder(read(members).unwrap().1)(envelope, false);
    let mut out = BytesMut::new();
    let ranking = vec![
        Ranked { index: 1, relevance_score: 0.98 },
        Ranked { index: 0, relevance_score: 0.07 },
    ];
    encoder.push(&ChatEvent::Ranking(ranking), &mut out);
    let summary = Summary {
        usage: Usage { requests: 1, ..Usage::default() },
        cost: "0.002".parse::<Usd>().unwrap(),
        upstream_prompt_cost: Usd::ZERO,
        upstream_completion_cost: Usd::ZERO,
        metadata: None,
    };
    encoder.finish(&summary, &mut out);
    serde_json::from_slice(&out).unwrap()
}

#[test]
fn an_order_is_written_as_openrouter_writes_it() {
    let expected = json!({
        "id": "gen-1",
        "model": "cohere/rerank-v3.5",
        "provider": "Cohere",
        "results": [
            {"index": 1, "relevance_score": 0.98, "document": {"text": "Paris", "year": 1}},
            {"index": 0, "relevance_score": 0.07, "document": {"text": "Berlin \"B\""}},
        ],
        "usage": {"search_units": 1, "total_tokens": 0, "cost": 0.002},
    });
    assert_eq!(encoded(&json!({})), expected);
    let bare = encoded(&json!({"return_documents": false}));
    assert_eq!(bare["results"][0], json!({"index": 1, "relevance_score": 0.98}));
}

proptest! {
    #[test]
    fn no_bytes_panic(body: Vec<u8>) {
        let _ = decode(&body);
    }
}
