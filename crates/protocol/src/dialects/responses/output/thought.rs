//! Reasoning, which is told apart by the details that follow it.

use bytes::BytesMut;
use serde_json::Value;

use super::super::item::{Escaped, Item, Reasoning, Status};
use super::place::{append, prefix, write_place};
use super::{Open, Output};
use crate::chat::fold::join_detail;

/// To what a piece of reasoning belongs.
#[derive(Debug, Default)]
pub(in super::super) struct Mark {
    pub(in super::super) id: Option<String>,
    /// None where nothing is said about what is shown.
    pub(in super::super) sums_up: Option<bool>,
    pub(in super::super) index: Option<u64>,
}

impl Mark {
    /// None where there are no details.
    fn of(details: &[Value]) -> Option<Self> {
        let first = details.first()?;
        let shown = details
            .iter()
            .find(|detail| detail["text"].is_string() || detail["summary"].is_string());
        Some(Self {
            id: details.iter().find_map(|detail| detail["id"].as_str()).map(str::to_owned),
            sums_up: shown.map(|detail| detail["type"] == "reasoning.summary"),
            index: shown.unwrap_or(first)["index"].as_u64(),
        })
    }
}

impl Output {
    /// Reasoning is held for one step: its details may follow.
    pub(in super::super) fn reasoning(&mut self, text: &str, out: &mut BytesMut) {
        self.release(out);
        self.held.push_str(text);
        self.holds = true;
    }

    /// Writes what was held; no details came.
    pub(in super::super) fn release(&mut self, out: &mut BytesMut) {
        if self.holds {
            self.think_held(&Mark::default(), out);
        }
    }

    /// Details of reasoning, with the text that was held for them.
    pub(in super::super) fn details(&mut self, details: Vec<Value>, out: &mut BytesMut) {
        let Some(mark) = Mark::of(&details) else { return };
        if self.holds {
            self.think_held(&mark, out);
        } else {
            self.think(&mark, None, out);
        }
        if let Some(Open { index, .. }) = &self.open
            && let Some(Item::Reasoning(reasoning)) = self.items.get_mut(*index)
        {
            for detail in details {
                join_detail(&mut reasoning.details, detail);
            }
        }
    }

    fn think_held(&mut self, mark: &Mark, out: &mut BytesMut) {
        let mut text = std::mem::take(&mut self.held);
        self.holds = false;
        self.think(mark, Some(&text), out);
        // Its room serves the next piece.
        text.clear();
        self.held = text;
    }

    fn think(&mut self, mark: &Mark, text: Option<&str>, out: &mut BytesMut) {
        self.open_reasoning(mark, text.is_some(), out);
        let Some(text) = text else { return };
        let Some(Open { index, prefix }) = &self.open else { return };
        let Some(Item::Reasoning(reasoning)) = self.items.get_mut(*index) else { return };
        if let Some((_, so_far)) = reasoning.parts.last_mut() {
            append(&mut self.events, prefix, (so_far, text), "", out);
        }
    }

    /// Makes sure that reasoning can be added to the item and the part that it belongs to.
    fn open_reasoning(&mut self, mark: &Mark, shows: bool, out: &mut BytesMut) {
        let open = self.open.as_ref().map(|open| open.index);
        let fits = open.is_some_and(|index| match self.items.get(index) {
            Some(Item::Reasoning(reasoning)) => reasoning.takes(mark),
            _ => false,
        });
        let index = match open {
            Some(index) if fits => index,
            _ => self.add_reasoning(mark, out),
        };
        let Some(Item::Reasoning(reasoning)) = self.items.get_mut(index) else { return };
        if reasoning.upstream_id.is_none() {
            reasoning.upstream_id.clone_from(&mark.id);
        }
        if !shows {
            return;
        }
        if reasoning.parts.is_empty() {
            reasoning.sums_up = mark.sums_up.unwrap_or(false);
        }
        let continues =
            reasoning.parts.last().is_some_and(|(known, _)| match (known, mark.index) {
                (Some(known), Some(index)) => *known == index,
                _ => true,
            });
        if !continues {
            self.close_part(index, out);
            self.add_reasoning_part(index, mark.index, out);
        }
    }

    fn add_reasoning(&mut self, mark: &Mark, out: &mut BytesMut) -> usize {
        self.close(Status::Completed, out);
        let index = self.items.len();
        let is_ours_to_use = |id: &&String| {
            let is_taken = |item: &Item| matches!(item, Item::Reasoning(known) if known.id == **id);
            id.starts_with("rs_")
                && id.len() <= 128
                && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
                && !self.items.iter().any(is_taken)
        };
        let own = mark.id.as_ref().filter(is_ours_to_use).cloned();
        let reasoning = Reasoning {
            id: own.unwrap_or_else(|| self.item_id("rs", index)),
            upstream_id: mark.id.clone(),
            sums_up: mark.sums_up.unwrap_or(false),
            parts: Vec::new(),
            details: Vec::new(),
            encrypted: None,
        };
        self.add(Item::Reasoning(reasoning), out);
        self.open = Some(Open { index, prefix: BytesMut::new() });
        index
    }

    fn add_reasoning_part(&mut self, index: usize, mark: Option<u64>, out: &mut BytesMut) {
        let Some(Item::Reasoning(reasoning)) = self.items.get_mut(index) else { return };
        let number = reasoning.parts.len();
        let (added, delta, place) = reasoning.part_events();
        let place = Some((place, number));
        self.events.write(out, added, |out| {
            write_place(out, &reasoning.id, index, place);
            out.extend_from_slice(b",\"part\":");
            reasoning.write_part(out, &Escaped::new());
        });
        reasoning.parts.push((mark, Escaped::new()));
        self.open = Some(Open { index, prefix: prefix(delta, &reasoning.id, index, place) });
    }
}
