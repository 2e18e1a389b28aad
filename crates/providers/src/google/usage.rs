//! `usageMetadata`, to buckets that never overlap.

use domain::usage::Usage;
use serde::Deserialize;

/// No answer has more tokens than this: what claims to is a mistake.
const TOKENS_MAX: i64 = 1_000_000_000;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct WireUsage {
    prompt_token_count: Option<i64>,
    candidates_token_count: Option<i64>,
    thoughts_token_count: Option<i64>,
    tool_use_prompt_token_count: Option<i64>,
    cached_content_token_count: Option<i64>,
    prompt_tokens_details: Option<Vec<Modality>>,
    cache_tokens_details: Option<Vec<Modality>>,
    candidates_tokens_details: Option<Vec<Modality>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Modality {
    modality: String,
    token_count: Option<i64>,
}

fn count(tokens: Option<i64>) -> u64 {
    u64::try_from(tokens.unwrap_or(0).min(TOKENS_MAX)).unwrap_or(0)
}

fn of(details: Option<&Vec<Modality>>, modality: &str) -> u64 {
    let list = details.map(Vec::as_slice).unwrap_or_default();
    let tokens = list.iter().filter(|detail| detail.modality == modality);
    tokens.map(|detail| count(detail.token_count)).fold(0, u64::saturating_add)
}

impl WireUsage {
    /// Nothing when nothing was counted. Where images are paid for each, their tokens are left
    /// out.
    pub(super) fn disjoint(&self, counts_images: bool) -> Option<Usage> {
        self.prompt_token_count?;
        let tools = count(self.tool_use_prompt_token_count);
        let mut prompt = count(self.prompt_token_count).saturating_add(tools);
        let mut completion = count(self.candidates_token_count);
        let cache_read = count(self.cached_content_token_count).min(prompt);
        prompt -= cache_read;
        let heard = of(self.prompt_tokens_details.as_ref(), "AUDIO");
        let cached = of(self.cache_tokens_details.as_ref(), "AUDIO");
        let audio_input = heard.saturating_sub(cached).min(prompt);
        prompt -= audio_input;
        let spoken = of(self.candidates_tokens_details.as_ref(), "AUDIO").min(completion);
        completion -= spoken;
        if counts_images {
            let drawn = of(self.candidates_tokens_details.as_ref(), "IMAGE");
            completion = completion.saturating_sub(drawn);
        }
        Some(Usage {
            prompt,
            cache_read,
            audio_input,
            completion,
            reasoning: count(self.thoughts_token_count),
            audio_output: spoken,
            requests: 1,
            ..Usage::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, expected: Option<Usage>) {
        let usage: WireUsage = serde_json::from_str(json).unwrap();
        assert_eq!(usage.disjoint(false), expected, "{json}");
    }

    #[test]
    fn buckets_do_not_overlap() {
        check(
            r#"{"promptTokenCount":1000,"cachedContentTokenCount":600,"candidatesTokenCount":50,
                "thoughtsTokenCount":200,"totalTokenCount":1270,"toolUsePromptTokenCount":20,
                "promptTokensDetails":[{"modality":"TEXT","tokenCount":700},{"modality":"AUDIO","tokenCount":300}],
                "cacheTokensDetails":[{"modality":"AUDIO","tokenCount":100}],
                "candidatesTokensDetails":[{"modality":"AUDIO","tokenCount":10}]}"#,
            Some(Usage {
                prompt: 220,
                cache_read: 600,
                audio_input: 200,
                completion: 40,
                reasoning: 200,
                audio_output: 10,
                requests: 1,
                ..Usage::default()
            }),
        );
    }

    #[test]
    fn nonsense_is_clamped_and_nothing_is_none() {
        check("{}", None);
        check(
            r#"{"promptTokenCount":5,"cachedContentTokenCount":9,"candidatesTokenCount":-3}"#,
            Some(Usage { cache_read: 5, requests: 1, ..Usage::default() }),
        );
    }

    #[test]
    fn tokens_of_images_that_are_paid_for_each_are_left_out() {
        let usage: WireUsage = serde_json::from_str(
            r#"{"promptTokenCount":5,"candidatesTokenCount":1300,
                "candidatesTokensDetails":[{"modality":"IMAGE","tokenCount":1290}]}"#,
        )
        .unwrap();
        assert_eq!(usage.disjoint(true).unwrap().completion, 10);
        assert_eq!(usage.disjoint(false).unwrap().completion, 1300);
    }
}
