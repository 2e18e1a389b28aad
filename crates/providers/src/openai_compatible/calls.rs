//! Which call a part of one belongs to: upstreams number them, name them, or do neither.

use protocol::chat::event::ToolCallDelta;

use super::wire::UNNUMBERED;

/// More calls than this are not an answer.
const INDEX_MAX: u32 = 127;

/// The calls of one choice.
#[derive(Debug, Default)]
pub(super) struct Calls {
    /// How many have begun: the index of the next one, where they are in order.
    begun: u32,
    /// Those that the upstream gave an id.
    named: Vec<Named>,
}

/// A call by its id: some upstreams give every call the same index.
#[derive(Debug)]
struct Named {
    /// The upstream's.
    index: u32,
    ours: u32,
    id: String,
    has_name: bool,
}

impl Calls {
    pub(super) const fn have_begun(&self) -> bool {
        self.begun > 0
    }

    /// Gives a part of a call its index and, when it begins a call, an id. Clients join what is
    /// said of a call, so its id and its name are said once.
    pub(super) fn place(
        &mut self,
        choice: u32,
        response_id: &str,
        part: &mut ToolCallDelta,
    ) -> Result<(), &'static str> {
        if part.id.is_some() {
            self.place_named(part);
        } else if part.index == UNNUMBERED {
            // A name begins a call; anything else continues the last one.
            let begins = part.name.is_some();
            part.index = if begins { self.begun } else { self.begun.saturating_sub(1) };
        } else if let Some(last) = self.last_at(part.index) {
            part.index = last;
        }
        if part.index > INDEX_MAX {
            return Err("a tool call index is out of range");
        }
        if part.index >= self.begun {
            self.begun = part.index + 1;
            if part.id.is_none() {
                part.id = Some(format!("call_{response_id}_{choice}_{}", part.index));
            }
        }
        Ok(())
    }

    fn place_named(&mut self, part: &mut ToolCallDelta) {
        let upstream = part.index;
        let is_it =
            |known: &&mut Named| known.index == upstream && Some(&known.id) == part.id.as_ref();
        if let Some(known) = self.named.iter_mut().find(is_it) {
            part.index = known.ours;
            part.id = None;
            part.name = part.name.take().filter(|_| !known.has_name);
            known.has_name |= part.name.is_some();
            return;
        }
        let last = self.last_at(upstream);
        if let (Some(last), None) = (last, &part.name) {
            // Some upstreams give every part of a call an id of its own.
            part.index = last;
            part.id = None;
            return;
        }
        let is_taken = self.named.iter().any(|known| known.ours == upstream);
        if last.is_some() || is_taken || upstream == UNNUMBERED {
            part.index = self.begun;
        }
        if let Some(id) = part.id.clone().filter(|_| part.index <= INDEX_MAX) {
            let (ours, has_name) = (part.index, part.name.is_some());
            self.named.push(Named { index: upstream, ours, id, has_name });
        }
    }

    /// The call that was begun last at an index of the upstream's.
    fn last_at(&self, upstream: u32) -> Option<u32> {
        let last = self.named.iter().rfind(|known| known.index == upstream);
        last.map(|known| known.ours)
    }
}
