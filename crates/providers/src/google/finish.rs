//! Why an answer ended, in Google's words.

use domain::generation::FinishReason;

/// What a reason stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    Reason(FinishReason),
    /// The model went wrong.
    Failure,
}

pub(super) fn meaning(native: &str) -> Meaning {
    match native {
        "MAX_TOKENS" | "CONTINUATION" => Meaning::Reason(FinishReason::Length),
        "SAFETY"
        | "RECITATION"
        | "LANGUAGE"
        | "BLOCKLIST"
        | "PROHIBITED_CONTENT"
        | "SPII"
        | "IMAGE_SAFETY"
        | "IMAGE_PROHIBITED_CONTENT"
        | "IMAGE_RECITATION"
        | "MODEL_ARMOR"
        | "ESCALATION" => Meaning::Reason(FinishReason::ContentFilter),
        "MALFORMED_FUNCTION_CALL"
        | "UNEXPECTED_TOOL_CALL"
        | "TOO_MANY_TOOL_CALLS"
        | "MISSING_THOUGHT_SIGNATURE"
        | "MALFORMED_RESPONSE"
        | "NO_IMAGE"
        | "IMAGE_OTHER"
        | "OTHER"
        | "FINISH_REASON_UNSPECIFIED" => Meaning::Failure,
        _ => Meaning::Reason(FinishReason::Stop),
    }
}
