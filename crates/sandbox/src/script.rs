//! An answer as bytes and the moments at which they are sent.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::answer::{Answer, Piece};
use crate::dialects::{Dialect, Framing};
use crate::fault::{Fault, Flush};
use crate::profile::Profile;

/// One write.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    pub(crate) bytes: Bytes,
    pub(crate) wait: Wait,
}

/// What comes before a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    /// Nothing: it may travel with the one before.
    None,
    /// What was written before has left.
    Flush,
    For(Duration),
}

/// How a body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Close,
    /// The connection breaks.
    Abort,
    /// It does not end.
    Hang,
}

/// A whole streamed body.
#[derive(Debug, Clone)]
pub(crate) struct Script {
    pub(crate) frames: Arc<[Frame]>,
    pub(crate) end: End,
}

/// Writes the parts of a stream in one dialect.
///
/// What begins or ends a block, an item or a part is written with the piece that makes it
/// necessary, so that every piece is one write and "after n chunks" means the same everywhere.
pub(crate) trait Renderer {
    fn opening(&mut self, out: &mut Vec<u8>);
    fn piece(&mut self, choice: usize, piece: &Piece, out: &mut Vec<u8>);
    fn ending(&mut self, out: &mut Vec<u8>);
}

/// A stream at the pace of an endpoint; choices take turns.
pub(crate) fn paced(renderer: &mut dyn Renderer, answer: &Answer, pace: &Profile) -> Script {
    let mut frames = Vec::with_capacity(answer.usage.completion + 4);
    let mut opening = Vec::new();
    renderer.opening(&mut opening);
    frames.push(Frame { bytes: opening.into(), wait: wait(pace.first_token) });
    for (choice, piece) in in_turns(answer) {
        let mut bytes = Vec::with_capacity(256);
        renderer.piece(choice, piece, &mut bytes);
        let wait = if choice == 0 { wait(pace.per_token) } else { Wait::None };
        if !bytes.is_empty() {
            frames.push(Frame { bytes: bytes.into(), wait });
        }
    }
    let mut tail = Vec::new();
    renderer.ending(&mut tail);
    frames.push(Frame { bytes: tail.into(), wait: Wait::Flush });
    Script { frames: frames.into(), end: End::Close }
}

/// A stream without waits, for measuring others. It opens together with its first piece.
pub(crate) fn fast(renderer: &mut dyn Renderer, answer: &Answer, flush: Flush) -> Script {
    let wait = match flush {
        Flush::Each => Wait::Flush,
        Flush::Together => Wait::None,
    };
    let mut bytes = Vec::with_capacity(256);
    renderer.opening(&mut bytes);
    let mut frames = Vec::with_capacity(answer.usage.completion + 1);
    for (choice, piece) in in_turns(answer) {
        renderer.piece(choice, piece, &mut bytes);
        frames.push(Frame { bytes: std::mem::take(&mut bytes).into(), wait });
    }
    renderer.ending(&mut bytes);
    frames.push(Frame { bytes: bytes.into(), wait });
    Script { frames: frames.into(), end: End::Close }
}

fn in_turns(answer: &Answer) -> impl Iterator<Item = (usize, &Piece)> {
    let longest = answer.choices.iter().map(|choice| choice.pieces.len()).max().unwrap_or(0);
    (0..longest).flat_map(move |position| {
        let choices = answer.choices.iter().enumerate();
        choices.filter_map(move |(index, choice)| Some((index, choice.pieces.get(position)?)))
    })
}

/// Breaks a stream as asked.
pub(crate) fn broken(
    script: Script,
    fault: Fault,
    dialect: &dyn Dialect,
    framing: Framing,
) -> Script {
    // The first frame only opens.
    let content = |count: usize| count.saturating_add(1).min(script.frames.len());
    let frames_of = |count: usize| script.frames.get(..content(count)).unwrap_or_default().to_vec();
    let with = |mut frames: Vec<Frame>, bytes: Vec<u8>| {
        frames.push(Frame { bytes: bytes.into(), wait: Wait::Flush });
        Script { frames: frames.into(), end: End::Close }
    };
    match fault {
        Fault::HangAfter(count) => Script { frames: frames_of(count).into(), end: End::Hang },
        Fault::TruncateAfter(count) => Script { frames: frames_of(count).into(), end: End::Close },
        Fault::AbortAfter(count) => Script { frames: frames_of(count).into(), end: End::Abort },
        Fault::MalformedAfter(0) => with(Vec::new(), dialect.malformed(true)),
        Fault::MalformedAfter(count) => with(frames_of(count), dialect.malformed(false)),
        Fault::ErrorAfter(count) => with(frames_of(count), dialect.stream_error(framing)),
        Fault::Status { .. }
        | Fault::Context
        | Fault::Blocked
        | Fault::Refuse
        | Fault::Hang
        | Fault::ErrorBody
        | Fault::Empty
        | Fault::NoUsage
        | Fault::SlowFirst(_) => script,
    }
}

const fn wait(duration: Duration) -> Wait {
    if duration.is_zero() { Wait::Flush } else { Wait::For(duration) }
}
