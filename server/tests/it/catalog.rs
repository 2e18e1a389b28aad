//! The catalog that tests run on: a few models of known prices at a few simulated providers.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// Two providers that have no credential, so that the sandbox answers for them.
const PROVIDERS: [(&str, &str); 2] = [
    (
        "providers/alpha.toml",
        r#"
name = "Alpha"
base_url = "https://alpha.invalid/v1"
credential_env = "TEST_ALPHA_API_KEY"
privacy_url = "https://alpha.invalid/privacy"
terms_url = "https://alpha.invalid/terms"
headquarters = "NL"
datacenters = ["NL"]
regions = ["eu"]

[data_policy]
retains = false
"#,
    ),
    (
        "providers/beta.toml",
        r#"
name = "Beta"
base_url = "https://beta.invalid/v1"
credential_env = "TEST_BETA_API_KEY"

[data_policy]
training = true
retention_days = 30
"#,
    ),
];

const MODELS: [(&str, &str); 3] = [
    (
        "models/test/small.toml",
        r#"
name = "Test: Small"
description = "Answers briefly."
released = "2026-01-02"
context_length = 8192
input_modalities = ["text"]
output_modalities = ["text"]
tokenizer = "Other"

[[endpoints]]
provider = "alpha"
upstream = "small"
max_completion_tokens = 2048
parameters = ["max_tokens", "temperature", "seed", "stop"]
prices = { prompt = "0.5", completion = "1.5" }
"#,
    ),
    (
        "models/test/large.toml",
        r#"
name = "Test: Large"
description = "Answers at length, with tools."
released = "2026-03-04"
context_length = 131072
input_modalities = ["text", "image"]
output_modalities = ["text"]
tokenizer = "Llama3"
open_weights = true

[[endpoints]]
provider = "alpha"
upstream = "large"
max_completion_tokens = 8192
quantization = "fp8"
parameters = ["max_tokens", "temperature", "tools", "tool_choice"]
prices = { prompt = "3", completion = "15", cache_read = "0.3" }

[[endpoints]]
provider = "beta"
upstream = "large"
max_completion_tokens = 4096
parameters = ["max_tokens", "temperature"]
prices = { prompt = "2", completion = "10" }
"#,
    ),
    (
        "models/test/free.toml",
        r#"
name = "Test: Free"
description = "Costs nothing."
released = "2025-12-24"
context_length = 4096
input_modalities = ["text"]
output_modalities = ["text"]
tokenizer = "Other"

[[endpoints]]
provider = "beta"
upstream = "free"
parameters = ["max_tokens"]
prices = { prompt = "0", completion = "0" }
"#,
    ),
];

pub(crate) fn write(dir: &Path) {
    for (path, text) in PROVIDERS.iter().chain(&MODELS) {
        write_file(&dir.join(path), text);
    }
}

pub(crate) fn write_file(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// A model that is served by upstream models of these names, in this order, at Alpha and Beta.
/// The sandbox takes faults to show from the upstream's name.
pub(crate) fn model_served_by(upstreams: &[(&str, &str)]) -> String {
    let mut text = "
name = \"Test: Faulty\"
description = \"Served by upstreams that fail.\"
released = \"2026-02-02\"
context_length = 8192
input_modalities = [\"text\"]
output_modalities = [\"text\"]
tokenizer = \"Other\"
"
    .to_owned();
    for (provider, upstream) in upstreams {
        let _ = write!(
            text,
            "
[[endpoints]]
provider = \"{provider}\"
upstream = \"{upstream}\"
parameters = [\"max_tokens\", \"temperature\"]
prices = {{ prompt = \"1\", completion = \"2\" }}
"
        );
    }
    text
}
