mod answers;
mod any_order;
mod items;
mod parameters;
mod replay;

use bytes::BytesMut;
use domain::money::Usd;
use domain::usage::Usage;
use serde_json::Value;
use serde_json::value::RawValue;

use super::{Decoded, decode, encoder};
use crate::chat::event::{ChatEvent, Delta, ToolCallDelta};
use crate::dialects::{Dialect, Encoder, Envelope, Summary};
use crate::error::PublicError;
use crate::sse;

fn read(body: &Value) -> Decoded {
    decode(body.to_string().as_bytes()).unwrap_or_else(|error| panic!("{}: {body}", error.message))
}

/// The refusal of a body: the field, and the whole envelope.
fn refusal(body: &Value) -> (String, Value) {
    let error = decode(body.to_string().as_bytes()).expect_err("the body is refused");
    let envelope = error.to_json(Dialect::Responses, None);
    (envelope["error"]["param"].as_str().unwrap_or_default().to_owned(), envelope)
}

fn raw(value: &Value) -> Box<RawValue> {
    serde_json::value::to_raw_value(value).unwrap()
}

fn delta(delta: Delta) -> ChatEvent {
    ChatEvent::Delta { choice: 0, delta }
}

fn content(text: &str) -> ChatEvent {
    delta(Delta::Content(text.to_owned()))
}

fn reasoning(text: &str) -> ChatEvent {
    delta(Delta::Reasoning(text.to_owned()))
}

fn details(details: &Value) -> ChatEvent {
    delta(Delta::ReasoningDetails(raw(details)))
}

fn call(index: u32, id: Option<&str>, name: Option<&str>, arguments: &str) -> ChatEvent {
    delta(Delta::ToolCall(ToolCallDelta {
        index,
        id: id.map(str::to_owned),
        name: name.map(str::to_owned),
        arguments: arguments.to_owned(),
    }))
}

fn other(name: &str, value: &Value) -> ChatEvent {
    delta(Delta::Other { name: name.to_owned(), value: raw(value) })
}

fn finished(reason: domain::generation::FinishReason) -> ChatEvent {
    ChatEvent::Finished { choice: 0, reason, native_reason: None, stop_sequence: None }
}

fn summary() -> Summary {
    Summary {
        usage: Usage { prompt: 10, cache_read: 5, completion: 7, reasoning: 3, ..Usage::default() },
        cost: Usd::from_nanos(1_500_000),
        upstream_prompt_cost: Usd::from_nanos(1_000_000),
        upstream_completion_cost: Usd::from_nanos(500_000),
        metadata: None,
    }
}

fn make(request: &Value, stream: bool) -> Box<dyn Encoder> {
    let envelope = Envelope {
        id: "gen-1700000000-abc".to_owned(),
        created: 1_700_000_000,
        model: "test/model".to_owned(),
        provider: "Alpha".to_owned(),
    };
    encoder(read(request).echo, Box::new(|| 1_700_000_009), None)(envelope, stream)
}

fn question() -> Value {
    serde_json::json!({ "model": "test/model", "input": "Hello" })
}

/// What the encoder writes for the events.
fn written(stream: bool, events: &[ChatEvent], failure: Option<&PublicError>) -> BytesMut {
    let mut out = BytesMut::new();
    let mut encoder = make(&question(), stream);
    for event in events {
        encoder.push(event, &mut out);
    }
    match failure {
        Some(error) => encoder.fail(error, &summary(), &mut out),
        None => encoder.finish(&summary(), &mut out),
    }
    out
}

/// The answer in one piece.
fn whole(events: &[ChatEvent], failure: Option<&PublicError>) -> Value {
    serde_json::from_slice(&written(false, events, failure)).unwrap()
}

/// The events of a stream, checked for what holds of every stream.
fn streamed(events: &[ChatEvent], failure: Option<&PublicError>) -> Vec<Value> {
    let bytes = written(true, events, failure);
    let mut reader = sse::Reader::new(1 << 20);
    let mut read = Vec::new();
    let mut take = |event: sse::Event<'_>| {
        let name = String::from_utf8(event.name.to_vec()).unwrap();
        read.push((name, String::from_utf8(event.data.to_vec()).unwrap()));
        Ok::<(), sse::SseError>(())
    };
    reader.push(&bytes, &mut take).unwrap();
    reader.finish(&mut take).unwrap();
    let (_, last) = read.pop().unwrap();
    assert_eq!(last, "[DONE]");
    let mut values = Vec::new();
    for (position, (name, data)) in read.into_iter().enumerate() {
        let value: Value = serde_json::from_str(&data).unwrap_or_else(|e| panic!("{e}: {data}"));
        assert_eq!(value["type"], name.as_str());
        assert_eq!(value["sequence_number"], position);
        values.push(value);
    }
    assert_eq!(values[0]["type"], "response.created");
    assert_eq!(values[1]["type"], "response.in_progress");
    values
}

fn types(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["type"].as_str().unwrap()).collect()
}

/// Puts a stream together as OpenAI's clients do: from its events, not from its last one.
fn accumulate(events: &[Value]) -> Vec<Value> {
    let mut output: Vec<Value> = Vec::new();
    for event in events {
        let place = |name: &str| usize::try_from(event[name].as_u64().unwrap()).unwrap();
        let push = |list: &mut Value, item: &Value| match list {
            Value::Array(list) => list.push(item.clone()),
            other => *other = Value::Array(vec![item.clone()]),
        };
        let append = |text: &mut Value, more: &Value| {
            *text = format!("{}{}", text.as_str().unwrap(), more.as_str().unwrap()).into();
        };
        match event["type"].as_str().unwrap() {
            "response.output_item.added" => {
                assert_eq!(place("output_index"), output.len());
                output.push(event["item"].clone());
            }
            "response.content_part.added" => {
                push(&mut output[place("output_index")]["content"], &event["part"]);
            }
            "response.reasoning_summary_part.added" => {
                push(&mut output[place("output_index")]["summary"], &event["part"]);
            }
            "response.output_text.delta" | "response.reasoning_text.delta" => {
                let part = &mut output[place("output_index")]["content"][place("content_index")];
                append(&mut part["text"], &event["delta"]);
                if let Some(items) = event["logprobs"].as_array() {
                    for item in items {
                        push(&mut part["logprobs"], item);
                    }
                }
            }
            "response.refusal.delta" => {
                let part = &mut output[place("output_index")]["content"][place("content_index")];
                append(&mut part["refusal"], &event["delta"]);
            }
            "response.reasoning_summary_text.delta" => {
                let part = &mut output[place("output_index")]["summary"][place("summary_index")];
                append(&mut part["text"], &event["delta"]);
            }
            "response.output_text.annotation.added" => {
                let part = &mut output[place("output_index")]["content"][place("content_index")];
                push(&mut part["annotations"], &event["annotation"]);
            }
            "response.function_call_arguments.delta" => {
                append(&mut output[place("output_index")]["arguments"], &event["delta"]);
            }
            "response.content_part.done" => {
                let part = &output[place("output_index")]["content"][place("content_index")];
                assert_eq!(part, &event["part"]);
            }
            "response.reasoning_summary_part.done" => {
                let part = &output[place("output_index")]["summary"][place("summary_index")];
                assert_eq!(part, &event["part"]);
            }
            "response.output_item.done" => {
                let item = &mut output[place("output_index")];
                // All that was said in pieces must be in the item that is done.
                for name in ["id", "type", "content", "summary", "call_id", "name"] {
                    assert_eq!(item[name], event["item"][name], "{name}: {event}");
                }
                *item = event["item"].clone();
            }
            _ => {}
        }
    }
    output
}

/// Checks that a stream adds up to the answer in one piece, which it gives.
fn check(events: &[ChatEvent], failure: Option<&PublicError>) -> Value {
    let whole = whole(events, failure);
    let stream = streamed(events, failure);
    assert_eq!(Value::Array(accumulate(&stream)), whole["output"]);
    assert_eq!(stream.last().unwrap()["response"], whole);
    whole
}
