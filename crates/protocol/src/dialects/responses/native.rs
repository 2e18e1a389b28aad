//! Items that only this dialect knows, on their way from an upstream that speaks it.
//!
//! Their events keep everything but their places: the answer's items are numbered by us.

use bytes::BytesMut;
use serde_json::value::RawValue;

use super::item::{Item, Status};
use super::output::{Output, write_member};
use super::wire::{put, write_json};
use crate::chat::event::Native;
use crate::dialects::Dialect;
use crate::dialects::check::{Members, integer, members, text};

/// The most items in an answer to which one of these is added; what is more is left out.
const ITEMS_MAX: usize = 1_024;

/// Where an item stands.
#[derive(Debug)]
pub(super) struct Place {
    /// Upstream's `output_index`, or its item's id.
    upstream: Name,
    ours: usize,
}

#[derive(Debug, PartialEq, Eq)]
enum Name {
    Index(i64),
    Id(String),
}

impl Output {
    pub(super) fn native(&mut self, native: &Native, out: &mut BytesMut) {
        if native.dialect != Dialect::Responses {
            return;
        }
        let Some(event) = members(&native.data) else { return };
        self.release(out);
        match native.name.as_str() {
            "response.output_item.added" | "response.output_item.done" => {
                let is_done = native.name.ends_with("done");
                // The item itself stands for its event.
                let item = event.find("item").unwrap_or(&native.data);
                self.native_item(&event, item, is_done, out);
            }
            name if is_within_item(name) => {
                let Some(ours) = self.place_of(&event) else { return };
                self.events.write(out, name, |out| {
                    write_member(out, "output_index", ours);
                    write_rest(out, &event);
                });
            }
            // The frame of the answer is ours to write.
            _ => {}
        }
    }

    fn native_item(
        &mut self,
        event: &Members<'_>,
        item: &RawValue,
        is_done: bool,
        out: &mut BytesMut,
    ) {
        let known = self.place_of(event).or_else(|| self.place_of(&members(item)?));
        let ours = match known {
            // It is announced once and done once.
            Some(ours) if !is_done || !self.open_natives.contains(&ours) => return,
            Some(ours) => ours,
            None if self.items.len() < ITEMS_MAX => {
                self.close(Status::Completed, out);
                let ours = self.items.len();
                let within = members(item);
                for upstream in [Some(event), within.as_ref()].into_iter().flatten() {
                    self.natives.extend(name_of(upstream).map(|upstream| Place { upstream, ours }));
                }
                self.add(Item::Native(item.to_owned()), out);
                self.open_natives.push(ours);
                if !is_done {
                    return;
                }
                ours
            }
            None => return,
        };
        self.open_natives.retain(|open| *open != ours);
        if let Some(known) = self.items.get_mut(ours) {
            *known = Item::Native(item.to_owned());
        }
        self.write_done(ours, out);
    }

    fn place_of(&self, event: &Members<'_>) -> Option<usize> {
        let name = name_of(event)?;
        self.natives.iter().find(|place| place.upstream == name).map(|place| place.ours)
    }
}

fn name_of(event: &Members<'_>) -> Option<Name> {
    let id = || event.find("item_id").or_else(|| event.find("id")).and_then(text);
    let index = event.find("output_index").and_then(integer).map(Name::Index);
    index.or_else(|| id().map(|id| Name::Id(id.into_owned())))
}

/// Whether an event tells about the inside of an item rather than about the answer.
fn is_within_item(name: &str) -> bool {
    const FRAME: [&str; 8] = [
        "response.created",
        "response.queued",
        "response.in_progress",
        "response.completed",
        "response.incomplete",
        "response.failed",
        "response.error",
        "response.debug",
    ];
    let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    name.starts_with("response.") && is_name && !FRAME.contains(&name)
}

fn write_rest(out: &mut BytesMut, event: &Members<'_>) {
    for (name, value) in event.iter() {
        if !matches!(name, "type" | "sequence_number" | "output_index") {
            put(out, &[","]);
            crate::json::write_string(out, name);
            put(out, &[":"]);
            write_json(out, value.get());
        }
    }
}
