//! What is not text.

use sandbox::{Media, Part, Understood};

use super::{Check, Proof, Row, ensure};
use crate::dialects::ask::{Ask, Part as AskPart, Source, Thinking, Turn};
use crate::dialects::files;

pub(super) const ROWS: &[Row] = &[
    Row {
        id: "image_inline",
        title: "an image, inline",
        ask: || {
            let base64 = files::base64(files::PNG);
            with(AskPart::Image(Source::Inline { media_type: "image/png", base64 }))
        },
        proof: Proof::Understood(|seen| {
            one(seen, files::PNG, "image/png", |part| match part {
                Part::Image { media, .. } => Some(media),
                _ => None,
            })
        }),
    },
    Row {
        id: "image_url",
        title: "an image, by its address",
        ask: || with(AskPart::Image(Source::Url(files::url("harbour.png")))),
        proof: Proof::Understood(|seen| {
            one(seen, files::PNG, "image/png", |part| match part {
                Part::Image { media, .. } => Some(media),
                _ => None,
            })
        }),
    },
    Row {
        id: "pdf_inline",
        title: "a PDF, inline",
        ask: || {
            let base64 = files::base64(files::PDF);
            with(AskPart::Pdf(Source::Inline { media_type: "application/pdf", base64 }))
        },
        proof: Proof::Understood(|seen| {
            one(seen, files::PDF, "application/pdf", |part| match part {
                Part::File { media, .. } => Some(media),
                _ => None,
            })
        }),
    },
    Row {
        id: "pdf_url",
        title: "a PDF, by its address",
        ask: || with(AskPart::Pdf(Source::Url(files::url("harbour.pdf")))),
        proof: Proof::Understood(|seen| {
            one(seen, files::PDF, "application/pdf", |part| match part {
                Part::File { media, .. } => Some(media),
                _ => None,
            })
        }),
    },
    Row {
        id: "audio",
        title: "a sound",
        ask: || with(AskPart::Audio { base64: files::base64(files::WAV) }),
        proof: Proof::Understood(|seen| {
            one(seen, files::WAV, "audio/wav", |part| match part {
                Part::Audio { media } => Some(media),
                _ => None,
            })
        }),
    },
    Row {
        id: "video",
        title: "a film",
        ask: || with(AskPart::Video { base64: files::base64(files::MP4) }),
        proof: Proof::Understood(|seen| {
            one(seen, files::MP4, "video/mp4", |part| match part {
                Part::Video { media } => Some(media),
                _ => None,
            })
        }),
    },
    Row {
        id: "image_answer",
        title: "an image in the answer",
        ask: || Ask { modalities: vec!["text", "image"], ..Ask::question("Draw a harbour.") },
        proof: Proof::Said("show/image", |said| {
            let images = &said.choices[0].images;
            let is_image = images.len() == 1 && images[0].starts_with("data:image/");
            ensure(is_image, || format!("{images:?}"))
        }),
    },
    Row {
        id: "audio_answer",
        title: "a sound in the answer",
        ask: || {
            let ask = Ask::question("Say hello.");
            let voice = serde_json::json!({ "voice": "alloy", "format": "pcm16" });
            Ask { modalities: vec!["text", "audio"], extra: vec![("audio", voice)], ..ask }
        },
        proof: Proof::Said("show/audio", |said| {
            let audio = &said.choices[0].audio;
            ensure(!audio.is_empty(), || "there is no audio".to_owned())
        }),
    },
    Row {
        id: "image_thinking",
        title: "an image beside reasoning",
        ask: || {
            let base64 = files::base64(files::PNG);
            with(AskPart::Image(Source::Inline { media_type: "image/png", base64 }))
                .thinking(Thinking::Effort("low"))
        },
        proof: Proof::Understood(|seen| {
            ensure(seen.reasoning.is_some(), || "nothing is said of reasoning".to_owned())?;
            one(seen, files::PNG, "image/png", |part| match part {
                Part::Image { media, .. } => Some(media),
                _ => None,
            })
        }),
    },
];

fn with(part: AskPart) -> Ask {
    let parts = vec![AskPart::text("What is this?"), part];
    Ask { turns: vec![Turn::User { parts, name: None }], ..Ask::question("") }
}

/// The bytes themselves, or the address from which the provider fetches them.
fn one(
    seen: &Understood,
    bytes: &[u8],
    media_type: &str,
    media: impl Fn(&Part) -> Option<&Media>,
) -> Check {
    let found: Vec<&Media> =
        seen.turns.iter().flat_map(|turn| &turn.parts).filter_map(media).collect();
    let [found] = found.as_slice() else { return Err(format!("{:?}", seen.turns)) };
    if let Some(url) = &found.url {
        return ensure(files::is_url(url), || url.clone());
    }
    ensure(found.sha256.as_deref() == Some(&files::sha256(bytes)), || format!("{found:?}"))?;
    let stated = found.media_type.as_deref();
    ensure(stated.is_none_or(|stated| stated == media_type), || format!("{stated:?}"))
}
