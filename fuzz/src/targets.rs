//! Functions that must neither panic nor use memory without bound, whatever bytes they are given.
//!
//! An input begins with a line that says what is to be tried (an adapter or a dialect), so that
//! seeds can be read, and stay what they are when another adapter is added.

use std::sync::Arc;

use bytes::BytesMut;
use domain::catalog::{
    Auth, Cancellation, DataPolicy, Endpoint, PARAMETERS, Provider, Quirks, Serving,
};
use domain::money::Usd;
use domain::pricing::PriceSheet;
use domain::usage::Usage;
use protocol::chat::event::ChatEvent;
use protocol::dialects::{Envelope, Summary};
use protocol::error::{ErrorType, PublicError};
use protocol::sse::{Reader, SseError};
use providers::ADAPTERS;
use providers::adapter::{Decoder, Target};
use providers::error::DecodeError;

use super::dialects::{DIALECTS, Dialect};

/// The reader of server-sent events: cuts change nothing, and no event is larger than allowed.
pub fn sse(input: &[u8]) {
    const EVENT_BYTES_MAX: usize = 256;
    let read = |pieces: &[&[u8]]| {
        let mut reader = Reader::new(EVENT_BYTES_MAX);
        let mut events: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
        let mut keep = |event: protocol::sse::Event<'_>| {
            assert!(event.data.len() <= EVENT_BYTES_MAX, "an event is too large");
            events.push((event.name.to_vec(), event.data.to_vec()));
            Ok::<(), SseError>(())
        };
        let outcome = pieces
            .iter()
            .try_for_each(|piece| reader.push(piece, &mut keep))
            .and_then(|()| reader.finish(&mut keep));
        (events, outcome)
    };
    let whole = read(&[input]);
    let (left, right) = input.split_at(input.len() / 2);
    assert_eq!(read(&[left, right]), whole, "a cut changes the events");
}

/// Decoders of providers' answers: cuts change nothing, and whatever comes out can be written in
/// every dialect.
pub fn decoder(input: &[u8]) {
    let (word, body) = head(input);
    let Some(adapter) = choose(ADAPTERS, word, |adapter| adapter.slug()) else { return };
    let whole = decoded(adapter.decoder(), &[body]);
    for cut in [1, body.len() / 3, body.len() / 2, body.len().saturating_sub(1)] {
        let (left, right) = body.split_at(cut.min(body.len()));
        let cut = decoded(adapter.decoder(), &[left, right]);
        assert_eq!(cut.text(), whole.text(), "{} depends on cuts", adapter.slug());
    }
    for dialect in DIALECTS {
        write(dialect, false, &whole);
        if dialect.streams {
            write(dialect, true, &whole);
        }
    }
    // What comes with a failed status is read too.
    let status = http_status(body);
    adapter.classify(status, &http::HeaderMap::new(), body);
}

/// Readers of callers' requests: whatever is taken can be written for every provider.
pub fn inbound(input: &[u8]) {
    let (word, body) = head(input);
    let Some(dialect) = choose(DIALECTS, word, |dialect| dialect.name) else { return };
    let Some(request) = (dialect.decode)(body) else { return };
    for adapter in ADAPTERS {
        let endpoint = endpoint(adapter.slug());
        let target = Target { endpoint: &endpoint, base_url: "https://provider.invalid/v1" };
        let Ok(encoded) = adapter.encode(&request, &target) else { continue };
        let sent = encoded.request.body();
        let is_json = serde_json::from_slice::<&serde_json::value::RawValue>(sent).is_ok();
        assert!(is_json, "{} writes what is not JSON", adapter.slug());
    }
}

/// The first line, and the rest.
fn head(input: &[u8]) -> (&[u8], &[u8]) {
    let end = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
    let (word, rest) = input.split_at(end);
    (word, rest.get(1..).unwrap_or_default())
}

/// What is called so, or what a word that nothing is called by falls on.
fn choose<'a, T>(all: &'a [T], word: &[u8], name: impl Fn(&T) -> &str) -> Option<&'a T> {
    all.iter().find(|one| name(one).as_bytes() == word).or_else(|| {
        let sum: usize = word.iter().map(|byte| usize::from(*byte)).sum();
        all.get(sum.checked_rem(all.len())?)
    })
}

struct Decoded {
    events: Vec<ChatEvent>,
    outcome: Result<(), DecodeError>,
}

impl Decoded {
    fn text(&self) -> String {
        format!("{:?}\n{:?}", self.events, self.outcome)
    }
}

fn decoded(mut decoder: Box<dyn Decoder>, pieces: &[&[u8]]) -> Decoded {
    let mut events = Vec::new();
    let outcome = pieces
        .iter()
        .try_for_each(|piece| decoder.push(piece, &mut events))
        .and_then(|()| decoder.finish(&mut events));
    Decoded { events, outcome }
}

fn write(dialect: &Dialect, stream: bool, decoded: &Decoded) {
    let envelope = Envelope {
        id: "gen-0".to_owned(),
        created: 0,
        model: "a/b".to_owned(),
        provider: "Acme".to_owned(),
    };
    let summary = Summary {
        usage: Usage::default(),
        cost: Usd::ZERO,
        upstream_prompt_cost: Usd::ZERO,
        upstream_completion_cost: Usd::ZERO,
        metadata: None,
    };
    let mut encoder = (dialect.encoder)()(envelope, stream);
    let mut out = BytesMut::new();
    for event in &decoded.events {
        encoder.push(event, &mut out);
    }
    if decoded.outcome.is_ok() {
        encoder.finish(&summary, &mut out);
    } else {
        let error = PublicError::new(ErrorType::ProviderUnavailable, "it broke off");
        encoder.fail(&error, &summary, &mut out);
    }
    if !stream {
        let is_json = serde_json::from_slice::<&serde_json::value::RawValue>(&out).is_ok();
        assert!(is_json, "{} writes what is not JSON: {out:?}", dialect.name);
    }
}

fn http_status(body: &[u8]) -> http::StatusCode {
    let codes = [400, 401, 402, 403, 404, 413, 429, 500, 503, 529];
    let code = codes.get(body.len() % codes.len()).copied().unwrap_or(500);
    http::StatusCode::from_u16(code).unwrap_or(http::StatusCode::BAD_GATEWAY)
}

/// One that takes every parameter.
fn endpoint(dialect: &str) -> Endpoint {
    let provider = Provider {
        slug: "acme".into(),
        name: "Acme".into(),
        dialect: dialect.into(),
        base_url: "https://provider.invalid/v1".into(),
        auth: Auth::None,
        credential_env: None,
        quirks: Quirks::default(),
        data_policy: DataPolicy::default(),
        cancellation: Cancellation::Stops,
        regions: Vec::new(),
        headquarters: None,
        datacenters: Vec::new(),
        terms_url: None,
        privacy_url: None,
        status_url: None,
        serving: Serving::Live,
    };
    Endpoint {
        id: "a/b@acme".into(),
        model: "a/b".parse().expect("a slug"),
        provider: Arc::new(provider),
        tag: "acme".into(),
        upstream_model: "b-large".into(),
        context_length: 8_192,
        max_prompt_tokens: None,
        max_completion_tokens: None,
        quantization: None,
        supported_parameters: PARAMETERS.iter().map(|name| (*name).to_owned()).collect(),
        prices: PriceSheet::default(),
        regions: Vec::new(),
        hidden: false,
        quirks: Quirks::default(),
    }
}
