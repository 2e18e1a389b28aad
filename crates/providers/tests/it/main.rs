//! Every adapter against its fixtures: what goes in, what must come out.

mod openai_compatible;
mod registry;
