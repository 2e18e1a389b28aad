//! The body of a request in the making, written in one pass.

use std::borrow::Cow;
use std::fmt;

use bytes::{BufMut as _, Bytes, BytesMut};
use domain::catalog::Endpoint;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue};
use protocol::chat::request::ChatRequest;
use protocol::json::write_string;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::error::EncodeError;
use crate::quirks::Effective;

/// What callers may not set for a provider by `provider.options`: it is ours, it was paid for, or
/// it holds a bound that was.
const RESERVED: [&str; 22] = [
    "model",
    "messages",
    "input",
    "contents",
    "query",
    "documents",
    "stream",
    "stream_options",
    "store",
    "background",
    "conversation",
    "previous_response_id",
    "cachedContent",
    "n",
    "max_tokens",
    "max_completion_tokens",
    "max_output_tokens",
    "generationConfig",
    "inferenceConfig",
    "service_tier",
    "serviceTier",
    "speed",
];

/// A JSON object in the making. Members that a quirk or the caller sets for this provider alone
/// are left to them.
pub(crate) struct Body<'a> {
    pub(crate) out: BytesMut,
    pub(crate) quirks: Effective<'a>,
    options: Vec<(Cow<'a, str>, &'a RawValue)>,
}

impl<'a> Body<'a> {
    pub(crate) fn new(capacity: usize, request: &'a ChatRequest, endpoint: &'a Endpoint) -> Self {
        let quirks = Effective::of(endpoint);
        let mut options = Vec::new();
        // The entry for the endpoint counts for more than the one for its provider.
        for slug in [&endpoint.tag, &endpoint.provider.slug] {
            let entry = request.provider_options.iter().find(|(known, _)| known == slug);
            for (name, value) in entry.map(|(_, raw)| members(raw)).unwrap_or_default() {
                let is_new = options.iter().all(|(known, _)| *known != name);
                if is_new && !RESERVED.contains(&&*name) && !quirks.sets_body(&name) {
                    options.push((name, value));
                }
            }
        }
        Self { out: BytesMut::with_capacity(capacity), quirks, options }
    }

    /// Whether a member is not ours to write.
    pub(crate) fn is_set(&self, name: &str) -> bool {
        self.quirks.sets_body(name) || self.options.iter().any(|(known, _)| known == name)
    }

    /// Writes up to where the value goes.
    pub(crate) fn begin(&mut self, name: &str) {
        self.out.extend_from_slice(if self.out.is_empty() { b"{" } else { b"," });
        write_string(&mut self.out, name);
        self.out.extend_from_slice(b":");
    }

    pub(crate) fn raw(&mut self, name: &str, json: &str) {
        if !self.is_set(name) {
            self.begin(name);
            self.out.extend_from_slice(json.as_bytes());
        }
    }

    pub(crate) fn text(&mut self, name: &str, text: &str) {
        if !self.is_set(name) {
            self.begin(name);
            write_string(&mut self.out, text);
        }
    }

    /// A member that is serialised straight into the body.
    pub(crate) fn json<T: Serialize + ?Sized>(
        &mut self,
        name: &str,
        value: &T,
    ) -> Result<(), EncodeError> {
        if self.is_set(name) {
            return Ok(());
        }
        self.begin(name);
        serde_json::to_writer((&mut self.out).writer(), value)
            .map_err(|_| EncodeError::Unsupported { parameter: name.to_owned() })
    }

    pub(crate) fn finish(mut self) -> Result<Bytes, EncodeError> {
        for (name, json) in std::mem::take(&mut self.options) {
            self.begin(&name);
            self.out.extend_from_slice(json.get().as_bytes());
        }
        for (name, json) in self.quirks.body() {
            if serde_json::from_str::<&RawValue>(json).is_err() {
                return Err(EncodeError::Quirk(name.to_owned()));
            }
            self.begin(name);
            self.out.extend_from_slice(json.as_bytes());
        }
        self.out.extend_from_slice(b"}");
        Ok(self.out.freeze())
    }
}

/// A `POST` of JSON with the headers that quirks add.
pub(crate) fn post(
    address: String,
    body: Bytes,
    accept: &'static str,
    quirks: Effective<'_>,
) -> Result<http::Request<Bytes>, EncodeError> {
    let mut upstream = http::Request::new(body);
    *upstream.method_mut() = http::Method::POST;
    *upstream.uri_mut() = address.parse().map_err(|_| EncodeError::Address(address))?;
    let headers = upstream.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(ACCEPT, HeaderValue::from_static(accept));
    for (name, value) in quirks.headers() {
        let header = || EncodeError::Header(name.to_owned());
        let value = HeaderValue::from_str(value).map_err(|_| header())?;
        headers.insert(HeaderName::try_from(name).map_err(|_| header())?, value);
    }
    Ok(upstream)
}

/// Text that borrows where it can: a bare `Cow` always copies.
#[derive(Deserialize)]
#[serde(transparent)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor;

        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = Vec<(Cow<'de, str>, &'de RawValue)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some((Name(name), value)) = map.next_entry()? {
                    members.push((name, value));
                }
                Ok(members)
            }
        }

        deserializer.deserialize_map(MembersVisitor).map(Members)
    }
}

/// The members of an object, in order; none for anything else.
pub(crate) fn members(raw: &RawValue) -> Vec<(Cow<'_, str>, &RawValue)> {
    serde_json::from_str::<Members<'_>>(raw.get()).map(|Members(list)| list).unwrap_or_default()
}

/// The elements of a list; none for anything else.
pub(crate) fn elements(raw: &RawValue) -> Vec<&RawValue> {
    serde_json::from_str(raw.get()).unwrap_or_default()
}

/// A text; nothing for anything else.
pub(crate) fn text(raw: &RawValue) -> Option<Cow<'_, str>> {
    serde_json::from_str::<Name<'_>>(raw.get()).ok().map(|Name(text)| text)
}

/// Writes an object with some of its members changed or left out: `change` gets each name and
/// value, and writes the value or says that it is to be left out by returning false.
pub(crate) fn rewrite(
    out: &mut BytesMut,
    raw: &RawValue,
    mut change: impl FnMut(&mut BytesMut, &str, &RawValue) -> bool,
) {
    out.extend_from_slice(b"{");
    let start = out.len();
    for (name, value) in members(raw) {
        let before = out.len();
        if before > start {
            out.extend_from_slice(b",");
        }
        write_string(out, &name);
        out.extend_from_slice(b":");
        if !change(out, &name, value) {
            out.truncate(before);
        }
    }
    out.extend_from_slice(b"}");
}

/// Writes a value as it is, for [`rewrite`].
pub(crate) fn keep(out: &mut BytesMut, value: &RawValue) -> bool {
    out.extend_from_slice(value.get().as_bytes());
    true
}

/// Writes a list of things, separated by commas.
pub(crate) fn write_list<T>(
    out: &mut BytesMut,
    list: impl IntoIterator<Item = T>,
    mut write: impl FnMut(&mut BytesMut, T),
) {
    out.extend_from_slice(b"[");
    for (index, item) in list.into_iter().enumerate() {
        if index > 0 {
            out.extend_from_slice(b",");
        }
        write(out, item);
    }
    out.extend_from_slice(b"]");
}
