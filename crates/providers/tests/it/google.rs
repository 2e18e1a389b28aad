//! Gemini, at AI Studio and at Vertex.

use domain::catalog::{Bounds, Endpoint};
use protocol::chat::event::{ChatEvent, Delta};
use protocol::chat::request::{ChatRequest, Kind, PartKind};
use protocol::dialects::chat_completions;
use protocol::embeddings::{EmbeddingsRequest, Input};
use providers::adapter::{Adapter, Encoded, Target};
use providers::error::EncodeError;
use providers::google::{Google, Vertex};
use serde_json::{Value, json};

use crate::support::{answers, check_decoder, decoded, endpoint, events_of};

const AI_STUDIO: &str = "https://generativelanguage.googleapis.com/v1beta";

#[test]
fn recorded_answers_become_events() {
    for (adapter, dialect) in [(&Google as &dyn Adapter, "google"), (&Vertex, "vertex")] {
        for fixture in answers(dialect) {
            let name = format!("decode_{dialect}_{}", fixture.name);
            insta::assert_snapshot!(name, decoded(adapter.decoder(), [&fixture.body[..]]));
        }
    }
}

#[test]
fn events_do_not_depend_on_how_bytes_are_cut() {
    check_decoder(&Google, &answers("google"));
    check_decoder(&Vertex, &answers("vertex"));
}

fn request(request: &Value) -> ChatRequest {
    chat_completions::decode(request.to_string().as_bytes()).unwrap()
}

fn encode(asked: &Value, endpoint: &Endpoint) -> Result<Encoded, EncodeError> {
    let target = Target { endpoint, base_url: &endpoint.provider.base_url };
    Google.encode(&request(asked), &target)
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

/// What becomes of a few members, at an endpoint that takes everything.
fn sent(members: &Value) -> Value {
    body(&encode(&ask(members), &endpoint("google", AI_STUDIO)).unwrap())
}

/// An endpoint that is told levels: the third generation.
fn third_generation() -> Endpoint {
    let mut endpoint = endpoint("google", AI_STUDIO);
    endpoint.quirks.reasoning_efforts = vec!["low".into(), "high".into()];
    endpoint.quirks.unsupported = vec!["reasoning.none".into()];
    endpoint
}

fn conversation() -> Value {
    json!({
        "model": "a/b", "max_tokens": 50, "temperature": 0.25, "top_p": 0.9, "top_k": 40,
        "seed": 7, "n": 2, "stop": ["END"], "presence_penalty": 0.5, "frequency_penalty": -0.5,
        "metadata": {"a": "b"}, "user": "ada",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "developer", "content": [{"type": "text", "text": "Be kind."}]},
            {"role": "user", "name": "Ada", "content": [
                {"type": "text", "text": "Look"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}},
                {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "mp3"}},
                {"type": "video_url", "video_url": {"url": "https://www.youtube.com/watch?v=1"}},
                {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0="}}]},
            {"role": "user", "content": "and listen"},
            {"role": "assistant", "content": "Thinking aloud", "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{\"b\": 1, \"a\": 2}"}},
                {"id": "c2", "type": "function", "function": {"name": "now", "arguments": ""}}],
             "reasoning_details": [
                {"type": "reasoning.text", "text": "Hm", "format": "google-gemini-v1", "index": 0},
                {"type": "reasoning.encrypted", "data": "c2lnQQ==", "id": "c1", "format": "google-gemini-v1", "index": 1},
                {"type": "reasoning.encrypted", "data": "c2lnVw==", "id": null, "format": "google-gemini-v1", "index": 2},
                {"type": "reasoning.text", "text": "not ours", "signature": "s", "format": "anthropic-claude-v1", "index": 3}]},
            {"role": "tool", "tool_call_id": "c2", "content": "12:00"},
            {"role": "tool", "tool_call_id": "c1", "content": "{\"seen\": true}"},
            {"role": "user", "content": "So?"},
            {"role": "assistant", "content": "It is"},
        ],
        "tools": [
            {"type": "function", "function": {"name": "look", "description": "Looks.",
                "parameters": {"type": "object", "properties": {"b": {"type": "integer"}, "a": {"type": "integer"}}}}},
            {"type": "function", "function": {"name": "now"}}],
        "tool_choice": "auto",
    })
}

#[test]
fn a_conversation_is_written_in_geminis_form() {
    let encoded = encode(&conversation(), &endpoint("google", AI_STUDIO)).unwrap();
    let upstream = &encoded.request;
    assert_eq!(upstream.method(), http::Method::POST);
    assert_eq!(
        upstream.uri(),
        "https://generativelanguage.googleapis.com/v1beta/models/b-large:streamGenerateContent?alt=sse"
    );
    assert_eq!(upstream.headers()["content-type"], "application/json");
    assert_eq!(encoded.dropped, Vec::<String>::new());
    insta::assert_snapshot!(std::str::from_utf8(upstream.body()).unwrap());
}

#[test]
fn vertex_has_another_address_and_no_ids() {
    let base = "https://us-central1-aiplatform.googleapis.com/v1/projects/p/locations/us-central1/publishers/google";
    let endpoint = endpoint("vertex", base);
    let target = Target { endpoint: &endpoint, base_url: base };
    let encoded = Vertex.encode(&request(&conversation()), &target).unwrap();
    assert_eq!(
        encoded.request.uri().to_string(),
        format!("{base}/models/b-large:streamGenerateContent?alt=sse")
    );
    let contents = &body(&encoded)["contents"];
    let call = json!({"name": "look", "args": {"b": 1, "a": 2}});
    assert_eq!(contents[1]["parts"][2]["functionCall"], call);
    // Without ids, results are told apart by the order of their calls.
    assert_eq!(contents[2]["parts"][0]["functionResponse"]["name"], "look");
    assert_eq!(contents[2]["parts"][1]["functionResponse"]["name"], "now");
}

#[test]
fn signatures_go_back_to_the_parts_that_they_came_with() {
    let fixture = answers("google").into_iter().find(|one| one.name == "tool_calls").unwrap();
    let (events, _) = events_of(Google.decoder(), [&fixture.body[..]]);
    let mut details = Vec::new();
    let mut calls = Vec::new();
    for event in &events {
        match event {
            ChatEvent::Delta { delta: Delta::ReasoningDetails(raw), .. } => {
                let items: Vec<Value> = serde_json::from_str(raw.get()).unwrap();
                details.extend(items);
            }
            ChatEvent::Delta { delta: Delta::ToolCall(call), .. } => calls.push(json!({
                "id": call.id, "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            })),
            _ => {}
        }
    }
    let results = calls
        .iter()
        .map(|call| json!({"role": "tool", "tool_call_id": call["id"], "content": "ok"}));
    let mut messages = vec![
        json!({"role": "user", "content": "Hi"}),
        json!({"role": "assistant", "content": null, "tool_calls": calls, "reasoning_details": details}),
    ];
    messages.extend(results);
    let request = json!({"model": "a/b", "messages": messages});
    let encoded = encode(&request, &third_generation()).unwrap();
    let answer = &body(&encoded)["contents"][1]["parts"];
    assert_eq!(answer[0], json!({"text": "**Checking flight AA100**", "thought": true}));
    assert_eq!(answer[1]["thoughtSignature"], "<Signature A>");
    assert_eq!(answer[1]["functionCall"]["id"], "8f2b1a3c");
    assert_eq!(answer[2]["thoughtSignature"], Value::Null);
    assert_ne!(answer[2]["functionCall"]["id"], answer[1]["functionCall"]["id"]);
    assert_eq!(answer[3]["functionCall"]["args"], json!({}));
}

#[test]
fn calls_of_other_models_pass_where_signatures_are_demanded() {
    let messages = json!([
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": null, "tool_calls": [
            {"id": "x", "type": "function", "function": {"name": "f", "arguments": "[1]"}},
            {"id": "y", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "x", "content": "1"},
        {"role": "tool", "tool_call_id": "y", "content": "2"},
    ]);
    let request = ask(&json!({"messages": messages}));
    let third = body(&encode(&request, &third_generation()).unwrap());
    let parts = &third["contents"][1]["parts"];
    assert_eq!(parts[0]["thoughtSignature"], "skip_thought_signature_validator");
    assert_eq!(parts[1]["thoughtSignature"], Value::Null);
    assert_eq!(parts[0]["functionCall"]["args"], json!({"arguments": [1]}));
    let second = body(&encode(&request, &endpoint("google", AI_STUDIO)).unwrap());
    assert_eq!(second["contents"][1]["parts"][0]["thoughtSignature"], Value::Null);
}

#[test]
fn results_say_whether_they_are_failures_and_show_what_they_have() {
    let messages = json!([
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "tool_calls": [
            {"id": "x", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "x", "is_error": true, "content": [
            {"type": "text", "text": "it broke"},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}]},
    ]);
    let contents = &sent(&json!({"messages": messages}))["contents"];
    let expected = json!([
        {"functionResponse": {"id": "x", "name": "f", "response": {"error": "it broke"}}},
        {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}},
    ]);
    assert_eq!(contents[2]["parts"], expected);
}

#[test]
fn an_instruction_alone_is_asked() {
    let messages = json!([{"role": "system", "content": "Say hi"}]);
    let alone = sent(&json!({"messages": messages}));
    assert_eq!(alone["contents"], json!([{"role": "user", "parts": [{"text": "Say hi"}]}]));
    assert_eq!(alone.get("systemInstruction"), None);

    // So it is where a model takes no instructions.
    let mut gemma = endpoint("google", AI_STUDIO);
    gemma.quirks.unsupported = vec!["messages.system".into()];
    let messages =
        json!([{"role": "user", "content": "Hi"}, {"role": "system", "content": "Be brief"}]);
    let body = body(&encode(&ask(&json!({"messages": messages})), &gemma).unwrap());
    let parts = json!([{"text": "Be brief"}, {"text": "Hi"}]);
    assert_eq!(body["contents"], json!([{"role": "user", "parts": parts}]));
    assert_eq!(body.get("systemInstruction"), None);
}

#[test]
fn tool_choices_become_modes() {
    let tools = json!([{"type": "function", "function": {"name": "f"}}]);
    let strict = json!([{"type": "function", "function": {"name": "f", "strict": true}}]);
    let named = json!({"type": "function", "function": {"name": "f"}});
    for (tools, choice, expected) in [
        (&tools, json!("auto"), json!({"mode": "AUTO"})),
        (&tools, json!("none"), json!({"mode": "NONE"})),
        (&tools, json!("required"), json!({"mode": "ANY"})),
        (&tools, named, json!({"mode": "ANY", "allowedFunctionNames": ["f"]})),
        (&strict, json!("auto"), json!({"mode": "VALIDATED"})),
    ] {
        let body = sent(&json!({"tools": tools, "tool_choice": choice}));
        assert_eq!(body["toolConfig"]["functionCallingConfig"], expected);
    }
    assert_eq!(sent(&json!({"tools": tools})).get("toolConfig"), None);
}

#[test]
fn thinking_is_a_budget_or_a_level() {
    let mut endpoint = endpoint("google", AI_STUDIO);
    endpoint
        .quirks
        .clamp
        .insert("thinking_budget".into(), Bounds { min: "128".into(), max: "4000".into() });
    let third = third_generation();
    for (members, budget, level) in [
        (json!({}), json!({"includeThoughts": true}), json!({"includeThoughts": true})),
        (
            json!({"reasoning": {"effort": "medium"}, "max_tokens": 2000}),
            json!({"includeThoughts": true, "thinkingBudget": 1000}),
            json!({"includeThoughts": true, "thinkingLevel": "LOW"}),
        ),
        (
            json!({"reasoning": {"max_tokens": 9000, "exclude": true}, "max_tokens": 10_000}),
            json!({"includeThoughts": false, "thinkingBudget": 4000}),
            json!({"includeThoughts": false, "thinkingLevel": "HIGH"}),
        ),
        (
            json!({"reasoning_effort": "minimal", "max_tokens": 100}),
            json!({"includeThoughts": true, "thinkingBudget": 128}),
            json!({"includeThoughts": true, "thinkingLevel": "LOW"}),
        ),
    ] {
        for (endpoint, expected) in [(&endpoint, budget), (&third, level)] {
            let body = body(&encode(&ask(&members), endpoint).unwrap());
            assert_eq!(body["generationConfig"]["thinkingConfig"], expected, "{members}");
        }
    }
    let off = ask(&json!({"reasoning": {"enabled": false}}));
    let sent = body(&encode(&off, &endpoint).unwrap());
    assert_eq!(sent["generationConfig"]["thinkingConfig"], json!({"thinkingBudget": 0}));
    let refused = EncodeError::Unsupported { parameter: "reasoning.effort: none".into() };
    assert_eq!(encode(&off, &third).err(), Some(refused));
}

#[test]
fn forms_of_the_answer_are_asked_for() {
    let schema = json!({"type": "object", "properties": {"z": {"type": "string"}}});
    let format = json!({"type": "json_schema", "json_schema": {"name": "n", "schema": schema}});
    let config = &sent(&json!({"response_format": format}))["generationConfig"];
    assert_eq!(config["responseMimeType"], "application/json");
    assert_eq!(config["responseJsonSchema"], schema);
    let config = &sent(&json!({"response_format": {"type": "json_object"}}))["generationConfig"];
    assert_eq!(config["responseMimeType"], "application/json");
    assert_eq!(config.get("responseJsonSchema"), None);

    // Beside functions, only the third generation takes it.
    let tools = json!([{"type": "function", "function": {"name": "f"}}]);
    let both = ask(&json!({"response_format": format, "tools": tools}));
    let encoded = encode(&both, &endpoint("google", AI_STUDIO)).unwrap();
    assert_eq!(encoded.dropped, ["response_format"]);
    assert_eq!(encode(&both, &third_generation()).unwrap().dropped, Vec::<String>::new());
    let neither = ask(&json!({"response_format": format, "tools": tools, "tool_choice": "none"}));
    let encoded = encode(&neither, &endpoint("google", AI_STUDIO)).unwrap();
    assert_eq!(encoded.dropped, Vec::<String>::new());
    assert_eq!(body(&encoded).get("tools"), None);

    let config = &sent(&json!({"modalities": ["text", "image"],
        "image_config": {"aspect_ratio": "16:9"}}))["generationConfig"];
    assert_eq!(config["responseModalities"], json!(["TEXT", "IMAGE"]));
    assert_eq!(config["imageConfig"], json!({"aspectRatio": "16:9"}));
    let config = &sent(&json!({"logprobs": true, "top_logprobs": 3}))["generationConfig"];
    assert_eq!((&config["responseLogprobs"], &config["logprobs"]), (&json!(true), &json!(3)));
}

#[test]
fn what_gemini_has_no_form_for_is_dropped_or_refused() {
    let request = ask(&json!({"min_p": 0.1, "logit_bias": {"1": 1}, "parallel_tool_calls": false,
        "x_unknown": 1, "seed": 4_000_000_000_i64, "top_k": 0, "verbosity": "low",
        "tools": [{"type": "function", "function": {"name": "f"}}],
        "response_format": {"type": "grammar", "grammar": "x"}}));
    let encoded = encode(&request, &endpoint("google", AI_STUDIO)).unwrap();
    let mut dropped = encoded.dropped.clone();
    dropped.sort_unstable();
    assert_eq!(
        dropped,
        [
            "logit_bias",
            "min_p",
            "parallel_tool_calls",
            "response_format",
            "seed",
            "verbosity",
            "x_unknown"
        ]
    );
    assert_eq!(body(&encoded)["generationConfig"].get("topK"), None);
    let mut strict = ask(&json!({"min_p": 0.1}));
    strict["provider"] = json!({"require_parameters": true});
    let refused = EncodeError::Unsupported { parameter: "min_p".into() };
    assert_eq!(encode(&strict, &endpoint("google", AI_STUDIO)).err(), Some(refused));

    // An address that Google does not fetch must have been fetched before.
    let image = json!([{"role": "user", "content": [
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}]}]);
    let refused = EncodeError::Unsupported { parameter: "messages[0].content[0]".into() };
    let image = ask(&json!({"messages": image}));
    assert_eq!(encode(&image, &endpoint("google", AI_STUDIO)).err(), Some(refused));
    let endpoint = endpoint("google", AI_STUDIO);
    let target = Target { endpoint: &endpoint, base_url: AI_STUDIO };
    assert!(!Google.fetches(&PartKind::Image, "https://example.com/a.png", &target));
    assert!(Google.fetches(&PartKind::Video, "https://youtu.be/1", &target));
}

#[test]
fn options_for_this_provider_are_added_and_cannot_replace_the_request() {
    let request = ask(&json!({"provider": {"options": {
        "acme": {"safetySettings": [{"category": "C"}], "contents": []}, "other": {"x": 1}}}}));
    let encoded = encode(&request, &endpoint("google", AI_STUDIO)).unwrap();
    let body = body(&encoded);
    assert_eq!(body["safetySettings"], json!([{"category": "C"}]));
    assert_eq!(body.get("x"), None);
    assert_eq!(body["contents"][0]["role"], "user");
    assert_eq!(encoded.dropped, ["provider.options.acme.contents"]);
}

fn vectors(adapter: &dyn Adapter, base: &str, inputs: Vec<Input>) -> Result<Encoded, EncodeError> {
    let wanted = EmbeddingsRequest {
        inputs,
        dimensions: Some(256),
        input_type: Some("search_query".into()),
        ..EmbeddingsRequest::default()
    };
    let request =
        ChatRequest { kind: Kind::Embeddings(Box::new(wanted)), ..ChatRequest::default() };
    let endpoint = endpoint("google", base);
    adapter.encode(&request, &Target { endpoint: &endpoint, base_url: base })
}

#[test]
fn vectors_are_asked_for_and_read() {
    let inputs = || vec![Input::Text("a".into()), Input::Text("b".into())];
    let encoded = vectors(&Google, AI_STUDIO, inputs()).unwrap();
    assert!(encoded.request.uri().path().ends_with("/models/b-large:batchEmbedContents"));
    let one = json!({"model": "models/b-large", "content": {"parts": [{"text": "b"}]},
        "taskType": "RETRIEVAL_QUERY", "outputDimensionality": 256});
    assert_eq!(body(&encoded)["requests"][1], one);
    let answer = br#"{"embeddings":[{"values":[0.5,-1]},{"values":[1.5e-3]}]}"#;
    let (events, outcome) = events_of(encoded.decoder, [&answer[..20], &answer[20..]]);
    outcome.unwrap();
    let Some(ChatEvent::Embeddings(list)) = events.get(1) else { panic!("{events:?}") };
    assert_eq!((list[0].index, &list[0].values[..]), (0, &[0.5, -1.0][..]));
    assert_eq!((list[1].index, &list[1].values[..]), (1, &[0.0015][..]));

    let encoded = vectors(&Vertex, "https://v/publishers/google", inputs()).unwrap();
    assert!(encoded.request.uri().path().ends_with("/models/b-large:predict"));
    let expected = json!({"instances": [
        {"content": "a", "task_type": "RETRIEVAL_QUERY"},
        {"content": "b", "task_type": "RETRIEVAL_QUERY"}],
        "parameters": {"outputDimensionality": 256}});
    assert_eq!(body(&encoded), expected);
    let answer = br#"{"predictions":[
        {"embeddings":{"values":[1],"statistics":{"truncated":false,"token_count":4.0}}},
        {"embeddings":{"values":[2],"statistics":{"truncated":false,"token_count":3.0}}}]}"#;
    let (events, outcome) = events_of(encoded.decoder, [&answer[..]]);
    outcome.unwrap();
    assert!(matches!(&events[1], ChatEvent::Usage(usage) if usage.prompt == 7), "{events:?}");

    let encoded = vectors(&Google, AI_STUDIO, inputs()).unwrap();
    let (_, outcome) = events_of(encoded.decoder, [&br#"{"embeddings":[{"values":[1]}]}"#[..]]);
    assert!(outcome.is_err());
    let refused = EncodeError::Unsupported { parameter: "input[0]".into() };
    assert_eq!(vectors(&Google, AI_STUDIO, vec![Input::Tokens(vec![1])]).err(), Some(refused));
}
