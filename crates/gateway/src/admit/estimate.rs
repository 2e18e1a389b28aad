//! What a request will use, before anyone has counted.

use domain::catalog::Endpoint;
use domain::money::Usd;
use ledger::quote;
use protocol::chat::request::{ChatRequest, Content, PartKind};

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

/// The size of a request, as far as it can be known.
#[derive(Debug, Clone, Copy)]
pub struct Estimate {
    /// Bytes of everything the model reads.
    pub prompt_bytes: u64,
    pub images: u64,
    /// Parts whose size in tokens does not show in the request: a short address may name a long
    /// film.
    pub opaque: u64,
    pub messages: u64,
    /// The caller's own bound on output tokens.
    pub output_bound: Option<u32>,
    /// How many choices are written.
    pub choices: u32,
    /// Output tokens held at first when there is no bound.
    pub open_output: u32,
}

impl Estimate {
    pub fn of(request: &ChatRequest, open_output: u32) -> Self {
        let mut prompt_bytes = 0_u64;
        let (mut images, mut opaque) = (0_u64, 0_u64);
        for message in &request.messages {
            match &message.content {
                Content::None => {}
                Content::Text(text) => prompt_bytes += text.len() as u64,
                Content::Parts(parts) => {
                    for part in parts {
                        match part.kind {
                            PartKind::Text { bytes } => prompt_bytes += u64::from(bytes),
                            PartKind::Image => images += 1,
                            // Their size in tokens follows from their length, which follows
                            // from the size of the data.
                            PartKind::Audio | PartKind::Video | PartKind::File => {
                                opaque += 1;
                                prompt_bytes += part.raw.get().len() as u64 / 16;
                            }
                        }
                    }
                }
            }
            prompt_bytes +=
                message.other.iter().map(|(_, raw)| raw.get().len() as u64).sum::<u64>();
        }
        // Tools, schemas and predictions are read by the model; what else is there is short.
        prompt_bytes +=
            request.parameters.iter().map(|(_, raw)| raw.get().len() as u64).sum::<u64>();
        Self {
            prompt_bytes,
            images,
            opaque,
            messages: request.messages.len() as u64,
            output_bound: request.max_tokens,
            choices: request.n.unwrap_or(1).max(1),
            open_output,
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

    /// Output tokens that the first hold covers.
    fn output_tokens_held(&self, endpoint: &Endpoint) -> u64 {
        let each = self.output_bound.unwrap_or(self.open_output).min(endpoint.output_tokens_max());
        u64::from(each) * u64::from(self.choices)
    }

    /// What the first hold for an endpoint must be.
    pub fn quote(&self, endpoint: &Endpoint) -> Usd {
        quote::upper_bound(
            self.prompt_tokens_bound(),
            self.output_tokens_held(endpoint),
            self.images,
            &endpoint.prices,
        )
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
    }

    /// The largest `max_tokens` that an amount pays for at an endpoint.
    pub fn affordable_output(&self, credit: Usd, endpoint: &Endpoint) -> u64 {
        quote::affordable_output(credit, self.prompt_tokens_bound(), self.images, &endpoint.prices)
            / u64::from(self.choices)
    }
}
