//! Gets what a request names by address, for upstreams that do not get it themselves.
//!
//! Each thing is downloaded once for a call, whatever comes of it, and stands inline in a copy of
//! the request that is made for the endpoint at hand. Failures are the caller's: they name the
//! part, and the same address is not tried again for another endpoint.

pub(crate) mod guard;
pub(crate) mod download;
mod parts;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::StreamExt as _;
use futures_util::stream;
use protocol::chat::media::image_type;
use protocol::chat::request::{ChatRequest, PartKind};
use protocol::error::{ErrorType, PublicError};
use providers::adapter::Target;

use self::download::{Downloaded, Downloader, Problem};
use self::parts::Named;
use crate::admit::Call;
use crate::pipeline::Gateway;
use crate::routing::Candidate;

/// Addresses in one request that are followed; more are not a conversation.
const ADDRESSES_MAX: usize = 64;

/// Downloads of one request that are under way together.
const DOWNLOADS_MAX: usize = 4;

/// What a call's addresses led to, as `data:` addresses.
#[derive(Debug, Default)]
pub(crate) struct Fetched(HashMap<Wanted, Result<Arc<str>, Failure>>);

/// One thing to get. The same bytes may pass as a file and not as an image.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Wanted {
    kind: Medium,
    url: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Medium {
    Image,
    Video,
    File,
}

/// What a caller is told, after the name of the part.
#[derive(Debug, Clone)]
struct Failure {
    kind: ErrorType,
    text: String,
}

/// The request as this endpoint can take it, where that isn't the request as it is.
pub(crate) async fn inline(
    gateway: &Gateway,
    call: &mut Call,
    candidate: &Candidate,
) -> Result<Option<ChatRequest>, PublicError> {
    let endpoint = &candidate.endpoint;
    // Somebody else says that nobody speaks it.
    let Some(adapter) = providers::find(endpoint.dialect()) else { return Ok(None) };
    let target = Target { endpoint, base_url: endpoint.provider.dialled_url() };
    let named = parts::named(&call.request, |kind, url| !adapter.fetches(kind, url, &target));
    let Some(first) = named.first() else { return Ok(None) };
    if named.len() > ADDRESSES_MAX {
        let text = format!(
            "the request names more than {ADDRESSES_MAX} things by address, and {} takes none: \
             send some of them inline",
            endpoint.provider.name
        );
        let error = PublicError::new(ErrorType::InvalidRequest, text);
        return Err(error.with_metadata("field", first.path.clone()));
    }
    let wanted = named.iter().map(|part| &part.wanted);
    get(gateway, &mut call.fetched, wanted).await;
    for part in &named {
        if let Some(Err(failure)) = call.fetched.0.get(&part.wanted) {
            let text = format!("`{}` {}", part.path, failure.text);
            return Err(
                PublicError::new(failure.kind, text).with_metadata("field", part.path.clone())
            );
        }
    }
    let found = |wanted: &Wanted| call.fetched.0.get(wanted)?.as_ref().ok().cloned();
    within(&named, gateway.settings.fetch_total_bytes_max, found)?;
    Ok(Some(parts::replaced(&call.request, &named, found)))
}

/// Checks that what was found fits into a request as often as it is named: each mention becomes a
/// copy.
fn within(
    named: &[Named],
    bytes_max: usize,
    found: impl Fn(&Wanted) -> Option<Arc<str>>,
) -> Result<(), PublicError> {
    let bytes = |data: Arc<str>| {
        let base64 = data.split_once(',').map_or("", |(_, base64)| base64);
        base64.trim_end_matches('=').len() * 3 / 4
    };
    let mut room = bytes_max;
    for part in named {
        let Some(left) = room.checked_sub(found(&part.wanted).map_or(0, bytes)) else {
            let failure = failure(part.wanted.kind, &Problem::TooLargeTogether);
            let text = format!("`{}` {}", part.path, failure.text);
            let error = PublicError::new(failure.kind, text);
            return Err(error.with_metadata("field", part.path.clone()));
        };
        room = left;
    }
    Ok(())
}

/// Gets what was not yet tried, several at a time.
async fn get<'a>(
    gateway: &Gateway,
    fetched: &mut Fetched,
    wanted: impl Iterator<Item = &'a Wanted>,
) {
    let mut missing: Vec<Wanted> = Vec::new();
    for one in wanted {
        if !fetched.0.contains_key(one) && !missing.contains(one) {
            missing.push(one.clone());
        }
    }
    let downloader = gateway.transport.downloader();
    let room = AtomicUsize::new(gateway.settings.fetch_total_bytes_max);
    let downloads = missing.into_iter().map(|wanted| {
        let room = &room;
        async move {
            let result = one(downloader, &wanted, room).await;
            (wanted, result)
        }
    });
    let results: Vec<_> = stream::iter(downloads).buffer_unordered(DOWNLOADS_MAX).collect().await;
    fetched.0.extend(results);
}

async fn one(
    downloader: &Downloader,
    wanted: &Wanted,
    room: &AtomicUsize,
) -> Result<Arc<str>, Failure> {
    let downloaded = downloader
        .get(&wanted.url, room)
        .await
        .map_err(|problem| failure(wanted.kind, &problem))?;
    let base64 = STANDARD.encode(&downloaded.bytes);
    let media_type = media_type(wanted.kind, &downloaded, &base64)?;
    Ok(format!("data:{media_type};base64,{base64}").into())
}

fn failure(medium: Medium, problem: &Problem) -> Failure {
    let is_image = medium == Medium::Image;
    let kind = match problem {
        Problem::Address | Problem::Refused(_) => ErrorType::InvalidRequest,
        Problem::TooLarge(_) | Problem::TooLargeTogether if is_image => ErrorType::ImageTooLarge,
        _ if is_image => ErrorType::ImageDownloadFailed,
        _ => ErrorType::InvalidRequest,
    };
    Failure { kind, text: format!("{problem}: send it inline, or give another address") }
}

/// What a thing is: by its bytes where they tell, otherwise by what its server says.
fn media_type(medium: Medium, downloaded: &Downloaded, base64: &str) -> Result<String, Failure> {
    let said = downloaded.media_type.as_deref();
    let bytes = downloaded.bytes.as_slice();
    match medium {
        Medium::Image => image_type(base64).map(str::to_owned).ok_or_else(|| Failure {
            kind: ErrorType::UnsupportedImageFormat,
            text: "does not lead to a PNG, JPEG, WebP or GIF image".to_owned(),
        }),
        Medium::Video => {
            let known = match bytes {
                [_, _, _, _, b'f', b't', b'y', b'p', ..] => Some("video/mp4"),
                [0x1A, 0x45, 0xDF, 0xA3, ..] => Some("video/webm"),
                _ => None,
            };
            let said = said.filter(|said| said.starts_with("video/"));
            said.or(known).map(str::to_owned).ok_or_else(|| Failure {
                kind: ErrorType::InvalidRequest,
                text: "does not lead to a video".to_owned(),
            })
        }
        Medium::File => {
            let generic = ["application/octet-stream", "binary/octet-stream"];
            let said = said.filter(|said| !generic.contains(said));
            Ok(match bytes {
                [b'%', b'P', b'D', b'F', ..] => "application/pdf",
                _ => said.unwrap_or(if std::str::from_utf8(bytes).is_ok() {
                    "text/plain"
                } else {
                    "application/octet-stream"
                }),
            }
            .to_owned())
        }
    }
}

impl Medium {
    const fn of(kind: &PartKind) -> Option<Self> {
        match kind {
            PartKind::Image => Some(Self::Image),
            PartKind::Video => Some(Self::Video),
            PartKind::File => Some(Self::File),
            PartKind::Text { .. } | PartKind::Audio => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(medium: Medium, said: Option<&str>, bytes: &[u8], expected: Result<&str, ErrorType>) {
        let downloaded = Downloaded { media_type: said.map(str::to_owned), bytes: bytes.to_vec() };
        let found = media_type(medium, &downloaded, &STANDARD.encode(bytes));
        let found = found.as_deref().map_err(|failure| failure.kind);
        assert_eq!(found, expected, "{medium:?} {said:?}");
    }

    #[test]
    fn things_are_what_their_bytes_say() {
        let png = b"\x89PNG\r\n\x1a\n0000";
        check(Medium::Image, Some("image/jpeg"), png, Ok("image/png"));
        check(Medium::Image, Some("image/png"), b"<html>", Err(ErrorType::UnsupportedImageFormat));
        check(Medium::File, Some("application/octet-stream"), b"%PDF-1.7", Ok("application/pdf"));
        check(Medium::File, Some("text/csv"), b"a,b", Ok("text/csv"));
        check(Medium::File, None, "é".as_bytes(), Ok("text/plain"));
        check(Medium::File, None, b"\xFF\xFE", Ok("application/octet-stream"));
        check(Medium::Video, Some("video/quicktime"), b"....ftypqt", Ok("video/quicktime"));
        check(Medium::Video, None, b"....ftypisom", Ok("video/mp4"));
        check(Medium::Video, Some("text/html"), b"<html>", Err(ErrorType::InvalidRequest));
    }
}
