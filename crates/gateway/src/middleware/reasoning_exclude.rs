//! Leaves reasoning out of the answer where the caller asked for that.
//!
//! `include_reasoning: false` and `reasoning: {"exclude": true}` mean that the model may reason,
//! and is paid for it, but that its reasoning is not sent.

use protocol::chat::event::{ChatEvent, Delta};

use crate::admit::Call;
use crate::middleware::Middleware;
use crate::stream::stage::Stage;

pub(crate) struct ReasoningExclude;

impl Middleware for ReasoningExclude {
    fn id(&self) -> &'static str {
        "reasoning-exclude"
    }

    fn stage(&self, call: &Call) -> Option<Box<dyn Stage>> {
        call.request.excludes_reasoning().then(|| Box::new(Drop) as Box<dyn Stage>)
    }
}

struct Drop;

impl Stage for Drop {
    fn push(&mut self, event: ChatEvent, out: &mut Vec<ChatEvent>) {
        let is_reasoning = matches!(
            &event,
            ChatEvent::Delta { delta: Delta::Reasoning(_) | Delta::ReasoningDetails(_), .. }
        );
        if !is_reasoning {
            out.push(event);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_reasoning_is_left_out() {
        let mut out = Vec::new();
        let delta = |delta| ChatEvent::Delta { choice: 0, delta };
        Drop.push(delta(Delta::Reasoning("hm".into())), &mut out);
        Drop.push(delta(Delta::Content("yes".into())), &mut out);
        assert!(matches!(
            out.as_slice(),
            [ChatEvent::Delta { delta: Delta::Content(text), .. }] if text == "yes"
        ));
    }
}
