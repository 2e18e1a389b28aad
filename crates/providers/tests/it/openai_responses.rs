//! OpenAI's Responses.

use std::sync::Arc;

use domain::catalog::{Endpoint, Provider};
use protocol::chat::event::ChatEvent;
use protocol::chat::fold::Fold;
use protocol::chat::request::{ChatRequest, Native};
use protocol::dialects::{Dialect, chat_completions};
use providers::adapter::{Adapter, Encoded, Target};
use providers::error::EncodeError;
use providers::openai_responses::OpenAiResponses;
use serde_json::{Value, json};

use crate::support::{self, Fixture};

#[test]
fn recorded_answers_become_events() {
    for Fixture { name, body } in support::answers("openai_responses") {
        let events = support::decoded(OpenAiResponses.decoder(), [&body[..]]);
        insta::assert_snapshot!(format!("decode_{name}"), events);
    }
}

#[test]
fn any_cut_gives_the_same_events_and_no_damage_a_panic() {
    support::check_decoder(&OpenAiResponses, &support::answers("openai_responses"));
}

#[test]
fn an_answer_in_one_piece_is_the_stream_folded() {
    let fixtures = support::answers("openai_responses");
    let find = |name: &str| fixtures.iter().find(|fixture| fixture.name == name).unwrap();
    for name in ["reasoning_and_calls", "web_search"] {
        let whole = find(&format!("{name}_whole"));
        let folded = [find(name), whole].map(|fixture| {
            let decoder = OpenAiResponses.decoder();
            let (events, outcome) = support::events_of(decoder, [&fixture.body[..]]);
            outcome.unwrap();
            let mut fold = Fold::new();
            for event in &events {
                fold.push(event);
            }
            let items = events.iter().filter_map(|event| match event {
                ChatEvent::Native(native) if native.name.ends_with("item.done") => {
                    let event: Value = serde_json::from_str(native.data.get()).unwrap();
                    Some(event["item"].clone())
                }
                _ => None,
            });
            (format!("{:?}", fold.response().choices), items.collect::<Vec<_>>())
        });
        assert_eq!(folded[0], folded[1], "{name}");
    }
}

fn endpoint() -> Endpoint {
    let mut endpoint = support::endpoint("openai_responses", "https://api.openai.test/v1");
    endpoint.quirks =
        serde_json::from_value(json!({"service_tiers": ["flex", "priority"]})).unwrap();
    endpoint
}

fn encode(request: &ChatRequest, endpoint: &Endpoint) -> Result<Encoded, EncodeError> {
    let target = Target { endpoint, base_url: &endpoint.provider.base_url };
    OpenAiResponses.encode(request, &target)
}

fn chat(members: &Value) -> ChatRequest {
    let mut request = json!({"model": "a/b", "messages": [{"role": "user", "content": "Hi"}]});
    for (name, value) in members.as_object().unwrap() {
        request[name] = value.clone();
    }
    chat_completions::decode(request.to_string().as_bytes()).unwrap()
}

fn sent(request: &ChatRequest, endpoint: &Endpoint) -> (Value, Vec<String>) {
    let encoded = encode(request, endpoint).unwrap();
    (serde_json::from_slice(encoded.request.body()).unwrap(), encoded.dropped)
}

#[test]
fn a_conversation_becomes_items() {
    let request = chat(&json!({"messages": [
        {"role": "system", "content": "Be brief"},
        {"role": "developer", "content": [{"type": "text", "text": "No jokes"}]},
        {"role": "user", "name": "Ada", "content": [
            {"type": "text", "text": "What is this?", "cache_control": {"type": "ephemeral"}},
            {"type": "image_url", "image_url": {"url": "https://x.test/y.png", "detail": "low"}},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}},
            {"type": "file", "file": {"filename": "f.pdf", "file_data": "https://x.test/f.pdf"}},
            {"type": "file", "file": {"file_id": "file-1"}}]},
        {"role": "assistant", "content": "Two \"calls\".", "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{\"a\":1}"}},
            {"id": "c2", "type": "function", "function": {"name": "g", "arguments": ""}}],
         "reasoning": "Hm. So.",
         "reasoning_details": [
            {"type": "reasoning.summary", "summary": "Hm.", "format": "openai-responses-v1",
             "id": "rs_1", "index": 0},
            {"type": "reasoning.summary", "summary": "So.", "format": "openai-responses-v1",
             "id": "rs_1", "index": 1},
            {"type": "reasoning.encrypted", "data": "gAAA+/==", "id": "rs_1",
             "format": "openai-responses-v1", "index": 2},
            {"type": "reasoning.text", "text": "foreign", "signature": "s",
             "format": "anthropic-claude-v1", "index": 3}]},
        {"role": "tool", "tool_call_id": "c1", "content": "42"},
        {"role": "tool", "tool_call_id": "c2", "is_error": true,
         "content": [{"type": "text", "text": "no such g"}]},
        {"role": "assistant", "content": null, "refusal": "I won't."},
    ]}));
    let (body, dropped) = sent(&request, &endpoint());
    insta::assert_snapshot!(serde_json::to_string_pretty(&body["input"]).unwrap());
    assert_eq!(dropped, ["cache_control"]);
    assert!(!body.to_string().contains("foreign"));
}

#[test]
fn parameters_find_their_places() {
    let schema = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    let request = chat(&json!({
        "max_tokens": 5, "temperature": 0.5, "top_p": 0.9, "logprobs": true, "top_logprobs": 3,
        "service_tier": "fast", "prompt_cache_key": "k", "verbosity": "low",
        "reasoning": {"effort": "high"}, "parallel_tool_calls": false, "n": 1,
        "metadata": {"a": "b"}, "response_format": {"type": "json_schema",
            "json_schema": {"name": "x", "schema": schema, "strict": true, "description": "d"}},
        "tools": [
            {"type": "function", "function": {"name": "f", "description": "F",
                "parameters": schema, "strict": true}, "cache_control": {"type": "ephemeral"}},
            {"type": "function", "function": {"name": "g"}}],
        "tool_choice": {"type": "function", "function": {"name": "f"}},
        "web_search_options": {"search_context_size": "low", "user_location":
            {"type": "approximate", "approximate": {"country": "FR"}}},
    }));
    let encoded = encode(&request, &endpoint()).unwrap();
    assert_eq!(encoded.request.uri(), "https://api.openai.test/v1/responses");
    let (body, dropped) = sent(&request, &endpoint());
    insta::assert_snapshot!(serde_json::to_string_pretty(&body).unwrap());
    assert_eq!(dropped, ["cache_control"]);
}

#[test]
fn what_has_no_place_is_reported_or_refused() {
    let members = json!({"stop": ["x"], "seed": 1, "frequency_penalty": 1, "presence_penalty": 1,
        "logit_bias": {"1": 2}, "n": 2, "top_k": 3, "min_p": 0.1, "x_unknown": 1,
        "prediction": {"type": "content", "content": "c"}});
    let (body, dropped) = sent(&chat(&members), &endpoint());
    for name in members.as_object().unwrap().keys() {
        assert!(body.get(name).is_none(), "{name}");
        assert!(dropped.contains(name), "{name} {dropped:?}");
        let value = &members[name];
        let strict = chat(&json!({name: value, "provider": {"require_parameters": true}}));
        let parameter = name.clone();
        let refused = encode(&strict, &endpoint()).err();
        assert_eq!(refused, Some(EncodeError::Unsupported { parameter }), "{name}");
    }
    let video = json!([{"type": "video_url", "video_url": {"url": "https://x.test/v.mp4"}}]);
    let request = chat(&json!({"messages": [{"role": "user", "content": video}]}));
    assert!(matches!(encode(&request, &endpoint()), Err(EncodeError::Unsupported { .. })));
}

#[test]
fn images_are_made_by_a_tool() {
    let (body, dropped) = sent(&chat(&json!({"modalities": ["image", "text"]})), &endpoint());
    assert_eq!((&body["tools"], dropped), (&json!([{"type": "image_generation"}]), vec![]));
    let (body, dropped) = sent(&chat(&json!({"modalities": ["text", "audio"]})), &endpoint());
    assert_eq!((body.get("tools"), dropped), (None, vec!["modalities".to_owned()]));
}

#[test]
fn models_that_do_not_reason_are_not_asked_to() {
    let mut endpoint = endpoint();
    endpoint.supported_parameters = vec!["max_tokens".into(), "temperature".into()];
    let (body, dropped) = sent(&chat(&json!({"reasoning": {"effort": "low"}})), &endpoint);
    assert!(body.get("include").is_none() && body.get("reasoning").is_none(), "{body}");
    assert_eq!(dropped, ["reasoning"]);
}

#[test]
fn efforts_become_the_nearest() {
    let mut endpoint = endpoint();
    endpoint.quirks =
        serde_json::from_value(json!({"reasoning_efforts": ["low", "medium", "high"]})).unwrap();
    for (asked, expected) in [
        (json!({"effort": "max"}), json!({"effort": "high", "summary": "auto"})),
        (json!({"effort": "low", "exclude": true}), json!({"effort": "low"})),
        (
            json!({"enabled": true, "summary": "detailed"}),
            json!({"effort": "medium", "summary": "detailed"}),
        ),
        (json!({"max_tokens": 1000}), json!({"effort": "low", "summary": "auto"})),
    ] {
        let (body, _) = sent(&chat(&json!({"reasoning": asked, "max_tokens": 8000})), &endpoint);
        assert_eq!(body["reasoning"], expected, "{asked}");
    }
    let (body, dropped) = sent(&chat(&json!({"reasoning": {"effort": "none"}})), &endpoint);
    assert_eq!((&body["reasoning"]["effort"], dropped), (&Value::Null, vec!["reasoning".into()]));
}

fn native(members: &Value) -> ChatRequest {
    let mut request = chat(&json!({}));
    let raw = |value: &Value| serde_json::value::to_raw_value(value).unwrap();
    let members = members.as_object().unwrap();
    request.native = Some(Native {
        dialect: Dialect::Responses,
        members: members.iter().map(|(name, value)| (name.clone(), raw(value))).collect(),
        unconverted: vec!["truncation".into()],
    });
    request
}

#[test]
fn opening_a_page_is_not_billed_as_a_search() {
    let call =
        |action: &str| json!({"type": "web_search_call", "id": action, "action": {"type": action}});
    let answer = json!({"id": "r", "status": "completed",
        "output": [call("search"), call("open_page"), call("find_in_page")],
        "usage": {"input_tokens": 1, "output_tokens": 2}});
    let body = answer.to_string();
    let (events, _) = support::events_of(OpenAiResponses.decoder(), [body.as_bytes()]);
    let searches = events.iter().find_map(|event| match event {
        ChatEvent::Usage(usage) => Some(usage.web_searches),
        _ => None,
    });
    assert_eq!(searches, Some(1));
}

#[test]
fn who_an_end_user_is_stays_with_us() {
    let (body, _) = sent(&native(&json!({"input": "Hi", "safety_identifier": "ada"})), &endpoint());
    assert_eq!(body["safety_identifier"].as_str().map(str::len), Some(64));
}

#[test]
fn the_same_dialect_is_passed_on_untouched() {
    let mut endpoint = endpoint();
    let members = json!({"input": [{"type": "item_of_tomorrow", "x": [1, {"y": null}]}],
        "truncation": "auto", "stop_at": "noon", "include": ["file_search_call.results"],
        "max_output_tokens": 20, "previous_response_id": "resp_1", "background": true,
        "reasoning": {"effort": "low", "generate": "all"}});
    let (body, dropped) = sent(&native(&members), &endpoint);
    let expected = json!({"model": "b-large", "stream": true, "store": false,
        "include": ["file_search_call.results", "reasoning.encrypted_content"],
        "input": [{"type": "item_of_tomorrow", "x": [1, {"y": null}]}], "truncation": "auto",
        "stop_at": "noon", "max_output_tokens": 20,
        "reasoning": {"effort": "low", "generate": "all"}});
    assert_eq!((body, dropped), (expected, vec![]));

    endpoint.supported_parameters = vec!["max_tokens".into()];
    let (body, dropped) = sent(&native(&json!({"input": "Hi", "temperature": 1})), &endpoint);
    let expected = json!({"model": "b-large", "stream": true, "store": false, "input": "Hi"});
    assert_eq!((body, dropped), (expected, vec!["temperature".to_owned()]));
}

#[test]
fn what_is_set_for_one_provider_reaches_only_it() {
    let mut endpoint = endpoint();
    let request = chat(&json!({"provider": {"options": {
        "acme": {"truncation": "auto", "store": true}, "other": {"x": 1}}}}));
    let (body, _) = sent(&request, &endpoint);
    assert_eq!((&body["truncation"], &body["store"]), (&json!("auto"), &json!(false)));
    assert!(body.get("x").is_none());
    let provider = Provider { slug: "else".into(), ..Provider::clone(&endpoint.provider) };
    endpoint.provider = Arc::new(provider);
    endpoint.tag = "else".into();
    assert!(sent(&request, &endpoint).0.get("truncation").is_none());
}

#[test]
fn what_openrouter_adds_to_the_dialect_is_left_out_and_said() {
    let body = json!({"model": "a/b", "input": "Hi", "top_k": 5, "stop": ["x"], "temperature": 1,
        "text": {"verbosity": "low"}, "modalities": ["text"], "cache_control": {"type": "ephemeral"},
        "include": ["message.output_text.logprobs"]});
    let mut request =
        protocol::dialects::responses::decode(body.to_string().as_bytes()).unwrap().request;
    let (body, dropped) = sent(&request, &endpoint());
    assert_eq!(dropped, ["cache_control", "stop", "top_k"]);
    assert_eq!((&body["top_k"], &body["input"]), (&Value::Null, &json!("Hi")));
    request.provider.require_parameters = Some(true);
    assert!(matches!(encode(&request, &endpoint()), Err(EncodeError::Unsupported { .. })));
}
