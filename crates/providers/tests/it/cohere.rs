//! Cohere's second API.

use domain::catalog::Endpoint;
use http::{HeaderMap, StatusCode};
use protocol::chat::event::ChatEvent;
use protocol::chat::request::{ChatRequest, Kind, PartKind};
use protocol::dialects::chat_completions;
use protocol::embeddings::{EmbeddingsRequest, Input};
use protocol::error::ErrorType;
use protocol::rerank::RerankRequest;
use providers::adapter::{Adapter, Encoded, Target};
use providers::cohere::Cohere;
use providers::error::{EncodeError, Retry};
use serde_json::value::to_raw_value;
use serde_json::{Value, json};

use crate::support::{answers, check_decoder, decoded, endpoint, events_of};

const BASE: &str = "https://api.cohere.com";

#[test]
fn recorded_answers_become_events() {
    for fixture in answers("cohere") {
        let name = format!("decode_{}", fixture.name);
        insta::assert_snapshot!(name, decoded(Cohere.decoder(), [&fixture.body[..]]));
    }
}

#[test]
fn events_do_not_depend_on_how_bytes_are_cut() {
    check_decoder(&Cohere, &answers("cohere"));
}

fn encode_request(request: &ChatRequest, endpoint: &Endpoint) -> Result<Encoded, EncodeError> {
    let target = Target { endpoint, base_url: &endpoint.provider.base_url };
    Cohere.encode(request, &target)
}

fn encode(asked: &Value, endpoint: &Endpoint) -> Result<Encoded, EncodeError> {
    let request = chat_completions::decode(asked.to_string().as_bytes()).unwrap();
    encode_request(&request, endpoint)
}

fn body(encoded: &Encoded) -> Value {
    serde_json::from_slice(encoded.request.body()).unwrap()
}

fn ask(members: &Value) -> Value {
    let mut request = json!({"model": "a/b", "messages": [{"role": "user", "content": "Hi"}]});
    for (name, value) in members.as_object().unwrap() {
        request[name] = value.clone();
    }
    request
}

/// An endpoint whose model does not think.
fn plain() -> Endpoint {
    let mut endpoint = endpoint("cohere", BASE);
    endpoint
        .supported_parameters
        .retain(|name| !matches!(&**name, "reasoning" | "reasoning_effort" | "include_reasoning"));
    endpoint
}

#[test]
fn a_conversation_is_written_in_coheres_form() {
    let request = json!({
        "model": "a/b", "max_tokens": 50, "temperature": 0.25, "top_p": 0.9, "top_k": 40,
        "seed": 7, "stop": ["END"], "presence_penalty": 0.5, "user": "ada",
        "metadata": {"a": "b"}, "logprobs": true, "provider": {"options": {"acme": {"safety_mode": "STRICT"}}},
        "messages": [
            {"role": "developer", "content": [{"type": "text", "text": "Be "}, {"type": "text", "text": "brief."}]},
            {"role": "user", "name": "Ada", "content": [
                {"type": "text", "text": "Look"},
                {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "low"}}]},
            {"role": "assistant", "content": null, "reasoning": "I will look.", "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{\"q\": 1}"}}]},
            {"role": "tool", "tool_call_id": "c1", "content": "{\"seen\": true}"},
            {"role": "assistant", "content": "It is", "reasoning": "So"},
        ],
        "tools": [
            {"type": "function", "function": {"name": "look", "description": "Looks.",
                "parameters": {"type": "object", "properties": {"q": {"type": "integer"}}}}},
            {"type": "function", "function": {"name": "now"}}],
        "tool_choice": "required",
    });
    let encoded = encode(&request, &plain()).unwrap();
    let upstream = &encoded.request;
    assert_eq!(upstream.method(), http::Method::POST);
    assert_eq!(upstream.uri(), "https://api.cohere.com/v2/chat");
    assert_eq!(upstream.headers()["accept"], "text/event-stream");
    assert_eq!(encoded.dropped, Vec::<String>::new());
    insta::assert_snapshot!(std::str::from_utf8(upstream.body()).unwrap());

    // A model that thinks is given its thoughts as what they were.
    let thinking = body(&encode(&request, &endpoint("cohere", BASE)).unwrap());
    let thought = json!([{"type": "thinking", "thinking": "I will look."}]);
    assert_eq!(thinking["messages"][2]["content"], thought);
    assert_eq!(thinking["messages"][2].get("tool_plan"), None);
}

#[test]
fn failures_of_tools_are_said() {
    let messages = json!([
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "tool_calls": [
            {"id": "x", "type": "function", "function": {"name": "f", "arguments": ""}}]},
        {"role": "tool", "tool_call_id": "x", "is_error": true, "content": "it \"broke\""},
    ]);
    let sent = body(&encode(&ask(&json!({"messages": messages})), &plain()).unwrap());
    assert_eq!(sent["messages"][1]["tool_calls"][0]["function"]["arguments"], "{}");
    assert_eq!(sent["messages"][2]["content"], r#"{"error":"it \"broke\""}"#);
}

#[test]
fn functions_are_chosen_by_showing_them() {
    let tools = json!([
        {"type": "function", "function": {"name": "f", "strict": true,
            "parameters": {"type": "object", "properties": {"a": {}}, "required": ["a"]}}},
        {"type": "function", "function": {"name": "g",
            "parameters": {"type": "object", "properties": {"a": {}}, "required": ["a"]}}}]);
    for (choice, word, count) in [
        (json!("auto"), Value::Null, 2),
        (json!("none"), json!("NONE"), 2),
        (json!("required"), json!("REQUIRED"), 2),
        (json!({"type": "function", "function": {"name": "g"}}), json!("REQUIRED"), 1),
    ] {
        let sent =
            body(&encode(&ask(&json!({"tools": tools, "tool_choice": choice})), &plain()).unwrap());
        assert_eq!(sent["tool_choice"], word, "{choice}");
        assert_eq!(sent["tools"].as_array().unwrap().len(), count);
        assert_eq!(sent.get("strict_tools").is_some(), count == 2);
    }
}

#[test]
fn json_is_asked_for_where_there_are_no_functions() {
    let schema = json!({"type": "object", "properties": {"z": {"type": "string"}}});
    let format = json!({"type": "json_schema", "json_schema": {"name": "n", "schema": schema}});
    let tools = json!([{"type": "function", "function": {"name": "f"}}]);
    let expected = json!({"type": "json_object", "json_schema": schema});
    let alone = encode(&ask(&json!({"response_format": format})), &plain()).unwrap();
    assert_eq!(body(&alone)["response_format"], expected);
    let both = encode(&ask(&json!({"response_format": format, "tools": tools})), &plain()).unwrap();
    assert_eq!(both.dropped, ["response_format"]);
    let none = ask(&json!({"response_format": format, "tools": tools, "tool_choice": "none"}));
    let none = encode(&none, &plain()).unwrap();
    assert_eq!((none.dropped.len(), body(&none).get("tools")), (0, None));
    assert_eq!(body(&none)["response_format"], expected);
}

#[test]
fn thinking_has_a_budget() {
    for (members, expected) in [
        (json!({}), Value::Null),
        (json!({"reasoning": {"enabled": false}}), json!({"type": "disabled"})),
        (
            json!({"reasoning": {"effort": "high"}, "max_tokens": 1000}),
            json!({"type": "enabled", "token_budget": 800}),
        ),
        (json!({"reasoning": {"max_tokens": 7}}), json!({"type": "enabled", "token_budget": 7})),
    ] {
        let sent = body(&encode(&ask(&members), &endpoint("cohere", BASE)).unwrap());
        assert_eq!(sent["thinking"], expected, "{members}");
    }
    let asked = ask(&json!({"reasoning_effort": "high"}));
    assert_eq!(encode(&asked, &plain()).unwrap().dropped, ["reasoning_effort"]);
}

#[test]
fn what_cohere_has_no_form_for_is_dropped_moved_or_refused() {
    let asked = ask(&json!({"min_p": 0.1, "n": 2, "top_p": 1, "frequency_penalty": -1,
        "seed": -1, "logprobs": true, "top_logprobs": 2, "x_unknown": 1}));
    let encoded = encode(&asked, &plain()).unwrap();
    let mut dropped = encoded.dropped.clone();
    dropped.sort_unstable();
    assert_eq!(
        dropped,
        ["frequency_penalty", "min_p", "n", "seed", "top_logprobs", "top_p", "x_unknown"]
    );
    let sent = body(&encoded);
    assert_eq!((&sent["p"], &sent["frequency_penalty"]), (&json!(0.99), &json!(0)));

    let mut strict = ask(&json!({"min_p": 0.1}));
    strict["provider"] = json!({"require_parameters": true});
    let refused = |parameter: &str| Some(EncodeError::Unsupported { parameter: parameter.into() });
    assert_eq!(encode(&strict, &plain()).err(), refused("min_p"));
    let sound = json!([{"role": "user", "content": [
        {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "mp3"}}]}]);
    let sound = ask(&json!({"messages": sound}));
    assert_eq!(encode(&sound, &plain()).err(), refused("messages[0].content[0]"));
    let endpoint = plain();
    let target = Target { endpoint: &endpoint, base_url: BASE };
    assert!(Cohere.fetches(&PartKind::Image, "https://example.com/a.png", &target));
}

fn vectors(inputs: Vec<Input>) -> ChatRequest {
    let wanted =
        EmbeddingsRequest { inputs, dimensions: Some(256), ..EmbeddingsRequest::default() };
    ChatRequest { kind: Kind::Embeddings(Box::new(wanted)), ..ChatRequest::default() }
}

#[test]
fn vectors_are_asked_for_and_read() {
    let request = vectors(vec![Input::Text("a".into()), Input::Text("b".into())]);
    let encoded = encode_request(&request, &plain()).unwrap();
    assert_eq!(encoded.request.uri(), "https://api.cohere.com/v2/embed");
    let expected = json!({"model": "b-large", "input_type": "search_document",
        "texts": ["a", "b"], "embedding_types": ["float"], "output_dimension": 256});
    assert_eq!(body(&encoded), expected);
    let answer = br#"{"id":"da6e531f","embeddings":{"float":[[0.5,-1.0],[1.5e-3,2]]},"texts":["a","b"],
        "meta":{"api_version":{"version":"2"},"billed_units":{"input_tokens":4}},"response_type":"embeddings_by_type"}"#;
    let (events, outcome) = events_of(encoded.decoder, [&answer[..30], &answer[30..]]);
    outcome.unwrap();
    let [
        ChatEvent::Started { upstream_id, .. },
        ChatEvent::Embeddings(list),
        ChatEvent::Usage(usage),
        ChatEvent::Finished { .. },
    ] = &events[..]
    else {
        panic!("{events:?}")
    };
    assert_eq!((upstream_id.as_deref(), usage.prompt), (Some("da6e531f"), 4));
    assert_eq!((list[1].index, &list[1].values[..]), (1, &[0.0015, 2.0][..]));

    let parts = chat_completions::decode(
        br#"{"model":"a/b","messages":[{"role":"user","content":[
            {"type":"image_url","image_url":{"url":"data:image/png;base64,iVBORw0KGgo="}}]}]}"#,
    )
    .unwrap()
    .messages
    .remove(0)
    .content;
    let request = vectors(vec![Input::Text("a".into()), Input::Parts(parts)]);
    let sent = body(&encode_request(&request, &plain()).unwrap());
    let image = json!({"content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}]});
    assert_eq!(sent["inputs"][1], image);
    let refused = EncodeError::Unsupported { parameter: "input[0]".into() };
    let tokens = vectors(vec![Input::Tokens(vec![1])]);
    assert_eq!(encode_request(&tokens, &plain()).err(), Some(refused));
}

#[test]
fn documents_are_put_in_order() {
    let document = |value: Value| to_raw_value(&value).unwrap();
    let wanted = RerankRequest {
        query: "capital?".into(),
        documents: vec![
            document(json!("Paris \"is\"")),
            document(json!({"text": "Rome"})),
            document(json!({"text": "x", "title": "y"})),
        ],
        top_n: Some(2),
        ..RerankRequest::default()
    };
    let request = ChatRequest { kind: Kind::Rerank(Box::new(wanted)), ..ChatRequest::default() };
    let encoded = encode_request(&request, &plain()).unwrap();
    assert_eq!(encoded.request.uri(), "https://api.cohere.com/v2/rerank");
    let expected = json!({"model": "b-large", "query": "capital?", "top_n": 2,
        "documents": ["Paris \"is\"", "Rome", "{\"text\":\"x\",\"title\":\"y\"}"]});
    assert_eq!(body(&encoded), expected);
    let answer =
        br#"{"results":[{"index":1,"relevance_score":0.2},{"index":0,"relevance_score":0.999}],
        "id":"07734bd2","meta":{"api_version":{"version":"2"},"billed_units":{"search_units":1}}}"#;
    let (events, outcome) = events_of(encoded.decoder, [&answer[..]]);
    outcome.unwrap();
    let Some(ChatEvent::Ranking(order)) = events.get(1) else { panic!("{events:?}") };
    assert_eq!((order[0].index, order[1].index), (0, 1));
    for wrong in [
        r#"{"results":[{"index":3,"relevance_score":0.2}]}"#,
        r#"{"results":[{"index":0,"relevance_score":0.2},{"index":0,"relevance_score":0.1}]}"#,
        r#"{"message":"invalid api token"}"#,
        "",
    ] {
        let encoded = encode_request(&request, &plain()).unwrap();
        let (_, outcome) = events_of(encoded.decoder, [wrong.as_bytes()]);
        assert!(outcome.is_err(), "{wrong}");
    }
}

#[test]
fn failures_are_understood() {
    for (status, message, kind, retry) in [
        (
            400,
            "too many tokens: total number of tokens in the prompt cannot exceed 4081",
            ErrorType::ContextLengthExceeded,
            Retry::Other,
        ),
        (
            400,
            "invalid request: p must be between 0.01 and 0.99",
            ErrorType::InvalidRequest,
            Retry::No,
        ),
        (401, "invalid api token", ErrorType::ProviderUnavailable, Retry::Other),
        (404, "model 'x' not found", ErrorType::NotFound, Retry::Other),
        (422, "unprocessable", ErrorType::Unprocessable, Retry::No),
        (
            429,
            "You are using a Trial key, which is limited",
            ErrorType::RateLimitExceeded,
            Retry::Other,
        ),
        (498, "blocked", ErrorType::ProviderUnavailable, Retry::Other),
        (499, "request cancelled", ErrorType::ProviderUnavailable, Retry::Other),
        (503, "overloaded", ErrorType::ProviderOverloaded, Retry::Other),
        (504, "timeout", ErrorType::Timeout, Retry::Other),
    ] {
        let body = json!({"id": "1", "message": message}).to_string();
        let status = StatusCode::from_u16(status).unwrap();
        let error = Cohere.classify(status, &HeaderMap::new(), body.as_bytes());
        assert_eq!((error.kind, error.retry), (kind, retry), "{status} {message}");
    }
}
