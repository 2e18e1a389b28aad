//! What a chunk costs: nanoseconds and allocations of each decoder and each encoder, for an answer
//! of 64 chunks of text; and what it costs to read a short request of each dialect.
//! `cargo bench -p providers --bench chunks` prints two tables.
//!
//! Time is the best of many batches, because everything that disturbs a measurement makes it
//! longer. Allocations are counted, not sampled; the allocator that counts them is there all the
//! time and adds a little to each.

#![expect(clippy::panic, reason = "a sample that cannot be read is a mistake in this bench")]
#![expect(unreachable_pub, reason = "the list of dialects is a library's to cargo-fuzz")]

#[path = "../../../../fuzz/src/dialects.rs"]
mod dialects;
mod samples;

use std::hint::black_box;
use std::io::Write as _;
use std::time::{Duration, Instant};

use allocation_counter::measure;
use bytes::BytesMut;
use domain::money::Usd;
use domain::usage::Usage;
use protocol::chat::event::ChatEvent;
use protocol::dialects::{Envelope, Summary};
use providers::ADAPTERS;
use providers::adapter::Adapter;

use dialects::{DIALECTS, Dialect};

/// Chunks of text in an answer.
const CHUNKS: u32 = 64;
const BATCHES: u32 = 60;
const ANSWERS_A_BATCH: u32 = 40;

fn main() -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "| | ns a chunk | allocations a chunk | bytes allocated a chunk |")?;
    writeln!(out, "|---|---:|---:|---:|")?;
    for adapter in ADAPTERS {
        let Some(sample) = samples::answer(adapter.slug(), CHUNKS) else {
            writeln!(out, "| decode {} | no sample | | |", adapter.slug())?;
            continue;
        };
        let events = decode(*adapter, &sample);
        assert!(
            events.len() >= CHUNKS as usize,
            "{} makes {} events of its sample",
            adapter.slug(),
            events.len()
        );
        let name = format!("decode {}", adapter.slug());
        row(&mut out, &name, CHUNKS, || decode(*adapter, &sample).len())?;
    }
    let events = samples::events(CHUNKS);
    for dialect in DIALECTS.iter().filter(|dialect| dialect.streams) {
        for (form, stream) in [("stream", true), ("whole", false)] {
            let name = format!("encode {}, {form}", dialect.name);
            row(&mut out, &name, CHUNKS, || encode(dialect, stream, &events))?;
        }
    }
    writeln!(out, "\n| | ns a request | allocations | bytes allocated |")?;
    writeln!(out, "|---|---:|---:|---:|")?;
    for dialect in DIALECTS {
        let body = samples::request(dialect.name)?;
        row(&mut out, &format!("read {}", dialect.name), 1, || {
            usize::from((dialect.decode)(&body).is_some())
        })?;
    }
    Ok(())
}

fn row(
    out: &mut impl std::io::Write,
    name: &str,
    units: u32,
    mut answer: impl FnMut() -> usize,
) -> std::io::Result<()> {
    // Warms up, and shows that something was done.
    assert!(answer() > 0, "{name} did nothing");
    let counted = measure(|| {
        black_box(answer());
    });
    let mut best = Duration::MAX;
    for _ in 0..BATCHES {
        let begun = Instant::now();
        for _ in 0..ANSWERS_A_BATCH {
            black_box(answer());
        }
        best = best.min(begun.elapsed());
    }
    let nanos = best.as_secs_f64() * 1e9 / f64::from(ANSWERS_A_BATCH * units);
    let each = |count: u64| f64::from(u32::try_from(count).unwrap_or(u32::MAX)) / f64::from(units);
    let (count, bytes) = (each(counted.count_total), each(counted.bytes_total));
    writeln!(out, "| {name} | {nanos:.0} | {count:.1} | {bytes:.0} |")
}

/// One answer, each chunk on its own, as providers send them.
fn decode(adapter: &dyn Adapter, sample: &[Vec<u8>]) -> Vec<ChatEvent> {
    let mut decoder = adapter.decoder();
    let mut events = Vec::with_capacity(sample.len() + 8);
    for piece in sample {
        if let Err(error) = decoder.push(piece, &mut events) {
            panic!("{}: {error}", adapter.slug());
        }
    }
    if let Err(error) = decoder.finish(&mut events) {
        panic!("{}: {error}", adapter.slug());
    }
    events
}

/// One answer into a buffer that is emptied after each event, as the gateway does.
fn encode(dialect: &Dialect, stream: bool, events: &[ChatEvent]) -> usize {
    let envelope = Envelope {
        id: "gen-1700000000-abcdefghijklmnopqrst".to_owned(),
        created: 1_700_000_000,
        model: "author/model".to_owned(),
        provider: "Acme".to_owned(),
    };
    let summary = Summary {
        usage: Usage { prompt: 20, completion: 64, ..Usage::default() },
        cost: Usd::from_nanos(1_234),
        upstream_prompt_cost: Usd::from_nanos(234),
        upstream_completion_cost: Usd::from_nanos(1_000),
        metadata: None,
    };
    let mut encoder = (dialect.encoder)()(envelope, stream);
    let mut out = BytesMut::with_capacity(4_096);
    let mut written = 0;
    for event in events {
        encoder.push(event, &mut out);
        written += out.len();
        out.clear();
    }
    encoder.finish(&summary, &mut out);
    written + out.len()
}
