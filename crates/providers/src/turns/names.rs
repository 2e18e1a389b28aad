//! Names of functions in the letters that an upstream takes, and back.

use std::borrow::Cow;

use super::identity::{is_plain, push_digest};

/// Knows which names were changed, so that answers can say the caller's own.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    bytes_max: usize,
    /// `(upstream, original)`.
    changed: Vec<(String, String)>,
}

impl Names {
    pub(crate) const fn new(bytes_max: usize) -> Self {
        Self { bytes_max, changed: Vec::new() }
    }

    /// The name as the upstream takes it: letters, digits, `_` and `-`.
    pub(crate) fn upstream<'a>(&mut self, name: Cow<'a, str>) -> Cow<'a, str> {
        if is_plain(&name, self.bytes_max) {
            return name;
        }
        if let Some((upstream, _)) = self.changed.iter().find(|(_, original)| *original == name) {
            return Cow::Owned(upstream.clone());
        }
        let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
        // What is cut off or folded could make two names one: a digest keeps them apart.
        let mut upstream: String =
            name.chars().map(plain).take(self.bytes_max.saturating_sub(9)).collect();
        upstream.push('_');
        push_digest(&mut upstream, name.as_bytes(), 4);
        self.changed.push((upstream.clone(), name.into_owned()));
        Cow::Owned(upstream)
    }

    pub(crate) fn original(&self, upstream: Cow<'_, str>) -> String {
        let found = self.changed.iter().find(|(changed, _)| *changed == upstream);
        found.map_or_else(|| upstream.into_owned(), |(_, original)| original.clone())
    }
}
