//! Whatever the order of events: a stream adds up to the answer in one piece.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{accumulate, call, content, delta, details, other, raw, reasoning, streamed, whole};
use crate::chat::event::{ChatEvent, Delta, Native};
use crate::dialects::Dialect;
use crate::error::{ErrorType, PublicError};

fn any_event() -> impl Strategy<Value = ChatEvent> {
    let text = "[a\"\\\\\n é]{0,4}";
    prop_oneof![
        text.prop_map(|text| content(&text)),
        text.prop_map(|text| reasoning(&text)),
        text.prop_map(|text| delta(Delta::Refusal(text))),
        (0..4_u32, text).prop_map(|(kind, text)| detail(kind, &text)),
        (0..3_u32, text).prop_map(|(index, text)| call(
            index,
            Some(&format!("call_{index}")),
            Some("f"),
            &text
        )),
        Just(delta(Delta::Logprobs(raw(&json!({ "content": [{ "token": "a" }] }))))),
        Just(other(
            "annotations",
            &json!([{ "type": "url_citation",
            "url_citation": { "url": "https://a.example" } }])
        )),
        Just(other(
            "images",
            &json!([{ "type": "image_url",
            "image_url": { "url": "data:image/png;base64,AAAA" } }])
        )),
        (0..3_u32, any::<bool>()).prop_map(|(index, done)| native(index, done)),
        Just(ChatEvent::Usage(domain::usage::Usage::default())),
    ]
}

fn detail(kind: u32, text: &str) -> ChatEvent {
    let (id, index) = (format!("rs_{}", kind % 2), kind / 2);
    let detail = match kind {
        0 | 1 => json!({ "type": "reasoning.summary", "summary": text, "id": id, "index": index }),
        2 => json!({ "type": "reasoning.text", "text": text, "signature": "s", "index": index }),
        _ => json!({ "type": "reasoning.encrypted", "data": text, "index": index,
            "format": "google-gemini-v1" }),
    };
    details(&json!([detail]))
}

fn native(index: u32, done: bool) -> ChatEvent {
    let name = if done { "response.output_item.done" } else { "response.output_item.added" };
    let item = json!({ "type": "web_search_call", "id": format!("ws_{index}"), "done": done });
    ChatEvent::Native(Native {
        dialect: Dialect::Responses,
        name: name.to_owned(),
        data: raw(&json!({ "output_index": index, "item": item })),
    })
}

proptest! {
    #[test]
    fn a_stream_adds_up_to_the_answer_in_one_piece(
        events in prop::collection::vec(any_event(), 0..24), fails: bool
    ) {
        let error = PublicError::new(ErrorType::Timeout, "too slow");
        let failure = fails.then_some(&error);
        let whole = whole(&events, failure);
        let stream = streamed(&events, failure);
        prop_assert_eq!(&Value::Array(accumulate(&stream)), &whole["output"]);
        prop_assert_eq!(&stream.last().unwrap()["response"], &whole);
        let items = whole["output"].as_array().unwrap();
        let said = |kind: &str| -> String {
            let parts = items.iter().filter_map(|item| item["content"].as_array()).flatten();
            parts.filter(|part| part["type"] == kind).filter_map(|part| part["text"].as_str()).collect()
        };
        let written: String = events.iter().filter_map(|event| match event {
            ChatEvent::Delta { delta: Delta::Content(text), .. } => Some(text.as_str()),
            _ => None,
        }).collect();
        prop_assert_eq!(said("output_text"), written);
        let thought: usize = events.iter().map(|event| match event {
            ChatEvent::Delta { delta: Delta::Reasoning(text), .. } => text.len(),
            _ => 0,
        }).sum();
        let summaries = items.iter().filter_map(|item| item["summary"].as_array()).flatten();
        let summed: usize = summaries.map(|part| part["text"].as_str().unwrap().len()).sum();
        prop_assert_eq!(said("reasoning_text").len() + summed, thought);
        let mut ids: Vec<&str> = items.iter().map(|item| item["id"].as_str().unwrap()).collect();
        ids.sort_unstable();
        ids.dedup();
        prop_assert_eq!(ids.len(), items.len());
    }
}
