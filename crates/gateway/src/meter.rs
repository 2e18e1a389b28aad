//! Watches events and knows, at every moment, what has been used so far.

use domain::usage::{Usage, UsageSource};
use protocol::chat::event::{ChatEvent, Delta};

use crate::admit::estimate::{BYTES_PER_TOKEN, Estimate};

/// Counts one answer. The provider's own count wins over ours, as far as it goes.
#[derive(Debug)]
pub struct Meter {
    prompt_tokens: u64,
    images: u64,
    requests: u64,
    reported: Option<Reported>,
    visible: Counter,
    reasoning: Counter,
    /// Bytes of what is no text.
    uncounted: u64,
    has_result: bool,
}

/// What the provider counted, and what we had counted by then: some count before they answer.
#[derive(Debug, Clone, Copy)]
struct Reported {
    usage: Usage,
    visible: u64,
    reasoning: u64,
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
            ChatEvent::Usage(usage) => {
                self.reported = Some(Reported {
                    usage: plausible(*usage),
                    visible: self.visible.tokens(),
                    reasoning: self.reasoning.tokens(),
                });
            }
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
        if let Some(Reported { usage, visible, reasoning }) = self.reported {
            let visible = self.visible.tokens().saturating_sub(visible);
            let reasoning = self.reasoning.tokens().saturating_sub(reasoning);
            if visible == 0 && reasoning == 0 {
                return (usage, UsageSource::Provider);
            }
            // It broke off before the provider counted again.
            let completion = usage.completion.saturating_add(visible);
            let reasoning = usage.reasoning.saturating_add(reasoning);
            return (Usage { completion, reasoning, ..usage }, UsageSource::Estimated);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_after_the_providers_count_is_counted_too() {
        let request = protocol::dialects::chat_completions::decode(
            br#"{"model": "a/b", "messages": [{"role": "user", "content": "Hi"}]}"#,
        );
        let mut meter = Meter::new(&Estimate::of(&request.unwrap(), 100));
        let say = |text: &str| ChatEvent::Delta { choice: 0, delta: Delta::Content(text.into()) };
        // As Anthropic does in `message_start`.
        let begun = Usage { prompt: 9, completion: 1, requests: 1, ..Usage::default() };
        meter.watch(&ChatEvent::Usage(begun));
        assert_eq!(meter.usage(), (begun, UsageSource::Provider));
        meter.watch(&say("one"));
        meter.watch(&say("two"));
        let broken_off = Usage { completion: 3, ..begun };
        assert_eq!(meter.usage(), (broken_off, UsageSource::Estimated));
        let ended = Usage { completion: 2, ..begun };
        meter.watch(&ChatEvent::Usage(ended));
        assert_eq!(meter.usage(), (ended, UsageSource::Provider));
    }
}
