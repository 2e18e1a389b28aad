//! `response_format`, and what stands for it where an upstream knows less.

use std::borrow::Cow;

use domain::catalog::Endpoint;
use protocol::chat::request::ChatRequest;
use protocol::chat::view::ResponseFormat;
use serde_json::value::RawValue;

use crate::dropped::Dropped;
use crate::error::EncodeError;
use crate::quirks::Effective;

/// How the form of the answer is demanded.
pub(super) enum Structured<'a> {
    /// As the caller wrote it, if anything.
    Verbatim,
    /// It is the upstream's own: nothing is sent.
    Unsaid,
    /// Any JSON object, with this said to the model besides.
    JsonObject { instruction: String },
    /// The arguments of a function that must be called.
    Tool { name: Cow<'a, str>, description: String, schema: &'a RawValue },
    /// Only in words.
    Words { instruction: String },
}

const OBJECT: &str = "Answer with one JSON object and nothing else.";

impl<'a> Structured<'a> {
    /// Decides by what the endpoint's list of parameters says: `structured_outputs` for schemas,
    /// `response_format` for JSON at least. Whatever is weaker than what was asked for is
    /// reported as dropped, and refused where the caller insists.
    pub(super) fn of(
        request: &'a ChatRequest,
        endpoint: &Endpoint,
        quirks: Effective<'_>,
        dropped: &mut Dropped,
    ) -> Result<Self, EncodeError> {
        let Some(format) = request.response_format() else { return Ok(Self::Verbatim) };
        let takes = |name: &str| endpoint.supports(name) && !quirks.refuses(name);
        let takes_schema = takes("structured_outputs");
        let takes_json = takes("response_format");
        match format {
            ResponseFormat::Text | ResponseFormat::JsonObject if takes_json || takes_schema => {
                Ok(Self::Verbatim)
            }
            ResponseFormat::Text => Ok(Self::Unsaid),
            ResponseFormat::JsonSchema { .. } if takes_schema => Ok(Self::Verbatim),
            ResponseFormat::Other(_) if takes_json => Ok(Self::Verbatim),
            ResponseFormat::JsonObject => {
                dropped.add("response_format")?;
                Ok(Self::Words { instruction: OBJECT.to_owned() })
            }
            ResponseFormat::JsonSchema { name, description, schema, .. } => {
                dropped.add("response_format")?;
                let Some(schema) = schema else {
                    let instruction = OBJECT.to_owned();
                    return Ok(if takes_json {
                        Self::JsonObject { instruction }
                    } else {
                        Self::Words { instruction }
                    });
                };
                if takes_json {
                    return Ok(Self::JsonObject { instruction: in_words(schema) });
                }
                let may_force =
                    quirks.takes_tool_choice("named") || quirks.takes_tool_choice("required");
                if takes("tools") && may_force && request.parameter("tools").is_none() {
                    let description =
                        description.map_or_else(|| "Gives the answer.".to_owned(), Cow::into_owned);
                    return Ok(Self::Tool { name, description, schema });
                }
                Ok(Self::Words { instruction: in_words(schema) })
            }
            ResponseFormat::Other(_) => {
                dropped.add("response_format")?;
                Ok(Self::Unsaid)
            }
        }
    }

    /// What is added to the system's words.
    pub(super) fn instruction(&self) -> Option<&str> {
        match self {
            Self::JsonObject { instruction } | Self::Words { instruction } => Some(instruction),
            Self::Verbatim | Self::Unsaid | Self::Tool { .. } => None,
        }
    }
}

fn in_words(schema: &RawValue) -> String {
    format!(
        "Answer with one JSON object that is valid against this JSON Schema, and with nothing \
         else:\n{}",
        schema.get()
    )
}
