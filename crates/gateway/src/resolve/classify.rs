//! What a request is about, guessed from its words: local, quick, and good enough to choose a
//! price band by.

use protocol::chat::request::{ChatRequest, Role};

/// Only so much of a long conversation is looked at.
const BYTES_MAX: usize = 8 * 1024;
/// Longer prompts need a model that keeps its thread.
const LONG_BYTES: usize = 40_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Difficulty {
    Easy,
    Ordinary,
    Hard,
}

impl Difficulty {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Easy => "easy",
            Self::Ordinary => "ordinary",
            Self::Hard => "hard",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Task {
    /// In OpenRouter's manner: `code:debugging`, `agent:tool_use`, `qa_knowledge`, …
    pub(super) name: &'static str,
    pub(super) difficulty: Difficulty,
}

/// A task, and words of which each speaks for it. The first task with the most words wins.
struct Sign {
    task: Task,
    words: &'static [&'static str],
}

const fn sign(name: &'static str, difficulty: Difficulty, words: &'static [&'static str]) -> Sign {
    Sign { task: Task { name, difficulty }, words }
}

const SIGNS: [Sign; 10] = [
    sign(
        "code:debugging",
        Difficulty::Hard,
        &[
            "stack trace",
            "traceback",
            "exception",
            "segfault",
            "panicked at",
            "bug",
            "debug",
            "doesn't compile",
            "error:",
            "failing test",
        ],
    ),
    sign(
        "code:design",
        Difficulty::Hard,
        &["architecture", "refactor", "design a system", "concurrency", "migrate", "trade-off"],
    ),
    sign(
        "code:generation",
        Difficulty::Ordinary,
        &[
            "```",
            "function",
            "python",
            "rust",
            "javascript",
            "typescript",
            "sql",
            "regex",
            "code",
            "script",
            "unit test",
        ],
    ),
    sign(
        "math",
        Difficulty::Hard,
        &[
            "prove",
            "theorem",
            "integral",
            "derivative",
            "equation",
            "probability that",
            "\\frac",
            "lemma",
            "eigenvalue",
        ],
    ),
    sign(
        "reasoning",
        Difficulty::Hard,
        &[
            "step by step",
            "think carefully",
            "plan",
            "strategy",
            "analyse",
            "analyze",
            "evaluate",
            "compare",
        ],
    ),
    sign("translation", Difficulty::Easy, &["translate", "translation", "übersetze", "traduis"]),
    sign(
        "summarization",
        Difficulty::Easy,
        &["summarize", "summarise", "summary", "tl;dr", "shorten"],
    ),
    sign(
        "extraction",
        Difficulty::Easy,
        &["extract", "classify", "categorize", "label", "sentiment", "to json"],
    ),
    sign(
        "creative_writing",
        Difficulty::Ordinary,
        &["poem", "story", "lyrics", "novel", "haiku", "screenplay"],
    ),
    sign(
        "qa_knowledge",
        Difficulty::Easy,
        &["what is", "who is", "who was", "when did", "where is", "define", "capital of"],
    ),
];

const CONVERSATION: Task = Task { name: "conversation", difficulty: Difficulty::Easy };

/// Guesses from the last thing that the user said, and from what comes with it.
pub(super) fn classify(request: &ChatRequest) -> Task {
    let total: usize = request.messages.iter().map(|message| message.plain_text().len()).sum();
    if request.parameter("tools").is_some() {
        return Task { name: "agent:tool_use", difficulty: Difficulty::Hard };
    }
    let words = last_words(request);
    let mut best = CONVERSATION;
    let mut most = 0;
    for Sign { task, words: signs } in &SIGNS {
        let found = signs.iter().filter(|sign| words.contains(**sign)).count();
        if found > most {
            (best, most) = (*task, found);
        }
    }
    let asks_to_think =
        request.parameter("reasoning").is_some() || request.parameter("reasoning_effort").is_some();
    if total > LONG_BYTES && best.difficulty == Difficulty::Easy {
        best.difficulty = Difficulty::Ordinary;
    }
    if asks_to_think {
        best.difficulty = Difficulty::Hard;
    }
    best
}

/// The last message of the user, in lower case, its beginning and its end.
fn last_words(request: &ChatRequest) -> String {
    let last = request.messages.iter().rev().find(|message| message.role == Role::User);
    let text = last.map(protocol::chat::request::Message::plain_text).unwrap_or_default();
    let half = BYTES_MAX / 2;
    if text.len() <= BYTES_MAX {
        return text.to_lowercase();
    }
    let head = text.floor_char_boundary(half);
    let tail = text.ceil_char_boundary(text.len() - half);
    let mut words = text.get(..head).unwrap_or_default().to_lowercase();
    words.push('\n');
    words.push_str(&text.get(tail..).unwrap_or_default().to_lowercase());
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::dialects::chat_completions::decode;
    use serde_json::json;

    fn of(text: &str) -> Task {
        let body = json!({"model": "a/b", "messages": [{"role": "user", "content": text}]});
        classify(&decode(body.to_string().as_bytes()).unwrap())
    }

    #[test]
    fn requests_are_told_apart() {
        for (text, name) in [
            ("Hello there", "conversation"),
            ("Translate this to German: good morning", "translation"),
            ("My test panics: Traceback, ValueError exception in line 3", "code:debugging"),
            ("Write a Python function that sorts a list", "code:generation"),
            ("Prove that the integral converges", "math"),
            ("Who was the capital of France's first mayor?", "qa_knowledge"),
            ("Summarize this article in two lines", "summarization"),
        ] {
            assert_eq!(of(text).name, name, "{text}");
        }
        assert_eq!(of("Hello there").difficulty, Difficulty::Easy);
        assert_eq!(of(&"é".repeat(30_000)).difficulty, Difficulty::Ordinary);
    }
}
