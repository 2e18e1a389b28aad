//! Items of an input as they are listed: with what callers may leave out.

use serde_json::value::RawValue;
use serde_json::{Value, json};

/// The items of the input of the response `id`, each with an `id`, a `type` and parts.
pub fn listed(id: &str, items: &[Box<RawValue>]) -> Vec<Value> {
    let stem: String = id.chars().filter(char::is_ascii_alphanumeric).collect();
    let read = |(index, raw): (usize, &RawValue)| {
        let mut item: Value = serde_json::from_str(raw.get()).ok()?;
        let object = item.as_object_mut()?;
        let kind = object.entry("type").or_insert_with(|| "message".into());
        let is_message = kind == "message";
        let prefix = match kind.as_str() {
            Some("message") => "msg",
            Some("function_call") => "fc",
            Some("function_call_output") => "fco",
            Some("reasoning") => "rs",
            _ => "item",
        };
        let own = object.get("id").and_then(Value::as_str).is_some_and(|id| !id.is_empty());
        if !own {
            object.insert("id".into(), format!("{prefix}_{stem}in{index:04}").into());
        }
        if is_message {
            let is_answer = object.get("role").is_some_and(|role| role == "assistant");
            let part = if is_answer { "output_text" } else { "input_text" };
            if let Some(Value::String(text)) = object.get("content") {
                let content = json!([{ "type": part, "text": text }]);
                object.insert("content".into(), content);
            }
            object.entry("status").or_insert_with(|| "completed".into());
        }
        Some(item)
    };
    items.iter().map(|raw| &**raw).enumerate().filter_map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_get_what_callers_left_out_and_keep_what_they_said() {
        let items: Vec<Box<RawValue>> = serde_json::from_str(
            r#"[{"role": "user", "content": "Hi"},
                {"type": "message", "id": "msg_7", "role": "assistant", "content": [], "x": 1},
                {"type": "function_call_output", "call_id": "c", "output": "42"}]"#,
        )
        .unwrap();
        let listed = listed("gen-1-a", &items);
        assert_eq!(
            listed[0],
            json!({ "type": "message", "id": "msg_gen1ain0000", "role": "user",
                "status": "completed", "content": [{ "type": "input_text", "text": "Hi" }] })
        );
        assert_eq!((&listed[1]["id"], &listed[1]["x"]), (&json!("msg_7"), &json!(1)));
        assert_eq!(listed[2]["id"], "fco_gen1ain0002");
    }
}
