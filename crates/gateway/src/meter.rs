//! Watches events and knows, at every moment, what has been used so far.

use domain::usage::{Usage, UsageSource};
use protocol::chat::event::{ChatEvent, Delta};

use crate::admit::estimate::{BYTES_PER_TOKEN, Estimate};

/// Counts one answer. The provider's own count wins over ours as soon as it is there.
#[derive(Debug)]
pub struct Meter {
    prompt_tokens: u64,
    images: u64,
    requests: u64,
    reported: Option<Usage>,
    visible: Counter,
    reasoning: Counter,
    /// Bytes of what is no text.
    uncounted: u64,
    has_result: bool,
}

/// No model reads or writes so much at once. A provider that counts more is wrong, and its cost
/// must still fit into sums.
const COUNT_MAX: u64 = 100_000_000;

fn plausible(usage: Usage) -> Usage {
    let bound = |count: u64| count.min(COUNT_MAX);
    Usage {
        prompt: bound(usage.prompt),
        cache_read: bound(usage.cache_read),
        cache_write_5m: bound(usage.cache_write_5m),
        cache_write_1h: bound(usage.cache_write_1h),
        audio_input: bound(usage.audio_input),
        image_input: bound(usage.image_input),
        completion: bound(usage.completion),
        reasoning: bound(usage.reasoning),
        audio_output: bound(usage.audio_output),
        image_output: bound(usage.image_output),
        requests: bound(usage.requests),
        web_searches: bound(usage.web_searches),
    }
}

/// What can be counted without a tokenizer: pieces and bytes.
#[derive(Debug, Default, Clone, Copy)]
struct Counter {
    deltas: u64,
    bytes: u64,
}

impl Counter {
    fn add(&mut self, text: &str) {
        if !text.is_empty() {
            self.deltas += 1;
            self.bytes += text.len() as u64;
        }
    }

    /// Most upstreams send a token at a time, some send many: whichever count is higher.
    fn tokens(self) -> u64 {
        self.deltas.max(self.bytes.div_ceil(BYTES_PER_TOKEN))
    }
}

impl Meter {
    pub fn new(estimate: &Estimate) -> Self {
        Self {
            prompt_tokens: estimate.prompt_tokens(),
            images: estimate.images,
            requests: estimate.searches,
            reported: None,
            visible: Counter::default(),
            reasoning: Counter::default(),
            uncounted: 0,
            has_result: false,
        }
    }

    pub fn watch(&mut self, event: &ChatEvent) {
        match event {
            ChatEvent::Usage(usage) => self.reported = Some(plausible(*usage)),
            ChatEvent::Delta { delta, .. } => match delta {
                Delta::Content(text) | Delta::Refusal(text) => self.visible.add(text),
                Delta::Reasoning(text) => self.reasoning.add(text),
                Delta::ToolCall(call) => {
                    if let Some(name) = &call.name {
                        self.visible.add(name);
                    }
                    self.visible.add(&call.arguments);
                }
                Delta::ReasoningDetails(raw)
                | Delta::Logprobs(raw)
                | Delta::Other { value: raw, .. } => self.uncounted += raw.get().len() as u64,
            },
            ChatEvent::Native(native) => self.uncounted += native.data.get().len() as u64,
            ChatEvent::Embeddings(embeddings) => {
                self.has_result |= !embeddings.is_empty();
                let values: usize = embeddings.iter().map(|embedding| embedding.values.len()).sum();
                self.uncounted += (values * size_of::<f32>()) as u64;
            }
            ChatEvent::Ranking(ranking) => self.has_result |= !ranking.is_empty(),
            ChatEvent::Started { .. } | ChatEvent::Finished { .. } => {}
        }
    }

    /// What has been used so far, and how that is known.
    pub fn usage(&self) -> (Usage, UsageSource) {
        if let Some(usage) = self.reported {
            return (usage, UsageSource::Provider);
        }
        let usage = Usage {
            prompt: self.prompt_tokens,
            image_input: self.images,
            completion: self.visible.tokens(),
            reasoning: self.reasoning.tokens(),
            requests: self.requests,
            ..Usage::default()
        };
        (usage, UsageSource::Estimated)
    }

    /// Whether vectors or an order came, which are an answer without a token.
    pub const fn has_result(&self) -> bool {
        self.has_result
    }

    /// Output tokens so far, by our own count.
    pub fn output_tokens(&self) -> u64 {
        self.visible.tokens() + self.reasoning.tokens()
    }

    /// Bytes of the answer so far.
    pub const fn output_bytes(&self) -> u64 {
        self.visible.bytes + self.reasoning.bytes + self.uncounted
    }
}
