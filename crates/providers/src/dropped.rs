//! What is left out of a request because an endpoint cannot take it.

use protocol::chat::request::{ChatRequest, Content};
use protocol::chat::view::Tool;

use crate::error::EncodeError;

/// Collects what is left out, or refuses the endpoint where the caller insists on everything.
#[derive(Debug)]
pub struct Dropped {
    is_strict: bool,
    names: Vec<String>,
}

impl Dropped {
    /// For a request that is sent in the dialect that it was written in.
    pub fn new(request: &ChatRequest) -> Self {
        let is_strict = request.provider.require_parameters == Some(true);
        Self { is_strict, names: Vec::new() }
    }

    /// For a request that is translated: what has no form but in its own dialect is left out.
    pub fn translated(request: &ChatRequest) -> Result<Self, EncodeError> {
        let mut dropped = Self::new(request);
        for name in request.native.iter().flat_map(|native| &native.unconverted) {
            dropped.add(name)?;
        }
        Ok(dropped)
    }

    /// Leaves out a parameter, by its public name.
    pub fn add(&mut self, name: &str) -> Result<(), EncodeError> {
        if self.is_strict {
            return Err(EncodeError::Unsupported { parameter: name.to_owned() });
        }
        self.note(name);
        Ok(())
    }

    /// Leaves out a hint, without which the answer is the same: it is reported, and never a reason
    /// to refuse an endpoint.
    pub fn note(&mut self, name: &str) {
        if !self.names.iter().any(|known| known == name) {
            self.names.push(name.to_owned());
        }
    }

    /// Leaves out the caller's marks for caching, where an upstream caches by itself.
    pub fn note_marks(&mut self, request: &ChatRequest) {
        if request.cache_mark().is_some() || has_inner_marks(request) {
            self.note("cache_control");
        }
    }

    pub fn into_names(self) -> Vec<String> {
        self.names
    }
}

/// Whether the caller marked a message, a part of one or a tool.
pub(crate) fn has_inner_marks(request: &ChatRequest) -> bool {
    let is_message_marked = request.messages.iter().any(|message| {
        let is_part_marked = match &message.content {
            Content::Parts(parts) => parts.iter().any(|part| part.cache_mark().is_some()),
            Content::None | Content::Text(_) => false,
        };
        is_part_marked || message.member("cache_control").is_some_and(|raw| raw.get() != "null")
    });
    // Tools are long and read elsewhere: looking for the word is cheaper than reading them again.
    let is_tool_marked = || {
        request.parameter("tools").is_some_and(|raw| raw.get().contains("\"cache_control\""))
            && request.tools().iter().any(|tool| match tool {
                Tool::Function(function) => function.cache_mark.is_some(),
                Tool::Other { .. } => false,
            })
    };
    is_message_marked || is_tool_marked()
}
