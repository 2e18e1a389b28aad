use proptest::prelude::*;
use serde_json::{Value, json};

use super::{decode, refusal, with};

#[test]
fn repetition_and_depth_are_bounded() {
    let twice = r#"{"temperature":1,"temperature":1,"messages":[{"role":"user","content":"x"}]}"#;
    assert_eq!(refusal(twice).message, "`temperature` is given twice: keep one of them");
    let twice = r#"{"messages":[{"role":"user","content":"x","role":"user"}]}"#;
    assert_eq!(refusal(twice).metadata["field"], "messages[0].role");
    let many: Value =
        (0..200).map(|n| (format!("x{n}"), json!(n))).collect::<serde_json::Map<_, _>>().into();
    assert!(refusal(&with(&many)).message.contains("more than 128 members"));
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for name in ["x_new", "tools", "response_format", "messages", "provider", "stop"] {
        let body = format!(
            "{{\"{name}\":{deep},\"m\":1{}}}",
            if name == "messages" {
                ""
            } else {
                ",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]"
            }
        );
        // Unknown members may be anything; what is looked into is refused.
        assert_eq!(decode(body.as_bytes()).is_ok(), name == "x_new", "{name}");
    }
}

proptest! {
    #[test]
    fn no_bytes_panic(body: Vec<u8>) {
        let _ = decode(&body);
    }

    #[test]
    fn no_json_panics(value in json_value()) {
        for name in ["messages", "tools", "provider", "reasoning", "stop", "response_format",
            "tool_choice", "logit_bias", "max_tokens", "models", "prediction"] {
            let _ = decode(with(&json!({name: value.clone()})).as_bytes());
        }
        let _ = decode(with(&json!({"messages": [{"role": "user", "content": [value.clone()]}]})).as_bytes());
        let _ = decode(value.to_string().as_bytes());
    }

    #[test]
    fn any_cut_of_a_request_is_refused(end in 0_usize..400) {
        let body = with(&json!({"tools": [], "provider": {"sort": "price"}, "stop": ["x"]}));
        if end < body.len() && body.is_char_boundary(end) {
            prop_assert!(decode(&body.as_bytes()[..end]).is_err());
        }
    }
}

/// JSON that resembles what requests are made of.
fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-z]{0,6}".prop_map(Value::from),
        prop_oneof![Just("text"), Just("function"), Just("json_schema"), Just("image_url")]
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let name = prop_oneof![
            Just("type".to_owned()),
            Just("role".to_owned()),
            Just("content".to_owned()),
            Just("function".to_owned()),
            Just("text".to_owned()),
            Just("image_url".to_owned()),
            Just("json_schema".to_owned()),
            "[a-z]{1,4}",
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(name, inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}
