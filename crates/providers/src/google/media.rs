//! Images, sounds, films and files, inline or by their address.

use std::borrow::Cow;

use protocol::chat::request::PartKind;
use protocol::chat::view::{PartView, Source};

use super::Flavour;
use super::wire::{FileData, Part};

/// Whether Google gets such a part from its address by itself.
pub(super) fn is_fetched(flavour: Flavour, kind: &PartKind, url: &str) -> bool {
    match flavour {
        Flavour::AiStudio if is_own_file(url) => true,
        Flavour::Vertex if url.starts_with("gs://") => true,
        Flavour::AiStudio | Flavour::Vertex => matches!(kind, PartKind::Video) && is_film(url),
    }
}

/// A file of Google's Files API.
fn is_own_file(url: &str) -> bool {
    url.starts_with("https://generativelanguage.googleapis.com/")
}

/// A film that Google shows itself.
fn is_film(url: &str) -> bool {
    const HOSTS: [&str; 4] = ["youtube.com", "www.youtube.com", "m.youtube.com", "youtu.be"];
    let Some(rest) = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")) else {
        return false;
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    HOSTS.iter().any(|known| host.eq_ignore_ascii_case(known))
}

/// A part that is no text. None where Google has no form for it.
pub(super) fn write<'a>(part: PartView<'a>, flavour: Flavour, base_url: &str) -> Option<Part<'a>> {
    match part {
        PartView::Image { source, .. } => from_source(source, &PartKind::Image, flavour, base_url),
        PartView::Video(source) => from_source(source, &PartKind::Video, flavour, base_url),
        PartView::File { source, .. } => from_source(source, &PartKind::File, flavour, base_url),
        PartView::Audio { base64, format } => Some(Part::inline(audio_type(&format), base64)),
        PartView::Text(_) | PartView::Refusal(_) | PartView::Unknown => None,
    }
}

fn from_source<'a>(
    source: Source<'a>,
    kind: &PartKind,
    flavour: Flavour,
    base_url: &str,
) -> Option<Part<'a>> {
    let file_uri = match source {
        Source::Inline { media_type, base64 } => {
            let media_type = if media_type.is_empty() || media_type == "application/octet-stream" {
                sniffed(&base64, kind).map_or(media_type, Cow::Borrowed)
            } else {
                media_type
            };
            return Some(Part::inline(media_type, base64));
        }
        Source::Url(url) => Some(url).filter(|url| is_fetched(flavour, kind, url))?,
        Source::Id(id) if flavour == Flavour::AiStudio && id.starts_with("files/") => {
            format!("{}/{id}", base_url.trim_end_matches('/')).into()
        }
        Source::Id(_) => return None,
    };
    let mime_type = type_of_name(&file_uri).filter(|_| flavour == Flavour::Vertex);
    let file_data = Some(FileData { mime_type, file_uri });
    Some(Part { file_data, ..Part::default() })
}

/// What data without a type begins like.
fn sniffed(base64: &str, kind: &PartKind) -> Option<&'static str> {
    const BEGINNINGS: [(&str, &str); 7] = [
        ("iVBORw0KGgo", "image/png"),
        ("/9j/", "image/jpeg"),
        ("R0lGOD", "image/gif"),
        ("UklGR", "image/webp"),
        ("JVBERi", "application/pdf"),
        ("AAAAGGZ0eXA", "video/mp4"),
        ("AAAAIGZ0eXA", "video/mp4"),
    ];
    let begins = BEGINNINGS.iter().find(|(beginning, _)| base64.starts_with(beginning));
    begins.map(|(_, media_type)| *media_type).or(match kind {
        PartKind::Video => Some("video/mp4"),
        PartKind::File => Some("text/plain"),
        PartKind::Image | PartKind::Audio | PartKind::Text { .. } => None,
    })
}

/// Vertex wants the type of what it gets from storage.
fn type_of_name(url: &str) -> Option<&'static str> {
    const TYPES: [(&str, &str); 14] = [
        ("png", "image/png"),
        ("jpg", "image/jpeg"),
        ("jpeg", "image/jpeg"),
        ("webp", "image/webp"),
        ("gif", "image/gif"),
        ("pdf", "application/pdf"),
        ("txt", "text/plain"),
        ("mp4", "video/mp4"),
        ("mpeg", "video/mpeg"),
        ("mov", "video/quicktime"),
        ("webm", "video/webm"),
        ("mp3", "audio/mp3"),
        ("wav", "audio/wav"),
        ("flac", "audio/flac"),
    ];
    if is_film(url) {
        return Some("video/mp4");
    }
    let (_, ending) = url.rsplit_once('.')?;
    TYPES
        .iter()
        .find(|(known, _)| ending.eq_ignore_ascii_case(known))
        .map(|(_, media_type)| *media_type)
}

fn audio_type(format: &str) -> Cow<'static, str> {
    match format {
        "mp3" => Cow::Borrowed("audio/mp3"),
        "m4a" => Cow::Borrowed("audio/mp4"),
        "pcm16" => Cow::Borrowed("audio/l16;rate=24000"),
        "pcm24" => Cow::Borrowed("audio/l24;rate=24000"),
        other => Cow::Owned(format!("audio/{other}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn films_and_own_files_are_fetched_and_nothing_else_is() {
        for (flavour, kind, url, expected) in [
            (Flavour::AiStudio, PartKind::Video, "https://www.youtube.com/watch?v=x", true),
            (Flavour::Vertex, PartKind::Video, "https://youtu.be/x", true),
            (Flavour::AiStudio, PartKind::Image, "https://youtu.be/x", false),
            (Flavour::AiStudio, PartKind::Video, "https://youtube.com.evil.example/x", false),
            (Flavour::AiStudio, PartKind::Video, "https://youtube.com@evil.example/x", false),
            (Flavour::AiStudio, PartKind::Image, "https://example.com/a.png", false),
            (Flavour::Vertex, PartKind::File, "gs://bucket/a.pdf", true),
            (Flavour::AiStudio, PartKind::File, "gs://bucket/a.pdf", false),
        ] {
            assert_eq!(is_fetched(flavour, &kind, url), expected, "{flavour:?} {url}");
        }
        let file = "https://generativelanguage.googleapis.com/v1beta/files/abc";
        assert!(is_fetched(Flavour::AiStudio, &PartKind::File, file));
        assert!(!is_fetched(Flavour::Vertex, &PartKind::File, file));
    }
}
