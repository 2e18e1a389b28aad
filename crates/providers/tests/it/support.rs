//! What the tests of every dialect need: fixtures, endpoints, and rules that hold for any decoder.

use std::path::PathBuf;
use std::sync::Arc;

use domain::catalog::{
    Auth, Cancellation, DataPolicy, Endpoint, PARAMETERS, Provider, Quirks, Serving,
};
use domain::pricing::PriceSheet;
use protocol::chat::event::ChatEvent;
use providers::adapter::{Adapter, Decoder};
use providers::error::DecodeError;

/// An answer that was recorded or published.
pub(crate) struct Fixture {
    pub(crate) name: String,
    pub(crate) body: Vec<u8>,
}

/// The answers in `fixtures/<dialect>/<name>/`, by name: `stream.sse`, `document.json` or
/// `stream.bin`.
pub(crate) fn answers(dialect: &str) -> Vec<Fixture> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/fixtures").join(dialect);
    let mut fixtures: Vec<Fixture> = std::fs::read_dir(root)
        .unwrap()
        .filter_map(|entry| {
            let folder = entry.unwrap().path();
            let name = folder.file_name().unwrap().to_string_lossy().into_owned();
            let file = ["stream.sse", "document.json", "stream.bin"]
                .into_iter()
                .map(|file| folder.join(file))
                .find(|file| file.exists())?;
            Some(Fixture { name, body: std::fs::read(file).unwrap() })
        })
        .collect();
    fixtures.sort_by(|a, b| a.name.cmp(&b.name));
    assert!(!fixtures.is_empty());
    fixtures
}

/// What a decoder makes of a body that arrives in pieces.
pub(crate) fn events_of<'a>(
    mut decoder: Box<dyn Decoder>,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> (Vec<ChatEvent>, Result<(), DecodeError>) {
    let mut events = Vec::new();
    let outcome = pieces
        .into_iter()
        .try_for_each(|piece| decoder.push(piece, &mut events))
        .and_then(|()| decoder.finish(&mut events));
    (events, outcome)
}

/// The same as text to compare: a line an event, and how it ended.
pub(crate) fn decoded<'a>(
    decoder: Box<dyn Decoder>,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> String {
    let (events, outcome) = events_of(decoder, pieces);
    let mut text: Vec<String> = events.iter().map(|event| format!("{event:?}")).collect();
    text.push(match outcome {
        Ok(()) => "complete".to_owned(),
        Err(DecodeError::Upstream(error)) => format!("{error:#?}"),
        Err(error) => error.to_string(),
    });
    text.join("\n")
}

/// The rules that hold for every decoder and every answer: events do not depend on how bytes are
/// cut, no beginning of an answer passes for a whole one without having ended, and damage is an
/// error at worst.
pub(crate) fn check_decoder(adapter: &dyn Adapter, fixtures: &[Fixture]) {
    for Fixture { name, body } in fixtures {
        let whole = decoded(adapter.decoder(), [&body[..]]);
        for cut in 0..=body.len() {
            let (left, right) = body.split_at(cut);
            assert_eq!(decoded(adapter.decoder(), [left, right]), whole, "{name} cut at {cut}");
        }
        assert_eq!(decoded(adapter.decoder(), body.chunks(1)), whole, "{name} byte by byte");
        for end in 0..body.len() {
            let (events, outcome) = events_of(adapter.decoder(), [&body[..end]]);
            let is_finish = |event: &ChatEvent| matches!(event, ChatEvent::Finished { .. });
            assert!(outcome.is_err() || events.iter().any(is_finish), "{name} ended at {end}");
        }
    }
    check_damage(adapter, fixtures);
}

/// A decoder that is given nonsense gives an error or events, but does not panic.
fn check_damage(adapter: &dyn Adapter, fixtures: &[Fixture]) {
    // A fixed sequence: failures must repeat.
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 33).unwrap()
    };
    for Fixture { body, .. } in fixtures.iter().filter(|fixture| !fixture.body.is_empty()) {
        for _ in 0..400 {
            let mut damaged = body.clone();
            for _ in 0..=next() % 4 {
                let position = next() % damaged.len();
                match next() % 3 {
                    0 => damaged[position] = u8::try_from(next() % 256).unwrap(),
                    1 if damaged.len() > 1 => drop(damaged.remove(position)),
                    _ => damaged.insert(position, b"{}[]\",:0-9e\n"[next() % 12]),
                }
            }
            decoded(adapter.decoder(), [&damaged[..]]);
        }
    }
    let noise: Vec<u8> = (0..4_096).map(|_| u8::try_from(next() % 256).unwrap()).collect();
    decoded(adapter.decoder(), [&noise[..]]);
    decoded(adapter.decoder(), [&b"data: "[..], &b"[".repeat(200_000), b"\n\n"]);
    decoded(adapter.decoder(), [&b"["[..], &b"{\"a\":".repeat(100_000)]);
}

/// An endpoint of the model `a/b`, which takes every parameter.
pub(crate) fn endpoint(dialect: &str, base_url: &str) -> Endpoint {
    let provider = Provider {
        slug: "acme".into(),
        name: "Acme".into(),
        dialect: dialect.into(),
        base_url: base_url.into(),
        auth: Auth::Bearer,
        credential_env: None,
        quirks: Quirks::default(),
        data_policy: DataPolicy::default(),
        cancellation: Cancellation::Stops,
        regions: vec![],
        headquarters: None,
        datacenters: vec![],
        terms_url: None,
        privacy_url: None,
        status_url: None,
        serving: Serving::Live,
    };
    Endpoint {
        id: "a/b@acme".into(),
        model: "a/b".parse().unwrap(),
        provider: Arc::new(provider),
        tag: "acme".into(),
        upstream_model: "b-large".into(),
        context_length: 8_192,
        max_prompt_tokens: None,
        max_completion_tokens: None,
        quantization: None,
        supported_parameters: PARAMETERS.iter().map(|name| (*name).to_owned()).collect(),
        prices: PriceSheet::default(),
        regions: vec![],
        hidden: false,
        quirks: Quirks::default(),
    }
}
