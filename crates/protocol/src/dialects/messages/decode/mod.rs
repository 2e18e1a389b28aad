//! Bytes to a canonical request, or a 400 that says where and why.

mod assistant;
mod conversation;
mod native;
mod parameters;
mod parts;
mod reasoning;
mod tools;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::chat::request::ChatRequest;
use crate::dialects::check::{invalid, read_body, read_count};
use crate::error::{ErrorType, PublicError};

const EXAMPLE: &str = r#"{"model": …, "max_tokens": …, "messages": […]}"#;

/// Reads a request for an answer that came without the header `anthropic-beta`.
///
/// Values are checked for type and range; what this version does not know is kept for upstreams
/// that speak the same dialect.
pub fn decode(body: &[u8]) -> Result<ChatRequest, PublicError> {
    decode_with(body, &Betas::default())
}

/// Reads a request for an answer.
pub fn decode_with(body: &[u8], betas: &Betas) -> Result<ChatRequest, PublicError> {
    let body = Body(read_body(body, EXAMPLE)?);
    let Some(bound) = body.find("max_tokens") else {
        return Err(invalid("max_tokens", "is missing and must be a whole number of at least 1"));
    };
    let max_tokens = read_count("max_tokens", bound, i64::from(u32::MAX))?;
    read(&body, betas, Some(max_tokens))
}

/// Reads a request to count the tokens of a prompt, which needs no bound on output.
pub fn decode_count(body: &[u8], betas: &Betas) -> Result<ChatRequest, PublicError> {
    read(&Body(read_body(body, EXAMPLE)?), betas, None)
}

fn read(body: &Body, betas: &Betas, max_tokens: Option<u32>) -> Result<ChatRequest, PublicError> {
    let mut request = ChatRequest { max_tokens, ..ChatRequest::default() };
    let mut left_out = LeftOut::default();
    parameters::read(body, &mut request, &mut left_out)?;
    reasoning::read(body, betas, &mut request, &mut left_out)?;
    tools::read(body, &mut request, &mut left_out)?;
    let foreign = conversation::read(body, &mut request.messages, &mut left_out)?;
    request.origins = std::mem::take(&mut left_out.media);
    request.native = Some(native::of(body, betas, &request, &foreign, left_out)?);
    Ok(request)
}

/// The members of a body, in order.
struct Body(Vec<(String, Box<RawValue>)>);

impl Body {
    /// A member that is there and not null.
    fn find(&self, name: &str) -> Option<&RawValue> {
        let (_, value) = self.0.iter().find(|(known, _)| known == name)?;
        (value.get() != "null").then_some(&**value)
    }
}

/// What callers ask of Anthropic in the header `anthropic-beta`.
#[derive(Debug, Clone, Default)]
pub struct Betas(Vec<String>);

impl Betas {
    /// More of them, or longer ones, than this are nobody's.
    const MAX: usize = 64;
    const BYTES_MAX: usize = 128;

    /// Reads the values of the header, each a list with commas. What cannot be the name of one is
    /// skipped, as Anthropic skips names that it doesn't know.
    pub fn read<'a>(values: impl Iterator<Item = &'a str>) -> Self {
        let is_name = |name: &&str| {
            (1..=Self::BYTES_MAX).contains(&name.len())
                && name.bytes().all(|b| b.is_ascii_graphic())
        };
        let names = values.flat_map(|value| value.split(',')).map(str::trim).filter(is_name);
        Self(names.take(Self::MAX).map(str::to_owned).collect())
    }

    fn has(&self, prefix: &str) -> bool {
        self.0.iter().any(|beta| beta.starts_with(prefix))
    }
}

/// What is noted while reading: names of what has no form in the canonical request.
#[derive(Default)]
struct LeftOut {
    names: Vec<String>,
    /// Paths of blocks that became parts other than text.
    media: Vec<String>,
}

impl LeftOut {
    /// They are told to callers and compared with each other: a body of nothing but inventions
    /// must not make a long list of them.
    const MAX: usize = 64;

    fn add(&mut self, name: &str) {
        let name: String = name.chars().take(128).collect();
        if self.names.len() < Self::MAX && !self.names.contains(&name) {
            self.names.push(name);
        }
    }
}

/// JSON of a value that can always be written.
fn raw(value: &impl Serialize) -> Result<Box<RawValue>, PublicError> {
    serde_json::value::to_raw_value(value)
        .map_err(|_| PublicError::new(ErrorType::Server, "the request could not be translated"))
}
