//! What a request will use, before anyone has counted.

use domain::catalog::Endpoint;
use domain::money::Usd;
use domain::usage::Usage;
use ledger::quote;
use protocol::chat::request::{ChatRequest, Content, Kind, PartKind};
use protocol::embeddings::{EmbeddingsRequest, Input};
use protocol::rerank::RerankRequest;
use serde_json::value::RawValue;

/// Bytes of text per token when counting towards a bound: fewer than any common tokenizer needs
/// for prose, so that the bound is seldom too small. What a provider reports above it is still
/// charged, as far as the hold can grow.
const BYTES_PER_TOKEN_BOUND: u64 = 3;

/// Bytes of text per token when estimating what was used: the usual rule of thumb.
pub const BYTES_PER_TOKEN: u64 = 4;

/// Tokens that frame each message.
const TOKENS_PER_MESSAGE: u64 = 8;

/// Tokens that one image is taken for.
const TOKENS_PER_IMAGE: u64 = 1_600;

/// Tokens that the largest image of any common model is counted as.
const TOKENS_PER_IMAGE_MAX: u64 = 50_000;

/// Tokens that a provider's own template may add around a message or a conversation.
const FRAME_BYTES_MAX: u64 = 512;

/// A unit of search is one query with so many chunks of documents of so many tokens.
const CHUNKS_PER_SEARCH: u64 = 100;
const TOKENS_PER_CHUNK: u64 = 500;

/// What is in some content.
#[derive(Default)]
struct Size {
    bytes: u64,
    images: u64,
    opaque: u64,
    /// Bytes of everything that is no text, as it is written.
    media: u64,
}

impl Size {
    fn add(&mut self, content: &Content) {
        let parts = match content {
            Content::None => return,
            Content::Text(text) => {
                self.bytes += text.len() as u64;
                return;
            }
            Content::Parts(parts) => parts,
        };
        for part in parts {
            if !matches!(part.kind, PartKind::Text { .. }) {
                self.media += part.raw.get().len() as u64;
            }
            match part.kind {
                PartKind::Text { bytes } => self.bytes += u64::from(bytes),
                PartKind::Image => self.images += 1,
                // Their size in tokens follows from their length, which follows from the size of
                // the data.
                PartKind::Audio | PartKind::Video | PartKind::File => {
                    self.opaque += 1;
                    self.bytes += part.raw.get().len() as u64 / 16;
                }
            }
        }
    }
}

fn length(members: &[(String, Box<RawValue>)]) -> u64 {
    members.iter().map(|(_, raw)| raw.get().len() as u64).sum()
}

/// The size of a request, as far as it can be known.
#[derive(Debug, Clone, Copy)]
pub struct Estimate {
    /// Bytes of everything the model reads.
    pub prompt_bytes: u64,
    /// Bytes of what must fit into its context at once, where that isn't everything: of many
    /// inputs that are read one by one, the longest.
    pub longest_bytes: Option<u64>,
    pub images: u64,
    /// Parts whose size in tokens does not show in the request: a short address may name a long
    /// film.
    pub opaque: u64,
    pub messages: u64,
    /// Units of a price by the request: more than one where many documents are ranked.
    pub searches: u64,
    /// The caller's own bound on output tokens.
    pub output_bound: Option<u32>,
    /// How many choices are written.
    pub choices: u32,
    /// Output tokens held at first when there is no bound.
    pub open_output: u32,
}

impl Estimate {
    pub fn of(request: &ChatRequest, open_output: u32) -> Self {
        let mut size = Size::default();
        for (_, _, content) in request.contents() {
            size.add(content);
        }
        for message in &request.messages {
            size.bytes += length(&message.other);
        }
        // Tools, schemas and predictions are read by the model; what else is there is short.
        size.bytes += length(&request.parameters);
        // What only the caller's own dialect can say is read by a model of that dialect too.
        if let Some(native) = &request.native
            && !native.unconverted.is_empty()
        {
            let written = length(&native.members).saturating_sub(size.media);
            size.bytes = size.bytes.max(written);
        }
        let chat = Self {
            prompt_bytes: size.bytes,
            longest_bytes: None,
            images: size.images,
            opaque: size.opaque,
            messages: request.messages.len() as u64,
            searches: 1,
            output_bound: request.max_tokens,
            choices: request.n.unwrap_or(1).max(1),
            open_output,
        };
        match &request.kind {
            Kind::Chat => chat,
            Kind::Embeddings(asked) => chat.of_embeddings(asked),
            Kind::Rerank(asked) => chat.of_rerank(asked),
        }
    }

    /// Each input is read by itself; nothing is written.
    fn of_embeddings(self, asked: &EmbeddingsRequest) -> Self {
        let bytes = |input: &Input| match input {
            Input::Text(text) => text.len() as u64,
            Input::Tokens(tokens) => tokens.len() as u64 * BYTES_PER_TOKEN,
            Input::Parts(content) => {
                let mut size = Size::default();
                size.add(content);
                size.bytes
            }
        };
        let is_counted = |input: &&Input| matches!(input, Input::Parts(_));
        let total: u64 = asked.inputs.iter().filter(|input| !is_counted(input)).map(bytes).sum();
        Self {
            prompt_bytes: self.prompt_bytes + total + length(&asked.parameters),
            longest_bytes: asked.inputs.iter().map(bytes).max(),
            messages: asked.inputs.len() as u64,
            output_bound: Some(0),
            ..self
        }
    }

    /// Each document is read with the query; nothing is written. Providers cut documents that are
    /// too long for them.
    fn of_rerank(self, asked: &RerankRequest) -> Self {
        let query = asked.query.len() as u64;
        let lengths = asked.documents.iter().map(|document| document.get().len() as u64 + query);
        let chunks: u64 = lengths
            .clone()
            .map(|bytes| bytes.div_ceil(BYTES_PER_TOKEN_BOUND).div_ceil(TOKENS_PER_CHUNK).max(1))
            .sum();
        Self {
            prompt_bytes: self.prompt_bytes + lengths.sum::<u64>() + length(&asked.parameters),
            longest_bytes: Some(0),
            messages: asked.documents.len() as u64,
            searches: chunks.div_ceil(CHUNKS_PER_SEARCH).max(1),
            output_bound: Some(0),
            ..self
        }
    }

    /// Prompt tokens that are very likely not exceeded.
    pub fn prompt_tokens_bound(&self) -> u64 {
        self.prompt_bytes.div_ceil(BYTES_PER_TOKEN_BOUND)
            + self.messages * TOKENS_PER_MESSAGE
            + self.images * TOKENS_PER_IMAGE
    }

    /// Prompt tokens that are likely.
    pub fn prompt_tokens(&self) -> u64 {
        self.prompt_bytes.div_ceil(BYTES_PER_TOKEN)
            + self.messages * TOKENS_PER_MESSAGE / 2
            + self.images * TOKENS_PER_IMAGE / 2
    }

    /// Tokens that must fit into the model's context at once.
    pub fn context_tokens(&self) -> u64 {
        self.longest_bytes
            .map_or_else(|| self.prompt_tokens(), |bytes| bytes.div_ceil(BYTES_PER_TOKEN))
    }

    /// What is owed by the request, beyond the first.
    fn fees(&self, endpoint: &Endpoint) -> Usd {
        let usage = Usage { requests: self.searches - 1, ..Usage::default() };
        quote::cost(&usage, &endpoint.prices)
    }

    /// Output tokens that the first hold covers.
    fn output_tokens_held(&self, endpoint: &Endpoint) -> u64 {
        let each = self.output_bound.unwrap_or(self.open_output).min(endpoint.output_tokens_max());
        u64::from(each) * u64::from(self.choices)
    }

    /// What the call will likely cost at an endpoint.
    pub fn price(&self, endpoint: &Endpoint) -> Usd {
        let each = self.output_bound.unwrap_or(u32::MAX).min(self.open_output);
        let output = u64::from(each.min(endpoint.output_tokens_max())) * u64::from(self.choices);
        let usage = Usage {
            prompt: self.prompt_tokens(),
            completion: output,
            image_input: self.images,
            requests: self.searches,
            ..Usage::default()
        };
        quote::cost(&usage, &endpoint.prices)
    }

    /// What the first hold for an endpoint must be.
    pub fn quote(&self, endpoint: &Endpoint) -> Usd {
        quote::upper_bound(
            self.prompt_tokens_bound(),
            self.output_tokens_held(endpoint),
            self.images,
            &endpoint.prices,
        )
        .saturating_add(self.fees(endpoint))
    }

    /// The most that a customer is charged, whatever the provider counts: no token is shorter
    /// than a byte, no film longer than the context, and no answer longer than its bound or the
    /// endpoint's.
    pub fn charge_max(&self, endpoint: &Endpoint) -> Usd {
        let prompt = self.prompt_bytes
            + self.messages * FRAME_BYTES_MAX
            + self.images * TOKENS_PER_IMAGE_MAX
            + FRAME_BYTES_MAX;
        let prompt = if self.opaque == 0 {
            prompt
        } else {
            prompt.max(endpoint.max_prompt_tokens.unwrap_or(endpoint.context_length).into())
        };
        let each = self.output_bound.unwrap_or(u32::MAX).min(endpoint.output_tokens_max());
        let output = u64::from(each) * u64::from(self.choices);
        quote::upper_bound(prompt, output, self.images, &endpoint.prices)
            .saturating_add(self.fees(endpoint))
    }

    /// The largest `max_tokens` that an amount pays for at an endpoint.
    pub fn affordable_output(&self, credit: Usd, endpoint: &Endpoint) -> u64 {
        quote::affordable_output(credit, self.prompt_tokens_bound(), self.images, &endpoint.prices)
            / u64::from(self.choices)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::dialects::{embeddings, rerank};

    #[test]
    fn vectors_write_nothing_and_are_read_one_by_one() {
        let body = br#"{"model":"a/b","input":["aaaa","aaaaaaaa",[1,2,3]]}"#;
        let estimate = Estimate::of(&embeddings::decode(body).unwrap(), 1_024);
        assert_eq!(estimate.prompt_bytes, 4 + 8 + 12);
        assert_eq!(estimate.context_tokens(), 3);
        assert_eq!((estimate.output_bound, estimate.searches), (Some(0), 1));
        assert_eq!(estimate.messages, 3);
    }

    #[test]
    fn parts_among_inputs_are_counted_once() {
        let body = br#"{"input":[{"content":[{"type":"text","text":"aaaa"},
            {"type":"image_url","image_url":{"url":"https://x/y.png"}}]}]}"#;
        let estimate = Estimate::of(&embeddings::decode(body).unwrap(), 1_024);
        assert_eq!((estimate.prompt_bytes, estimate.images), (4, 1));
        assert_eq!(estimate.context_tokens(), 1);
    }

    #[test]
    fn searches_are_counted_by_the_hundred_and_by_length() {
        let searches = |count: usize, bytes: usize| {
            let documents = vec!["a".repeat(bytes); count];
            let body = serde_json::json!({"query": "q", "documents": documents});
            let (request, _) = rerank::decode(body.to_string().as_bytes()).unwrap();
            Estimate::of(&request, 1_024).searches
        };
        assert_eq!(searches(1, 10), 1);
        assert_eq!(searches(100, 10), 1);
        assert_eq!(searches(101, 10), 2);
        // Each document of 900 tokens is two chunks.
        assert_eq!(searches(100, 2_700), 2);
    }
}
