//! Events to answers, streamed and whole.

use bytes::BytesMut;
use domain::generation::FinishReason;
use serde_json::{Value, json};

use super::{
    call, check, content, details, finished, make, other, question, read, reasoning, streamed,
    summary, types, whole,
};
use crate::chat::event::{ChatEvent, Delta, Native};
use crate::dialects::Dialect;
use crate::dialects::responses::encoder;
use crate::error::{ErrorType, PublicError};

fn started() -> ChatEvent {
    ChatEvent::Started {
        upstream_id: Some("chatcmpl-1".into()),
        upstream_model: None,
        system_fingerprint: None,
        service_tier: Some("priority".into()),
    }
}

#[test]
fn text_streams_as_openai_streams_it() {
    let events = [started(), content("Hel"), content("lo \"you\"\n"), finished(FinishReason::Stop)];
    let stream = streamed(&events, None);
    assert_eq!(
        types(&stream),
        [
            "response.created",
            "response.in_progress",
            "response.output_item.added",
            "response.content_part.added",
            "response.output_text.delta",
            "response.output_text.delta",
            "response.output_text.done",
            "response.content_part.done",
            "response.output_item.done",
            "response.completed",
        ]
    );
    assert_eq!(stream[0]["response"]["status"], "in_progress");
    assert_eq!(stream[0]["response"]["output"], json!([]));
    assert_eq!(stream[0]["response"]["usage"], Value::Null);
    assert_eq!(stream[5]["delta"], "lo \"you\"\n");
    assert_eq!(stream[5]["logprobs"], json!([]));
    insta::assert_json_snapshot!("a_whole_answer", check(&events, None));
}

#[test]
fn reasoning_text_and_calls_are_items_of_their_own() {
    let answer = check(
        &[
            reasoning("I think"),
            reasoning(" so"),
            content("Let me look."),
            call(0, Some("call_a"), Some("find"), ""),
            call(0, None, None, "{\"a\":"),
            call(1, Some("call_b"), Some("now"), ""),
            call(0, None, None, "1}"),
            finished(FinishReason::ToolCalls),
        ],
        None,
    );
    let output = answer["output"].as_array().unwrap();
    let kinds: Vec<_> = output.iter().map(|item| item["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["reasoning", "message", "function_call", "function_call"]);
    assert_eq!(output[0]["summary"], json!([]));
    assert_eq!(output[0]["content"], json!([{ "type": "reasoning_text", "text": "I think so" }]));
    assert_eq!(output[1]["status"], "completed");
    assert_eq!(output[2]["call_id"], "call_a");
    assert_eq!(output[2]["arguments"], "{\"a\":1}");
    assert_eq!(output[3]["arguments"], "{}");
    assert_eq!(answer["status"], "completed");
    let ids: std::collections::HashSet<_> = output.iter().map(|item| &item["id"]).collect();
    assert_eq!(ids.len(), output.len());
}

#[test]
fn a_summary_keeps_its_parts_and_the_id_of_its_item() {
    let detail = |text: &str, index: u32| {
        json!([{ "type": "reasoning.summary", "summary": text, "id": "rs_1", "index": index,
            "format": "openai-responses-v1" }])
    };
    let answer = check(
        &[
            reasoning("**One**"),
            details(&detail("**One**", 0)),
            reasoning(" and a half"),
            details(&detail(" and a half", 0)),
            reasoning("**Two**"),
            details(&detail("**Two**", 1)),
            details(&json!([{ "type": "reasoning.encrypted", "data": "gAAA+/=", "id": "rs_1",
                "index": 2, "format": "openai-responses-v1" }])),
            details(&json!([{ "type": "reasoning.encrypted", "data": "gBBB", "id": "rs_2",
                "index": 3, "format": "openai-responses-v1" }])),
            content("Done."),
        ],
        None,
    );
    let output = &answer["output"];
    assert_eq!(output[0]["id"], "rs_1");
    assert_eq!(output[0]["encrypted_content"], "gAAA+/=");
    assert_eq!(
        output[0]["summary"],
        json!([{ "type": "summary_text", "text": "**One** and a half" },
            { "type": "summary_text", "text": "**Two**" }])
    );
    assert_eq!(output[1]["id"], "rs_2");
    assert_eq!(output[1]["encrypted_content"], "gBBB");
    assert_eq!(output[2]["type"], "message");
}

#[test]
fn refusals_sources_and_probabilities_belong_to_the_message() {
    let logprob = json!({ "token": "Hi", "logprob": -0.1, "bytes": [72, 105], "top_logprobs": [] });
    let answer = check(
        &[
            content("Hi"),
            super::delta(Delta::Logprobs(super::raw(&json!({ "content": [logprob] })))),
            other(
                "annotations",
                &json!([
                    { "type": "url_citation", "url_citation": { "url": "https://a.example",
                        "title": "A", "start_index": 0, "end_index": 2 } },
                    { "type": "url_citation", "url_citation": { "url": "https://b.example" } },
                    { "type": "file", "file": { "hash": "x" } }]),
            ),
            super::delta(Delta::Refusal("I would".into())),
            super::delta(Delta::Refusal(" rather not".into())),
        ],
        None,
    );
    let parts = &answer["output"][0]["content"];
    assert_eq!(parts[0]["logprobs"], json!([logprob]));
    assert_eq!(
        parts[0]["annotations"],
        json!([{ "type": "url_citation", "url": "https://a.example", "title": "A",
                "start_index": 0, "end_index": 2 },
            { "type": "url_citation", "url": "https://b.example", "title": "",
                "start_index": 0, "end_index": 0 }])
    );
    assert_eq!(parts[1], json!({ "type": "refusal", "refusal": "I would rather not" }));
}

#[test]
fn images_are_items() {
    let url = "data:image/png;base64,iVBORw0KGgo=";
    let images = json!([{ "type": "image_url", "image_url": { "url": url } }]);
    let answer = check(&[content("Look:"), other("images", &images), content("Nice?")], None);
    let output = &answer["output"];
    assert_eq!(output[1]["type"], "image_generation_call");
    assert_eq!(output[1]["result"], "iVBORw0KGgo=");
    assert_eq!(output[1]["output_format"], "png");
    assert_eq!(output[2]["content"][0]["text"], "Nice?");
}

#[test]
fn how_it_ended_is_said() {
    for (reason, status, details) in [
        (FinishReason::Stop, "completed", Value::Null),
        (FinishReason::ToolCalls, "completed", Value::Null),
        (FinishReason::Length, "incomplete", json!({ "reason": "max_output_tokens" })),
        (FinishReason::ContentFilter, "incomplete", json!({ "reason": "content_filter" })),
    ] {
        let events = [content("Hi"), finished(reason)];
        let answer = check(&events, None);
        assert_eq!(answer["status"], status);
        assert_eq!(answer["incomplete_details"], details);
        assert_eq!(answer["output"][0]["status"], status);
        let last = streamed(&events, None).pop().unwrap();
        assert_eq!(last["type"], format!("response.{status}"));
    }
    let answer = check(&[content("Hi"), finished(FinishReason::Error)], None);
    assert_eq!(answer["status"], "failed");
    assert_eq!(answer["error"]["code"], "server_error");
}

#[test]
fn a_failure_is_an_error_and_a_failed_response() {
    let error = PublicError::new(ErrorType::RateLimitExceeded, "Too many.")
        .with_metadata("provider_name", "Alpha");
    let answer = check(&[content("Hi")], Some(&error));
    assert_eq!(answer["status"], "failed");
    assert_eq!(answer["error_type"], "rate_limit_exceeded");
    assert_eq!(answer["error"]["code"], "rate_limit_exceeded");
    assert_eq!(answer["error"]["message"], "Too many.");
    assert_eq!(answer["output"][0]["status"], "incomplete");
    assert_eq!(answer["usage"]["total_tokens"], 25);
    let stream = streamed(&[content("Hi")], Some(&error));
    let [.., said, last] = stream.as_slice() else { panic!("{stream:?}") };
    assert_eq!((&said["type"], &last["type"]), (&json!("error"), &json!("response.failed")));
    assert_eq!(said["code"], "rate_limit_exceeded");
    assert_eq!(said["message"], "Too many.");
}

#[test]
fn a_limit_of_the_model_is_no_failure() {
    for kind in [
        ErrorType::ContextLengthExceeded,
        ErrorType::MaxTokensExceeded,
        ErrorType::TokenLimitExceeded,
        ErrorType::StringTooLong,
    ] {
        let answer = check(&[content("Hi")], Some(&PublicError::new(kind, "too long")));
        assert_eq!(answer["status"], "incomplete");
        assert_eq!(answer["error"], Value::Null);
        assert_eq!(answer["incomplete_details"]["reason"], "max_output_tokens");
    }
}

#[test]
fn what_only_this_dialect_knows_passes_with_our_numbers() {
    let native = |name: &str, data: Value| {
        ChatEvent::Native(Native {
            dialect: Dialect::Responses,
            name: name.to_owned(),
            data: super::raw(&data),
        })
    };
    let item = |status: &str| json!({ "type": "web_search_call", "id": "ws_1", "status": status });
    let events = [
        reasoning("Hm"),
        native(
            "response.output_item.added",
            json!({ "output_index": 4, "sequence_number": 77, "item": item("in_progress") }),
        ),
        native(
            "response.web_search_call.searching",
            json!({ "output_index": 4, "item_id": "ws_1", "sequence_number": 78 }),
        ),
        native(
            "response.output_item.done",
            json!({ "output_index": 4, "sequence_number": 79, "item": item("completed") }),
        ),
        // Frames and other dialects' words are not passed on.
        native("response.completed", json!({ "response": {} })),
        ChatEvent::Native(Native {
            dialect: Dialect::Messages,
            name: "content_block_start".into(),
            data: super::raw(&json!({})),
        }),
        content("Found."),
    ];
    let stream = streamed(&events, None);
    let searching =
        stream.iter().find(|event| event["type"] == "response.web_search_call.searching").unwrap();
    assert_eq!(searching["output_index"], 1);
    assert_eq!(searching["item_id"], "ws_1");
    let answer = whole(&events, None);
    assert_eq!(answer["output"][1], item("completed"));
    assert_eq!(answer["output"].as_array().unwrap().len(), 3);
    assert_eq!(stream.last().unwrap()["response"], answer);
}

#[test]
fn nothing_at_all_is_still_a_response() {
    let answer = check(&[], None);
    assert_eq!(answer["output"], json!([]));
    assert_eq!(answer["status"], "completed");
}

#[test]
fn an_answer_repeats_what_was_asked() {
    let request: Value = serde_json::from_str(
        "{\"model\": \"a/b\", \"input\": \"Hi\", \"instructions\": \"Be\\nbrief.\",
          \"temperature\": 0.5, \"store\": true, \"metadata\": {\n\"a\": \"b\"\n},
          \"max_output_tokens\": 50, \"service_tier\": \"flex\",
          \"text\": {\"format\": {\"type\": \"json_object\"}},
          \"tools\": [\n{\"type\": \"function\",\n \"name\": \"f\"}, {\"type\": \"shell\"}]}",
    )
    .unwrap();
    let mut encoder = make(&request, false);
    let mut out = BytesMut::new();
    encoder.push(&content("Hi"), &mut out);
    encoder.finish(&summary(), &mut out);
    let answer: Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(answer["instructions"], "Be\nbrief.");
    assert_eq!(answer["temperature"], 0.5);
    assert_eq!(answer["store"], true);
    assert_eq!(answer["metadata"], json!({ "a": "b" }));
    assert_eq!(answer["max_output_tokens"], 50);
    assert_eq!(answer["service_tier"], "flex");
    assert_eq!(answer["text"], json!({ "format": { "type": "json_object" } }));
    assert_eq!(
        answer["tools"],
        json!([{ "type": "function", "name": "f", "parameters": null, "strict": null },
            { "type": "shell" }])
    );
}

#[test]
fn line_ends_of_the_caller_do_not_cut_events() {
    let mut out = BytesMut::new();
    let body = b"{\"model\": \"a/b\", \"input\": \"Hi\", \"metadata\": {\r\n\"a\":\n\"b\"}}";
    let echo = crate::dialects::responses::decode(body).unwrap().echo;
    let envelope = crate::dialects::Envelope {
        id: "gen-1".into(),
        created: 1,
        model: "a/b".into(),
        provider: "Alpha".into(),
    };
    let mut encoder = encoder(echo, Box::new(|| 2), None)(envelope, true);
    encoder.push(&content("Hi"), &mut out);
    encoder.finish(&summary(), &mut out);
    for line in std::str::from_utf8(&out).unwrap().lines().filter(|line| !line.is_empty()) {
        assert!(line.starts_with("event: ") || line.starts_with("data: "), "{line}");
    }
}

#[test]
fn what_is_kept_is_the_response_as_it_was_sent() {
    let (send, kept) = std::sync::mpsc::channel();
    let keep: crate::dialects::responses::Keep = Box::new(move |json| send.send(json).unwrap());
    let envelope = crate::dialects::Envelope {
        id: "gen-1".into(),
        created: 1,
        model: "a/b".into(),
        provider: "Alpha".into(),
    };
    let mut encoder = encoder(read(&question()).echo, Box::new(|| 2), Some(keep))(envelope, true);
    let mut out = BytesMut::new();
    encoder.push(&content("Hi"), &mut out);
    encoder.keep_alive(&mut out);
    encoder.finish(&summary(), &mut out);
    let json = kept.recv().unwrap();
    let text = std::str::from_utf8(&out).unwrap();
    assert!(text.contains(&format!("\"response\":{}}}\n\n", std::str::from_utf8(&json).unwrap())));
    assert!(text.contains(": ENTREPOT PROCESSING\n\n"));
}
