use bytes::BytesMut;
use domain::generation::FinishReason;
use domain::money::Usd;
use domain::usage::Usage;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::chat::event::{ChatEvent, Delta};
use crate::chat::request::{Content, Role};
use crate::dialects::{Envelope, Summary};
use crate::error::{ErrorType, PublicError};

fn with(members: &Value) -> String {
    let mut request = json!({"model": "a/b", "prompt": "Once upon"});
    for (name, value) in members.as_object().unwrap() {
        request[name] = value.clone();
    }
    request.to_string()
}

#[test]
fn a_prompt_is_a_conversation_of_one_message() {
    let body = with(&json!({"prompt": ["Once upon"], "max_tokens": 9, "stream": true, "n": 2,
        "best_of": 2, "logprobs": 3, "suffix": null, "temperature": 0.5, "stop": "\n",
        "provider": {"sort": "price"}, "stream_options": {"include_usage": true}}));
    let (request, echo) = decode(body.as_bytes()).unwrap();
    let [message] = &request.messages[..] else { panic!("one message") };
    assert_eq!(message.role, Role::User);
    assert!(matches!(&message.content, Content::Text(text) if text == "Once upon"));
    assert_eq!((request.max_tokens, request.n, request.stream), (Some(9), Some(2), true));
    let kept: Vec<(&str, &str)> =
        request.parameters.iter().map(|(name, raw)| (name.as_str(), raw.get())).collect();
    let expected =
        [("stop", "\"\\n\""), ("temperature", "0.5"), ("logprobs", "true"), ("top_logprobs", "3")];
    assert_eq!(kept, expected);
    assert_eq!(echo, None);
    let (_, echo) = decode(with(&json!({"echo": true})).as_bytes()).unwrap();
    assert_eq!(echo.as_deref(), Some("Once upon"));
}

#[test]
fn what_cannot_be_done_is_refused_by_name() {
    for (members, field) in [
        (json!({"prompt": null}), "prompt"),
        (json!({"prompt": 5}), "prompt"),
        (json!({"prompt": []}), "prompt"),
        (json!({"prompt": ["a", "b"]}), "prompt"),
        (json!({"prompt": [1, 2, 3]}), "prompt"),
        (json!({"prompt": [[1, 2, 3]]}), "prompt[0]"),
        (json!({"messages": []}), "messages"),
        (json!({"suffix": "the end"}), "suffix"),
        (json!({"suffix": 1}), "suffix"),
        (json!({"echo": "yes"}), "echo"),
        (json!({"echo": true, "logprobs": 1}), "echo"),
        (json!({"best_of": 3}), "best_of"),
        (json!({"best_of": 1, "n": 2}), "best_of"),
        (json!({"best_of": 0}), "best_of"),
        (json!({"logprobs": 21}), "logprobs"),
        (json!({"logprobs": "5"}), "logprobs"),
        (json!({"tools": [{"type": "function", "function": {"name": "f"}}]}), "tools"),
        (json!({"modalities": ["image"]}), "modalities"),
        (json!({"temperature": 3}), "temperature"),
        (json!({"max_tokens": 0}), "max_tokens"),
    ] {
        let error = decode(with(&members).as_bytes()).expect_err(field);
        assert_eq!((error.status, error.error_type), (400, ErrorType::InvalidRequest));
        assert_eq!(error.metadata["field"], field, "{members} → {}", error.message);
    }
    let fine = json!({"tools": [], "tool_choice": "none", "modalities": ["text"], "suffix": ""});
    assert!(decode(with(&fine).as_bytes()).is_ok());
}

fn summary() -> Summary {
    let metadata = serde_json::value::RawValue::from_string("{\"attempt\":1}".into()).unwrap();
    Summary {
        usage: Usage { prompt: 2, completion: 3, requests: 1, ..Usage::default() },
        cost: Usd::from_nanos(1_500),
        upstream_prompt_cost: Usd::from_nanos(500),
        upstream_completion_cost: Usd::from_nanos(1_000),
        metadata: Some(metadata.into()),
    }
}

fn encoded(stream: bool, echo: Option<&str>, broken: bool) -> String {
    let envelope = Envelope {
        id: "gen-1".into(),
        created: 1_700_000_000,
        model: "a/b".into(),
        provider: "Alpha".into(),
    };
    let mut encoder = encoder(echo.map(str::to_owned))(envelope, stream);
    let mut out = BytesMut::new();
    let delta = |delta| ChatEvent::Delta { choice: 0, delta };
    let logprobs = json!({"content": [
        {"token": " a", "logprob": -0.5, "bytes": null,
            "top_logprobs": [{"token": " a", "logprob": -0.5, "bytes": null}]},
        {"token": " \"time\"", "logprob": -1.5, "bytes": null, "top_logprobs": []},
    ]});
    for event in [
        delta(Delta::Reasoning("Hmm".into())),
        delta(Delta::Content(" a".into())),
        delta(Delta::Content(" \"time\"".into())),
        delta(Delta::Logprobs(serde_json::value::to_raw_value(&logprobs).unwrap())),
    ] {
        encoder.push(&event, &mut out);
    }
    if broken {
        let error = PublicError::new(ErrorType::ProviderUnavailable, "it went away");
        encoder.fail(&error, &summary(), &mut out);
    } else {
        let end = ChatEvent::Finished {
            choice: 0,
            reason: FinishReason::Length,
            native_reason: Some("max".into()),
            stop_sequence: None,
        };
        encoder.push(&end, &mut out);
        encoder.finish(&summary(), &mut out);
    }
    String::from_utf8(out.to_vec()).unwrap()
}

#[test]
fn a_completion_is_written_whole() {
    let value: Value = serde_json::from_str(&encoded(false, Some("Once upon"), false)).unwrap();
    assert_eq!(value["object"], "text_completion");
    assert_eq!(value["openrouter_metadata"], json!({"attempt": 1}));
    assert_eq!(value["usage"]["total_tokens"], 5);
    let expected = json!({
        "index": 0,
        "text": "Once upon a \"time\"",
        "reasoning": "Hmm",
        "logprobs": {
            "tokens": [" a", " \"time\""],
            "token_logprobs": [-0.5, -1.5],
            "top_logprobs": [{" a": -0.5}, null],
            "text_offset": [9, 11],
        },
        "finish_reason": "length",
        "native_finish_reason": "max",
    });
    assert_eq!(value["choices"][0], expected);
    let value: Value = serde_json::from_str(&encoded(false, None, true)).unwrap();
    assert_eq!(value["choices"][0]["finish_reason"], "error");
    assert_eq!(value["choices"][0]["error"]["code"], 502);
    assert_eq!(value["choices"][0]["text"], " a \"time\"");
}

#[test]
fn a_streamed_completion_says_the_same() {
    for broken in [false, true] {
        let text = encoded(true, Some("Once upon"), broken);
        let data: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
        let (last, chunks) = data.split_last().unwrap();
        assert_eq!(*last, "[DONE]");
        let chunks: Vec<Value> =
            chunks.iter().map(|data| serde_json::from_str(data).unwrap()).collect();
        let said = |name: &str| -> String {
            chunks.iter().filter_map(|chunk| chunk["choices"][0][name].as_str()).collect()
        };
        assert_eq!(said("text"), "Once upon a \"time\"");
        assert_eq!(said("reasoning"), "Hmm");
        assert_eq!(said("finish_reason"), if broken { "error" } else { "length" });
        let offsets: Vec<&Value> = chunks
            .iter()
            .map(|chunk| &chunk["choices"][0]["logprobs"]["text_offset"])
            .filter(|offsets| !offsets.is_null())
            .collect();
        assert_eq!(offsets, [&json!([9, 11])]);
        assert!(chunks.iter().all(|chunk| chunk["object"] == "text_completion"));
        let usage = chunks.last().unwrap();
        assert_eq!(usage["choices"], json!([]));
        assert_eq!(usage["usage"]["completion_tokens"], 3);
        assert_eq!(chunks.iter().filter(|chunk| chunk.get("usage").is_some()).count(), 1);
        assert_eq!(chunks.iter().any(|chunk| chunk["error"]["code"] == 502), broken);
    }
}

proptest! {
    #[test]
    fn no_bytes_panic(body: Vec<u8>) {
        let _ = decode(&body);
    }
}
