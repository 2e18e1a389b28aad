//! What both directions read from verbatim JSON.

use std::borrow::Cow;

use protocol::chat::view::CacheMark;
use serde::Deserialize;
use serde_json::value::RawValue;

/// Text that borrows where it can: a bare `Cow` in an option always copies.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(transparent)]
pub(crate) struct Text<'a>(#[serde(borrow)] pub(crate) Cow<'a, str>);

/// A mark, which is there: it lasts five minutes unless it says otherwise.
pub(crate) fn mark(raw: &RawValue) -> CacheMark {
    #[derive(Deserialize)]
    struct Wire<'a> {
        #[serde(borrow)]
        ttl: Option<Text<'a>>,
    }
    let ttl = serde_json::from_str::<Wire<'_>>(raw.get()).ok().and_then(|mark| mark.ttl);
    if ttl.is_some_and(|Text(ttl)| ttl == "1h") {
        CacheMark::OneHour
    } else {
        CacheMark::FiveMinutes
    }
}
