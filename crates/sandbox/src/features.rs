//! `show/…`: answers that have exactly the features that their model's name lists.

/// One thing that an answer may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Feature {
    Text,
    Unicode,
    Reasoning,
    RedactedReasoning,
    Tool,
    ParallelTools,
    ToolWithoutArguments,
    Refusal,
    ContentFilter,
    Length,
    StopSequence,
    Citations,
    Image,
    Audio,
    Logprobs,
    Cache,
    Json,
    Empty,
}

/// The names, as they stand in the model's.
const NAMES: [(&str, Feature); 18] = [
    ("text", Feature::Text),
    ("unicode", Feature::Unicode),
    ("reasoning", Feature::Reasoning),
    ("reasoning-redacted", Feature::RedactedReasoning),
    ("tool", Feature::Tool),
    ("tools-parallel", Feature::ParallelTools),
    ("tool-noargs", Feature::ToolWithoutArguments),
    ("refusal", Feature::Refusal),
    ("content-filter", Feature::ContentFilter),
    ("length", Feature::Length),
    ("stop-sequence", Feature::StopSequence),
    ("citations", Feature::Citations),
    ("image", Feature::Image),
    ("audio", Feature::Audio),
    ("logprobs", Feature::Logprobs),
    ("cache", Feature::Cache),
    ("json", Feature::Json),
    ("empty", Feature::Empty),
];

/// A set of features.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Features(u32);

impl Features {
    /// `reasoning+tools-parallel`.
    pub(crate) fn parse(list: &str) -> Option<Self> {
        list.split('+').try_fold(Self::default(), |found, name| {
            let (_, feature) = NAMES.iter().find(|(known, _)| *known == name)?;
            Some(Self(found.0 | feature.bit()))
        })
    }

    pub(crate) const fn has(self, feature: Feature) -> bool {
        self.0 & feature.bit() != 0
    }

    /// Whether there is text: unless something stands in its place and it was not asked for.
    pub(crate) fn has_text(self) -> bool {
        let instead = [
            Feature::Tool,
            Feature::ParallelTools,
            Feature::ToolWithoutArguments,
            Feature::Refusal,
            Feature::Json,
            Feature::Unicode,
            Feature::Empty,
        ];
        self.has(Feature::Text) || !instead.into_iter().any(|feature| self.has(feature))
    }
}

impl Feature {
    const fn bit(self) -> u32 {
        1 << self as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_whole_or_not_at_all() {
        let features = Features::parse("reasoning+tools-parallel").unwrap();
        assert!(features.has(Feature::Reasoning) && features.has(Feature::ParallelTools));
        assert!(!features.has(Feature::Tool) && !features.has_text());
        for (name, feature) in NAMES {
            assert!(Features::parse(name).unwrap().has(feature));
        }
        for list in ["", "reasoning+", "nonsense", "reasoning tool"] {
            assert_eq!(Features::parse(list), None, "{list}");
        }
    }
}
