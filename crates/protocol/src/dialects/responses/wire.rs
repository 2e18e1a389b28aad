//! Typed events on the wire: `event:` and `data:` lines, numbered in order.

use bytes::BytesMut;
use serde_json::value::RawValue;

use crate::json::write_u64;

/// Numbers the events of one stream and writes them; writes nothing for an answer in one piece.
#[derive(Debug)]
pub(super) struct Events {
    streams: bool,
    sequence: u64,
}

impl Events {
    pub(super) const fn new(streams: bool) -> Self {
        Self { streams, sequence: 0 }
    }

    pub(super) const fn streams(&self) -> bool {
        self.streams
    }

    /// Writes one event. `members` writes what follows `type` and `sequence_number`, each member
    /// with its comma before it.
    pub(super) fn write(
        &mut self,
        out: &mut BytesMut,
        name: &str,
        members: impl FnOnce(&mut BytesMut),
    ) {
        if !self.streams {
            return;
        }
        put(out, &["event: ", name, "\ndata: {\"type\":\"", name, "\",\"sequence_number\":"]);
        self.write_number(out);
        members(out);
        out.extend_from_slice(b"}\n\n");
    }

    /// The number of the next event, for those that are written from a prepared prefix.
    pub(super) fn write_number(&mut self, out: &mut BytesMut) {
        write_u64(out, self.sequence);
        self.sequence = self.sequence.saturating_add(1);
    }
}

pub(super) fn put(out: &mut BytesMut, texts: &[&str]) {
    for text in texts {
        out.extend_from_slice(text.as_bytes());
    }
}

/// Writes JSON as it came, without the line ends between its tokens: a line end would cut a
/// `data:` line. Inside of strings there are none.
pub(super) fn write_raw(out: &mut BytesMut, raw: &RawValue) {
    write_json(out, raw.get());
}

pub(super) fn write_json(out: &mut BytesMut, json: &str) {
    let mut rest = json.as_bytes();
    while let Some(end) = memchr::memchr2(b'\n', b'\r', rest) {
        let (line, tail) = rest.split_at(end);
        out.extend_from_slice(line);
        rest = tail.get(1..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
}

/// Writes values with commas between them.
pub(super) fn write_list<T>(
    out: &mut BytesMut,
    items: impl IntoIterator<Item = T>,
    mut write: impl FnMut(&mut BytesMut, T),
) {
    out.extend_from_slice(b"[");
    for (position, item) in items.into_iter().enumerate() {
        if position > 0 {
            out.extend_from_slice(b",");
        }
        write(out, item);
    }
    out.extend_from_slice(b"]");
}
