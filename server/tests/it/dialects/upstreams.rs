//! A catalog with one provider for each dialect, and a model for each way of answering.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::cell::Upstream;
use super::rows::{ECHO, SECTIONS, upstream_model};
use crate::app::Options;

/// What the sandbox checks signatures of AWS against.
const AWS_CREDENTIAL: &str = "AKIASANDBOX:sandbox-secret";

/// Public parameters that every endpoint is said to take, so that it is the adapters that decide.
const PARAMETERS: &str = r#"["temperature", "top_p", "top_k", "min_p", "top_a",
"frequency_penalty", "presence_penalty", "repetition_penalty", "max_tokens",
"max_completion_tokens", "logit_bias", "logprobs", "top_logprobs", "seed", "response_format",
"structured_outputs", "stop", "tools", "tool_choice", "parallel_tool_calls", "include_reasoning",
"reasoning", "reasoning_effort", "verbosity"]"#;

/// The name in our catalog of a model of the sandbox.
pub(super) fn slug(upstream_model: &str) -> String {
    format!("grid/{}", upstream_model.replace('/', "-"))
}

/// The files and variables of the grid's catalog.
pub(super) fn install(options: Options, sandbox: &str) -> Options {
    let mut options =
        options.set("TEST_GRID_AWS", AWS_CREDENTIAL).set("TEST_GRID_KEY", "0123456789abcdef");
    for upstream in Upstream::ALL {
        let path = format!("providers/{}.toml", upstream.provider());
        options = options.with_catalog_file(&path, &provider(upstream, sandbox));
    }
    let rows = SECTIONS.iter().flat_map(|section| section.rows);
    let mut models: BTreeSet<&str> = rows.map(|row| upstream_model(row.proof)).collect();
    models.insert(ECHO);
    for name in models {
        let path = format!("models/{}.toml", slug(name));
        options = options.with_catalog_file(&path, &model(name));
    }
    options
}

/// As each provider is addressed and authenticated for real.
fn provider(upstream: Upstream, sandbox: &str) -> String {
    let (path, auth) = match upstream {
        Upstream::OpenAiCompatible | Upstream::OpenAiResponses | Upstream::Anthropic => {
            ("/v1", "auth = \"none\"")
        }
        Upstream::AzureOpenAi => {
            ("", "auth = { header = \"api-key\" }\ncredential_env = \"TEST_GRID_KEY\"")
        }
        Upstream::Google => (
            "/v1beta",
            "auth = { header = \"x-goog-api-key\" }\ncredential_env = \"TEST_GRID_KEY\"",
        ),
        Upstream::Vertex => {
            ("/v1/projects/p/locations/global/publishers/google", "auth = \"none\"")
        }
        Upstream::Bedrock => (
            "",
            "auth = { aws = { service = \"bedrock\", region = \"us-east-1\" } }\n\
             credential_env = \"TEST_GRID_AWS\"",
        ),
        Upstream::Cohere => ("", "auth = \"none\""),
    };
    let provider = upstream.provider();
    format!(
        "name = \"{provider}\"\nbase_url = \"{sandbox}/{provider}{path}\"\n\
         dialect = \"{}\"\n{auth}\n\n[quirks]\n{}\n",
        upstream.slug(),
        quirks(upstream),
    )
}

/// What the catalog says of the real providers.
const fn quirks(upstream: Upstream) -> &'static str {
    match upstream {
        Upstream::OpenAiCompatible | Upstream::OpenAiResponses | Upstream::AzureOpenAi => {
            "service_tiers = [\"flex\", \"priority\"]"
        }
        Upstream::Anthropic => "cache_tokens_min = 1024",
        Upstream::Bedrock => "cache_tokens_min = 1024\nservice_tiers = [\"flex\", \"priority\"]",
        Upstream::Google | Upstream::Vertex | Upstream::Cohere => "",
    }
}

/// What the provider calls the model. Bedrock serves models of many makers, and what it takes
/// goes by whose they are.
fn upstream_name(upstream: Upstream, name: &str) -> String {
    match upstream {
        Upstream::Bedrock => format!("{name}@anthropic.claude"),
        _ => name.to_owned(),
    }
}

fn model(name: &str) -> String {
    let mut text = format!(
        "name = \"Grid: {name}\"\ndescription = \"Answers as `{name}`.\"\n\
         released = \"2026-01-01\"\ncontext_length = 200000\n\
         input_modalities = [\"text\", \"image\", \"file\", \"audio\", \"video\"]\n\
         output_modalities = [\"text\", \"image\", \"audio\"]\ntokenizer = \"Other\"\n"
    );
    for upstream in Upstream::ALL {
        let _ = write!(
            text,
            "\n[[endpoints]]\nprovider = \"{}\"\nupstream = \"{}\"\n\
             max_completion_tokens = 64000\nparameters = {}\n\
             prices = {{ prompt = \"0.001\", completion = \"0.002\", cache_read = \"0.0001\" }}\n",
            upstream.provider(),
            upstream_name(upstream, name),
            PARAMETERS.replace('\n', " "),
        );
    }
    text
}
