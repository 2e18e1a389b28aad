//! Messages of the binary event stream.

use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use serde_json::Value;

pub(super) fn event(out: &mut Vec<u8>, name: &'static str, payload: &[u8]) {
    write(out, "event", (":event-type", name), payload);
}

pub(super) fn exception(out: &mut Vec<u8>, name: &'static str, payload: &Value) {
    write(out, "exception", (":exception-type", name), payload.to_string().as_bytes());
}

fn write(
    out: &mut Vec<u8>,
    kind: &'static str,
    name: (&'static str, &'static str),
    payload: &[u8],
) {
    let header = |name, value: &'static str| Header::new(name, HeaderValue::String(value.into()));
    let message = Message::new(payload.to_vec())
        .add_header(header(name.0, name.1))
        .add_header(header(":content-type", "application/json"))
        .add_header(header(":message-type", kind));
    // Only a message of more than 16 MiB cannot be written, and then the stream breaks off, which
    // is what it would do.
    let _ = write_message_to(&message, out);
}
