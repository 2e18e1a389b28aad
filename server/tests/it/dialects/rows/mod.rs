//! What must survive the crossing, one row each, whatever the two dialects.

mod caching;
mod ending;
mod media;
mod native;
mod reasoning;
mod sampling;
mod structured;
mod text;
mod tools;

use sandbox::Understood;

use super::ask::Ask;
use super::read::Said;

/// One thing that must survive.
#[derive(Clone, Copy)]
pub(super) struct Row {
    /// Names the row in `limits`.
    pub(super) id: &'static str,
    /// As readers of `docs/DIALECTS.md` see it.
    pub(super) title: &'static str,
    pub(super) ask: fn() -> Ask,
    pub(super) proof: Proof,
}

/// How it is seen that it did.
#[derive(Clone, Copy)]
pub(super) enum Proof {
    /// The provider understood what was asked.
    Understood(fn(&Understood) -> Check),
    /// A provider that answers in this way is heard: the model, and what must be said.
    Said(&'static str, fn(&Said) -> Check),
    /// The answer of this model is sent back and understood.
    Replayed(&'static str, fn(&Said, &Understood) -> Check),
    /// A provider that breaks off in this way after some words: the model.
    Breaks(&'static str),
    /// A provider that fails in this way: the model, and the `error_type` to be told.
    Fails(&'static str, &'static str),
}

/// What is wrong, if something is.
pub(super) type Check = Result<(), String>;

/// Rows that belong together.
pub(super) struct Section {
    pub(super) title: &'static str,
    pub(super) rows: &'static [Row],
}

pub(super) const SECTIONS: &[Section] = &[
    Section { title: "Text and roles", rows: text::ROWS },
    Section { title: "Tools", rows: tools::ROWS },
    Section { title: "Structured output", rows: structured::ROWS },
    Section { title: "Reasoning", rows: reasoning::ROWS },
    Section { title: "Images, files, audio and video", rows: media::ROWS },
    Section { title: "Prompt caches", rows: caching::ROWS },
    Section { title: "Sampling", rows: sampling::ROWS },
    Section { title: "Members that we do not know", rows: native::ROWS },
    Section { title: "Endings, usage and errors", rows: ending::ROWS },
];

/// The model of the test catalog that shows a row.
pub(super) fn upstream_model(proof: Proof) -> &'static str {
    match proof {
        Proof::Understood(_) => ECHO,
        Proof::Said(model, _)
        | Proof::Replayed(model, _)
        | Proof::Breaks(model)
        | Proof::Fails(model, _) => model,
    }
}

/// Answers with what it understood.
pub(super) const ECHO: &str = "echo/understood";
/// Answers as the sandbox usually does.
const PLAIN: &str = "plain";

fn ensure(condition: bool, message: impl FnOnce() -> String) -> Check {
    if condition { Ok(()) } else { Err(message()) }
}
