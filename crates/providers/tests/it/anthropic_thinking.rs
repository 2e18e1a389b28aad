//! How much Claude may think.

use serde_json::{Value, json};

use crate::anthropic::{ask, endpoint, quirky, sent, weather, without};

#[test]
fn budgets_leave_room_for_an_answer() {
    for (members, thinking, max_tokens, dropped) in [
        (
            json!({"reasoning": {"effort": "high"}, "max_tokens": 10_000}),
            json!(8_000),
            10_000,
            vec![],
        ),
        (json!({"reasoning_effort": "minimal", "max_tokens": 5_000}), json!(1_024), 5_000, vec![]),
        (json!({"reasoning": {"enabled": true}}), json!(32_000), 64_000, vec![]),
        (json!({"reasoning": {"max_tokens": 3_000}}), json!(3_000), 64_000, vec![]),
        (
            json!({"reasoning": {"max_tokens": 3_000}, "max_tokens": 2_000}),
            json!(1_999),
            2_000,
            vec![],
        ),
        (
            json!({"reasoning": {"effort": "max"}, "max_tokens": 1_000}),
            Value::Null,
            1_000,
            vec!["reasoning"],
        ),
        (json!({"reasoning": {"exclude": true}}), Value::Null, 64_000, vec![]),
        (json!({"max_tokens": 90_000}), Value::Null, 64_000, vec![]),
    ] {
        let (body, lost) = sent(&ask(&members), &endpoint());
        assert_eq!(body["thinking"]["budget_tokens"], thinking, "{members}");
        assert_eq!(body["max_tokens"], max_tokens, "{members}");
        assert_eq!(lost, dropped, "{members}");
    }
    let (body, _) = sent(&ask(&json!({"reasoning": {"effort": "none"}})), &endpoint());
    assert_eq!(body["thinking"], json!({"type": "disabled"}));
    let (body, lost) =
        sent(&ask(&json!({"reasoning": {"effort": "low"}})), &without(&["reasoning"]));
    assert_eq!((body.get("thinking"), lost), (None, vec!["reasoning".to_owned()]));
}

#[test]
fn newer_models_are_told_an_effort() {
    let adaptive = quirky(json!({"reasoning": "adaptive"}));
    let (body, _) = sent(&ask(&json!({"reasoning": {"effort": "xhigh"}})), &adaptive);
    assert_eq!(body["thinking"], json!({"type": "adaptive", "display": "summarized"}));
    assert_eq!(body["output_config"], json!({"effort": "high"}));
    let known = quirky(json!({"reasoning": "adaptive", "reasoning_efforts": ["low", "xhigh"]}));
    let (body, _) = sent(&ask(&json!({"reasoning": {"max_tokens": 60_000}})), &known);
    assert_eq!(body["output_config"], json!({"effort": "xhigh"}));
    let (body, _) = sent(&ask(&json!({"verbosity": "low"})), &adaptive);
    assert_eq!((body.get("thinking"), &body["output_config"]["effort"]), (None, &json!("low")));
}

#[test]
fn thinking_constrains_the_rest() {
    let request = ask(&json!({"reasoning": {"effort": "low"}, "temperature": 0.5, "top_p": 0.5,
        "top_k": 3, "tools": [weather()], "tool_choice": "required"}));
    let (body, dropped) = sent(&request, &endpoint());
    for name in ["temperature", "top_p", "top_k"] {
        assert!(body.get(name).is_none(), "{name}");
    }
    assert_eq!(body["tool_choice"], json!({"type": "auto"}));
    assert_eq!(dropped, ["tool_choice", "temperature", "top_k", "top_p"]);
    // A call whose thinking was not kept cannot be answered by a thinking model.
    let call = json!([{"id": "c", "type": "function", "function": {"name": "weather", "arguments": "{}"}}]);
    let mut request = ask(&json!({"reasoning": {"effort": "low"}, "tools": [weather()]}));
    request["messages"] = json!([{"role": "user", "content": "Hi"},
        {"role": "assistant", "content": null, "tool_calls": call},
        {"role": "tool", "tool_call_id": "c", "content": "Rain"}]);
    let (body, dropped) = sent(&request, &endpoint());
    assert_eq!((body.get("thinking"), dropped), (None, vec!["reasoning".to_owned()]));
    let (body, dropped) = sent(&request, &quirky(json!({"reasoning": "adaptive"})));
    assert_eq!((&body["thinking"]["type"], dropped.len()), (&json!("adaptive"), 0));
}
