use std::sync::Arc;

use bytes::BytesMut;
use domain::generation::FinishReason;
use domain::money::Usd;
use domain::usage::Usage;
use proptest::prelude::*;
use serde_json::value::to_raw_value;
use serde_json::{Value, json};

use crate::chat::event::{ChatEvent, Delta, Native, ToolCallDelta};
use crate::dialects::messages::encoder;
use crate::dialects::{Dialect, Envelope, Summary};
use crate::error::{ErrorType, PublicError};
use crate::sse;

pub(super) fn envelope() -> Envelope {
    Envelope {
        id: "gen-1".into(),
        created: 1_700_000_000,
        model: "a/b".into(),
        provider: "Alpha".into(),
    }
}

pub(super) fn summary() -> Summary {
    Summary {
        usage: Usage {
            prompt: 10,
            cache_read: 3,
            cache_write_5m: 2,
            cache_write_1h: 1,
            completion: 5,
            reasoning: 4,
            ..Usage::default()
        },
        cost: Usd::from_nanos(1_500),
        upstream_prompt_cost: Usd::from_nanos(1_000),
        upstream_completion_cost: Usd::from_nanos(500),
        metadata: None,
    }
}

fn delta(delta: Delta) -> ChatEvent {
    ChatEvent::Delta { choice: 0, delta }
}

pub(super) fn text(text: &str) -> ChatEvent {
    delta(Delta::Content(text.into()))
}

pub(super) fn reasoning(text: &str) -> ChatEvent {
    delta(Delta::Reasoning(text.into()))
}

pub(super) fn details(items: &Value) -> ChatEvent {
    delta(Delta::ReasoningDetails(to_raw_value(items).unwrap()))
}

fn other(name: &str, value: &Value) -> ChatEvent {
    delta(Delta::Other { name: name.into(), value: to_raw_value(value).unwrap() })
}

pub(super) fn call(index: u32, name: Option<&str>, arguments: &str) -> ChatEvent {
    delta(Delta::ToolCall(ToolCallDelta {
        index,
        id: name.map(|_| format!("toolu_{index}")),
        name: name.map(Into::into),
        arguments: arguments.into(),
    }))
}

fn native(name: &str, data: &Value) -> ChatEvent {
    ChatEvent::Native(Native {
        dialect: Dialect::Messages,
        name: name.into(),
        data: to_raw_value(data).unwrap(),
    })
}

fn finished(reason: FinishReason, native: Option<&str>, stop: Option<&str>) -> ChatEvent {
    ChatEvent::Finished {
        choice: 0,
        reason,
        native_reason: native.map(Into::into),
        stop_sequence: stop.map(Into::into),
    }
}

fn written(events: &[ChatEvent], stream: bool, summary: &Summary) -> BytesMut {
    let mut encoder = encoder(envelope(), stream);
    let mut out = BytesMut::new();
    for event in events {
        encoder.push(event, &mut out);
    }
    encoder.finish(summary, &mut out);
    out
}

pub(super) fn whole(events: &[ChatEvent]) -> Value {
    serde_json::from_slice(&written(events, false, &summary())).unwrap()
}

/// The events of a stream; each is named as its data says.
fn streamed(bytes: &[u8]) -> Vec<Value> {
    let mut reader = sse::Reader::new(1 << 20);
    let mut events = Vec::new();
    let mut keep = |event: sse::Event<'_>| {
        let data: Value = serde_json::from_slice(event.data).unwrap();
        assert_eq!(data["type"].as_str().unwrap().as_bytes(), event.name);
        events.push(data);
        Ok::<(), sse::SseError>(())
    };
    reader.push(bytes, &mut keep).unwrap();
    reader.finish(&mut keep).unwrap();
    events
}

/// What Anthropic's clients make of a stream.
fn accumulated(events: &[Value]) -> Value {
    let mut message = Value::Null;
    let mut open: Option<u64> = None;
    let mut input = String::new();
    for event in events {
        match event["type"].as_str().unwrap() {
            "message_start" => {
                assert!(message.is_null());
                message = event["message"].clone();
            }
            "content_block_start" => {
                let content = message["content"].as_array_mut().unwrap();
                assert_eq!(event["index"], content.len(), "indices have gaps");
                assert_eq!(open, None, "blocks interleave");
                open = event["index"].as_u64();
                input.clear();
                content.push(event["content_block"].clone());
            }
            "content_block_delta" => {
                assert_eq!(open, event["index"].as_u64());
                let block = &mut message["content"][usize::try_from(open.unwrap()).unwrap()];
                accumulate(block, &event["delta"], &mut input);
            }
            "content_block_stop" => {
                assert_eq!(open.take(), event["index"].as_u64());
                let block = message["content"].as_array_mut().unwrap().last_mut().unwrap();
                if !input.is_empty() {
                    block["input"] = serde_json::from_str(&input).unwrap_or(json!(input));
                }
            }
            "message_delta" => {
                assert_eq!(open, None);
                for (name, value) in event["delta"].as_object().unwrap() {
                    message[name] = value.clone();
                }
                message["usage"] = event["usage"].clone();
            }
            "message_stop" => {
                if let Some(metadata) = event.get("openrouter_metadata") {
                    message["openrouter_metadata"] = metadata.clone();
                }
            }
            "ping" => {}
            other => panic!("{other}"),
        }
    }
    assert_eq!(events.last().unwrap()["type"], "message_stop");
    message
}

fn accumulate(block: &mut Value, delta: &Value, input: &mut String) {
    let grow = |block: &mut Value, name: &str| {
        let text = format!("{}{}", block[name].as_str().unwrap(), delta[name].as_str().unwrap());
        block[name] = text.into();
    };
    match delta["type"].as_str().unwrap() {
        "text_delta" => grow(block, "text"),
        "thinking_delta" => grow(block, "thinking"),
        "signature_delta" => block["signature"] = delta["signature"].clone(),
        "input_json_delta" => input.push_str(delta["partial_json"].as_str().unwrap()),
        "citations_delta" => match block["citations"].as_array_mut() {
            Some(citations) => citations.push(delta["citation"].clone()),
            None => block["citations"] = json!([delta["citation"]]),
        },
        "compaction_delta" => block["content"] = delta["content"].clone(),
        other => panic!("{other}"),
    }
}

/// Both ways of answering say the same; gives what they say.
fn check(events: &[ChatEvent]) -> Value {
    let mut summary = summary();
    summary.metadata = Some(Arc::from(to_raw_value(&json!({"requested": "a/b"})).unwrap()));
    let whole: Value = serde_json::from_slice(&written(events, false, &summary)).unwrap();
    let stream = accumulated(&streamed(&written(events, true, &summary)));
    assert_eq!(stream, whole);
    assert_eq!(whole["openrouter_metadata"]["requested"], "a/b");
    whole
}

#[test]
fn a_stream_is_written_as_anthropic_writes_it() {
    let events = [
        ChatEvent::Started {
            upstream_id: Some("msg_1".into()),
            upstream_model: None,
            system_fingerprint: None,
            service_tier: Some("default".into()),
        },
        ChatEvent::Usage(Usage { prompt: 10, ..Usage::default() }),
        reasoning("Hm, "),
        reasoning("yes."),
        details(
            &json!([{"type": "reasoning.text", "signature": "c2ln", "format": "anthropic-claude-v1", "index": 0}]),
        ),
        text("Hel"),
        text("lo\n\"you\""),
        call(0, Some("get_weather"), ""),
        call(0, None, "{\"city\": "),
        call(0, None, "\"Paris\"}"),
        finished(FinishReason::ToolCalls, Some("tool_use"), None),
    ];
    let out = written(&events, true, &summary());
    insta::assert_snapshot!(std::str::from_utf8(&out).unwrap());
    insta::assert_json_snapshot!("whole", check(&events));
}

#[test]
fn parallel_calls_are_put_in_blocks_of_their_own() {
    let body = check(&[
        call(0, Some("a"), "{\"x\":"),
        call(1, Some("b"), "{\"y\":"),
        call(2, Some("c"), ""),
        text("and so on"),
        call(1, None, "2}"),
        call(0, None, "1}"),
        call(3, None, "{"),
        call(3, Some("d"), "}"),
        finished(FinishReason::ToolCalls, None, None),
        other(
            "annotations",
            &json!([{"type": "url_citation", "url_citation": {"url": "https://x"}}]),
        ),
    ]);
    assert_eq!(
        body["content"],
        json!([
            {"type": "tool_use", "id": "toolu_0", "name": "a", "input": {"x": 1}},
            {"type": "tool_use", "id": "toolu_1", "name": "b", "input": {"y": 2}},
            {"type": "tool_use", "id": "toolu_2", "name": "c", "input": {}},
            {"type": "text", "text": "and so on"},
            {"type": "tool_use", "id": "toolu_3", "name": "d", "input": {}},
            {"type": "text", "text": "", "citations": [{"type": "web_search_result_location",
                "url": "https://x", "title": null, "cited_text": "", "encrypted_index": ""}]},
        ])
    );
    assert_eq!(body["stop_reason"], "tool_use");
}

#[test]
fn a_call_whose_object_is_closed_makes_room_at_once() {
    let mut encoder = encoder(envelope(), true);
    let mut out = BytesMut::new();
    for event in [call(0, Some("a"), "{}"), call(1, Some("b"), "{\"y\":"), text("later")] {
        encoder.push(&event, &mut out);
    }
    let events = streamed(&out);
    let names: Vec<&Value> = events.iter().map(|e| &e["content_block"]["name"]).collect();
    assert!(names.contains(&&json!("a")) && names.contains(&&json!("b")));
    assert!(!String::from_utf8_lossy(&out).contains("later"));
}

#[test]
fn what_waits_for_a_call_that_never_ends_is_bounded() {
    let mut encoder = encoder(envelope(), true);
    let mut out = BytesMut::new();
    encoder.push(&call(0, Some("a"), "{\"x\":"), &mut out);
    let page = "x".repeat(1 << 20);
    for _ in 0..6 {
        encoder.push(&text(&page), &mut out);
    }
    assert!(out.len() > 4 << 20, "{} bytes are held back", (6 << 20) - out.len());
}

#[test]
fn a_call_without_a_name_of_its_own_gets_one() {
    let event = delta(Delta::ToolCall(ToolCallDelta {
        index: 4,
        id: None,
        name: Some("f".into()),
        arguments: String::new(),
    }));
    assert_eq!(check(&[event])["content"][0]["id"], "toolu_gen-1_4");
}

#[test]
fn the_reason_for_an_end_is_in_anthropics_words() {
    use FinishReason::{ContentFilter, Length, Stop, ToolCalls};
    for (reason, native, stop, expected) in [
        (Stop, Some("stop"), None, "end_turn"),
        (Stop, Some("end_turn"), None, "end_turn"),
        (Stop, Some("stop_sequence"), Some("END"), "stop_sequence"),
        (Stop, Some("stop"), Some("END"), "stop_sequence"),
        // A forced tool stood for a format.
        (Stop, Some("tool_use"), None, "end_turn"),
        (Stop, Some("pause_turn"), None, "pause_turn"),
        (Length, Some("length"), None, "max_tokens"),
        (Length, Some("model_context_window_exceeded"), None, "model_context_window_exceeded"),
        (ToolCalls, Some("tool_calls"), None, "tool_use"),
        (ContentFilter, Some("SAFETY"), None, "refusal"),
        (ContentFilter, Some("refusal"), None, "refusal"),
    ] {
        let body = check(&[text("x"), finished(reason, native, stop)]);
        assert_eq!(body["stop_reason"], expected, "{reason:?} {native:?}");
        assert_eq!(body["stop_sequence"].as_str(), stop);
    }
    let body = check(&[text("x"), finished(FinishReason::Error, None, None)]);
    assert_eq!(body["stop_reason"], Value::Null);
    let body = check(&[call(0, Some("f"), "{}"), finished(Stop, Some("stop"), None)]);
    assert_eq!(body["stop_reason"], "tool_use");
    let body = check(&[delta(Delta::Refusal("No.".into())), finished(Stop, Some("stop"), None)]);
    assert_eq!(
        (&body["stop_reason"], &body["content"][0]["text"]),
        (&json!("refusal"), &json!("No."))
    );
}

#[test]
fn thinking_is_split_where_it_was_signed() {
    let sign = |index: u64, signature: &str| {
        details(
            &json!([{"type": "reasoning.text", "signature": signature, "format": "anthropic-claude-v1", "index": index}]),
        )
    };
    let redacted = details(
        &json!([{"type": "reasoning.encrypted", "data": "ZGF0YQ==", "format": "anthropic-claude-v1", "index": 2}]),
    );
    let body = check(&[
        reasoning("a"),
        sign(0, "s0"),
        reasoning("b"),
        sign(1, "s1"),
        redacted,
        sign(3, "s3"),
        text("c"),
    ]);
    assert_eq!(
        body["content"],
        json!([
            {"type": "thinking", "thinking": "a", "signature": "s0"},
            {"type": "thinking", "thinking": "b", "signature": "s1"},
            {"type": "redacted_thinking", "data": "ZGF0YQ=="},
            {"type": "thinking", "thinking": "", "signature": "s3"},
            {"type": "text", "text": "c"},
        ])
    );
}

#[test]
fn usage_is_disjoint_and_tells_the_cost() {
    let usage = check(&[text("x")])["usage"].clone();
    assert_eq!(usage["input_tokens"], 10);
    assert_eq!(usage["cache_creation_input_tokens"], 3);
    assert_eq!(usage["cache_read_input_tokens"], 3);
    assert_eq!(
        usage["cache_creation"],
        json!({"ephemeral_5m_input_tokens": 2, "ephemeral_1h_input_tokens": 1})
    );
    assert_eq!(usage["output_tokens"], 9);
    assert_eq!(usage["cost"], 0.000_001_5);
}

#[test]
fn annotations_become_citations_unless_anthropic_cites_itself() {
    let annotations = other(
        "annotations",
        &json!([{"type": "url_citation", "url_citation":
            {"url": "https://x", "title": "X", "content": "says", "start_index": 0, "end_index": 2}}]),
    );
    let body = check(&[text("so"), annotations.clone()]);
    assert_eq!(body["content"][0]["citations"][0]["cited_text"], "says");
    let own = json!({"type": "char_location", "cited_text": "g", "document_index": 0,
        "document_title": null, "start_char_index": 0, "end_char_index": 1});
    let cite = native("content_block_delta", &json!({"type": "citations_delta", "citation": own}));
    let body = check(&[cite, text("so"), annotations]);
    assert_eq!(body["content"], json!([{"type": "text", "text": "so", "citations": [own]}]));
}

#[test]
fn blocks_that_only_anthropic_knows_pass_through() {
    let body = check(&[
        text("I search."),
        native(
            "content_block_start",
            &json!({"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}}),
        ),
        native(
            "content_block_delta",
            &json!({"type": "input_json_delta", "partial_json": "{\"query\":"}),
        ),
        native(
            "content_block_delta",
            &json!({"type": "input_json_delta", "partial_json": "\"x\"}"}),
        ),
        native("content_block_stop", &json!({})),
        native(
            "content_block_start",
            &json!({"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []}),
        ),
        native("content_block_stop", &json!({})),
        native("content_block_start", &json!({"type": "compaction", "content": ""})),
        native("content_block_delta", &json!({"type": "compaction_delta", "content": "short"})),
        native("content_block_stop", &json!({})),
        native("content_block_start", &json!({"type": "text", "text": "", "citations": []})),
        text("Found."),
        native("content_block_stop", &json!({})),
        text("More."),
        native("message_delta", &json!({"stop_reason": "end_turn", "container": {"id": "c"}})),
        finished(FinishReason::Stop, Some("end_turn"), None),
    ]);
    assert_eq!(
        body["content"],
        json!([
            {"type": "text", "text": "I search."},
            {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "x"}},
            {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []},
            {"type": "compaction", "content": "short"},
            {"type": "text", "text": "Found.", "citations": []},
            {"type": "text", "text": "More."},
        ])
    );
    assert_eq!(body["container"], json!({"id": "c"}));
}

#[test]
fn a_native_line_break_does_not_break_an_event() {
    let pretty =
        serde_json::value::RawValue::from_string("{\n  \"type\": \"x\",\r\n \"y\": 1}".into());
    let event = ChatEvent::Native(Native {
        dialect: Dialect::Messages,
        name: "content_block_start".into(),
        data: pretty.unwrap(),
    });
    assert_eq!(check(&[event])["content"], json!([{"type": "x", "y": 1}]));
}

#[test]
fn an_answer_of_nothing_is_still_an_answer() {
    let body = check(&[]);
    assert_eq!((&body["content"], &body["stop_reason"]), (&json!([]), &json!("end_turn")));
}

#[test]
fn a_broken_answer_ends_with_an_error() {
    let error = PublicError::new(ErrorType::ProviderOverloaded, "Alpha is overloaded.");
    for stream in [true, false] {
        let mut encoder = encoder(envelope(), stream);
        let mut out = BytesMut::new();
        encoder.push(&text("Hel"), &mut out);
        encoder.fail(&error, &summary(), &mut out);
        let last = if stream {
            streamed(&out).last().unwrap().clone()
        } else {
            serde_json::from_slice(&out).unwrap()
        };
        assert_eq!(last["type"], "error");
        assert_eq!(last["error"]["type"], "overloaded_error");
        assert_eq!(last["error"]["error_type"], "provider_overloaded");
        assert_eq!(last["request_id"], "gen-1");
        assert_eq!(last["usage"]["output_tokens"], 9);
    }
}

#[test]
fn silence_is_broken_with_a_ping() {
    let mut out = BytesMut::new();
    encoder(envelope(), true).keep_alive(&mut out);
    assert_eq!(streamed(&out), [json!({"type": "ping"})]);
}

proptest! {
    #[test]
    fn whatever_comes_blocks_never_interleave(events in prop::collection::vec(any_event(), 0..24)) {
        check(&events);
    }
}

fn any_event() -> impl Strategy<Value = ChatEvent> {
    let piece = prop::sample::select(vec!["", "{", "}", "{}", "\"", "\\", " ", "a", "[1", "]"]);
    let name = prop::option::of(Just("f"));
    let detail = (
        prop::sample::select(vec!["reasoning.text", "reasoning.encrypted", "reasoning.summary"]),
        prop::sample::select(vec!["anthropic-claude-v1", "google-gemini-v1", "unknown"]),
        0_u64..3,
    );
    prop_oneof![
        piece.clone().prop_map(text),
        piece.clone().prop_map(reasoning),
        (0_u32..3, name, piece).prop_map(|(index, name, piece)| call(index, name, piece)),
        detail.prop_map(|(kind, format, index)| details(&json!([{"type": kind, "format": format,
            "index": index, "signature": "s", "data": "d", "summary": "x"}]))),
        Just(other(
            "images",
            &json!([{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}])
        )),
        Just(other(
            "annotations",
            &json!([{"type": "url_citation", "url_citation": {"url": "https://x"}}])
        )),
        Just(native("content_block_start", &json!({"type": "new", "input": {}}))),
        Just(native(
            "content_block_delta",
            &json!({"type": "input_json_delta", "partial_json": "{}"})
        )),
        Just(native("content_block_stop", &json!({}))),
        Just(finished(FinishReason::Stop, None, None)),
    ]
}
