//! The quirks of an endpoint over those of its provider.

use std::collections::BTreeMap;

use domain::catalog::{
    Bounds, CacheMarks, Endpoint, FilePart, Prefill, Quirks, ReasoningForm, ReasoningReplay,
};
use protocol::chat::reasoning::Effort;
use protocol::chat::request::PartKind;

/// Both sets of quirks, the endpoint's first.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Effective<'a> {
    endpoint: &'a Quirks,
    provider: &'a Quirks,
}

impl<'a> Effective<'a> {
    pub(crate) fn of(endpoint: &'a Endpoint) -> Self {
        Self { endpoint: &endpoint.quirks, provider: &endpoint.provider.quirks }
    }

    fn either<T>(self, quirk: impl Fn(&'a Quirks) -> Option<T>) -> Option<T> {
        quirk(self.endpoint).or_else(|| quirk(self.provider))
    }

    /// The endpoint's list, or the provider's where it has none.
    fn list(self, quirk: impl Fn(&'a Quirks) -> &'a [String]) -> &'a [String] {
        match quirk(self.endpoint) {
            [] => quirk(self.provider),
            list => list,
        }
    }

    fn pairs<T: 'a>(
        self,
        quirk: impl Fn(&'a Quirks) -> &'a BTreeMap<String, T>,
    ) -> impl Iterator<Item = (&'a str, &'a T)> {
        let (own, inherited) = (quirk(self.endpoint), quirk(self.provider));
        let inherited = inherited.iter().filter(|(name, _)| !own.contains_key(*name));
        own.iter().chain(inherited).map(|(name, value)| (name.as_str(), value))
    }

    /// The name that this upstream gives a parameter.
    pub(crate) fn renamed(self, name: &'a str) -> &'a str {
        self.either(|quirks| quirks.rename.get(name)).map_or(name, String::as_str)
    }

    pub(crate) fn refuses(self, name: &str) -> bool {
        let listed = |quirks: &Quirks| quirks.unsupported.iter().any(|known| known == name);
        listed(self.endpoint) || listed(self.provider)
    }

    pub(crate) fn accepts(self, name: &str) -> bool {
        let listed = |quirks: &Quirks| quirks.accepts.iter().any(|known| known == name);
        listed(self.endpoint) || listed(self.provider)
    }

    pub(crate) fn bounds(self, name: &str) -> Option<&'a Bounds> {
        self.either(|quirks| quirks.clamp.get(name))
    }

    /// Parameters that must be there, as public name and JSON text.
    pub(crate) fn defaults(self) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.pairs(|quirks| &quirks.defaults).map(|(name, value)| (name, value.as_str()))
    }

    /// Members that are always in the body, as name and JSON text.
    pub(crate) fn body(self) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.pairs(|quirks| &quirks.body).map(|(name, value)| (name, value.as_str()))
    }

    pub(crate) fn sets_body(self, name: &str) -> bool {
        self.endpoint.body.contains_key(name) || self.provider.body.contains_key(name)
    }

    pub(crate) fn headers(self) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.pairs(|quirks| &quirks.headers).map(|(name, value)| (name, value.as_str()))
    }

    pub(crate) const fn takes_stream_options(self) -> bool {
        !self.endpoint.no_stream_options && !self.provider.no_stream_options
    }

    pub(crate) const fn takes_developer_role(self) -> bool {
        !self.endpoint.no_developer_role && !self.provider.no_developer_role
    }

    /// The member that carries the output bound, where it was stated.
    pub(crate) fn max_tokens_name(self) -> Option<&'a str> {
        self.either(|quirks| quirks.max_tokens_name.as_deref())
    }

    pub(crate) fn chat_path(self) -> Option<&'a str> {
        self.either(|quirks| quirks.chat_path.as_deref())
    }

    pub(crate) fn api_version(self) -> Option<&'a str> {
        self.either(|quirks| quirks.api_version.as_deref())
    }

    pub(crate) fn reasoning(self) -> ReasoningForm {
        self.either(|quirks| quirks.reasoning).unwrap_or(ReasoningForm::Effort)
    }

    /// The efforts that are known; none where any may be.
    pub(crate) fn efforts(self) -> Vec<Effort> {
        let names = self.list(|quirks| &quirks.reasoning_efforts);
        names.iter().filter_map(|name| Effort::parse(name)).collect()
    }

    pub(crate) fn reasoning_budget(self) -> Option<&'a str> {
        self.either(|quirks| quirks.reasoning_budget.as_deref())
    }

    pub(crate) fn reasoning_replay(self) -> Option<ReasoningReplay> {
        self.either(|quirks| quirks.reasoning_replay)
    }

    pub(crate) fn reasoning_format(self) -> Option<&'a str> {
        self.either(|quirks| quirks.reasoning_format.as_deref())
    }

    /// Whether a form of `tool_choice` is taken: `auto`, `none`, `required` or `named`.
    pub(crate) fn takes_tool_choice(self, form: &str) -> bool {
        let forms = self.list(|quirks| &quirks.tool_choices);
        forms.is_empty() || forms.iter().any(|known| known == form)
    }

    pub(crate) fn tool_choice_required(self) -> &'a str {
        self.either(|quirks| quirks.tool_choice_required.as_deref()).unwrap_or("required")
    }

    pub(crate) fn tool_id_length(self) -> Option<usize> {
        self.either(|quirks| quirks.tool_id_length).and_then(|length| usize::try_from(length).ok())
    }

    pub(crate) fn prefill(self) -> Option<Prefill> {
        self.either(|quirks| quirks.prefill)
    }

    pub(crate) fn cache_marks(self) -> Option<CacheMarks> {
        self.either(|quirks| quirks.cache_marks)
    }

    /// Whether parts of a kind must carry their bytes.
    pub(crate) fn wants_inline(self, kind: &PartKind) -> bool {
        let name = match kind {
            PartKind::Image => "image",
            PartKind::Video => "video",
            PartKind::File => "file",
            PartKind::Text { .. } | PartKind::Audio => return false,
        };
        let listed = |quirks: &Quirks| quirks.inline.iter().any(|known| known == name);
        listed(self.endpoint) || listed(self.provider)
    }

    pub(crate) fn file_part(self) -> Option<FilePart> {
        self.either(|quirks| quirks.file_part)
    }

    pub(crate) fn cache_tokens_min(self) -> Option<u32> {
        self.either(|quirks| quirks.cache_tokens_min)
    }

    pub(crate) fn knows_service_tier(self, tier: &str) -> bool {
        self.list(|quirks| &quirks.service_tiers).iter().any(|known| known == tier)
    }
}
