//! The part of OpenAPI's schema that Gemini reads where it does not take JSON schema.

use serde_json::{Map, Value};

use crate::fields::Fields;
use crate::refusal::{Problem, Refusal};

const MEMBERS: [&str; 22] = [
    "type",
    "format",
    "title",
    "description",
    "nullable",
    "enum",
    "maxItems",
    "minItems",
    "properties",
    "required",
    "minProperties",
    "maxProperties",
    "minLength",
    "maxLength",
    "pattern",
    "example",
    "anyOf",
    "propertyOrdering",
    "default",
    "items",
    "minimum",
    "maximum",
];
const TYPES: [&str; 7] = ["string", "number", "integer", "boolean", "array", "object", "null"];
const DEPTH_MAX: usize = 32;

/// Checks a schema and gives it back with the names of types in lower case.
pub(super) fn check(value: Value, path: &str) -> Result<Value, Refusal> {
    at_depth(value, path, 0)
}

fn at_depth(value: Value, path: &str, depth: usize) -> Result<Value, Refusal> {
    if depth > DEPTH_MAX {
        return Err(Refusal::rule(path, "the schema is nested too deeply"));
    }
    let mut fields = Fields::of(value, path)?.into_proto();
    let mut schema = Map::new();
    for member in MEMBERS {
        let Some(value) = fields.take(member) else { continue };
        let at = fields.at(member);
        let value = match member {
            "type" => Value::String(type_name(&value, &at)?),
            "items" => at_depth(value, &at, depth + 1)?,
            "anyOf" => {
                let Value::Array(schemas) = value else {
                    return Err(Refusal::new(at, Problem::Type("a list")));
                };
                let schemas = schemas
                    .into_iter()
                    .enumerate()
                    .map(|(index, schema)| at_depth(schema, &format!("{at}.{index}"), depth + 1));
                Value::Array(schemas.collect::<Result<_, _>>()?)
            }
            "properties" => properties(value, &at, depth)?,
            "enum" | "required" | "propertyOrdering" => texts(value, &at)?,
            _ => value,
        };
        schema.insert(member.to_owned(), value);
    }
    fields.deny_rest()?;
    named(&schema, path)?;
    Ok(Value::Object(schema))
}

/// What is required must be there.
fn named(schema: &Map<String, Value>, path: &str) -> Result<(), Refusal> {
    let names = schema.get("required").and_then(Value::as_array);
    let properties = schema.get("properties").and_then(Value::as_object);
    for (index, name) in names.into_iter().flatten().enumerate() {
        let name = name.as_str().unwrap_or_default();
        if !properties.is_some_and(|properties| properties.contains_key(name)) {
            let at = format!("{path}.required.{index}");
            return Err(Refusal::rule(at, "property is not defined"));
        }
    }
    Ok(())
}

fn properties(value: Value, path: &str, depth: usize) -> Result<Value, Refusal> {
    let Value::Object(members) = value else {
        return Err(Refusal::new(path, Problem::Type("a map")));
    };
    let members = members.into_iter().map(|(name, schema)| {
        let at = format!("{path}.{name}");
        Ok((name, at_depth(schema, &at, depth + 1)?))
    });
    Ok(Value::Object(members.collect::<Result<_, Refusal>>()?))
}

fn type_name(value: &Value, path: &str) -> Result<String, Refusal> {
    let name = value.as_str().ok_or_else(|| Refusal::new(path, Problem::Type("a single type")))?;
    let name = name.to_lowercase();
    if TYPES.contains(&name.as_str()) {
        return Ok(name);
    }
    Err(Refusal::new(
        path,
        Problem::Type("type.googleapis.com/google.ai.generativelanguage.v1beta.Type"),
    ))
}

fn texts(value: Value, path: &str) -> Result<Value, Refusal> {
    let is_text = |values: &Vec<Value>| values.iter().all(Value::is_string);
    match value {
        Value::Array(values) if is_text(&values) => Ok(Value::Array(values)),
        _ => Err(Refusal::new(path, Problem::Type("TYPE_STRING"))),
    }
}
