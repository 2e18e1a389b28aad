//! The items of an answer, and the events that tell how they grow.
//!
//! One message or one reasoning item is open at a time; calls stay open to the end, because some
//! providers write several at once. An answer in one piece goes the same way without events, so
//! what a stream adds up to is what it says.

use bytes::BytesMut;
use serde_json::value::RawValue;

use super::item::{Escaped, FunctionCall, Image, Item, Message, Part, Status};
use super::wire::{Events, write_list, write_raw};
use crate::chat::event::ToolCallDelta;
use crate::json::write_string;
use place::{append, prefix, write_escaped_member, write_place};

mod place;
mod thought;

pub(super) use place::write_member;
pub(super) use thought::Mark;

#[derive(Debug)]
pub(super) struct Output {
    pub(super) events: Events,
    /// What the ids of items are made from.
    stem: String,
    pub(super) items: Vec<Item>,
    /// Of the message or the reasoning that is being written.
    open: Option<Open>,
    calls: Vec<OpenCall>,
    /// Reasoning that waits for its details, which say to which item and part it belongs.
    held: String,
    holds: bool,
    /// Upstream's places of items that only this dialect knows, and ours.
    pub(super) natives: Vec<super::native::Place>,
    /// Those of them that were announced and are not done.
    pub(super) open_natives: Vec<usize>,
}

#[derive(Debug)]
struct Open {
    index: usize,
    /// Everything of a delta up to its number: the same for all of one part.
    prefix: BytesMut,
}

#[derive(Debug)]
struct OpenCall {
    /// The upstream's.
    call: u32,
    index: usize,
    prefix: BytesMut,
}

/// Which part of a message text goes to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Voice {
    Text,
    Refusal,
}

impl Output {
    /// `id` is the answer's own.
    pub(super) fn new(id: &str, streams: bool) -> Self {
        let stem: String = id.chars().filter(char::is_ascii_alphanumeric).collect();
        Self {
            events: Events::new(streams),
            stem,
            items: Vec::new(),
            open: None,
            calls: Vec::new(),
            held: String::new(),
            holds: false,
            natives: Vec::new(),
            open_natives: Vec::new(),
        }
    }

    pub(super) fn text(&mut self, text: &str, out: &mut BytesMut) {
        self.say(Voice::Text, text, out);
    }

    pub(super) fn refusal(&mut self, text: &str, out: &mut BytesMut) {
        self.say(Voice::Refusal, text, out);
    }

    fn say(&mut self, voice: Voice, text: &str, out: &mut BytesMut) {
        self.release(out);
        self.open_part(voice, out);
        let Some(Open { index, prefix }) = &self.open else { return };
        let Some(Item::Message(message)) = self.items.get_mut(*index) else { return };
        let (so_far, tail) = match message.parts.last_mut() {
            Some(Part::Text { text, .. }) => (text, ",\"logprobs\":[]"),
            Some(Part::Refusal(text)) => (text, ""),
            None => return,
        };
        append(&mut self.events, prefix, (so_far, text), tail, out);
    }

    pub(super) fn call(&mut self, part: &ToolCallDelta, out: &mut BytesMut) {
        self.release(out);
        if !self.calls.iter().any(|open| open.call == part.index) {
            self.open_call(part, out);
        }
        let Some(open) = self.calls.iter().find(|open| open.call == part.index) else { return };
        let Some(Item::Call(call)) = self.items.get_mut(open.index) else { return };
        if !part.arguments.is_empty() {
            let so_far = &mut call.arguments;
            append(&mut self.events, &open.prefix, (so_far, &part.arguments), "", out);
        }
    }

    fn open_call(&mut self, part: &ToolCallDelta, out: &mut BytesMut) {
        const NAME: &str = "response.function_call_arguments.delta";
        self.close(Status::Completed, out);
        let index = self.items.len();
        let id = self.item_id("fc", index);
        let call_id = part.id.clone().filter(|id| !id.is_empty());
        let call = FunctionCall {
            call_id: call_id.unwrap_or_else(|| self.item_id("call", index)),
            name: part.name.clone().unwrap_or_default(),
            arguments: Escaped::new(),
            status: Status::InProgress,
            id,
        };
        let prefix = prefix(NAME, &call.id, index, None);
        self.add(Item::Call(call), out);
        self.calls.push(OpenCall { call: part.index, index, prefix });
    }

    /// A source that the text rests on.
    pub(super) fn annotate(&mut self, annotation: Box<RawValue>, out: &mut BytesMut) {
        self.release(out);
        self.open_part(Voice::Text, out);
        let Some(Open { index, .. }) = &self.open else { return };
        let Some(Item::Message(message)) = self.items.get_mut(*index) else { return };
        let content_index = message.parts.len().saturating_sub(1);
        let Some(Part::Text { annotations, .. }) = message.parts.last_mut() else { return };
        self.events.write(out, "response.output_text.annotation.added", |out| {
            write_place(out, &message.id, *index, Some(("content_index", content_index)));
            write_member(out, "annotation_index", annotations.len());
            out.extend_from_slice(b",\"annotation\":");
            write_raw(out, &annotation);
        });
        annotations.push(annotation);
    }

    /// How likely the tokens of the text were.
    pub(super) fn logprobs(&mut self, items: Vec<Box<RawValue>>, out: &mut BytesMut) {
        self.release(out);
        self.open_part(Voice::Text, out);
        let Some(Open { index, prefix }) = &self.open else { return };
        let Some(Item::Message(message)) = self.items.get_mut(*index) else { return };
        let Some(Part::Text { logprobs, .. }) = message.parts.last_mut() else { return };
        if self.events.streams() {
            out.extend_from_slice(prefix);
            self.events.write_number(out);
            out.extend_from_slice(b",\"delta\":\"\",\"logprobs\":");
            write_list(out, &items, |out, raw| write_raw(out, raw));
            out.extend_from_slice(b"}\n\n");
        }
        logprobs.extend(items);
    }

    pub(super) fn image(&mut self, result: String, format: Option<String>, out: &mut BytesMut) {
        self.release(out);
        self.close(Status::Completed, out);
        let index = self.items.len();
        let image = Image { id: self.item_id("ig", index), result, format };
        let events = &mut self.events;
        events.write(out, "response.output_item.added", |out| {
            write_member(out, "output_index", index);
            out.extend_from_slice(b",\"item\":");
            image.write(out, Status::InProgress);
        });
        for name in [
            "response.image_generation_call.in_progress",
            "response.image_generation_call.generating",
            "response.image_generation_call.completed",
        ] {
            events.write(out, name, |out| write_place(out, &image.id, index, None));
        }
        self.items.push(Item::Image(image));
        self.write_done(index, out);
    }

    /// Ends what is open. The last item bears the status; all before it are complete.
    pub(super) fn end(&mut self, status: Status, out: &mut BytesMut) {
        self.release(out);
        let last = self.items.len().saturating_sub(1);
        let of = |index: usize| if index == last { status } else { Status::Completed };
        if let Some(index) = self.open.as_ref().map(|open| open.index) {
            self.close(of(index), out);
        }
        for OpenCall { index, .. } in std::mem::take(&mut self.calls) {
            self.close_call(index, of(index), out);
        }
        for index in std::mem::take(&mut self.open_natives) {
            self.write_done(index, out);
        }
    }

    fn close_call(&mut self, index: usize, status: Status, out: &mut BytesMut) {
        let Some(Item::Call(call)) = self.items.get_mut(index) else { return };
        if call.arguments.iter().all(u8::is_ascii_whitespace) && status == Status::Completed {
            // A function without arguments is called with none, which is an object too.
            call.arguments = Escaped::from(&b"{}"[..]);
        }
        call.status = status;
        self.events.write(out, "response.function_call_arguments.done", |out| {
            write_place(out, &call.id, index, None);
            out.extend_from_slice(b",\"name\":");
            write_string(out, &call.name);
            out.extend_from_slice(b",\"arguments\":\"");
            out.extend_from_slice(&call.arguments);
            out.extend_from_slice(b"\"");
        });
        self.write_done(index, out);
    }

    /// Ends the message or the reasoning that is open.
    pub(super) fn close(&mut self, status: Status, out: &mut BytesMut) {
        let Some(Open { index, .. }) = self.open.take() else { return };
        self.close_part(index, out);
        match self.items.get_mut(index) {
            Some(Item::Message(message)) => message.status = status,
            Some(Item::Reasoning(reasoning)) => reasoning.seal(),
            _ => {}
        }
        self.write_done(index, out);
    }

    pub(super) fn write_done(&mut self, index: usize, out: &mut BytesMut) {
        let Some(item) = self.items.get(index) else { return };
        self.events.write(out, "response.output_item.done", |out| {
            write_member(out, "output_index", index);
            out.extend_from_slice(b",\"item\":");
            item.write(out);
        });
    }

    /// Begins an item.
    pub(super) fn add(&mut self, item: Item, out: &mut BytesMut) {
        let index = self.items.len();
        self.events.write(out, "response.output_item.added", |out| {
            write_member(out, "output_index", index);
            out.extend_from_slice(b",\"item\":");
            item.write(out);
        });
        self.items.push(item);
    }

    /// Makes sure that text can be added to a part of a message.
    fn open_part(&mut self, voice: Voice, out: &mut BytesMut) {
        let is_message = self
            .open
            .as_ref()
            .is_some_and(|open| matches!(self.items.get(open.index), Some(Item::Message(_))));
        if !is_message {
            self.close(Status::Completed, out);
            let index = self.items.len();
            let id = self.item_id("msg", index);
            let message = Message { id, parts: Vec::new(), status: Status::InProgress };
            self.add(Item::Message(message), out);
            self.open = Some(Open { index, prefix: BytesMut::new() });
        }
        let Some(Open { index, .. }) = self.open else { return };
        let Some(Item::Message(message)) = self.items.get(index) else { return };
        let is_open = match message.parts.last() {
            Some(Part::Text { .. }) => voice == Voice::Text,
            Some(Part::Refusal(_)) => voice == Voice::Refusal,
            None => false,
        };
        if !is_open {
            self.close_part(index, out);
            self.add_part(index, voice, out);
        }
    }

    fn add_part(&mut self, index: usize, voice: Voice, out: &mut BytesMut) {
        let (part, delta) = match voice {
            Voice::Text => (Part::text(), "response.output_text.delta"),
            Voice::Refusal => (Part::Refusal(Escaped::new()), "response.refusal.delta"),
        };
        let Some(Item::Message(message)) = self.items.get_mut(index) else { return };
        let place = Some(("content_index", message.parts.len()));
        self.events.write(out, "response.content_part.added", |out| {
            write_place(out, &message.id, index, place);
            out.extend_from_slice(b",\"part\":");
            part.write(out);
        });
        message.parts.push(part);
        self.open = Some(Open { index, prefix: prefix(delta, &message.id, index, place) });
    }

    /// Says that the last part of an item is done.
    fn close_part(&mut self, index: usize, out: &mut BytesMut) {
        let events = &mut self.events;
        match self.items.get(index) {
            Some(Item::Message(message)) => {
                let Some(part) = message.parts.last() else { return };
                let place = Some(("content_index", message.parts.len() - 1));
                write_part_done(events, part, (&message.id, index, place), out);
            }
            Some(Item::Reasoning(reasoning)) => {
                let Some((_, text)) = reasoning.parts.last() else { return };
                let (text_done, part_done, name) = reasoning.done_events();
                let place = Some((name, reasoning.parts.len() - 1));
                events.write(out, text_done, |out| {
                    write_place(out, &reasoning.id, index, place);
                    write_escaped_member(out, "text", text);
                });
                events.write(out, part_done, |out| {
                    write_place(out, &reasoning.id, index, place);
                    out.extend_from_slice(b",\"part\":");
                    reasoning.write_part(out, text);
                });
            }
            _ => {}
        }
    }

    fn item_id(&self, kind: &str, index: usize) -> String {
        format!("{kind}_{}{index:04}", self.stem)
    }
}

fn write_part_done(
    events: &mut Events,
    part: &Part,
    (id, index, place): (&str, usize, Option<(&str, usize)>),
    out: &mut BytesMut,
) {
    match part {
        Part::Text { text, logprobs, .. } => {
            events.write(out, "response.output_text.done", |out| {
                write_place(out, id, index, place);
                write_escaped_member(out, "text", text);
                out.extend_from_slice(b",\"logprobs\":");
                write_list(out, logprobs, |out, raw| write_raw(out, raw));
            });
        }
        Part::Refusal(text) => events.write(out, "response.refusal.done", |out| {
            write_place(out, id, index, place);
            write_escaped_member(out, "refusal", text);
        }),
    }
    events.write(out, "response.content_part.done", |out| {
        write_place(out, id, index, place);
        out.extend_from_slice(b",\"part\":");
        part.write(out);
    });
}
