//! A synchronous step in the response stream; the same shape as a decoder.

use protocol::chat::event::ChatEvent;

pub trait Stage: Send {
    fn push(&mut self, event: ChatEvent, out: &mut Vec<ChatEvent>);

    /// The stream has ended: emits what is owed.
    fn finish(&mut self, _out: &mut Vec<ChatEvent>) {}
}
