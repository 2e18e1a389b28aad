//! `~author/family-latest`: the newest model of a family, whatever it is called by now.
//!
//! A model's family is its name without what changes from one release to the next: version
//! numbers, sizes, dates and stages. `claude-sonnet-4.5` is of `claude-sonnet`, `gpt-5.4-mini` of
//! `gpt-mini`.

use std::sync::Arc;

use domain::catalog::{Catalog, Modality, Model};

use super::is_visible;

/// Words that say how far along a release is, not what it is.
const STAGES: [&str; 8] =
    ["preview", "exp", "experimental", "beta", "latest", "instruct", "chat", "it"];

/// The family that an alias names, if the name is an alias.
fn family_of_alias(name: &str) -> Option<(&str, &str)> {
    let (author, rest) = name.strip_prefix('~')?.split_once('/')?;
    Some((author, rest.strip_suffix("-latest")?))
}

/// The family of a model's name.
fn family(name: &str) -> String {
    let mut words = name.split('-');
    // `qwen3.5` is a release of `qwen`, as `grok-4` is of `grok`.
    let first = words.next().unwrap_or_default();
    let stem = first.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    let lasting = words.filter(|word| !is_version(word) && !STAGES.contains(word));
    let mut family = if stem.is_empty() { first } else { stem }.to_owned();
    for word in lasting {
        family.push('-');
        family.push_str(word);
    }
    family
}

/// `4.5`, `70b`, `2507`, and with a letter before: `v3.2`, `k2`, `a22b`.
fn is_version(word: &str) -> bool {
    let is_digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
    let mut characters = word.chars();
    is_digit(characters.next()) || is_digit(characters.next())
}

/// The model that an alias stands for now. None when the name is no alias, or nobody is of that
/// family.
pub(super) fn find<'c>(catalog: &'c Catalog, name: &str) -> Option<&'c Arc<Model>> {
    let (author, wanted) = family_of_alias(name)?;
    let members = catalog.models().iter().filter(|model| {
        model.slug.author() == author
            && model.output_modalities.contains(&Modality::Text)
            && is_visible(model)
            && family(model.slug.name()) == wanted
    });
    // Of those released on one day the larger number is the newer one.
    members.max_by(|a, b| a.created.cmp(&b.created).then_with(|| a.slug.cmp(&b.slug)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_is_a_name_without_its_versions() {
        for (name, expected) in [
            ("claude-sonnet-4.5", "claude-sonnet"),
            ("gpt-5.4-mini", "gpt-mini"),
            ("gpt-4o", "gpt"),
            ("gemini-3.1-pro-preview", "gemini-pro"),
            ("llama-3.3-70b-instruct", "llama"),
            ("deepseek-v3.2", "deepseek"),
            ("deepseek-r1-0528", "deepseek"),
            ("kimi-k2.7-code", "kimi-code"),
            ("qwen3.5-397b-a17b", "qwen"),
            ("gpt-oss-120b", "gpt-oss"),
            ("o3", "o"),
        ] {
            assert_eq!(family(name), expected, "{name}");
        }
        assert_eq!(family_of_alias("~openai/gpt-latest"), Some(("openai", "gpt")));
        assert_eq!(family_of_alias("openai/gpt-latest"), None);
        assert_eq!(family_of_alias("~openai/gpt"), None);
    }
}
