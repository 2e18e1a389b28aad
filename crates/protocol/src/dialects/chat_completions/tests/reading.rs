use serde_json::json;

use super::{decode, with};
use crate::chat::request::{Content, PartKind, Role};

#[test]
fn a_request_keeps_what_it_says() {
    let body = r#"{"model":"openai/gpt-4o:nitro","models":["a/b","c/d"],"stream":true,
        "temperature":0.5,"x_new":{"b":1,"a":[2]},"max_tokens":9,"max_completion_tokens":7,"n":2,
        "provider":{"order":["groq"],"sort":"price","max_price":{"prompt":1.5,"completion":"2"}},
        "user":"u","session_id":"s","usage":{"include":true},"stream_options":{"include_usage":true},
        "transforms":["middle-out"],"seed":null,"stop":["a"],"top_k":5,
        "messages":[{"role":"system","content":"Be\nbrief"},
        {"role":"user","name":"Ada","content":[{"type":"text","text":"What?"},
            {"type":"image_url","image_url":{"url":"https://x/y.png"}}]},
        {"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function",
            "function":{"name":"f","arguments":"{}"}}]},
        {"role":"tool","tool_call_id":"c","content":"ok"}]}"#;
    let request = decode(body.as_bytes()).unwrap();
    assert_eq!(request.model.as_deref(), Some("openai/gpt-4o:nitro"));
    assert_eq!(request.models, ["a/b", "c/d"]);
    assert!(request.stream);
    assert_eq!((request.max_tokens, request.n), (Some(7), Some(2)));
    assert_eq!(request.provider.order.as_deref(), Some(&["groq".to_owned()][..]));
    assert_eq!(request.user.as_deref(), Some("u"));
    assert_eq!(request.session_id.as_deref(), Some("s"));
    let kept: Vec<(&str, &str)> =
        request.parameters.iter().map(|(name, raw)| (name.as_str(), raw.get())).collect();
    let expected = [
        ("temperature", "0.5"),
        ("x_new", r#"{"b":1,"a":[2]}"#),
        ("stop", r#"["a"]"#),
        ("top_k", "5"),
    ];
    assert_eq!(kept, expected);
    let [system, user, assistant, tool] = &request.messages[..] else { panic!("four messages") };
    assert!(matches!(&system.content, Content::Text(text) if text == "Be\nbrief"));
    let Content::Parts(parts) = &user.content else { panic!("parts") };
    assert_eq!(parts[0].kind, PartKind::Text { bytes: 5 });
    assert_eq!(parts[1].kind, PartKind::Image);
    assert_eq!(parts[1].raw.get(), r#"{"type":"image_url","image_url":{"url":"https://x/y.png"}}"#);
    assert_eq!(user.other[0].0, "name");
    assert!(matches!(assistant.content, Content::None));
    assert_eq!((assistant.role, tool.role), (Role::Assistant, Role::Tool));
}

#[test]
fn older_spellings_are_understood() {
    let request = decode(br#"{"prompt":"Hi"}"#).unwrap();
    assert!(matches!(&request.messages[0].content, Content::Text(text) if text == "Hi"));
    let request = decode(with(&json!({"include_reasoning": false})).as_bytes()).unwrap();
    assert!(request.excludes_reasoning());
    let both = json!({"reasoning": { "effort": "low" }, "include_reasoning": false});
    let request = decode(with(&both).as_bytes()).unwrap();
    assert!(request.excludes_reasoning());
    assert!(request.parameter("reasoning").unwrap().get().contains("\"effort\":\"low\""));
    let request = decode(with(&json!({"include_reasoning": true})).as_bytes()).unwrap();
    assert!(!request.excludes_reasoning());
    let request = decode(with(&json!({"tools": [], "tool_choice": "auto"})).as_bytes()).unwrap();
    assert!(request.parameters.is_empty());
}
