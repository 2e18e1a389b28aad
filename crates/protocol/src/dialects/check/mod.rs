//! What every dialect's reader needs: a look into JSON that stays unparsed, and refusals that
//! name the field, the rule and the remedy.

mod body;
mod ours;
mod part;
mod rule;
mod schema;
mod shared;
mod value;

pub(crate) use body::{MEMBERS_MAX, not_an_object, read_body, too_many_members};
pub(crate) use ours::take_ours;
pub(crate) use part::{ANY_TEXT, check_cache_control, part_kind};
pub(crate) use rule::{Rule, allow, integer_in, invalid, number_in, require};
pub(crate) use schema::check_schema;
pub(crate) use shared::{
    read_count, read_model, read_models, read_provider, read_provider_options, read_text,
};
pub(crate) use value::{Members, Text, boolean, integer, list, members, number, text};
