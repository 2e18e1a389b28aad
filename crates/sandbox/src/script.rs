//! An answer as bytes and the moments at which they are sent.

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::answer::{Answer, Choice, Piece};
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

/// When an answer was made. The sandbox has no clock: its answers are the same every day.
const CREATED: u64 = 1_767_225_600;

pub(crate) const DONE: &[u8] = b"data: [DONE]\n\n";

/// What stands in every chunk.
struct Head<'a> {
    id: &'a str,
    model: &'a str,
}

/// Writes an answer as a stream of chunks; choices take turns.
pub(crate) fn stream(
    answer: &Answer,
    model: &str,
    id: &str,
    with_usage: bool,
    pace: &Profile,
) -> Script {
    let head = Head { id, model };
    let mut frames = Vec::with_capacity(answer.completion_tokens() + 4);
    let mut roles = Vec::new();
    for index in 0..answer.choices.len() {
        chunk(&mut roles, &head, index, "{\"role\":\"assistant\",\"content\":\"\"}", None);
    }
    frames.push(Frame { bytes: roles.into(), wait: wait(pace.first_token) });
    let longest = answer.choices.iter().map(|choice| choice.pieces.len()).max().unwrap_or(0);
    for position in 0..longest {
        for (index, choice) in answer.choices.iter().enumerate() {
            if let Some(piece) = choice.pieces.get(position) {
                let mut bytes = Vec::with_capacity(256);
                chunk(&mut bytes, &head, index, &delta(piece), None);
                let wait = if index == 0 { wait(pace.per_token) } else { Wait::None };
                frames.push(Frame { bytes: bytes.into(), wait });
            }
        }
    }
    let mut tail = Vec::new();
    for (index, choice) in answer.choices.iter().enumerate() {
        chunk(&mut tail, &head, index, "{}", Some(choice.finish_reason));
    }
    if with_usage {
        write_head(&mut tail, &head);
        push(&mut tail, b"\"choices\":[],\"usage\":");
        push(&mut tail, usage(answer).as_bytes());
        push(&mut tail, b"}\n\n");
    }
    push(&mut tail, DONE);
    frames.push(Frame { bytes: tail.into(), wait: Wait::Flush });
    Script { frames: frames.into(), end: End::Close }
}

/// A stream of exactly so many chunks, for measuring others.
pub(crate) fn fast(chunks: usize, model: &str, flush: Flush) -> Script {
    let wait = match flush {
        Flush::Each => Wait::Flush,
        Flush::Together => Wait::None,
    };
    let answer = fast_answer(chunks);
    let head = Head { id: "chatcmpl-fast", model };
    let mut frames: Vec<Frame> = answer
        .choices
        .iter()
        .flat_map(|choice| &choice.pieces)
        .map(|piece| {
            let mut bytes = Vec::with_capacity(256);
            chunk(&mut bytes, &head, 0, &delta(piece), None);
            Frame { bytes: bytes.into(), wait }
        })
        .collect();
    let mut tail = Vec::new();
    chunk(&mut tail, &head, 0, "{}", Some("stop"));
    write_head(&mut tail, &head);
    push(&mut tail, b"\"choices\":[],\"usage\":");
    push(&mut tail, usage(&answer).as_bytes());
    push(&mut tail, b"}\n\n");
    push(&mut tail, DONE);
    frames.push(Frame { bytes: tail.into(), wait });
    Script { frames: frames.into(), end: End::Close }
}

/// The answer that the benchmark models give.
pub(crate) fn fast_answer(chunks: usize) -> Answer {
    const WORDS: [&str; 8] = [" ships", " come", " and", " go", " with", " the", " tide", " again"];
    let pieces =
        WORDS.iter().cycle().take(chunks).map(|word| Piece::Content((*word).to_owned())).collect();
    Answer {
        choices: vec![Choice { pieces, finish_reason: "stop" }],
        prompt_tokens: 16,
        cached_tokens: 0,
    }
}

/// Breaks a stream as asked.
pub(crate) fn broken(script: Script, fault: Fault) -> Script {
    // The first frame only names the role.
    let content = |count: usize| count.saturating_add(1).min(script.frames.len());
    let frames_of = |count: usize| script.frames.get(..content(count)).unwrap_or_default().to_vec();
    let with = |count: usize, bytes: &'static [u8]| {
        let mut frames = frames_of(count);
        frames.push(Frame { bytes: Bytes::from_static(bytes), wait: Wait::Flush });
        Script { frames: frames.into(), end: End::Close }
    };
    match fault {
        Fault::HangAfter(count) => Script { frames: frames_of(count).into(), end: End::Hang },
        Fault::TruncateAfter(count) => Script { frames: frames_of(count).into(), end: End::Close },
        Fault::AbortAfter(count) => Script { frames: frames_of(count).into(), end: End::Abort },
        Fault::MalformedAfter(0) => {
            let bytes = Bytes::from_static(b"data: {\"id\":\"chatcmpl-\n\n");
            Script { frames: [Frame { bytes, wait: Wait::Flush }].into(), end: End::Close }
        }
        Fault::MalformedAfter(count) => with(count, b"data: {\"choices\":[{\"delta\":{\"con\n\n"),
        Fault::ErrorAfter(count) => with(
            count,
            b"data: {\"error\":{\"message\":\"the sandbox was asked to fail here\",\
              \"type\":\"server_error\",\"code\":500}}\n\n",
        ),
        Fault::Status { .. }
        | Fault::Context
        | Fault::Refuse
        | Fault::Hang
        | Fault::ErrorBody
        | Fault::Empty
        | Fault::NoUsage
        | Fault::SlowFirst(_) => script,
    }
}

/// Writes an answer as one document.
pub(crate) fn document(answer: &Answer, model: &str, id: &str, with_usage: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(1024);
    push(&mut out, b"{\"id\":");
    string(&mut out, id);
    let _ = write!(out, ",\"object\":\"chat.completion\",\"created\":{CREATED},\"model\":");
    string(&mut out, model);
    push(&mut out, b",\"choices\":[");
    for (index, choice) in answer.choices.iter().enumerate() {
        if index > 0 {
            push(&mut out, b",");
        }
        let _ = write!(out, "{{\"index\":{index},\"message\":");
        message(&mut out, choice);
        push(&mut out, b",\"logprobs\":null,\"finish_reason\":");
        string(&mut out, choice.finish_reason);
        push(&mut out, b"}");
    }
    push(&mut out, b"]");
    if with_usage {
        push(&mut out, b",\"usage\":");
        push(&mut out, usage(answer).as_bytes());
    }
    push(&mut out, b"}");
    out
}

fn message(out: &mut Vec<u8>, choice: &Choice) {
    let mut content = String::new();
    let mut reasoning = String::new();
    let mut arguments = String::new();
    let mut call = None;
    for piece in &choice.pieces {
        match piece {
            Piece::Content(text) => content.push_str(text),
            Piece::Reasoning(text) => reasoning.push_str(text),
            Piece::Arguments(text) => arguments.push_str(text),
            Piece::Call { id, name } => call = Some((id, name)),
        }
    }
    push(out, b"{\"role\":\"assistant\",\"content\":");
    if call.is_some() && content.is_empty() {
        push(out, b"null");
    } else {
        string(out, &content);
    }
    if !reasoning.is_empty() {
        push(out, b",\"reasoning_content\":");
        string(out, &reasoning);
    }
    if let Some((id, name)) = call {
        push(out, b",\"tool_calls\":[{\"id\":");
        string(out, id);
        push(out, b",\"type\":\"function\",\"function\":{\"name\":");
        string(out, name);
        push(out, b",\"arguments\":");
        string(out, &arguments);
        push(out, b"}}]");
    }
    push(out, b"}");
}

fn delta(piece: &Piece) -> String {
    let mut out = Vec::with_capacity(64);
    match piece {
        Piece::Content(text) => {
            push(&mut out, b"{\"content\":");
            string(&mut out, text);
        }
        Piece::Reasoning(text) => {
            push(&mut out, b"{\"reasoning_content\":");
            string(&mut out, text);
        }
        Piece::Call { id, name } => {
            push(&mut out, b"{\"tool_calls\":[{\"index\":0,\"id\":");
            string(&mut out, id);
            push(&mut out, b",\"type\":\"function\",\"function\":{\"name\":");
            string(&mut out, name);
            push(&mut out, b",\"arguments\":\"\"}}]");
        }
        Piece::Arguments(part) => {
            push(&mut out, b"{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":");
            string(&mut out, part);
            push(&mut out, b"}}]");
        }
    }
    push(&mut out, b"}");
    String::from_utf8(out).unwrap_or_default()
}

fn usage(answer: &Answer) -> String {
    let (prompt, completion) = (answer.prompt_tokens, answer.completion_tokens());
    format!(
        "{{\"prompt_tokens\":{prompt},\"completion_tokens\":{completion},\"total_tokens\":{},\
         \"prompt_tokens_details\":{{\"cached_tokens\":{},\"audio_tokens\":0}},\
         \"completion_tokens_details\":{{\"reasoning_tokens\":{},\"audio_tokens\":0}}}}",
        prompt + completion,
        answer.cached_tokens,
        answer.reasoning_tokens(),
    )
}

fn chunk(out: &mut Vec<u8>, head: &Head<'_>, index: usize, delta: &str, finish: Option<&str>) {
    write_head(out, head);
    let _ = write!(out, "\"choices\":[{{\"index\":{index},\"delta\":{delta},\"logprobs\":null,");
    match finish {
        Some(reason) => drop(write!(out, "\"finish_reason\":\"{reason}\"}}]}}\n\n")),
        None => push(out, b"\"finish_reason\":null}]}\n\n"),
    }
}

fn write_head(out: &mut Vec<u8>, head: &Head<'_>) {
    push(out, b"data: {\"id\":");
    string(out, head.id);
    let _ = write!(out, ",\"object\":\"chat.completion.chunk\",\"created\":{CREATED},\"model\":");
    string(out, head.model);
    push(out, b",\"system_fingerprint\":\"fp_sandbox\",");
}

fn push(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(bytes);
}

/// Writing to a vector cannot fail, and neither can writing text as JSON.
fn string(out: &mut Vec<u8>, text: &str) {
    let _ = serde_json::to_writer(out, text);
}

const fn wait(duration: Duration) -> Wait {
    if duration.is_zero() { Wait::Flush } else { Wait::For(duration) }
}
