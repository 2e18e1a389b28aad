//! Marks for caching in Anthropic's Messages: the caller's, and ours.

use domain::catalog::Endpoint;
use domain::pricing::{Price, Unit};
use protocol::dialects::messages;
use serde_json::{Value, json};

use crate::anthropic::{ask, encode, endpoint, quirky, say, sent};

/// An endpoint that charges less for what is cached.
fn caching(quirks: Value) -> Endpoint {
    let mut endpoint = quirky(quirks);
    endpoint.prices = endpoint
        .prices
        .with(Unit::Prompt, Price::parse_per_million("3").unwrap())
        .with(Unit::CacheRead, Price::parse_per_million("0.3").unwrap());
    endpoint
}

#[test]
fn long_instructions_are_marked_where_that_pays() {
    let long = "word ".repeat(1_000);
    let mut request = ask(&json!({"session_id": "s"}));
    request["messages"] =
        json!([{"role": "system", "content": long}, {"role": "user", "content": "Hi"}]);
    let mark = |request: &Value, endpoint: &Endpoint| {
        sent(request, endpoint).0["system"][0]["cache_control"].clone()
    };
    assert_eq!(mark(&request, &caching(json!({}))), json!({"type": "ephemeral"}));
    assert_eq!(mark(&request, &caching(json!({"cache_tokens_min": 4096}))), Value::Null);
    assert_eq!(mark(&request, &caching(json!({"unsupported": ["cache_control"]}))), Value::Null);
    assert_eq!(mark(&request, &endpoint()), Value::Null);
    request.as_object_mut().unwrap().remove("session_id");
    assert_eq!(mark(&request, &caching(json!({}))), Value::Null);
    request["messages"] = json!([{"role": "system", "content": long}, {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello"}, {"role": "user", "content": "Go on"}]);
    assert_eq!(mark(&request, &caching(json!({}))), json!({"type": "ephemeral"}));
}

#[test]
fn no_more_marks_are_sent_than_are_taken() {
    let part = |text: &str, ttl: &str| json!({"type": "text", "text": text, "cache_control": {"type": "ephemeral", "ttl": ttl}});
    let request = say(&json!([
        {"role": "system", "content": [part("a", "1h")]},
        {"role": "user", "content": [part("b", "5m"), part("c", "1h"), part("d", "1h"),
            part("e", "5m"), part("f", "1h")]}]));
    let (body, _) = sent(&request, &endpoint());
    let short = json!({"type": "ephemeral"});
    assert_eq!(body["system"][0]["cache_control"]["ttl"], "1h");
    let marks: Vec<&Value> = body["messages"][0]["content"]
        .as_array()
        .unwrap()
        .iter()
        .map(|block| &block["cache_control"])
        .collect();
    let long = json!({"type": "ephemeral", "ttl": "1h"});
    assert_eq!(marks, [&Value::Null, &Value::Null, &long, &short, &short]);
    let (body, _) = sent(&ask(&json!({"cache_control": {"type": "ephemeral"}})), &endpoint());
    assert_eq!(body["messages"][0]["content"][0]["cache_control"], short);
}

#[test]
fn a_mark_of_ours_changes_nothing_else_that_was_written() {
    let long = "word ".repeat(1_000);
    let sent = |system: Value, endpoint: &Endpoint| {
        let body = json!({"model": "a/b", "max_tokens": 10, "system": system, "messages": [
            {"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"},
            {"role": "user", "content": "Go on"}]});
        let request = messages::decode(body.to_string().as_bytes()).unwrap();
        let encoded = encode(&request, endpoint).unwrap();
        serde_json::from_slice::<Value>(encoded.request.body()).unwrap()["system"].clone()
    };
    let mark = json!({"type": "ephemeral"});
    let pays = caching(json!({}));
    assert_eq!(
        sent(json!(long), &pays),
        json!([{"type": "text", "text": long, "cache_control": mark}])
    );
    let block = json!({"type": "text", "text": long, "x_new": [1]});
    let mut marked = block.clone();
    marked["cache_control"] = mark.clone();
    assert_eq!(sent(json!([block, block]), &pays), json!([block, marked]));
    assert_eq!(sent(json!([marked, block]), &pays), json!([marked, block]));
    assert_eq!(sent(json!([block]), &endpoint()), json!([block]));
    assert_eq!(sent(json!("short"), &pays), json!("short"));
}

#[test]
fn nothing_that_is_empty_is_marked() {
    let tool = json!({"name": "f", "description": "word ".repeat(1_000),
        "input_schema": {"type": "object"}});
    let body = json!({"model": "a/b", "max_tokens": 10, "system": "", "tools": [tool], "messages": [
        {"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"},
        {"role": "user", "content": "Go on"}]});
    let request = messages::decode(body.to_string().as_bytes()).unwrap();
    let encoded = encode(&request, &caching(json!({}))).unwrap();
    let sent: Value = serde_json::from_slice(encoded.request.body()).unwrap();
    assert_eq!(sent["tools"][0]["cache_control"], json!({"type": "ephemeral"}));
    assert_eq!(sent["system"], "");
}
