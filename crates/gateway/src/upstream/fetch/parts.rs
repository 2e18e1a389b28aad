//! Where a request names things by address, and the same request with the things in it.

use std::sync::Arc;

use protocol::chat::request::{ChatRequest, Content, Kind, Part, PartKind};
use protocol::chat::view::{PartView, Source};
use protocol::embeddings::Input;
use serde_json::Value;
use serde_json::value::to_raw_value;

use super::{Medium, Wanted};

/// One part that names something.
#[derive(Debug)]
pub(super) struct Named {
    pub(super) wanted: Wanted,
    /// Of the field, as the caller wrote it.
    pub(super) path: String,
    place: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Message { message: usize, part: usize },
    Input { input: usize, part: usize },
}

/// Every part whose address somebody has to follow, in order.
pub(super) fn named(
    request: &ChatRequest,
    must_follow: impl Fn(&PartKind, &str) -> bool,
) -> Vec<Named> {
    let mut list = Vec::new();
    let mut add = |part: &Part, place: Place| {
        let Some(kind) = Medium::of(&part.kind) else { return };
        let Some((url, member)) = address(part) else { return };
        if must_follow(&part.kind, &url) {
            let path = match place {
                // The caller's dialect has another name for the member.
                Place::Message { message, part } if !request.origins.is_empty() => {
                    request.place_of("messages", message, part)
                }
                Place::Message { message, part } => {
                    format!("messages[{message}].content[{part}].{member}")
                }
                Place::Input { input, part } => format!("input[{input}].content[{part}].{member}"),
            };
            list.push(Named { wanted: Wanted { kind, url }, path, place });
        }
    };
    for (message, content) in request.messages.iter().map(|one| &one.content).enumerate() {
        let Content::Parts(parts) = content else { continue };
        for (position, part) in parts.iter().enumerate() {
            add(part, Place::Message { message, part: position });
        }
    }
    if let Kind::Embeddings(asked) = &request.kind {
        for (input, content) in asked.inputs.iter().enumerate() {
            let Input::Parts(Content::Parts(parts)) = content else { continue };
            for (position, part) in parts.iter().enumerate() {
                add(part, Place::Input { input, part: position });
            }
        }
    }
    list
}

/// The address in a part, and where in it that stands.
fn address(part: &Part) -> Option<(String, &'static str)> {
    let (source, member) = match part.view() {
        PartView::Image { source, .. } => (source, "image_url.url"),
        PartView::Video(source) => (source, "video_url.url"),
        PartView::File { source, .. } => (source, "file.file_data"),
        PartView::Text(_) | PartView::Refusal(_) | PartView::Audio { .. } | PartView::Unknown => {
            return None;
        }
    };
    let Source::Url(url) = source else { return None };
    let is_web = ["http:", "https:"].iter().any(|scheme| {
        url.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    });
    is_web.then(|| (url.into_owned(), member))
}

/// A copy of the request, with what was found in the place of its address.
pub(super) fn replaced(
    request: &ChatRequest,
    named: &[Named],
    found: impl Fn(&Wanted) -> Option<Arc<str>>,
) -> ChatRequest {
    let mut copy = request.clone();
    // What the caller wrote in its own dialect still holds the addresses.
    copy.native = None;
    for one in named {
        let Some(data) = found(&one.wanted) else { continue };
        let part = match one.place {
            Place::Message { message, part } => {
                copy.messages.get_mut(message).and_then(|message| at(&mut message.content, part))
            }
            Place::Input { input, part } => match &mut copy.kind {
                Kind::Embeddings(asked) => match asked.inputs.get_mut(input) {
                    Some(Input::Parts(content)) => at(content, part),
                    _ => None,
                },
                Kind::Chat | Kind::Rerank(_) => None,
            },
        };
        if let Some(part) = part {
            put(part, &data);
        }
    }
    copy
}

fn at(content: &mut Content, position: usize) -> Option<&mut Part> {
    match content {
        Content::Parts(parts) => parts.get_mut(position),
        Content::None | Content::Text(_) => None,
    }
}

fn put(part: &mut Part, data: &str) {
    const PLACES: [(&str, &str); 4] =
        [("image_url", "url"), ("video_url", "url"), ("input_video", "url"), ("file", "file_data")];
    let Ok(mut value) = serde_json::from_str::<Value>(part.raw.get()) else { return };
    for (outer, inner) in PLACES {
        if let Some(place) = value.get_mut(outer).and_then(|object| object.get_mut(inner)) {
            *place = Value::from(data);
        }
    }
    if let Ok(raw) = to_raw_value(&value) {
        part.raw = raw;
    }
}

#[cfg(test)]
mod tests {
    use protocol::dialects::chat_completions;

    use super::*;

    #[test]
    fn addresses_are_found_and_replaced_where_they_stand() {
        let request = chat_completions::decode(
            br#"{"model": "a/b", "messages": [
                {"role": "system", "content": "https://not.a/part.png"},
                {"role": "user", "content": [
                    {"type": "text", "text": "look"},
                    {"type": "image_url", "image_url": {"url": "https://x/1.png", "detail": "low"}},
                    {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}},
                    {"type": "video_url", "video_url": {"url": "https://youtu.be/1"}},
                    {"type": "file", "file": {"filename": "a.pdf", "file_data": "HTTPS://x/a.pdf"}}]}]}"#,
        )
        .unwrap();
        let named = named(&request, |_, url| !url.contains("youtu.be"));
        let paths: Vec<&str> = named.iter().map(|part| part.path.as_str()).collect();
        assert_eq!(
            paths,
            ["messages[1].content[1].image_url.url", "messages[1].content[4].file.file_data"]
        );
        let copy =
            replaced(&request, &named, |wanted| Some(format!("data:,{}", wanted.url).into()));
        let Content::Parts(parts) = &copy.messages[1].content else { panic!() };
        let part: Value = serde_json::from_str(parts[1].raw.get()).unwrap();
        assert_eq!(part["image_url"]["url"], "data:,https://x/1.png");
        assert_eq!(part["image_url"]["detail"], "low");
        let part: Value = serde_json::from_str(parts[4].raw.get()).unwrap();
        assert_eq!(part["file"]["file_data"], "data:,HTTPS://x/a.pdf");
        assert!(parts[3].raw.get().contains("youtu.be"));
        let Content::Parts(before) = &request.messages[1].content else { panic!() };
        assert!(before[1].raw.get().contains("https://x/1.png"));
    }
}
