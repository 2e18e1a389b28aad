//! What upstreams of the OpenAI form do differently, as data.

use domain::catalog::Endpoint;
use protocol::chat::event::{ChatEvent, Delta};
use protocol::chat::request::PartKind;
use protocol::dialects::chat_completions;
use providers::adapter::{Adapter, Encoded, Target};
use providers::error::EncodeError;
use providers::openai_compatible::OpenAiCompatible;
use serde_json::{Value, json};

use crate::support;

fn endpoint(quirks: Value) -> Endpoint {
    let mut endpoint = support::endpoint("openai_compatible", "https://api.acme.test/v1");
    endpoint.quirks = serde_json::from_value(quirks).unwrap();
    endpoint
}

fn encode(members: &Value, endpoint: &Endpoint) -> Result<Encoded, EncodeError> {
    let mut request = json!({"model": "a/b", "messages": [{"role": "user", "content": "Hi"}]});
    for (name, value) in members.as_object().unwrap() {
        request[name] = value.clone();
    }
    let request = chat_completions::decode(request.to_string().as_bytes()).unwrap();
    let target = Target { endpoint, base_url: &endpoint.provider.base_url };
    OpenAiCompatible.encode(&request, &target)
}

fn sent(members: &Value, quirks: Value) -> (Value, Vec<String>) {
    let encoded = encode(members, &endpoint(quirks)).unwrap();
    (serde_json::from_slice(encoded.request.body()).unwrap(), encoded.dropped)
}

#[test]
fn values_out_of_bounds_are_moved_and_reported() {
    let quirks = json!({"clamp": {"temperature": {"min": "0", "max": "1"}}});
    let (body, dropped) = sent(&json!({"temperature": 1.7}), quirks.clone());
    assert_eq!((&body["temperature"], dropped), (&json!(1), vec!["temperature".into()]));
    let (body, dropped) = sent(&json!({"temperature": 0.7}), quirks.clone());
    assert_eq!((&body["temperature"], dropped), (&json!(0.7), vec![]));
    let strict = json!({"temperature": 2, "provider": {"require_parameters": true}});
    assert!(encode(&strict, &endpoint(quirks)).is_err());
}

#[test]
fn what_must_be_there_is_there() {
    let quirks = json!({"defaults": {"max_tokens": "4096", "top_p": "0.9"},
        "max_tokens_name": "max_new"});
    let (body, _) = sent(&json!({}), quirks.clone());
    assert_eq!((&body["max_new"], &body["top_p"]), (&json!(4096), &json!(0.9)));
    let (body, _) = sent(&json!({"max_tokens": 7, "top_p": 0.1}), quirks);
    assert_eq!((&body["max_new"], &body["top_p"]), (&json!(7), &json!(0.1)));
}

#[test]
fn only_known_service_tiers_are_sent() {
    let quirks = json!({"service_tiers": ["flex", "priority"]});
    for (tier, quirks, expected, reported) in [
        ("flex", quirks.clone(), json!("flex"), false),
        ("fast", quirks.clone(), json!("priority"), false),
        ("auto", quirks.clone(), Value::Null, false),
        ("ultrafast", quirks, Value::Null, true),
        ("flex", json!({}), Value::Null, true),
    ] {
        let (body, dropped) = sent(&json!({"service_tier": tier}), quirks);
        assert_eq!((&body["service_tier"], !dropped.is_empty()), (&expected, reported), "{tier}");
    }
}

#[test]
fn hints_go_only_where_they_are_known() {
    let members = json!({"prompt_cache_key": "k", "modalities": ["text", "audio"],
        "audio": {"voice": "alloy", "format": "wav"}});
    let (body, dropped) = sent(&members, json!({}));
    assert!(body.get("prompt_cache_key").is_none() && body.get("audio").is_none());
    assert_eq!(dropped, ["audio", "modalities"]);
    let accepts = json!({"accepts": ["prompt_cache_key", "modalities", "audio"]});
    let (body, dropped) = sent(&members, accepts);
    assert_eq!((&body["audio"], &body["prompt_cache_key"]), (&members["audio"], &json!("k")));
    assert!(dropped.is_empty());
    assert!(sent(&json!({"modalities": ["text"]}), json!({})).1.is_empty());
}

#[test]
fn thinking_is_asked_for_in_every_form() {
    let on = json!({"reasoning": {"effort": "medium"}, "max_tokens": 1000});
    let off = json!({"reasoning": {"enabled": false}});
    for (quirks, on_expected, off_expected) in [
        (
            json!({"reasoning": "object"}),
            json!({"reasoning": {"effort": "medium"}}),
            json!({"reasoning": {"enabled": false}}),
        ),
        (
            json!({"reasoning": "enabled"}),
            json!({"reasoning": {"enabled": true}}),
            json!({"reasoning": {"enabled": false}}),
        ),
        (
            json!({"reasoning": "thinking"}),
            json!({"thinking": {"type": "enabled"}}),
            json!({"thinking": {"type": "disabled"}}),
        ),
        (
            json!({"reasoning": "thinking", "reasoning_efforts": ["low", "high", "max"]}),
            json!({"thinking": {"type": "enabled"}, "reasoning_effort": "low"}),
            json!({"thinking": {"type": "disabled"}}),
        ),
        (
            json!({"reasoning": "enable_thinking", "reasoning_budget": "thinking_budget"}),
            json!({"enable_thinking": true, "thinking_budget": 500}),
            json!({"enable_thinking": false}),
        ),
        (
            json!({"reasoning": "template_enable_thinking"}),
            json!({"chat_template_kwargs": {"enable_thinking": true}}),
            json!({"chat_template_kwargs": {"enable_thinking": false}}),
        ),
        (
            json!({"reasoning": "template_thinking"}),
            json!({"chat_template_kwargs": {"thinking": true}}),
            json!({"chat_template_kwargs": {"thinking": false}}),
        ),
    ] {
        for (members, expected) in [(&on, on_expected), (&off, off_expected)] {
            let (mut body, dropped) = sent(members, quirks.clone());
            let object = body.as_object_mut().unwrap();
            object.retain(|name, _| {
                !["model", "messages", "stream", "stream_options", "max_tokens"]
                    .contains(&name.as_str())
            });
            assert_eq!((body, dropped), (expected, vec![]), "{quirks} {members}");
        }
    }
    // Nothing can be said to a model that thinks as it likes.
    assert_eq!(sent(&off, json!({"reasoning": "fixed"})).1, ["reasoning"]);
    assert!(
        sent(&json!({"reasoning": {"enabled": true}}), json!({"reasoning": "fixed"})).1.is_empty()
    );
    // No effort stands for not thinking where none is known.
    let quirks = json!({"reasoning_efforts": ["low", "high"]});
    let (body, dropped) = sent(&off, quirks);
    assert_eq!((body.get("reasoning_effort"), dropped), (None, vec!["reasoning".into()]));
    // Who writes the template's arguments knows better.
    let both = json!({"reasoning": {"enabled": true}, "chat_template_kwargs": {"a": 1}});
    let (body, _) = sent(&both, json!({"reasoning": "template_thinking"}));
    assert_eq!(body["chat_template_kwargs"], json!({"a": 1}));
}

#[test]
fn only_what_an_upstream_knows_is_in_its_messages() {
    let members = json!({"messages": [
        {"role": "system", "content": [{"type": "text", "text": "a",
            "cache_control": {"type": "ephemeral", "ttl": "1h"}}, {"type": "text", "text": "b"}]},
        {"role": "user", "name": "Ada", "content": "Hi"},
        {"role": "assistant", "content": "x", "refusal": null, "reasoning": "think",
         "annotations": [{"type": "file"}], "images": [], "x_kept": 1,
         "reasoning_details": [{"type": "reasoning.encrypted", "data": "secret", "index": 0}],
         "tool_calls": [{"id": "call_1", "type": "function",
            "function": {"name": "f", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "call_1", "content": "gone", "is_error": true},
    ]});
    let call = |id: &str| {
        json!([{"id": id, "type": "function",
        "function": {"name": "f", "arguments": "{}"}}])
    };
    let plain = json!([
        {"role": "system", "content": [{"type": "text", "text": "a"},
            {"type": "text", "text": "b"}]},
        {"role": "user", "content": "Hi", "name": "Ada"},
        {"role": "assistant", "content": "x", "x_kept": 1, "tool_calls": call("call_1")},
        {"role": "tool", "content": "Error: gone", "tool_call_id": "call_1"},
    ]);
    assert_eq!(sent(&members, json!({})).0["messages"], plain);

    let narrow = json!({"unsupported": ["messages.name", "messages.parts"], "tool_id_length": 9,
        "reasoning_replay": "reasoning_content"});
    let (body, _) = sent(&members, narrow);
    let id = body["messages"][3]["tool_call_id"].as_str().unwrap();
    assert!(id.len() == 9 && id.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{id}");
    let expected = json!([
        {"role": "system", "content": "ab"},
        {"role": "user", "content": "Ada: Hi"},
        {"role": "assistant", "content": "x", "x_kept": 1, "tool_calls": call(id),
            "reasoning_content": "think"},
        {"role": "tool", "content": "Error: gone", "tool_call_id": id},
    ]);
    assert_eq!(body["messages"], expected);

    let wide = json!({"cache_marks": "cache_control", "reasoning_replay": "reasoning_details",
        "accepts": ["messages.annotations"]});
    let (body, _) = sent(&members, wide);
    let messages = &body["messages"];
    assert_eq!(messages[0], members["messages"][0]);
    assert_eq!(messages[2]["reasoning_details"], members["messages"][2]["reasoning_details"]);
    assert_eq!(messages[2]["annotations"], json!([{"type": "file"}]));
    let (body, _) = sent(&members, json!({"reasoning_replay": "thinking_part"}));
    let expected = json!([
        {"type": "thinking", "thinking": [{"type": "text", "text": "think"}]},
        {"type": "text", "text": "x"}]);
    assert_eq!(body["messages"][2]["content"], expected);
    assert_eq!(body["messages"][2]["tool_calls"], call("call_1"));
    assert!(body["messages"][2].get("reasoning").is_none());
    let marks = json!({"cache_marks": "prompt_cache_breakpoint"});
    let part =
        json!({"type": "text", "text": "a", "prompt_cache_breakpoint": {"mode": "explicit"}});
    assert_eq!(sent(&members, marks).0["messages"][0]["content"][0], part);
}

#[test]
fn an_answer_that_is_begun_is_continued() {
    let members = json!({"messages": [{"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "He"}]});
    let last = |quirks: Value| sent(&members, quirks).0["messages"][1].clone();
    let begun = |flag: &str| json!({"role": "assistant", "content": "He", flag: true});
    assert_eq!(last(json!({"prefill": "prefix"})), begun("prefix"));
    assert_eq!(last(json!({"prefill": "partial"})), begun("partial"));
    assert_eq!(last(json!({})), members["messages"][1]);
    let (body, _) = sent(&members, json!({"prefill": "continue_final_message"}));
    assert_eq!(body["continue_final_message"], true);
    assert_eq!(body["add_generation_prompt"], false);
    assert!(encode(&members, &endpoint(json!({"prefill": "refused"}))).is_err());
    let ordinary = json!({});
    assert!(
        sent(&ordinary, json!({"prefill": "continue_final_message"}))
            .0
            .get("continue_final_message")
            .is_none()
    );
}

fn tools() -> Value {
    json!([{"type": "function", "function": {"name": "f", "strict": true}},
        {"type": "function", "function": {"name": "g"},
         "cache_control": {"type": "ephemeral"}}])
}

#[test]
fn the_choice_of_tools_is_said_as_far_as_it_can_be() {
    let with = |choice: Value| json!({"tools": tools(), "tool_choice": choice});
    let named = json!({"type": "function", "function": {"name": "g"}});
    let mistral = json!({"tool_choice_required": "any"});
    assert_eq!(sent(&with(json!("required")), mistral).0["tool_choice"], "any");

    let no_names = json!({"tool_choices": ["auto", "none", "required"]});
    let (body, dropped) = sent(&with(named.clone()), no_names);
    let only = json!([{"type": "function", "function": {"name": "g"}}]);
    assert_eq!((&body["tools"], &body["tool_choice"]), (&only, &json!("required")));
    assert_eq!(dropped, ["cache_control"]);

    let only_auto = json!({"tool_choices": ["auto"]});
    for choice in [json!("required"), named] {
        let (body, dropped) = sent(&with(choice), only_auto.clone());
        assert!(body.get("tool_choice").is_none());
        assert_eq!(dropped, ["cache_control", "tool_choice"]);
    }
    let (body, dropped) = sent(&with(json!("none")), only_auto);
    assert!(body.get("tools").is_none() && body.get("tool_choice").is_none());
    assert_eq!(dropped, ["cache_control"]);

    let lax = json!({"unsupported": ["tools.strict"]});
    let (body, _) = sent(&json!({"tools": tools()}), lax);
    let expected = json!([{"type": "function", "function": {"name": "f"}},
        {"type": "function", "function": {"name": "g"}}]);
    assert_eq!(body["tools"], expected);
}

fn schema() -> Value {
    json!({"type": "json_schema", "json_schema": {"name": "city", "strict": true,
        "schema": {"type": "object", "properties": {"name": {"type": "string"}}}}})
}

fn with_parameters(parameters: &[&str]) -> Endpoint {
    let mut endpoint = endpoint(json!({}));
    endpoint.supported_parameters = parameters.iter().map(|name| (*name).to_owned()).collect();
    endpoint
}

#[test]
fn a_schema_becomes_what_there_is() {
    let members = json!({"response_format": schema()});
    let body = |endpoint: &Endpoint| -> (Value, Vec<String>) {
        let encoded = encode(&members, endpoint).unwrap();
        (serde_json::from_slice(encoded.request.body()).unwrap(), encoded.dropped)
    };
    let (sent, dropped) = body(&with_parameters(&["response_format", "structured_outputs"]));
    assert_eq!((&sent["response_format"], dropped), (&schema(), vec![]));

    let (sent, dropped) = body(&with_parameters(&["response_format"]));
    assert_eq!(sent["response_format"], json!({"type": "json_object"}));
    let words = sent["messages"][0]["content"].as_str().unwrap();
    assert!(words.contains("\"properties\""), "{words}");
    assert_eq!(dropped, ["response_format"]);

    let (sent, _) = body(&with_parameters(&["tools"]));
    assert!(sent.get("response_format").is_none());
    assert_eq!(sent["tools"][0]["function"]["name"], "city");
    assert_eq!(sent["tool_choice"]["function"]["name"], "city");

    let (sent, _) = body(&with_parameters(&[]));
    assert!(sent.get("response_format").is_none() && sent.get("tools").is_none());
    assert_eq!(sent["messages"][0]["role"], "system");

    let strict = json!({"response_format": schema(), "provider": {"require_parameters": true}});
    let parameter = "response_format".to_owned();
    let refused = encode(&strict, &with_parameters(&["tools"])).err();
    assert_eq!(refused, Some(EncodeError::Unsupported { parameter }));
}

#[test]
fn words_of_ours_stand_behind_those_of_the_system() {
    let members = json!({"response_format": {"type": "json_object"}, "messages": [
        {"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]});
    let encoded = encode(&members, &with_parameters(&[])).unwrap();
    let body: Value = serde_json::from_slice(encoded.request.body()).unwrap();
    let system = body["messages"][0]["content"].as_str().unwrap();
    assert!(system.starts_with("Be brief.\n\nAnswer with one JSON object"), "{system}");
    assert_eq!(body["messages"].as_array().unwrap().len(), 2);
}

#[test]
fn the_arguments_of_a_forced_call_are_the_answer() {
    let encoded =
        encode(&json!({"response_format": schema()}), &with_parameters(&["tools"])).unwrap();
    let stream = br#"data: {"id":"1","choices":[{"index":0,"delta":{"content":"Sure."}}]}

data: {"id":"1","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"c","function":{"name":"city","arguments":"{\"name\":"}}]}}]}

data: {"id":"1","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"\"Rome\"}"}}]},"finish_reason":"tool_calls"}]}

data: [DONE]

"#;
    let (events, outcome) = support::events_of(encoded.decoder, stream.chunks(7));
    outcome.unwrap();
    let text: String = events
        .iter()
        .filter_map(|event| match event {
            ChatEvent::Delta { delta: Delta::Content(text), .. } => Some(text.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(text, "{\"name\":\"Rome\"}");
    let is_call =
        |event: &ChatEvent| matches!(event, ChatEvent::Delta { delta: Delta::ToolCall(_), .. });
    assert!(!events.iter().any(is_call));
    assert!(format!("{:?}", events.last().unwrap()).contains("reason: Stop"));
}

#[test]
fn files_have_the_form_that_is_known() {
    let part = json!({"type": "file", "file": {"filename": "f.pdf",
        "file_data": "data:application/pdf;base64,JVBERi0="}});
    let members = json!({"messages": [{"role": "user", "content": [part]}]});
    let written = |quirks: Value| sent(&members, quirks).0["messages"][0]["content"][0].clone();
    let url = "data:application/pdf;base64,JVBERi0=";
    assert_eq!(written(json!({})), part);
    assert_eq!(
        written(json!({"file_part": "document_url"})),
        json!({"type": "document_url", "document_url": url})
    );
    assert_eq!(
        written(json!({"file_part": "file_url"})),
        json!({"type": "file_url", "file_url": {"url": url}})
    );
    let fetches = |kind: &PartKind, quirks: Value| {
        let endpoint = endpoint(quirks);
        let target = Target { endpoint: &endpoint, base_url: "https://x.test" };
        OpenAiCompatible.fetches(kind, "https://x.test/f", &target)
    };
    assert!(!fetches(&PartKind::File, json!({})));
    assert!(fetches(&PartKind::File, json!({"file_part": "document_url"})));
    assert!(fetches(&PartKind::Image, json!({})));
    assert!(!fetches(&PartKind::Image, json!({"inline": ["image"]})));
}

#[test]
fn what_is_set_for_one_provider_counts_for_more() {
    let members = json!({"temperature": 1, "provider": {"options": {
        "acme": {"temperature": 0.1, "safe": {"a": 1}, "model": "dear", "max_tokens": 9,
            "service_tier": "priority", "generationConfig": {"maxOutputTokens": 9_000}},
        "other": {"x": 1}}}});
    let (body, _) = sent(&members, json!({"body": {"safe": "true"}}));
    assert_eq!(body["temperature"], 0.1);
    assert_eq!((&body["safe"], &body["model"]), (&json!(true), &json!("b-large")));
    for name in ["x", "max_tokens", "service_tier", "generationConfig"] {
        assert!(body.get(name).is_none(), "{name}");
    }
}

#[test]
fn who_an_end_user_is_stays_with_us() {
    let (body, dropped) = sent(&json!({"safety_identifier": "ada", "user": "ada"}), json!({}));
    let identifier = body["safety_identifier"].as_str().unwrap();
    assert_eq!((identifier.len(), body.get("user")), (64, None));
    assert!(!body.to_string().contains("ada") && dropped.is_empty(), "{dropped:?}");
}
