//! Counting the tokens of a prompt.

use bytes::Bytes;
use protocol::chat::request::ChatRequest;
use serde::Deserialize;

use super::encode::{Purpose, post, write};
use crate::adapter::{CountTokens, Target};
use crate::error::{DecodeError, EncodeError};

/// `POST …/messages/count_tokens`, which costs nothing.
#[derive(Debug)]
pub(super) struct Counter;

impl CountTokens for Counter {
    fn encode(
        &self,
        request: &ChatRequest,
        target: &Target<'_>,
    ) -> Result<http::Request<Bytes>, EncodeError> {
        let written = write(request, target, Purpose::Count)?;
        post(target, "/count_tokens", "application/json", &written)
    }

    fn decode(&self, body: &[u8]) -> Result<u64, DecodeError> {
        #[derive(Deserialize)]
        struct Counted {
            input_tokens: u64,
        }
        let counted: Result<Counted, _> = serde_json::from_slice(body);
        counted
            .map(|counted| counted.input_tokens)
            .map_err(|_| DecodeError::Malformed("it states no number of tokens".to_owned()))
    }
}
