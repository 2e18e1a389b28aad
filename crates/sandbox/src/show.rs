//! Answers that show features, the same for every provider.

use serde_json::{Value, json};

use crate::answer::{Answer, Choice, Citation, Finish, Picture, Piece, Sound, Usage};
use crate::answer::{prompt_tokens, tokens};
use crate::author::{call, call_with, count, functions, logprobs, said};
use crate::features::{Feature, Features};
use crate::profile::Dice;
use crate::schema;
use crate::understood::{ResponseFormat, ToolChoice, Understood};

/// A picture of one blue point.
pub(crate) const PICTURE: Picture = Picture {
    media_type: "image/png",
    base64: "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPj/HwADBwIAMCbHYQAAAABJRU5ErkJggg==",
};

/// A moment of silence in two parts, as 16-bit samples.
pub(crate) const SOUNDS: [Sound; 2] = [
    Sound { base64: "AAAAAAAAAAAAAAAAAAAAAAAA", transcript: "The tide" },
    Sound { base64: "AQABAAEAAQABAAEAAQABAAEA", transcript: " is in." },
];

const TEXT: &str = "The harbour lights come on at dusk, and the last ferry leaves at nine.";
/// Characters of one, two, three and four bytes, and one that is made of several.
const UNICODE: &str =
    "Grüße aus Łódź — 港の灯り, ναυτικός, и корабль 🚢👩‍🚀 ½ \"quoted\" \\ \u{2028}end";
const THOUGHT: &str = "The question is about a harbour. Lamps are lit when it gets dark.";
const REDACTED: &str = "nobody reads this";
const REFUSAL: &str = "I can’t help with sinking ships.";

/// What is read from and written to the cache when it is shown, in tokens.
const CACHE_READ: usize = 2_048;
const CACHE_WRITTEN: usize = 512;

pub(crate) fn answer(asked: &Understood, features: Features) -> Answer {
    let choices: Vec<Choice> =
        (0..count(asked)).map(|index| choice(asked, features, index)).collect();
    let mut usage = Usage { prompt: prompt_tokens(asked), ..Usage::default() };
    usage.count(&choices);
    if features.has(Feature::Cache) {
        usage.prompt += CACHE_READ + CACHE_WRITTEN;
        usage.cache_read = CACHE_READ;
        usage.cache_write = CACHE_WRITTEN;
    }
    Answer { choices, usage }
}

fn choice(asked: &Understood, features: Features, index: u64) -> Choice {
    let mut dice = Dice::new(index, &["show", &asked.model]);
    let mut pieces = Vec::new();
    if features.has(Feature::Reasoning) {
        pieces.extend(tokens(THOUGHT).map(|token| Piece::Reasoning(token.to_owned())));
        pieces.push(Piece::Signature);
    }
    if features.has(Feature::RedactedReasoning) {
        pieces.push(Piece::Redacted(REDACTED.to_owned()));
    }
    if features.has_text() {
        pieces.extend(said(TEXT));
    }
    if features.has(Feature::Unicode) {
        pieces.extend(said(UNICODE));
    }
    if features.has(Feature::Citations) {
        pieces.extend(citations().map(Piece::Citation));
    }
    if features.has(Feature::Image) {
        pieces.push(Piece::Image(PICTURE));
    }
    if features.has(Feature::Audio) {
        pieces.extend(SOUNDS.map(Piece::Audio));
    }
    let mut finish = if features.has(Feature::Json) {
        json_answer(asked, &mut pieces, &mut dice)
    } else {
        Finish::Stop
    };
    if features.has(Feature::Refusal) {
        pieces.extend(tokens(REFUSAL).map(|token| Piece::Refusal(token.to_owned())));
        finish = Finish::Refused;
    }
    let calls = calls(asked, features, &mut dice);
    if !calls.is_empty() {
        pieces.extend(calls);
        finish = Finish::Calls;
    }
    if features.has(Feature::ContentFilter) {
        finish = Finish::Filtered;
    } else if features.has(Feature::Length) {
        finish = Finish::Length;
    } else if features.has(Feature::StopSequence) {
        let stop = asked.stop.first().cloned().unwrap_or_else(|| "END".to_owned());
        finish = Finish::StopSequence(stop);
    }
    let logprobs = logprobs(asked).or_else(|| features.has(Feature::Logprobs).then_some(2));
    Choice { pieces, finish, logprobs }
}

/// Two sources for the two halves of the text.
fn citations() -> impl Iterator<Item = Citation> {
    let half = TEXT.find(',').unwrap_or(TEXT.len());
    let spans = [(0, half), (half + 2, TEXT.len())];
    let names = [("lights", "Harbour lights"), ("ferries", "Ferry timetable")];
    spans.into_iter().zip(names).map(|((start, end), (page, title))| Citation {
        url: format!("https://harbour.example/{page}"),
        title: title.to_owned(),
        quote: TEXT.get(start..end).unwrap_or_default().to_owned(),
        start,
        end,
    })
}

/// JSON as it was asked for: as text, or by the tool that must be called.
fn json_answer(asked: &Understood, pieces: &mut Vec<Piece>, dice: &mut Dice) -> Finish {
    let forced = match &asked.tool_choice {
        Some(ToolChoice::Named(name)) => {
            functions(asked).into_iter().find(|tool| tool.name == *name)
        }
        Some(ToolChoice::Required | ToolChoice::Among { required: true, .. }) => {
            functions(asked).into_iter().next()
        }
        _ => None,
    };
    if let Some(tool) = forced {
        pieces.extend(call(tool, "harbour", dice));
        return Finish::Calls;
    }
    let value = match &asked.response_format {
        Some(ResponseFormat::JsonSchema { schema, .. }) => schema::example(schema, "harbour", dice),
        _ => json!({"harbour": "Lisbon", "lights": 42}),
    };
    pieces.extend(said(&value.to_string()));
    Finish::Stop
}

/// The calls that are to be shown: of the caller's own tools, or of ones that it might have had.
fn calls(asked: &Understood, features: Features, dice: &mut Dice) -> Vec<Piece> {
    let functions = functions(asked);
    let mut pieces = Vec::new();
    let is_parallel = features.has(Feature::ParallelTools);
    if is_parallel || features.has(Feature::Tool) {
        let wanted = if is_parallel { 2 } else { 1 };
        let places = ["Lisbon", "Kyoto"];
        for (index, place) in places.into_iter().take(wanted).enumerate() {
            match functions.get(index).or(functions.first()) {
                Some(tool) => pieces.extend(call(tool, place, dice)),
                None => pieces.extend(call_with("get_weather", &weather(place), dice)),
            }
        }
    }
    if features.has(Feature::ToolWithoutArguments) {
        let takes_nothing =
            |schema: &Value| schema["properties"].as_object().is_none_or(serde_json::Map::is_empty);
        let tool = functions.iter().find(|tool| tool.schema.as_ref().is_none_or(takes_nothing));
        let name = tool.map_or("ping", |tool| tool.name.as_str());
        pieces.extend(call_with(name, &json!({}), dice));
    }
    pieces
}

fn weather(place: &str) -> Value {
    json!({"city": place, "days": 3})
}
