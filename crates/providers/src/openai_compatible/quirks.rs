//! The quirks of an endpoint over those of its provider.

use domain::catalog::{Endpoint, Quirks};

/// Both sets of quirks, the endpoint's first.
#[derive(Debug, Clone, Copy)]
pub(super) struct Effective<'a> {
    endpoint: &'a Quirks,
    provider: &'a Quirks,
}

impl<'a> Effective<'a> {
    pub(super) fn of(endpoint: &'a Endpoint) -> Self {
        Self { endpoint: &endpoint.quirks, provider: &endpoint.provider.quirks }
    }

    /// The name that this upstream gives a parameter.
    pub(super) fn renamed(self, name: &'a str) -> &'a str {
        self.endpoint
            .rename
            .get(name)
            .or_else(|| self.provider.rename.get(name))
            .map_or(name, String::as_str)
    }

    pub(super) fn refuses(self, name: &str) -> bool {
        let listed = |quirks: &Quirks| quirks.unsupported.iter().any(|known| known == name);
        listed(self.endpoint) || listed(self.provider)
    }

    /// Members that are always in the body, as name and JSON text.
    pub(super) fn body(self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let inherited =
            self.provider.body.iter().filter(|(name, _)| !self.endpoint.body.contains_key(*name));
        self.endpoint
            .body
            .iter()
            .chain(inherited)
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    pub(super) fn sets_body(self, name: &str) -> bool {
        self.endpoint.body.contains_key(name) || self.provider.body.contains_key(name)
    }

    pub(super) fn headers(self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let inherited = self
            .provider
            .headers
            .iter()
            .filter(|(name, _)| !self.endpoint.headers.contains_key(*name));
        self.endpoint
            .headers
            .iter()
            .chain(inherited)
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    pub(super) const fn takes_stream_options(self) -> bool {
        !self.endpoint.no_stream_options && !self.provider.no_stream_options
    }

    pub(super) const fn takes_developer_role(self) -> bool {
        !self.endpoint.no_developer_role && !self.provider.no_developer_role
    }

    /// The member that carries the output bound, where it was stated.
    pub(super) fn max_tokens_name(self) -> Option<&'a str> {
        self.endpoint.max_tokens_name.as_deref().or(self.provider.max_tokens_name.as_deref())
    }

    pub(super) fn chat_path(self) -> &'a str {
        self.endpoint
            .chat_path
            .as_deref()
            .or(self.provider.chat_path.as_deref())
            .unwrap_or("/chat/completions")
    }
}
