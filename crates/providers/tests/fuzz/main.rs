//! The fuzz targets of `fuzz/` on the stable compiler: every seed, and damaged copies of it, in a
//! fixed sequence. `FUZZ_ROUNDS` says how many copies of each; CONTRIBUTING says how to run
//! cargo-fuzz proper, which looks for inputs by itself.
#![expect(clippy::expect_used, reason = "a test that cannot go on has failed")]
#![expect(unreachable_pub, reason = "the targets are a library's to cargo-fuzz")]

#[path = "../../../../fuzz/src/dialects.rs"]
mod dialects;
#[path = "../../../../fuzz/src/seeds.rs"]
mod seeds;
#[path = "../../../../fuzz/src/targets.rs"]
mod targets;

use std::path::Path;

use allocation_counter::measure;

/// Damaged copies of each seed, unless told otherwise.
const ROUNDS: u64 = 200;
/// What a target may hold at once: a constant, and so much for each byte that it is given. Each
/// input is decoded several times over, and written in every dialect.
const BYTES_AT_ONCE: u64 = 8 * 1024 * 1024;
const BYTES_PER_BYTE: u64 = 600;

#[test]
fn readers_of_event_streams_take_anything() {
    run("sse", targets::sse);
}

#[test]
fn decoders_of_answers_take_anything() {
    run("decoder", targets::decoder);
}

#[test]
fn readers_of_requests_take_anything() {
    run("inbound", targets::inbound);
}

fn run(target: &str, fuzz: fn(&[u8])) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let seeds: Vec<_> =
        seeds::all(&root).into_iter().filter(|seed| seed.target == target).collect();
    assert!(!seeds.is_empty(), "there are no seeds for {target}");
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    for (index, seed) in seeds.iter().enumerate() {
        bounded(fuzz, &seed.bytes, &seed.name);
        for round in 0..rounds() {
            // Now and then the end of another seed, as the fuzzer's own crossing does.
            let other = seeds.get((index + usize_of(round)) % seeds.len());
            let damaged = damage(&seed.bytes, other.map(|seed| &seed.bytes[..]), &mut dice);
            bounded(fuzz, &damaged, &format!("{} damaged, round {round}", seed.name));
        }
    }
}

fn rounds() -> u64 {
    let asked = option_env!("FUZZ_ROUNDS").and_then(|text| text.parse().ok());
    asked.unwrap_or(ROUNDS)
}

/// A panic names the input by itself; memory is looked at here.
fn bounded(fuzz: fn(&[u8]), input: &[u8], name: &str) {
    let used = measure(|| {
        let outcome = std::panic::catch_unwind(|| fuzz(input));
        if outcome.is_err() {
            eprintln_input(name, input);
        }
        outcome.expect("a target does not panic");
    });
    let allowed = BYTES_AT_ONCE + BYTES_PER_BYTE * input.len() as u64;
    let held = used.bytes_max;
    assert!(held <= allowed, "{name}: {held} bytes for an input of {}", input.len());
}

/// What is needed to see it again.
#[expect(clippy::print_stderr, reason = "a failed test tells what it was given")]
fn eprintln_input(name: &str, input: &[u8]) {
    eprintln!("{name}: {}", input.escape_ascii());
}

/// Bytes changed, removed, inserted, repeated or taken from elsewhere; JSON's own bytes most.
fn damage(seed: &[u8], other: Option<&[u8]>, dice: &mut Dice) -> Vec<u8> {
    const WORDS: [&[u8]; 12] = [
        b"null",
        b"-1",
        b"1e999",
        b"\"\"",
        b"[]",
        b"{}",
        b"\\u0000",
        b"\\ud800",
        b"99999999999999999999",
        b"\n\ndata: ",
        b"\xff",
        b"true",
    ];
    let mut bytes = seed.to_vec();
    // The first line chooses what is tried; it stays.
    let first = bytes.iter().position(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    for _ in 0..=dice.below(5) {
        let room = bytes.len().saturating_sub(first);
        let at = first + dice.below(room + 1);
        let length = dice.below(24).min(bytes.len() - at);
        match dice.below(7) {
            0 if at < bytes.len() => bytes[at] = b"{}[]\",:0-9e\\\n\x00"[dice.below(14)],
            1 if at < bytes.len() => bytes[at] ^= 1 << dice.below(8),
            2 => drop(bytes.drain(at..at + length)),
            3 => {
                let copy = bytes[at..at + length].to_vec();
                bytes.splice(at..at, copy);
            }
            4 => bytes.truncate(at),
            5 => {
                let tail = other.unwrap_or_default();
                let from = dice.below(tail.len() + 1);
                bytes.truncate(at);
                bytes.extend_from_slice(&tail[from..]);
            }
            _ => {
                let word = WORDS[dice.below(WORDS.len())];
                bytes.splice(at..at + length, word.iter().copied());
            }
        }
    }
    bytes
}

/// A fixed sequence (xorshift): failures must repeat.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize_of(self.0 >> 20).checked_rem(end).unwrap_or(0)
    }
}

fn usize_of(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
