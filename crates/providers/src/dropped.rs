//! What is left out of a request because an endpoint cannot take it.

use protocol::chat::request::ChatRequest;

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
        if !self.names.iter().any(|known| known == name) {
            self.names.push(name.to_owned());
        }
        Ok(())
    }

    pub fn into_names(self) -> Vec<String> {
        self.names
    }
}
