//! Server-sent events.

use std::io::Write as _;

use serde_json::Value;

/// An event with a name. Writing to a vector cannot fail.
pub(crate) fn named(out: &mut Vec<u8>, name: &str, data: &Value) {
    let _ = write!(out, "event: {name}\ndata: {data}\n\n");
}
