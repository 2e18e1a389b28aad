//! Tools and the choice among them, as far as an upstream takes them.

use bytes::BytesMut;
use protocol::chat::request::ChatRequest;
use protocol::chat::view::ToolChoice;
use protocol::json::write_string;
use serde_json::value::RawValue;

use super::messages::{has_marks, write_marked};
use crate::body::{Body, elements, keep, members, rewrite, text, write_list};
use crate::dropped::Dropped;
use crate::error::EncodeError;
use crate::quirks::Effective;

/// What becomes of the choice that the caller made.
pub(super) enum Choice<'a> {
    /// As it was written, or nothing where none was made.
    Verbatim,
    /// A tool must be called, in this upstream's words.
    Required,
    /// The same of this one: the others are not offered.
    Only(std::borrow::Cow<'a, str>),
    /// No tool may be called: none is offered.
    NoTools,
    /// It cannot be said.
    Unsaid,
}

impl<'a> Choice<'a> {
    pub(super) fn of(
        request: &'a ChatRequest,
        quirks: Effective<'_>,
        dropped: &mut Dropped,
    ) -> Result<Self, EncodeError> {
        let takes = |form| quirks.takes_tool_choice(form);
        let choice = match request.tool_choice() {
            Some(ToolChoice::Auto) if !takes("auto") => return Ok(Self::Unsaid),
            Some(ToolChoice::None) if !takes("none") => return Ok(Self::NoTools),
            Some(ToolChoice::Required) if !takes("required") => Self::Unsaid,
            Some(ToolChoice::Required) => Self::Required,
            Some(ToolChoice::Function(name)) if !takes("named") => {
                if takes("required") {
                    Self::Only(name)
                } else {
                    Self::Unsaid
                }
            }
            None
            | Some(
                ToolChoice::Auto | ToolChoice::None | ToolChoice::Function(_) | ToolChoice::Other,
            ) => Self::Verbatim,
        };
        if matches!(choice, Self::Unsaid) {
            dropped.add("tool_choice")?;
        }
        Ok(choice)
    }

    pub(super) fn write(&self, body: &mut Body<'_>, raw: &RawValue) {
        let required = body.quirks.tool_choice_required();
        match self {
            Self::Verbatim => body.raw(body.quirks.renamed("tool_choice"), raw.get()),
            Self::Required | Self::Only(_) => {
                body.text(body.quirks.renamed("tool_choice"), required);
            }
            Self::NoTools | Self::Unsaid => {}
        }
    }
}

/// Writes `tools`: as they are, unless the upstream knows less.
pub(super) fn write(body: &mut Body<'_>, raw: &RawValue, choice: &Choice<'_>) {
    let name = body.quirks.renamed("tools");
    if body.is_set(name) || matches!(choice, Choice::NoTools) {
        return;
    }
    let json = raw.get().as_bytes();
    let loses_strict =
        body.quirks.refuses("tools.strict") && memchr::memmem::find(json, b"\"strict\"").is_some();
    let only = match choice {
        Choice::Only(name) => Some(&**name),
        Choice::Verbatim | Choice::Required | Choice::NoTools | Choice::Unsaid => None,
    };
    body.begin(name);
    if !loses_strict && only.is_none() && !has_marks(json) {
        body.out.extend_from_slice(json);
        return;
    }
    let quirks = body.quirks;
    let tools = elements(raw).into_iter();
    let tools = tools.filter(|tool| only.is_none_or(|name| names(tool, name)));
    write_list(&mut body.out, tools, |out, tool| {
        if loses_strict {
            write_lax(out, tool, quirks);
        } else {
            write_marked(out, tool, quirks);
        }
    });
}

/// Whether it is the function of this name.
fn names(tool: &RawValue, wanted: &str) -> bool {
    let function = members(tool).into_iter().find(|(name, _)| name == "function");
    let name = function
        .and_then(|(_, function)| members(function).into_iter().find(|(name, _)| name == "name"));
    name.and_then(|(_, name)| text(name)).is_some_and(|name| name == wanted)
}

/// A function without `strict`.
fn write_lax(out: &mut BytesMut, tool: &RawValue, quirks: Effective<'_>) {
    let mut lax = BytesMut::new();
    rewrite(&mut lax, tool, |out, name, value| {
        if name != "function" {
            return keep(out, value);
        }
        rewrite(out, value, |out, name, value| name != "strict" && keep(out, value));
        true
    });
    // What was just written from valid JSON is valid JSON.
    let lax =
        String::from_utf8(lax.to_vec()).ok().and_then(|json| RawValue::from_string(json).ok());
    match lax {
        Some(tool) => write_marked(out, &tool, quirks),
        None => out.extend_from_slice(tool.get().as_bytes()),
    }
}

/// Writes one function that must be called, in the place of everything else about tools.
pub(super) fn write_forced(body: &mut Body<'_>, name: &str, description: &str, schema: &str) {
    let quirks = body.quirks;
    body.begin(quirks.renamed("tools"));
    let out = &mut body.out;
    out.extend_from_slice(b"[{\"type\":\"function\",\"function\":{\"name\":");
    write_string(out, name);
    out.extend_from_slice(b",\"description\":");
    write_string(out, description);
    out.extend_from_slice(b",\"parameters\":");
    out.extend_from_slice(schema.as_bytes());
    out.extend_from_slice(b"}}]");
    body.begin(quirks.renamed("tool_choice"));
    if quirks.takes_tool_choice("named") {
        body.out.extend_from_slice(b"{\"type\":\"function\",\"function\":{\"name\":");
        write_string(&mut body.out, name);
        body.out.extend_from_slice(b"}}");
    } else {
        write_string(&mut body.out, quirks.tool_choice_required());
    }
}
