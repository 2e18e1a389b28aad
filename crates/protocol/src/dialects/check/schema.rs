//! Is it a JSON Schema? A light look at its structure, so that a slip is found here by its path
//! and not at a provider without one.

use serde_json::value::RawValue;

use super::rule::{Rule, invalid};
use super::value::{list, members, text};
use crate::error::PublicError;

/// No provider takes larger or deeper ones.
const BYTES_MAX: usize = 1 << 20;
const DEPTH_MAX: usize = 64;

const TYPES: &[&str] = &["object", "array", "string", "number", "integer", "boolean", "null"];

/// Checks a schema that must be an object, as those of tools and answers must.
pub(crate) fn check_schema(field: &str, raw: &RawValue) -> Result<(), PublicError> {
    if !raw.get().starts_with('{') {
        return Err(invalid(field, "must be a JSON Schema, which is an object"));
    }
    if raw.get().len() > BYTES_MAX {
        return Err(invalid(field, &format!("must be a JSON Schema of at most {BYTES_MAX} bytes")));
    }
    check(field, raw, 0)
}

fn check(field: &str, raw: &RawValue, depth: usize) -> Result<(), PublicError> {
    if matches!(raw.get(), "true" | "false") {
        return Ok(());
    }
    if depth > DEPTH_MAX {
        let demand = format!("nests deeper than {DEPTH_MAX} schemas: use `$defs` and `$ref`");
        return Err(invalid(field, &demand));
    }
    let Some(schema) = members(raw) else {
        return Err(invalid(field, "must be a JSON Schema: an object, `true` or `false`"));
    };
    for (name, value) in schema.iter() {
        check_keyword(&format!("{field}.{name}"), name, value, depth)?;
    }
    Ok(())
}

/// Keywords that are not listed mean nothing here.
fn check_keyword(
    field: &str,
    name: &str,
    value: &RawValue,
    depth: usize,
) -> Result<(), PublicError> {
    match name {
        "type" => check_type(field, value),
        "$ref" | "$id" | "$schema" | "title" | "description" | "format" | "pattern" => {
            Rule::Text { characters_max: usize::MAX }.check(field, value)
        }
        "properties" | "patternProperties" | "$defs" | "definitions" | "dependentSchemas" => {
            let Some(schemas) = members(value) else {
                return Err(invalid(field, "must be an object of JSON Schemas"));
            };
            schemas
                .iter()
                .try_for_each(|(name, schema)| check(&format!("{field}.{name}"), schema, depth + 1))
        }
        "required" => {
            let names = list(value).filter(|names| names.iter().all(|name| text(name).is_some()));
            names.map(|_| ()).ok_or_else(|| invalid(field, "must be a list of property names"))
        }
        "enum" => Rule::List.check(field, value),
        "anyOf" | "oneOf" | "allOf" | "prefixItems" => {
            let schemas = list(value).filter(|schemas| !schemas.is_empty());
            let Some(schemas) = schemas else {
                return Err(invalid(field, "must be a list of at least one JSON Schema"));
            };
            check_each(field, &schemas, depth)
        }
        // A list of them is how older drafts wrote tuples.
        "items" => match list(value) {
            Some(schemas) => check_each(field, &schemas, depth),
            None => check(field, value, depth + 1),
        },
        "additionalProperties"
        | "unevaluatedProperties"
        | "unevaluatedItems"
        | "contains"
        | "propertyNames"
        | "not"
        | "if"
        | "then"
        | "else" => check(field, value, depth + 1),
        _ => Ok(()),
    }
}

fn check_each(field: &str, schemas: &[&RawValue], depth: usize) -> Result<(), PublicError> {
    schemas
        .iter()
        .enumerate()
        .try_for_each(|(index, schema)| check(&format!("{field}[{index}]"), schema, depth + 1))
}

fn check_type(field: &str, value: &RawValue) -> Result<(), PublicError> {
    const TYPE: Rule = Rule::OneOf(TYPES);
    match list(value) {
        Some(types) if !types.is_empty() => types
            .iter()
            .enumerate()
            .try_for_each(|(index, kind)| TYPE.check(&format!("{field}[{index}]"), kind)),
        _ => TYPE.check(field, value),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn refused(schema: &Value) -> Option<String> {
        let raw = serde_json::value::to_raw_value(schema).unwrap();
        let error = check_schema("s", &raw).err()?;
        assert!(error.message.starts_with('`'), "{}", error.message);
        error.metadata["field"].as_str().map(str::to_owned)
    }

    #[test]
    fn schemas_of_every_draft_pass() {
        for schema in [
            json!({}),
            json!({"type": "object", "properties": {}, "additionalProperties": false}),
            json!({"type": ["string", "null"], "enum": ["a", null], "x-own": {"type": 5}}),
            json!({"$ref": "#/$defs/a", "$defs": {"a": {"anyOf": [true, {"not": {}}]}}}),
            json!({"items": [{"type": "string"}, {}], "definitions": {"type": {}}}),
            // Properties may be called like keywords.
            json!({"properties": {"type": {"type": "string"}, "required": true, "enum": {}}}),
        ] {
            assert_eq!(refused(&schema), None, "{schema}");
        }
    }

    #[test]
    fn what_is_no_schema_is_refused_by_path() {
        for (schema, field) in [
            (json!("object"), "s"),
            (json!([]), "s"),
            (json!(true), "s"),
            (json!({"type": "OBJECT"}), "s.type"),
            (json!({"type": []}), "s.type"),
            (json!({"type": ["string", "text"]}), "s.type[1]"),
            (json!({"properties": []}), "s.properties"),
            (json!({"properties": {"a": "string"}}), "s.properties.a"),
            (json!({"properties": {"a": {"type": 1}}}), "s.properties.a.type"),
            (json!({"required": "a"}), "s.required"),
            (json!({"required": [1]}), "s.required"),
            (json!({"$ref": {}}), "s.$ref"),
            (json!({"anyOf": []}), "s.anyOf"),
            (json!({"anyOf": [{}, {"items": 5}]}), "s.anyOf[1].items"),
            (json!({"items": [{}, {"enum": 1}]}), "s.items[1].enum"),
            (json!({"additionalProperties": "no"}), "s.additionalProperties"),
        ] {
            assert_eq!(refused(&schema).as_deref(), Some(field), "{schema}");
        }
    }

    #[test]
    fn size_and_depth_are_bounded() {
        let nested = |depth: usize| {
            let text = format!("{}{{}}{}", "{\"not\":".repeat(depth), "}".repeat(depth));
            let raw = RawValue::from_string(text).unwrap();
            check_schema("s", &raw)
        };
        assert!(nested(DEPTH_MAX).is_ok());
        assert!(nested(DEPTH_MAX + 1).is_err());
        assert!(nested(100_000).is_err());
        assert_eq!(refused(&json!({"description": "x".repeat(BYTES_MAX)})).as_deref(), Some("s"));
    }
}
