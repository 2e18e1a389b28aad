//! Where something stands in an answer, and the pieces that are added to it.

use bytes::BytesMut;

use super::super::item::Escaped;
use super::super::wire::{Events, put};
use crate::json::{write_escaped, write_u64};

/// Adds a piece of text to what there is, and says so.
pub(super) fn append(
    events: &mut Events,
    prefix: &[u8],
    (so_far, text): (&mut Escaped, &str),
    tail: &str,
    out: &mut BytesMut,
) {
    if !events.streams() {
        write_escaped(so_far, text);
        return;
    }
    out.extend_from_slice(prefix);
    events.write_number(out);
    out.extend_from_slice(b",\"delta\":\"");
    let start = out.len();
    write_escaped(out, text);
    so_far.extend_from_slice(out.get(start..).unwrap_or_default());
    put(out, &["\"", tail, "}\n\n"]);
}

/// Everything of a delta up to its number.
pub(super) fn prefix(name: &str, id: &str, index: usize, place: Option<(&str, usize)>) -> BytesMut {
    let mut prefix = BytesMut::with_capacity(192);
    put(&mut prefix, &["event: ", name, "\ndata: {\"type\":\"", name, "\""]);
    write_place(&mut prefix, id, index, place);
    put(&mut prefix, &[",\"sequence_number\":"]);
    prefix
}

/// `,"item_id":…,"output_index":…`, and the index of the part.
pub(super) fn write_place(
    out: &mut BytesMut,
    id: &str,
    index: usize,
    place: Option<(&str, usize)>,
) {
    put(out, &[",\"item_id\":\"", id, "\""]);
    write_member(out, "output_index", index);
    if let Some((name, number)) = place {
        write_member(out, name, number);
    }
}

pub(in super::super) fn write_member(out: &mut BytesMut, name: &str, number: usize) {
    put(out, &[",\"", name, "\":"]);
    write_u64(out, u64::try_from(number).unwrap_or(u64::MAX));
}

pub(super) fn write_escaped_member(out: &mut BytesMut, name: &str, text: &Escaped) {
    put(out, &[",\"", name, "\":\""]);
    out.extend_from_slice(text);
    out.extend_from_slice(b"\"");
}
