//! An upstream's own words, made fit to show.

/// How much of a body is kept.
const BYTES_MAX: usize = 2048;

/// What credentials begin with.
const CREDENTIAL_PREFIXES: [&str; 15] = [
    "sk-", "sk_", "pk-", "gsk_", "xai-", "pplx-", "AIza", "hf_", "r8_", "nvapi-", "csk-", "fw_",
    "key-", "tgp_", "ya29.",
];

/// The beginning of a body as text, without anything that looks like a credential.
/// Nothing when the body is empty.
pub fn shorten(body: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(body.get(..BYTES_MAX).unwrap_or(body));
    let text = text.trim().trim_end_matches(char::REPLACEMENT_CHARACTER);
    (!text.is_empty()).then(|| redact(text))
}

fn redact(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut after_bearer = false;
    let is_token = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '*');
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|c| !is_token(c)).unwrap_or(rest.len());
        let (word, tail) = rest.split_at(end);
        let is_credential = (after_bearer && !word.is_empty())
            || (word.len() >= 8
                && CREDENTIAL_PREFIXES.iter().any(|prefix| word.starts_with(prefix)));
        out.push_str(if is_credential { "[redacted]" } else { word });
        if !word.is_empty() {
            after_bearer = word.eq_ignore_ascii_case("bearer");
        }
        let gap = tail.find(is_token).unwrap_or(tail.len());
        let (between, tail) = tail.split_at(gap);
        out.push_str(between);
        rest = tail;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_shortened_between_characters() {
        assert_eq!(shorten(b"  "), None);
        let long = "é".repeat(2_000);
        let short = shorten(&[b"x", long.as_bytes()].concat()).unwrap();
        assert!(short.len() <= BYTES_MAX && short.ends_with('é'), "{}", short.len());
    }

    #[test]
    fn credentials_are_redacted_and_words_are_not() {
        let text = r#"{"message":"key sk-abc123456 for Bearer eyJhbGciOi.x-y is wrong, ask-me"}"#;
        let expected = r#"{"message":"key [redacted] for Bearer [redacted] is wrong, ask-me"}"#;
        assert_eq!(shorten(text.as_bytes()).as_deref(), Some(expected));
    }
}
