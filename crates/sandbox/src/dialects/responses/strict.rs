//! What a schema must be like to be kept strictly.

use serde_json::Value;

use crate::refusal::Refusal;

const DEPTH_MAX: usize = 32;

pub(super) fn check(schema: &Value, path: &str, owner: &str) -> Result<(), Refusal> {
    if schema["type"] != "object" {
        let sentence = format!(
            "Invalid schema for {owner}: schema must be a JSON Schema of 'type: \"object\"'."
        );
        return Err(Refusal::rule(path, sentence));
    }
    within(schema, path, owner, &mut Vec::new())
}

fn within(
    schema: &Value,
    path: &str,
    owner: &str,
    context: &mut Vec<String>,
) -> Result<(), Refusal> {
    if context.len() > DEPTH_MAX {
        return Ok(());
    }
    if let Some(properties) = schema["properties"].as_object() {
        let wrong = |what: &str| {
            let place: Vec<String> = context.iter().map(|name| format!("'{name}'")).collect();
            let sentence =
                format!("Invalid schema for {owner}: In context=({}), {what}", place.join(", "));
            Err(Refusal::rule(path, sentence))
        };
        if schema["additionalProperties"] != false {
            return wrong("'additionalProperties' is required to be supplied and to be false.");
        }
        let required: Vec<&str> = schema["required"]
            .as_array()
            .map(|names| names.iter().filter_map(Value::as_str).collect())
            .unwrap_or_default();
        if let Some(name) = properties.keys().find(|name| !required.contains(&name.as_str())) {
            return wrong(&format!(
                "'required' is required to be supplied and to be an array including every key in \
                 properties. Missing '{name}'."
            ));
        }
        for (name, property) in properties {
            context.extend(["properties".to_owned(), name.clone()]);
            within(property, path, owner, context)?;
            context.truncate(context.len() - 2);
        }
    }
    if schema["items"].is_object() {
        context.push("items".to_owned());
        within(&schema["items"], path, owner, context)?;
        context.pop();
    }
    for schema in schema["anyOf"].as_array().into_iter().flatten() {
        within(schema, path, owner, context)?;
    }
    for name in ["$defs", "definitions"] {
        for schema in schema[name].as_object().into_iter().flatten().map(|(_, schema)| schema) {
            within(schema, path, owner, context)?;
        }
    }
    Ok(())
}
