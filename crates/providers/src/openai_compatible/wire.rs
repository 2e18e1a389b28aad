//! Members of a delta that come in more than one form.

use std::fmt;

use protocol::chat::event::ToolCallDelta;
use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

/// Stands for the index of a tool call that the upstream did not number.
pub(super) const UNNUMBERED: u32 = u32::MAX;

/// A member that is nearly always text.
pub(super) enum Textual {
    /// Absent, null or empty: it adds nothing.
    None,
    Text(String),
    Parts(Vec<Value>),
}

impl<'de> Deserialize<'de> for Textual {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextualVisitor;

        impl<'de> Visitor<'de> for TextualVisitor {
            type Value = Textual;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text")
            }

            fn visit_unit<E>(self) -> Result<Textual, E> {
                Ok(Textual::None)
            }

            fn visit_str<E>(self, text: &str) -> Result<Textual, E> {
                Ok(if text.is_empty() { Textual::None } else { Textual::Text(text.to_owned()) })
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Textual, A::Error> {
                let mut parts = Vec::new();
                while let Some(part) = seq.next_element()? {
                    parts.push(part);
                }
                Ok(Textual::Parts(parts))
            }
        }

        deserializer.deserialize_any(TextualVisitor)
    }
}

#[derive(Deserialize)]
pub(super) struct WireToolCall {
    index: Option<u32>,
    id: Option<String>,
    function: Option<WireFunction>,
}

#[derive(Deserialize, Default)]
struct WireFunction {
    name: Option<String>,
    /// Text that is JSON; some upstreams write the JSON itself.
    arguments: Option<Box<RawValue>>,
}

impl From<WireToolCall> for ToolCallDelta {
    fn from(call: WireToolCall) -> Self {
        let function = call.function.unwrap_or_default();
        let given = |text: &String| !text.is_empty();
        let arguments = function.arguments.map_or_else(String::new, |raw| {
            serde_json::from_str(raw.get()).unwrap_or_else(|_| raw.get().to_owned())
        });
        Self {
            index: call.index.unwrap_or(UNNUMBERED),
            id: call.id.filter(given),
            name: function.name.filter(given),
            arguments,
        }
    }
}
