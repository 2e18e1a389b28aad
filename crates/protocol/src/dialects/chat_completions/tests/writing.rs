use bytes::BytesMut;
use domain::generation::FinishReason;
use domain::money::Usd;
use domain::usage::Usage;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::encoder;
use crate::chat::event::{ChatEvent, Delta, ToolCallDelta};
use crate::dialects::{Envelope, Summary};
use crate::error::{ErrorType, PublicError};

fn envelope() -> Envelope {
    Envelope {
        id: "gen-1700000000-abc".into(),
        created: 1_700_000_000,
        model: "openai/gpt-4o".into(),
        provider: "OpenAI".into(),
    }
}

fn summary() -> Summary {
    Summary {
        metadata: Some(raw(&json!({"attempt": 1})).into()),
        usage: Usage {
            prompt: 10,
            cache_read: 5,
            cache_write_5m: 1,
            completion: 7,
            reasoning: 3,
            requests: 1,
            ..Usage::default()
        },
        cost: Usd::from_nanos(1_234_567),
        upstream_prompt_cost: Usd::from_nanos(1_000_000),
        upstream_completion_cost: Usd::from_nanos(100_000),
    }
}

fn raw(value: &Value) -> Box<RawValue> {
    serde_json::value::to_raw_value(value).unwrap()
}

fn delta(choice: u32, delta: Delta) -> ChatEvent {
    ChatEvent::Delta { choice, delta }
}

fn call(id: Option<&str>, name: Option<&str>, arguments: &str) -> Delta {
    let (id, name) = (id.map(Into::into), name.map(Into::into));
    Delta::ToolCall(ToolCallDelta { index: 0, id, name, arguments: arguments.into() })
}

fn events() -> Vec<ChatEvent> {
    vec![
        ChatEvent::Started {
            upstream_id: Some("x".into()),
            upstream_model: None,
            system_fingerprint: Some("fp_1".into()),
            service_tier: Some("default".into()),
        },
        delta(0, Delta::Reasoning("Hmm".into())),
        delta(
            0,
            Delta::ReasoningDetails(raw(
                &json!([{"type": "reasoning.text", "text": "Hmm", "index": 0}]),
            )),
        ),
        delta(0, Delta::Content("He said \"hi\"\n".into())),
        delta(1, Delta::Content("Other".into())),
        delta(0, Delta::Logprobs(raw(&json!({"content": []})))),
        delta(0, call(Some("call_1"), Some("f"), "")),
        delta(0, call(None, None, "{\"a\":1}")),
        delta(0, Delta::Other { name: "annotations".into(), value: raw(&json!([{"type": "x"}])) }),
        ChatEvent::Finished {
            choice: 0,
            reason: FinishReason::ToolCalls,
            native_reason: Some("tool_use".into()),
            stop_sequence: None,
        },
        ChatEvent::Usage(Usage::default()),
    ]
}

fn encoded(stream: bool, end: fn(&mut dyn crate::dialects::Encoder, &mut BytesMut)) -> String {
    let mut encoder = encoder(envelope(), stream);
    let mut out = BytesMut::new();
    encoder.keep_alive(&mut out);
    for event in events() {
        encoder.push(&event, &mut out);
    }
    end(&mut *encoder, &mut out);
    String::from_utf8(out.to_vec()).unwrap()
}

fn finish(encoder: &mut dyn crate::dialects::Encoder, out: &mut BytesMut) {
    let last = ChatEvent::Finished {
        choice: 1,
        reason: FinishReason::Stop,
        native_reason: None,
        stop_sequence: None,
    };
    encoder.push(&last, out);
    encoder.finish(&summary(), out);
}

fn fail(encoder: &mut dyn crate::dialects::Encoder, out: &mut BytesMut) {
    let error = PublicError::new(ErrorType::ProviderUnavailable, "the provider went away")
        .with_metadata("provider_name", "OpenAI");
    encoder.fail(&error, &summary(), out);
}

/// Every data line is JSON, and usage stands once, before the terminator.
fn check_stream(text: &str) {
    let data: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
    let (last, chunks) = data.split_last().unwrap();
    assert_eq!(*last, "[DONE]");
    let chunks: Vec<Value> =
        chunks.iter().map(|data| serde_json::from_str(data).unwrap()).collect();
    let with_usage = chunks.iter().filter(|chunk| chunk.get("usage").is_some()).count();
    assert_eq!(with_usage, 1);
    let last = chunks.last().unwrap();
    assert_eq!(last["choices"], json!([]));
    assert!(text.contains("\"cost\":0.001234567,"), "{text}");
}

#[test]
fn a_stream_is_written_as_openrouter_writes_it() {
    let text = encoded(true, finish);
    check_stream(&text);
    insta::assert_snapshot!(text);
}

#[test]
fn a_broken_stream_says_so_and_ends() {
    let text = encoded(true, fail);
    check_stream(&text);
    insta::assert_snapshot!(text.rsplit("\n\n").take(4).collect::<Vec<_>>().join("\n"));
}

#[test]
fn a_whole_answer_is_written_as_openrouter_writes_it() {
    let text = encoded(false, finish);
    serde_json::from_str::<Value>(&text).unwrap();
    insta::assert_snapshot!(text);
}

#[test]
fn a_broken_answer_keeps_what_was_said() {
    let value: Value = serde_json::from_str(&encoded(false, fail)).unwrap();
    assert_eq!(value["choices"][0]["finish_reason"], "tool_calls");
    assert_eq!(value["choices"][1]["finish_reason"], "error");
    assert_eq!(value["choices"][1]["message"]["content"], "Other");
    assert_eq!(value["choices"][1]["error"]["code"], 502);

    let mut encoder = encoder(envelope(), false);
    let mut out = BytesMut::new();
    fail(&mut *encoder, &mut out);
    let value: Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(value["choices"][0]["error"]["metadata"]["error_type"], "provider_unavailable");
}
