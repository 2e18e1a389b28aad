//! An answer before it is written in any form.

use crate::understood::{Part, Understood};

#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) choices: Vec<Choice>,
    pub(crate) usage: Usage,
}

#[derive(Debug, Clone)]
pub(crate) struct Choice {
    pub(crate) pieces: Vec<Piece>,
    pub(crate) finish: Finish,
    /// How many alternatives to each token are told, where probabilities are.
    pub(crate) logprobs: Option<usize>,
}

/// Why a choice ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Finish {
    Stop,
    StopSequence(String),
    Length,
    Calls,
    Filtered,
    Refused,
}

/// One token or something else that is sent in one go; so, one chunk of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    Reasoning(String),
    /// The signature on the reasoning before it.
    Signature,
    /// A thought that nobody may read.
    Redacted(String),
    Content(String),
    Citation(Citation),
    Refusal(String),
    /// The beginning of a call. Dialects put their own prefix before the id.
    Call {
        id: String,
        name: String,
    },
    /// A part of the arguments of the call that was begun last.
    Arguments(String),
    Image(Picture),
    Audio(Sound),
}

/// A source of what the text says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Citation {
    pub(crate) url: String,
    pub(crate) title: String,
    pub(crate) quote: String,
    /// The part of the text that rests on it, in characters.
    pub(crate) start: usize,
    pub(crate) end: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Picture {
    pub(crate) media_type: &'static str,
    pub(crate) base64: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sound {
    pub(crate) base64: &'static str,
    pub(crate) transcript: &'static str,
}

/// What an answer took, every count a part of the one that it names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    /// All of the prompt.
    pub(crate) prompt: usize,
    /// Of the prompt.
    pub(crate) cache_read: usize,
    /// Of the prompt, kept for five minutes.
    pub(crate) cache_write: usize,
    /// Of the prompt, kept for an hour.
    pub(crate) cache_write_hour: usize,
    /// All of the answer.
    pub(crate) completion: usize,
    /// Of the answer.
    pub(crate) reasoning: usize,
    /// Of the answer.
    pub(crate) image: usize,
    /// Of the answer.
    pub(crate) audio: usize,
}

impl Usage {
    /// Of the prompt, what the cache had no part in.
    pub(crate) const fn fresh(&self) -> usize {
        self.prompt
            .saturating_sub(self.cache_read)
            .saturating_sub(self.cache_write)
            .saturating_sub(self.cache_write_hour)
    }

    pub(crate) const fn cache_writes(&self) -> usize {
        self.cache_write + self.cache_write_hour
    }

    /// Counts what was said.
    pub(crate) fn count(&mut self, choices: &[Choice]) {
        let pieces = || choices.iter().flat_map(|choice| &choice.pieces);
        let sum = |is: fn(&Piece) -> bool| {
            pieces().filter(|piece| is(piece)).map(Piece::tokens).sum::<usize>()
        };
        self.completion = sum(|_| true);
        self.reasoning = sum(|piece| matches!(piece, Piece::Reasoning(_) | Piece::Redacted(_)));
        self.image = sum(|piece| matches!(piece, Piece::Image(_)));
        self.audio = sum(|piece| matches!(piece, Piece::Audio(_)));
    }
}

impl Piece {
    pub(crate) const fn tokens(&self) -> usize {
        match self {
            Self::Reasoning(_)
            | Self::Content(_)
            | Self::Refusal(_)
            | Self::Call { .. }
            | Self::Arguments(_) => 1,
            Self::Signature | Self::Citation(_) => 0,
            Self::Redacted(_) => 8,
            Self::Audio(_) => 32,
            Self::Image(_) => 256,
        }
    }
}

impl Choice {
    /// Everything of one kind, joined.
    pub(crate) fn joined(&self, of: impl Fn(&Piece) -> Option<&str>) -> String {
        self.pieces.iter().filter_map(of).collect()
    }

    pub(crate) fn content(&self) -> String {
        self.joined(|piece| match piece {
            Piece::Content(text) => Some(text),
            _ => None,
        })
    }

    pub(crate) fn reasoning(&self) -> String {
        self.joined(|piece| match piece {
            Piece::Reasoning(text) => Some(text),
            _ => None,
        })
    }

    pub(crate) fn refusal(&self) -> Option<String> {
        let text = self.joined(|piece| match piece {
            Piece::Refusal(text) => Some(text),
            _ => None,
        });
        (!text.is_empty()).then_some(text)
    }

    /// The calls: id, name and arguments.
    pub(crate) fn calls(&self) -> Vec<(&str, &str, String)> {
        let mut calls = Vec::new();
        for piece in &self.pieces {
            match piece {
                Piece::Call { id, name } => calls.push((id.as_str(), name.as_str(), String::new())),
                Piece::Arguments(part) => {
                    if let Some((_, _, arguments)) = calls.last_mut() {
                        arguments.push_str(part);
                    }
                }
                _ => {}
            }
        }
        calls
    }

    pub(crate) fn citations(&self) -> impl Iterator<Item = &Citation> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Citation(citation) => Some(citation),
            _ => None,
        })
    }
}

/// About four bytes a token, four tokens a turn, and a flat rate for what is not text.
pub(crate) fn prompt_tokens(asked: &Understood) -> usize {
    let system: usize = asked.system.iter().map(|part| 4 + tokens_of(part)).sum();
    let turns: usize =
        asked.turns.iter().map(|turn| 4 + turn.parts.iter().map(tokens_of).sum::<usize>()).sum();
    let tools: usize = asked.tools.iter().map(|tool| tokens_of_json(tool) + 8).sum();
    system + turns + tools + 3
}

pub(crate) fn tokens_of(part: &Part) -> usize {
    const OTHER_PART: usize = 256;
    match part {
        Part::Text { text, .. } | Part::Reasoning { text, .. } | Part::Refusal { text } => {
            text.len().div_ceil(4)
        }
        Part::ToolCall { arguments, .. } => 8 + tokens_of_json(arguments),
        Part::ToolResult { parts, .. } => parts.iter().map(tokens_of).sum(),
        Part::EncryptedReasoning { data } => data.len().div_ceil(8),
        Part::Image { .. }
        | Part::File { .. }
        | Part::Audio { .. }
        | Part::Video { .. }
        | Part::Other { .. } => OTHER_PART,
    }
}

pub(crate) fn tokens_of_json(value: &impl serde::Serialize) -> usize {
    serde_json::to_string(value).map_or(0, |json| json.len() / 4)
}

/// Cuts a text into pieces about as long as tokens are: a word with the space before it, long
/// words in parts.
pub(crate) fn tokens(text: &str) -> impl Iterator<Item = &str> {
    const CHARACTERS_MAX: usize = 8;
    let mut rest = text;
    std::iter::from_fn(move || {
        let mut end = rest.len();
        for (count, (position, character)) in rest.char_indices().enumerate() {
            if count > 0 && (character.is_whitespace() || count >= CHARACTERS_MAX) {
                end = position;
                break;
            }
        }
        let (token, tail) = rest.split_at(end);
        rest = tail;
        (!token.is_empty()).then_some(token)
    })
}
