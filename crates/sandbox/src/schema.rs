//! Values that fit a JSON schema well enough to be used.

use serde_json::{Map, Value, json};

use crate::profile::Dice;

/// Schemas may refer to themselves: below this depth everything is as small as it can be.
const DEPTH_MAX: usize = 8;

/// An example of a schema. `topic` fills texts that the schema says nothing about.
pub(crate) fn example(schema: &Value, topic: &str, dice: &mut Dice) -> Value {
    Examples { root: schema, topic, dice }.of(schema, "", 0)
}

struct Examples<'a> {
    root: &'a Value,
    topic: &'a str,
    dice: &'a mut Dice,
}

impl<'a> Examples<'a> {
    fn of(&mut self, schema: &'a Value, name: &str, depth: usize) -> Value {
        if depth > 2 * DEPTH_MAX {
            return Value::Null;
        }
        if let Some(target) = schema["$ref"].as_str() {
            let path = target.strip_prefix('#').unwrap_or_default();
            let schema = self.root.pointer(path).unwrap_or(&Value::Null);
            return self.of(schema, name, depth + 1);
        }
        if let Some(value) = schema.get("const").or_else(|| schema.get("default")) {
            return value.clone();
        }
        if let Some(values) = schema["enum"].as_array() {
            let values: Vec<&Value> = values.iter().collect();
            return self.dice.pick(&values).cloned().unwrap_or(Value::Null);
        }
        for several in ["anyOf", "oneOf", "allOf"] {
            let first = schema[several]
                .as_array()
                .and_then(|schemas| schemas.iter().find(|schema| schema["type"] != "null"));
            if let Some(first) = first {
                return self.of(first, name, depth + 1);
            }
        }
        match type_of(schema) {
            "object" => self.object(schema, depth),
            "array" => self.array(schema, name, depth),
            "integer" | "number" => json!(self.number(schema)),
            "boolean" => json!(self.dice.below(2) == 0),
            "null" => Value::Null,
            _ => Value::String(self.text(schema, name)),
        }
    }

    fn object(&mut self, schema: &'a Value, depth: usize) -> Value {
        let mut object = Map::new();
        let Some(properties) = schema["properties"].as_object() else {
            return Value::Object(object);
        };
        let required: Option<Vec<&str>> = schema["required"]
            .as_array()
            .map(|names| names.iter().filter_map(Value::as_str).collect());
        for (name, property) in properties {
            let is_required = required.as_ref().is_none_or(|names| names.contains(&name.as_str()));
            if is_required && depth < DEPTH_MAX {
                object.insert(name.clone(), self.of(property, name, depth + 1));
            }
        }
        Value::Object(object)
    }

    fn array(&mut self, schema: &'a Value, name: &str, depth: usize) -> Value {
        if depth >= DEPTH_MAX {
            return json!([]);
        }
        let least = schema["minItems"].as_u64().unwrap_or(1).min(16);
        let most = schema["maxItems"].as_u64().unwrap_or(2).max(least);
        let count = self.dice.between(least, most.min(least + 1));
        (0..count).map(|_| self.of(&schema["items"], name, depth + 1)).collect()
    }

    fn number(&mut self, schema: &Value) -> i64 {
        let least =
            schema["minimum"].as_i64().or(schema["exclusiveMinimum"].as_i64().map(|n| n + 1));
        let most =
            schema["maximum"].as_i64().or(schema["exclusiveMaximum"].as_i64().map(|n| n - 1));
        let least = least.unwrap_or_else(|| most.map_or(1, |most| most.min(1)));
        let most = most.unwrap_or(least.saturating_add(99)).max(least);
        let span = u64::try_from(most.saturating_sub(least)).unwrap_or(0);
        least.saturating_add(i64::try_from(self.dice.between(0, span)).unwrap_or(0))
    }

    fn text(&mut self, schema: &Value, name: &str) -> String {
        let text = match schema["format"].as_str() {
            Some("date") => "2026-01-15".to_owned(),
            Some("date-time") => "2026-01-15T12:00:00Z".to_owned(),
            Some("time") => "12:00:00Z".to_owned(),
            Some("email") => "sandbox@example.com".to_owned(),
            Some("uri" | "url") => "https://example.com/".to_owned(),
            Some("uuid") => "00000000-0000-4000-8000-000000000000".to_owned(),
            _ => self.text_named(name),
        };
        let most = schema["maxLength"].as_u64().and_then(|most| usize::try_from(most).ok());
        match most {
            Some(most) => text.chars().take(most).collect(),
            None => text,
        }
    }

    /// A text that suits the name of its property.
    fn text_named(&mut self, name: &str) -> String {
        const CITIES: [&str; 5] = ["Lisbon", "Kyoto", "Nairobi", "Montevideo", "Tallinn"];
        const NAMES: [&str; 5] = ["Ada", "Grace", "Edsger", "Barbara", "Alan"];
        let name = name.to_lowercase();
        let pool: &[&str] = match name.as_str() {
            "city" | "location" | "place" | "destination" | "origin" => &CITIES,
            "name" | "author" | "person" | "user" | "first_name" => &NAMES,
            "unit" | "units" => &["celsius"],
            "country" => &["Portugal"],
            "language" | "lang" | "locale" => &["en"],
            "currency" => &["EUR"],
            _ => return self.topic.to_owned(),
        };
        self.dice.pick(pool).unwrap_or_default().to_owned()
    }
}

/// The first type that is not null; guessed from the members where none is stated.
fn type_of(schema: &Value) -> &str {
    match &schema["type"] {
        Value::String(name) => name,
        Value::Array(names) => {
            names.iter().filter_map(Value::as_str).find(|name| *name != "null").unwrap_or("null")
        }
        _ if schema.get("properties").is_some() => "object",
        _ if schema.get("items").is_some() => "array",
        _ => "string",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(schema: &Value, expected: &Value) {
        let mut dice = Dice::new(1, &["schema"]);
        assert_eq!(&example(schema, "harbours", &mut dice), expected, "{schema}");
    }

    #[test]
    fn examples_have_what_the_schema_requires() {
        check(
            &json!({"type": "object", "properties": {
                "kind": {"const": "trip"}, "when": {"type": "string", "format": "date"},
                "note": {"type": ["string", "null"], "maxLength": 4}, "left_out": {"type": "string"},
                "stars": {"type": "integer", "minimum": 5, "maximum": 5},
                "tags": {"type": "array", "items": {"enum": ["a"]}, "minItems": 2, "maxItems": 2}},
                "required": ["kind", "when", "note", "stars", "tags"]}),
            &json!({"kind": "trip", "when": "2026-01-15", "note": "harb", "stars": 5,
                "tags": ["a", "a"]}),
        );
        check(&json!({}), &json!("harbours"));
        check(&json!(true), &json!("harbours"));
    }

    #[test]
    fn schemas_that_contain_themselves_end() {
        let list = json!({"$ref": "#/$defs/node", "$defs": {"node": {"type": "object",
            "properties": {"next": {"$ref": "#/$defs/node"}}, "required": ["next"]}}});
        let mut dice = Dice::new(1, &[]);
        assert!(example(&list, "x", &mut dice).is_object());
        check(&json!({"$ref": "#"}), &Value::Null);
    }
}
