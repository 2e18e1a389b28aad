//! Parameters: checked, renamed, kept or refused.

use serde_json::{Value, json};

use super::{read, refusal};
use crate::chat::request::ChatRequest;
use crate::chat::view::{ResponseFormat, Tool, ToolChoice};
use crate::dialects::responses;

fn with(name: &str, value: Value) -> Value {
    let mut body = json!({ "model": "a/b", "input": "Hi" });
    body[name] = value;
    body
}

fn parameter(request: &ChatRequest, name: &str) -> Value {
    request.parameter(name).map_or(Value::Null, |raw| serde_json::from_str(raw.get()).unwrap())
}

fn native(request: &ChatRequest, name: &str) -> Value {
    let native = request.native.as_ref().unwrap();
    native.member(name).map_or(Value::Null, |raw| serde_json::from_str(raw.get()).unwrap())
}

#[test]
fn no_alternatives_are_no_demand_for_probabilities() {
    let request = read(&json!({ "model": "a/b", "input": "Hi", "top_logprobs": 0 })).request;
    assert_eq!(parameter(&request, "top_logprobs"), Value::Null);
    assert_eq!(parameter(&request, "logprobs"), Value::Null);
    let asked = json!({ "model": "a/b", "input": "Hi", "top_logprobs": 0,
        "include": ["message.output_text.logprobs"] });
    let request = read(&asked).request;
    assert_eq!(parameter(&request, "top_logprobs"), 0);
    assert_eq!(parameter(&request, "logprobs"), true);
}

#[test]
fn parameters_get_the_names_of_chat_completions() {
    let body = json!({
        "model": "a/b", "models": ["c/d"], "input": "Hi", "stream": true, "user": "u",
        "session_id": "s", "provider": { "sort": "price" },
        "max_output_tokens": 100, "temperature": 0.5, "top_p": 0.9, "top_k": 4,
        "include": ["reasoning.encrypted_content", "message.output_text.logprobs"],
        "top_logprobs": 3, "parallel_tool_calls": true, "metadata": { "a": "b" },
        "service_tier": "flex", "truncation": "auto", "prompt_cache_key": "k",
        "safety_identifier": "i", "max_tool_calls": 3, "store": false, "background": false,
        "text": { "verbosity": "low", "format": { "type": "json_schema", "name": "n",
            "schema": { "type": "object" }, "strict": true } },
        "reasoning": { "effort": "high", "summary": "auto", "max_tokens": 500 },
        "plugins": [{ "id": "web" }], "previous_response_id": null, "from_the_future": [1],
    });
    let request = read(&body).request;
    assert_eq!(request.model.as_deref(), Some("a/b"));
    assert_eq!(request.models, ["c/d"]);
    assert!(request.stream);
    assert_eq!(request.max_tokens, Some(100));
    assert_eq!(request.user.as_deref(), Some("u"));
    assert_eq!(request.session_id.as_deref(), Some("s"));
    assert_eq!(parameter(&request, "top_k"), 4);
    assert_eq!(parameter(&request, "logprobs"), true);
    assert_eq!(parameter(&request, "top_logprobs"), 3);
    assert_eq!(parameter(&request, "verbosity"), "low");
    assert_eq!(parameter(&request, "reasoning")["max_tokens"], 500);
    let Some(ResponseFormat::JsonSchema { name, strict, schema, .. }) = request.response_format()
    else {
        panic!()
    };
    assert_eq!((&*name, strict, schema.is_some()), ("n", Some(true), true));
    // Without tools there is nothing to call in parallel.
    assert_eq!(parameter(&request, "parallel_tool_calls"), Value::Null);

    let native_request = request.native.as_ref().unwrap();
    assert_eq!(native_request.unconverted, ["from_the_future", "max_tool_calls", "truncation"]);
    for ours in
        ["model", "models", "stream", "user", "session_id", "provider", "top_k", "store", "plugins"]
    {
        assert_eq!(native(&request, ours), Value::Null, "{ours}");
    }
    for theirs in ["max_output_tokens", "text", "include", "metadata", "from_the_future", "input"] {
        assert_eq!(native(&request, theirs), body[theirs], "{theirs}");
    }
    assert_eq!(native(&request, "reasoning"), json!({ "effort": "high", "summary": "auto" }));
}

#[test]
fn a_budget_is_an_effort_to_who_knows_no_budgets() {
    for (reasoning, sent) in [
        (
            json!({ "effort": "low", "summary": "auto" }),
            json!({ "effort": "low", "summary": "auto" }),
        ),
        (json!({ "max_tokens": 800 }), json!({ "effort": "high" })),
        (json!({ "enabled": true, "exclude": true }), json!({ "effort": "medium" })),
        (json!({ "enabled": false }), json!({ "effort": "none" })),
        (json!({ "exclude": true }), json!({})),
    ] {
        let mut body = with("reasoning", reasoning.clone());
        body["max_output_tokens"] = json!(1_000);
        let request = read(&body).request;
        assert_eq!(native(&request, "reasoning"), sent, "{reasoning}");
        assert_eq!(parameter(&request, "reasoning"), reasoning);
    }
}

#[test]
fn tools_lose_their_flatness_and_keep_everything_else() {
    let tools = json!([
        { "type": "function", "name": "f", "description": "d", "strict": true,
            "parameters": { "type": "object", "properties": {} } },
        { "type": "function", "name": "g", "parameters": null },
        { "type": "web_search", "filters": {} }]);
    let request = read(&with("tools", tools.clone())).request;
    let read_tools = request.tools();
    let [Tool::Function(f), Tool::Function(g)] = read_tools.as_slice() else {
        panic!("{read_tools:?}")
    };
    assert_eq!((&*f.name, f.strict, f.parameters.is_some()), ("f", Some(true), true));
    assert_eq!((&*g.name, g.parameters.is_none()), ("g", true));
    assert_eq!(request.native.as_ref().unwrap().unconverted, ["tools[2]"]);
    assert_eq!(native(&request, "tools"), tools);
}

#[test]
fn every_choice_among_tools_is_understood() {
    let ask = |choice: Value| {
        let mut body = with(
            "tools",
            json!([{ "type": "function", "name": "f" }, { "type": "function", "name": "g" }]),
        );
        body["tool_choice"] = choice;
        read(&body).request
    };
    assert_eq!(ask(json!("required")).tool_choice(), Some(ToolChoice::Required));
    assert_eq!(ask(json!("none")).tool_choice(), Some(ToolChoice::None));
    let forced = ask(json!({ "type": "function", "name": "g" }));
    assert_eq!(forced.tool_choice(), Some(ToolChoice::Function("g".into())));
    let among = ask(json!({ "type": "allowed_tools", "mode": "required",
        "tools": [{ "type": "function", "name": "g" }] }));
    assert_eq!(among.tool_choice(), Some(ToolChoice::Required));
    assert_eq!(among.tools().len(), 1);
    // The tools themselves are untouched for an upstream that knows this form.
    assert_eq!(native(&among, "tools").as_array().unwrap().len(), 2);

    let mut body = with("tools", json!([{ "type": "web_search" }]));
    body["tool_choice"] = json!({ "type": "web_search" });
    let request = read(&body).request;
    assert_eq!(request.native.as_ref().unwrap().unconverted, ["tools[0]", "tool_choice"]);
    assert_eq!(request.tool_choice(), None);
}

/// Asks with each value in its place, and looks where the refusal points.
fn check_refusals(refused: &[(&str, Value, &str)]) {
    for (name, value, field) in refused {
        let body = with(name, value.clone());
        let (named, envelope) = refusal(&body);
        assert_eq!(named, *field, "{body} {envelope}");
        let message = envelope["error"]["message"].as_str().unwrap();
        assert!(message.starts_with(&format!("`{field}` ")), "{message}");
    }
}

#[test]
fn wrong_parameters_are_refused_by_name() {
    check_refusals(&[
        ("model", json!(7), "model"),
        ("model", json!(" "), "model"),
        ("models", json!("a/b"), "models"),
        ("stream", json!("yes"), "stream"),
        ("provider", json!([]), "provider"),
        ("instructions", json!(["x"]), "instructions"),
        ("max_output_tokens", json!(0), "max_output_tokens"),
        ("temperature", json!(2.1), "temperature"),
        ("top_p", json!("1"), "top_p"),
        ("top_logprobs", json!(21), "top_logprobs"),
        ("parallel_tool_calls", json!(1), "parallel_tool_calls"),
        ("metadata", json!({ "a": 1 }), "metadata.a"),
        ("service_tier", json!("gold"), "service_tier"),
        ("truncation", json!("middle"), "truncation"),
        ("include", json!("x"), "include"),
        ("include", json!([1]), "include[0]"),
        ("reasoning", json!("high"), "reasoning"),
        ("reasoning", json!({ "effort": "huge" }), "reasoning.effort"),
        ("reasoning", json!({ "summary": "long" }), "reasoning.summary"),
        ("text", json!("x"), "text"),
        ("text", json!({ "verbosity": "loud" }), "text.verbosity"),
        ("text", json!({ "format": {} }), "text.format.type"),
        ("text", json!({ "format": { "type": "xml" } }), "text.format.type"),
        ("text", json!({ "format": { "type": "json_schema", "name": "n" } }), "text.format.schema"),
        (
            "text",
            json!({ "format": { "type": "json_schema", "json_schema": {} } }),
            "text.format.schema",
        ),
        (
            "text",
            json!({ "format": { "type": "json_schema", "name": "n", "schema": { "type": 7 } } }),
            "text.format.schema.type",
        ),
        ("modalities", json!(["audio"]), "modalities[0]"),
        ("store", json!("yes"), "store"),
        ("previous_response_id", json!(7), "previous_response_id"),
        ("previous_response_id", json!(""), "previous_response_id"),
        ("background", json!(true), "background"),
        ("conversation", json!("conv_1"), "conversation"),
        ("prompt", json!({ "id": "pmpt_1" }), "prompt"),
    ]);
}

#[test]
fn wrong_tools_are_refused_by_name() {
    let function = |more: Value| {
        let mut tool = json!({ "type": "function", "name": "f" });
        tool.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!([tool])
    };
    check_refusals(&[
        ("tools", json!({}), "tools"),
        ("tools", json!([{}]), "tools[0].type"),
        ("tools", json!([{ "type": "function" }]), "tools[0].name"),
        ("tools", json!([{ "type": "function", "function": { "name": "f" } }]), "tools[0].name"),
        ("tools", function(json!({ "parameters": [] })), "tools[0].parameters"),
        ("tools", function(json!({ "strict": 1 })), "tools[0].strict"),
        (
            "tools",
            json!([{ "type": "function", "name": "f" }, { "type": "function", "name": "f" }]),
            "tools[1].name",
        ),
        ("tool_choice", json!("required"), "tool_choice"),
        ("tool_choice", json!("any"), "tool_choice"),
        ("tool_choice", json!({ "type": "function" }), "tool_choice.name"),
        ("tool_choice", json!({ "type": "allowed_tools", "mode": "auto" }), "tool_choice.tools"),
    ]);
    let mut named = with("tools", json!([{ "type": "function", "name": "f" }]));
    named["tool_choice"] = json!({ "type": "function", "name": "g" });
    assert_eq!(refusal(&named).0, "tool_choice.name");
    named["tool_choice"] = json!({ "type": "shell" });
    assert_eq!(refusal(&named).0, "tool_choice.type");
}

#[test]
fn bodies_that_are_none_are_refused() {
    for body in ["", "7", "[]", "{", "{\"input\": \"a\", \"input\": \"b\"}", "{\"model\": \"a/b\"}"]
    {
        let error = responses::decode(body.as_bytes()).unwrap_err();
        assert_eq!(error.status, 400, "{body}");
    }
}

#[test]
fn earlier_items_come_before_the_input() {
    let body = json!({ "model": "a/b", "store": true, "previous_response_id": "gen-1",
        "instructions": "New.", "input": [
            { "type": "function_call_output", "call_id": "c", "output": "42" }] });
    let mut draft = responses::read(body.to_string().as_bytes()).unwrap();
    assert_eq!(draft.previous_response_id(), Some("gen-1"));
    assert!(draft.stores());
    draft.continue_from(vec![
        super::raw(&json!({ "role": "user", "content": "Hi" })),
        super::raw(&json!({ "type": "function_call", "call_id": "c", "name": "f",
            "arguments": "{}", "id": "fc_1", "status": "completed" })),
    ]);
    let decoded = draft.finish().unwrap();
    assert_eq!(decoded.request.messages.len(), 4);
    assert_eq!(decoded.request.messages[0].plain_text(), "New.");
    assert_eq!(native(&decoded.request, "input").as_array().unwrap().len(), 3);
    // Only what is new is kept.
    assert_eq!(decoded.stored_input.unwrap().len(), 1);
    assert_eq!(decoded.previous_response_id.as_deref(), Some("gen-1"));
}

proptest::proptest! {
    #[test]
    fn no_body_panics(body: Vec<u8>) {
        let _ = responses::decode(&body);
    }

    #[test]
    fn no_item_panics(kind in "[a-z_]{0,20}|message|reasoning|function_call|function_call_output",
        value in "[a-z0-9\\[\\]{}\",:]{0,40}") {
        let body = format!(r#"{{"model":"a/b","input":[{{"type":"{kind}","role":"user","content":{value}}}]}}"#);
        let _ = responses::decode(body.as_bytes());
    }
}

#[test]
fn what_is_no_text_is_known_by_where_its_caller_wrote_it() {
    let image = json!({ "type": "input_image", "image_url": "https://a.example/b" });
    let request = read(&json!({
        "model": "a/b", "instructions": "Be brief.",
        "input": [
            { "type": "function_call", "call_id": "c", "name": "f", "arguments": "{}" },
            { "type": "function_call_output", "call_id": "c", "output": [image] },
            { "role": "user", "content": [{ "type": "input_text", "text": "x" }, image] },
        ],
    }))
    .request;
    let places = request.messages.len() - 2..request.messages.len();
    let found: Vec<String> =
        places.zip([0, 1]).map(|(at, part)| request.place_of("messages", at, part)).collect();
    assert_eq!(found, ["input[1].output[0]", "input[2].content[1]"]);
}
