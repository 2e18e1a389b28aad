use bytes::BytesMut;
use domain::money::Usd;
use domain::usage::Usage;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::chat::event::ChatEvent;
use crate::chat::request::{ChatRequest, Content, Kind, PartKind};
use crate::chat::view::{PartView, Source};
use crate::dialects::{Envelope, Summary};
use crate::embeddings::{Embedding, EmbeddingsRequest, Encoding, Input};

fn read(members: &Value) -> (ChatRequest, EmbeddingsRequest) {
    let mut body = json!({"model": "openai/text-embedding-3-small", "input": "Hello"});
    for (name, value) in members.as_object().unwrap() {
        body[name] = value.clone();
    }
    let request = decode(body.to_string().as_bytes()).unwrap();
    let Kind::Embeddings(asked) = request.kind.clone() else { panic!("embeddings") };
    (request, *asked)
}

#[test]
fn a_request_keeps_what_it_says() {
    let (request, asked) = read(&json!({"dimensions": 256, "encoding_format": "base64",
        "input_type": "search_query", "user": "u", "session_id": "s", "truncate": "END",
        "provider": {"only": ["openai"]}, "trace": {}}));
    assert_eq!(request.model.as_deref(), Some("openai/text-embedding-3-small"));
    assert!(!request.stream && request.messages.is_empty());
    assert_eq!((request.user.as_deref(), request.session_id.as_deref()), (Some("u"), Some("s")));
    assert_eq!(request.provider.only.as_deref(), Some(&["openai".to_owned()][..]));
    assert_eq!((asked.dimensions, asked.encoding), (Some(256), Encoding::Base64));
    assert_eq!(asked.input_type.as_deref(), Some("search_query"));
    assert_eq!(asked.parameters.len(), 1);
    assert_eq!(asked.parameters[0].0, "truncate");
}

#[test]
fn every_form_of_input_is_read() {
    let inputs = |input: Value| read(&json!({"input": input})).1.inputs;
    assert!(matches!(&inputs(json!("Hi"))[..], [Input::Text(text)] if text == "Hi"));
    assert_eq!(inputs(json!(["a", "b"])).len(), 2);
    assert!(matches!(&inputs(json!([1, 2, 3]))[..], [Input::Tokens(t)] if t == &[1, 2, 3]));
    assert!(matches!(&inputs(json!([[1], [2, 3]]))[..], [Input::Tokens(_), Input::Tokens(t)]
            if t == &[2, 3]));
    let [Input::Parts(Content::Parts(parts))] = &inputs(json!([{"content": [
        {"type": "text", "text": "A cat"},
        {"type": "image_url", "image_url": {"url": "https://x/cat.png"}},
        {"type": "input_audio", "input_audio": {"data": "UklGRg=="}},
        {"type": "input_video", "input_video": {"data": "AAAA", "format": "webm"}},
        {"type": "input_file", "input_file": {"data": "JVBERi0="}},
    ]}]))[..] else {
        panic!("parts")
    };
    let kinds: Vec<&PartKind> = parts.iter().map(|part| &part.kind).collect();
    assert_eq!(
        kinds,
        [
            &PartKind::Text { bytes: 5 },
            &PartKind::Image,
            &PartKind::Audio,
            &PartKind::Video,
            &PartKind::File
        ]
    );
    assert!(matches!(parts[2].view(), PartView::Audio { format, .. } if format == "wav"));
    assert!(matches!(parts[3].view(), PartView::Video(Source::Inline { media_type, base64 })
        if media_type == "video/webm" && base64 == "AAAA"));
    assert!(
        matches!(parts[4].view(), PartView::File { source: Source::Inline { media_type, .. }, .. }
            if media_type == "application/pdf")
    );
}

#[test]
fn what_is_wrong_is_refused_by_path() {
    for (members, field) in [
        (json!({"input": null}), "input"),
        (json!({"input": 5}), "input"),
        (json!({"input": {}}), "input"),
        (json!({"input": []}), "input"),
        (json!({"input": ""}), "input"),
        (json!({"input": ["a", ""]}), "input[1]"),
        (json!({"input": ["a", 5]}), "input[1]"),
        (json!({"input": [1, "a"]}), "input[1]"),
        (json!({"input": [-1]}), "input[0]"),
        (json!({"input": [[1], []]}), "input[1]"),
        (json!({"input": [[1], [1.5]]}), "input[1][0]"),
        (json!({"input": vec!["a"; 2049]}), "input"),
        (json!({"input": [{"text": "a"}]}), "input[0].content"),
        (json!({"input": [{"content": []}]}), "input[0].content"),
        (json!({"input": [{"content": [{"type": "smell"}]}]}), "input[0].content[0].type"),
        (
            json!({"input": [{"content": [{"type": "image_url", "image_url": {"url": "x"}}]}]}),
            "input[0].content[0].image_url.url",
        ),
        (
            json!({"input": [{"content": [{"type": "input_video", "input_video": {}}]}]}),
            "input[0].content[0].input_video.data",
        ),
        (
            json!({"input": [{"content": [{"type": "input_file"}]}]}),
            "input[0].content[0].input_file",
        ),
        (json!({"dimensions": 0}), "dimensions"),
        (json!({"dimensions": 1.5}), "dimensions"),
        (json!({"encoding_format": "int8"}), "encoding_format"),
        (json!({"input_type": 1}), "input_type"),
        (json!({"stream": true}), "stream"),
        (json!({"models": ["a/b"]}), "models"),
        (json!({"provider": []}), "provider"),
        (json!({"model": ""}), "model"),
    ] {
        let mut body = json!({"model": "a/b", "input": "Hello"});
        for (name, value) in members.as_object().unwrap() {
            body[name] = value.clone();
        }
        let error = decode(body.to_string().as_bytes()).expect_err(field);
        assert_eq!(error.status, 400);
        assert_eq!(error.metadata["field"], field, "{members} → {}", error.message);
    }
    let missing = decode(b"{\"model\":\"a/b\"}").unwrap_err();
    assert!(missing.message.starts_with("`input` is missing"), "{}", missing.message);
}

fn encoded(encoding: Encoding) -> Value {
    let envelope =
        Envelope { id: "gen-1".into(), created: 0, model: "a/b".into(), provider: "Alpha".into() };
    let mut encoder = encoder(encoding)(envelope, false);
    let mut out = BytesMut::new();
    let embeddings = vec![
        Embedding { index: 0, values: vec![0.5, -1.0, 1e-10, 0.25] },
        Embedding { index: 1, values: vec![f32::NAN] },
    ];
    encoder.push(&ChatEvent::Embeddings(embeddings), &mut out);
    let summary = Summary {
        usage: Usage { prompt: 7, requests: 1, ..Usage::default() },
        cost: Usd::from_nanos(140),
        upstream_prompt_cost: Usd::from_nanos(140),
        upstream_completion_cost: Usd::ZERO,
        metadata: None,
    };
    encoder.finish(&summary, &mut out);
    serde_json::from_slice(&out).unwrap()
}

#[test]
fn vectors_are_written_as_openai_writes_them() {
    let value = encoded(Encoding::Float);
    assert_eq!(value["object"], "list");
    assert_eq!(value["model"], "a/b");
    let data = json!([
        {"object": "embedding", "index": 0, "embedding": [0.5, -1.0, 1e-10, 0.25]},
        {"object": "embedding", "index": 1, "embedding": [0]},
    ]);
    let close = value["data"][0]["embedding"][2].as_f64().unwrap();
    assert!((close - 1e-10).abs() < 1e-16);
    assert_eq!(value["data"][0]["embedding"][0], data[0]["embedding"][0]);
    assert_eq!(value["data"][0]["embedding"].as_array().unwrap().len(), 4);
    assert_eq!(value["data"][1]["index"], 1);
    assert_eq!(value["usage"]["prompt_tokens"], 7);
    assert_eq!(value["usage"]["total_tokens"], 7);
    assert_eq!(value["usage"]["cost"].to_string(), "1.4e-7");
    // 0.5, -1, 1e-10 and 0.25, as `struct.pack("<4f", …)` packs them.
    let value = encoded(Encoding::Base64);
    assert_eq!(value["data"][0]["embedding"], "AAAAPwAAgL//5tsuAACAPg==");
}

proptest! {
    #[test]
    fn no_bytes_panic(body: Vec<u8>) {
        let _ = decode(&body);
    }
}
