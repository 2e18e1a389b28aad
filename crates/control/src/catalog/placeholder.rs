//! `${NAME}` in an address: a part that only the operator knows, from the environment.

/// What stands for an unknown part where nobody is called: in checks and in the sandbox.
const STAND_IN: &str = "sandbox";

/// A text with every placeholder replaced by what `value` gives for its name. An error is the
/// name that it gives nothing for.
pub(super) fn fill(text: &str, value: impl Fn(&str) -> Option<String>) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        // Without its end it is no placeholder, which `check` reports.
        let Some((name, tail)) = after.split_once('}') else { break };
        out.push_str(before);
        out.push_str(&value(name).ok_or_else(|| name.to_owned())?);
        rest = tail;
    }
    out.push_str(rest);
    Ok(out)
}

/// The text with stand-ins.
pub(super) fn stood_in(text: &str) -> String {
    fill(text, |_| Some(STAND_IN.to_owned())).unwrap_or_default()
}

/// What may stand in the place of a placeholder: it must not change which host is called.
pub(super) fn is_value(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b))
}

/// Whether every placeholder names an environment variable.
pub(super) fn check(text: &str) -> Result<(), String> {
    fill(text, |name| {
        let named = super::check::environment_variable(name);
        named.is_ok().then(|| STAND_IN.to_owned())
    })
    .map(drop)
    .map_err(|name| format!("must have the name of an environment variable in `${{{name}}}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_filled_by_name() {
        let value = |name: &str| (name == "REGION").then(|| "us-east5".to_owned());
        let filled = |text: &str| fill(text, value);
        assert_eq!(
            filled("https://${REGION}-x/${REGION}").as_deref(),
            Ok("https://us-east5-x/us-east5")
        );
        assert_eq!(filled("https://${PROJECT}/v1"), Err("PROJECT".to_owned()));
        assert_eq!(filled("https://a/${REGION").as_deref(), Ok("https://a/${REGION"));
        assert_eq!(stood_in("https://${A}.b/${C}"), "https://sandbox.b/sandbox");
        assert!(check("https://${a}").is_err() && check("https://${A_1}").is_ok());
        assert!(is_value("my-project.eu_1") && !is_value("evil.example/") && !is_value(""));
    }
}
