//! JSON Schemas, as Gemini reads them.
//!
//! It takes schemas as they are and skips what it does not know, with few exceptions. Those are
//! put in other words; everything else, the order of properties above all, stays as it was.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

/// What is put in other words.
const SIGNS: [&str; 4] = ["\"$schema\"", "\"const\"", "\"definitions\"", "#/definitions/"];

/// A schema in Gemini's words.
pub(super) fn write(schema: &RawValue) -> Cow<'_, RawValue> {
    if !SIGNS.iter().any(|sign| schema.get().contains(sign)) {
        return Cow::Borrowed(schema);
    }
    let rewritten = serde_json::from_str::<Node>(schema.get()).and_then(|mut node| {
        node.rewrite(Place::Schema);
        to_raw_value(&node)
    });
    // What nests too deeply to be read is left to Gemini.
    rewritten.map_or(Cow::Borrowed(schema), Cow::Owned)
}

/// JSON that keeps its order.
#[derive(Debug)]
enum Node {
    Object(Vec<(String, Node)>),
    List(Vec<Node>),
    Leaf(Value),
}

/// What an object in a schema is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Schema,
    /// Schemas by name: a property may be called `const`.
    Named,
    /// A value that the schema speaks of.
    Value,
}

impl Place {
    /// What stands under a member of a schema.
    fn below(name: &str) -> Self {
        match name {
            "properties" | "patternProperties" | "$defs" | "definitions" | "dependentSchemas" => {
                Self::Named
            }
            "enum" | "const" | "default" | "example" | "examples" | "required" => Self::Value,
            _ => Self::Schema,
        }
    }
}

impl Node {
    /// Recurses no deeper than JSON may be nested to be read at all.
    fn rewrite(&mut self, place: Place) {
        match self {
            Self::Leaf(_) => {}
            Self::List(items) => items.iter_mut().for_each(|item| item.rewrite(place)),
            Self::Object(_) if place == Place::Value => {}
            Self::Object(members) if place == Place::Named => {
                for (_, schema) in members {
                    schema.rewrite(Place::Schema);
                }
            }
            Self::Object(members) => {
                members.retain(|(name, _)| name != "$schema");
                for (name, value) in members {
                    value.rewrite(Place::below(name));
                    reword(name, value);
                }
            }
        }
    }
}

/// One member of a schema in Gemini's words.
fn reword(name: &mut String, value: &mut Node) {
    match (name.as_str(), &mut *value) {
        ("const", _) => {
            "enum".clone_into(name);
            let only = std::mem::replace(value, Node::Leaf(Value::Null));
            *value = Node::List(vec![only]);
        }
        ("definitions", _) => "$defs".clone_into(name),
        ("$ref", Node::Leaf(Value::String(path))) => {
            if let Some(definition) = path.strip_prefix("#/definitions/") {
                *path = format!("#/$defs/{definition}");
            }
        }
        _ => {}
    }
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Object(members) => {
                serializer.collect_map(members.iter().map(|(name, value)| (name, value)))
            }
            Self::List(items) => serializer.collect_seq(items),
            Self::Leaf(value) => value.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NodeVisitor;

        impl<'de> Visitor<'de> for NodeVisitor {
            type Value = Node;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("JSON")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
                let mut members = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    members.push(entry);
                }
                Ok(Node::Object(members))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Node, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = seq.next_element()? {
                    items.push(item);
                }
                Ok(Node::List(items))
            }

            fn visit_str<E>(self, text: &str) -> Result<Node, E> {
                Ok(Node::Leaf(text.into()))
            }

            fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
                Ok(Node::Leaf(value.into()))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Node, E> {
                Ok(Node::Leaf(number.into()))
            }

            fn visit_i64<E>(self, number: i64) -> Result<Node, E> {
                Ok(Node::Leaf(number.into()))
            }

            fn visit_f64<E>(self, number: f64) -> Result<Node, E> {
                Ok(Node::Leaf(number.into()))
            }

            fn visit_unit<E>(self) -> Result<Node, E> {
                Ok(Node::Leaf(Value::Null))
            }
        }

        deserializer.deserialize_any(NodeVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(schema: &str, expected: &str) {
        let raw: Box<RawValue> = serde_json::from_str(schema).unwrap();
        assert_eq!(write(&raw).get(), expected);
    }

    #[test]
    fn a_schema_in_geminis_own_words_stays_as_it_is() {
        let schema = r#"{ "type": "object", "properties": {"z": {"type": "string"}, "a": {}} }"#;
        check(schema, schema);
    }

    #[test]
    fn other_words_are_replaced_and_order_is_kept() {
        check(
            r##"{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object",
                "properties":{"z":{"const":"on"},"const":{"$ref":"#/definitions/t"},"a":{"default":{"const":1}}},
                "definitions":{"t":{"enum":[{"const":2}]}}}"##,
            r##"{"type":"object","properties":{"z":{"enum":["on"]},"const":{"$ref":"#/$defs/t"},"a":{"default":{"const":1}}},"$defs":{"t":{"enum":[{"const":2}]}}}"##,
        );
    }

    #[test]
    fn what_nests_too_deeply_is_left_alone() {
        let deep = format!(r#"{{"const":{}{}}}"#, "[".repeat(10_000), "]".repeat(10_000));
        check(&deep, &deep);
    }
}
