//! The loader, seen from outside: files in, a catalog or problems out.

use domain::catalog::{
    Auth, Bounds, Cancellation, DataPolicy, Model, Prefill, Provider, ReasoningForm, Serving,
};
use domain::pricing::Unit;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use super::*;

/// What `providers::ADAPTERS` speaks, which this crate does not see.
const DIALECTS: [&str; 8] = [
    "openai_compatible",
    "anthropic",
    "azure_openai",
    "bedrock",
    "cohere",
    "google",
    "openai_responses",
    "vertex",
];

fn sandbox() -> Without {
    Without::Sandbox { base_url: "http://127.0.0.1:9/".to_owned() }
}

/// A directory with these files, given as `path` and `text`.
fn directory(files: &[(&str, &str)]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = directory.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    directory
}

fn load_dirs(
    builtin: bool,
    dirs: &[&tempfile::TempDir],
    without: &Without,
) -> Result<Loaded, Vec<CatalogProblem>> {
    let extra_dirs = dirs.iter().map(|directory| directory.path().to_owned()).collect();
    let credential = |name: &str| match name {
        "SET_API_KEY" | "SET_PROJECT" | "SET_REGION" => Some(" secret-123\n".to_owned()),
        "BLANK_API_KEY" => Some("  ".to_owned()),
        _ => None,
    };
    load(&Sources { builtin, extra_dirs }, &credential, without, &DIALECTS)
}

fn load_files(files: &[(&str, &str)]) -> Result<Loaded, Vec<String>> {
    let directory = directory(files);
    load_dirs(false, &[&directory], &sandbox()).map_err(|problems| {
        let prefix = format!("{}/", directory.path().display());
        problems.iter().map(|problem| problem.to_string().replace(&prefix, "")).collect()
    })
}

fn problems(files: &[(&str, &str)]) -> Vec<String> {
    load_files(files).err().unwrap_or_default()
}

fn model(loaded: &Loaded, slug: &str) -> Arc<Model> {
    Arc::clone(loaded.catalog.find_model(slug).unwrap())
}

fn tags(model: &Model) -> Vec<&str> {
    model.endpoints.iter().map(|endpoint| endpoint.tag.as_str()).collect()
}

const PROVIDER: &str = "
    name = 'Acme'
    base_url = 'https://api.acme.example/v1/'
    credential_env = 'ACME_API_KEY'
";

const MODEL: &str = "
    name = 'Author: Name'
    released = '2025-01-31'
    context_length = 1000

    [[endpoints]]
    provider = 'acme'
    upstream = 'name-1'
    prices = { prompt = '0.15', completion = 0.6 }
";

#[test]
fn the_shipped_catalog_has_no_problems() {
    let Loaded { catalog, credentials } = load_dirs(true, &[], &sandbox()).unwrap();
    assert!(credentials.is_empty());
    assert!(catalog.providers().len() >= 14, "{}", catalog.providers().len());
    assert!(catalog.models().len() >= 40, "{}", catalog.models().len());
    for provider in catalog.providers() {
        assert!(provider.is_sandboxed(), "{}", provider.slug);
        let sandbox = format!("http://127.0.0.1:9/{}", provider.slug);
        assert!(provider.dialled_url().starts_with(&sandbox), "{}", provider.dialled_url());
        assert!(provider.credential_env.is_some());
    }
    for model in catalog.models() {
        assert!(!model.description.is_empty() && model.name.contains(": "), "{}", model.slug);
        assert!(model.created > 0, "{}", model.slug);
        assert!(model.cheapest().is_some());
    }
    for slug in [
        "openai/gpt-4o",
        "openai/gpt-4o-mini",
        "anthropic/claude-sonnet-4.5",
        "deepseek/deepseek-chat",
    ] {
        assert!(catalog.find_model(slug).is_some(), "{slug}");
    }
    let llama = catalog.find_model("meta-llama/llama-3.3-70b-instruct").unwrap();
    assert!(llama.endpoints.len() >= 6, "{}", llama.endpoints.len());
    let free = |model: &&Arc<Model>| model.endpoints.iter().any(|e| e.prices.is_free());
    assert!(catalog.models().iter().find(free).is_some());
    let ids: BTreeSet<&str> =
        catalog.models().iter().flat_map(|m| &m.endpoints).map(|e| e.id.as_str()).collect();
    assert_eq!(ids.len(), catalog.models().iter().map(|m| m.endpoints.len()).sum::<usize>());
}

#[test]
fn files_are_read_as_they_are_written() {
    let loaded = load_files(&[
        (
            "providers/acme.toml",
            "
            name = 'Acme'
            base_url = 'https://api.acme.example/v1/'
            auth = { header = 'X-Key' }
            credential_env = 'SET_API_KEY'
            cancellation = 'bills_whole'
            headquarters = 'US'
            regions = ['us-east5']
            [data_policy]
            retention_days = 30
            [quirks]
            rename = { seed = 'random_seed' }
            body = { safe = false, mode = '\"fast\"' }
            clamp = { temperature = '0 .. 1.5' }
            unsupported = ['stop', 'tools.strict']
            reasoning = 'enable_thinking'
            prefill = 'prefix'
            ",
        ),
        ("models/author/name-1.5.toml", MODEL),
    ])
    .unwrap();
    let model = model(&loaded, "author/name-1.5");
    assert_eq!((model.name.as_str(), model.created), ("Author: Name", 1_738_281_600));
    let [endpoint] = model.endpoints.as_slice() else { panic!("{:?}", tags(&model)) };
    assert_eq!(endpoint.id, "author/name-1.5@acme");
    assert_eq!(endpoint.context_length, 1_000);
    assert_eq!(endpoint.prices.price(Unit::Prompt).per_million(), "0.15");
    assert_eq!(endpoint.prices.price(Unit::Completion).per_million(), "0.6");
    assert_eq!(endpoint.regions, ["us-east5"]);
    let provider = &endpoint.provider;
    assert_eq!(provider.auth, Auth::Header { name: "x-key".to_owned() });
    assert_eq!(provider.serving, Serving::Live);
    assert_eq!(provider.dialled_url(), "https://api.acme.example/v1");
    assert_eq!(provider.cancellation, Cancellation::BillsWhole);
    let policy =
        DataPolicy { training: false, retains: true, retention_days: Some(30), publishes: false };
    assert_eq!(provider.data_policy, policy);
    assert_eq!(provider.quirks.body["safe"], "false");
    assert_eq!(provider.quirks.body["mode"], "\"fast\"");
    let bounds = Bounds { min: "0".to_owned(), max: "1.5".to_owned() };
    assert_eq!(provider.quirks.clamp["temperature"], bounds);
    assert_eq!(provider.quirks.unsupported, ["stop", "tools.strict"]);
    assert_eq!(provider.quirks.reasoning, Some(ReasoningForm::EnableThinking));
    assert_eq!(provider.quirks.prefill, Some(Prefill::Prefix));
    assert_eq!(endpoint.dialect(), "openai_compatible");
    assert_eq!(loaded.credentials["acme"].expose(), "secret-123");
    assert!(!format!("{loaded:?}").contains("secret-123"));
}

#[test]
fn an_address_may_hold_what_only_the_operator_knows() {
    let provider = |env: &str| {
        let text = format!(
            "base_url = 'https://${{SET_REGION}}-x.example/v1/p/${{{env}}}/m'\n\
             auth = {{ aws = {{ service = 'bedrock', region = 'us-east-1' }} }}\n\
             credential_env = 'SET_API_KEY'"
        );
        let files = [("providers/acme.toml", text.as_str()), ("models/author/name.toml", MODEL)];
        let loaded = load_files(&files).unwrap();
        (Provider::clone(loaded.catalog.find_provider("acme").unwrap()), loaded.credentials.len())
    };
    let (live, credentials) = provider("SET_PROJECT");
    assert_eq!(live.dialled_url(), "https://secret-123-x.example/v1/p/secret-123/m");
    let region = "us-east-1".to_owned();
    assert_eq!(live.auth, Auth::Aws { service: "bedrock".to_owned(), region });
    assert_eq!((live.serving, credentials), (Serving::Live, 1));

    let (incomplete, credentials) = provider("UNSET_PROJECT");
    assert_eq!(incomplete.dialled_url(), "http://127.0.0.1:9/acme/v1/p/sandbox/m");
    assert_eq!(credentials, 0);
}

#[test]
fn one_file_adds_a_local_server() {
    let workshop = "
        base_url = 'http://127.0.0.1:8080/v1'
        auth = 'none'

        [[models]]
        model = 'openai/gpt-4o-mini'
        upstream = 'mini.gguf'

        [[models]]
        model = 'workshop/own-model'
        upstream = 'own.gguf'
        description = 'Ours.'
    ";
    let extra = directory(&[("providers/workshop.toml", workshop)]);
    let loaded = load_dirs(true, &[&extra], &Without::Hidden).unwrap();
    // Nothing else has a credential, so nothing else is there.
    assert_eq!(loaded.catalog.models().len(), 2);
    let own = model(&loaded, "workshop/own-model");
    assert_eq!((own.description.as_str(), own.context_length), ("Ours.", 8_192));
    assert!(own.endpoints[0].prices.is_free() && own.endpoints[0].supports("tools"));
    assert_eq!(own.endpoints[0].provider.serving, Serving::Live);
    assert!(own.endpoints[0].provider.data_policy.zero_data_retention());
    let mini = model(&loaded, "openai/gpt-4o-mini");
    assert_eq!(mini.name, "OpenAI: GPT-4o-mini");
    assert_eq!(tags(&mini), ["openai", "workshop"]);
    assert!(mini.endpoints[0].hidden && !mini.endpoints[1].hidden);
    assert_eq!(mini.cheapest().unwrap().tag, "workshop");
}

#[test]
fn a_later_source_replaces_providers_and_adds_to_models() {
    let first = directory(&[("providers/acme.toml", PROVIDER), ("models/author/name.toml", MODEL)]);
    let second = directory(&[
        ("providers/acme.toml", "base_url = 'http://gpu-1:8000/v1'\nauth = 'none'"),
        (
            "models/author/name.toml",
            "
            description = 'New.'
            [[endpoints]]
            provider = 'acme'
            upstream = 'name-2'
            [[endpoints]]
            provider = 'acme'
            tag = 'acme/turbo'
            upstream = 'name-2-turbo'
            ",
        ),
    ]);
    let loaded = load_dirs(false, &[&first, &second], &sandbox()).unwrap();
    let model = model(&loaded, "author/name");
    assert_eq!((model.name.as_str(), model.description.as_str()), ("Author: Name", "New."));
    assert_eq!(tags(&model), ["acme", "acme/turbo"]);
    assert_eq!(model.endpoints[0].upstream_model, "name-2");
    assert_eq!(model.endpoints[0].provider.base_url, "http://gpu-1:8000/v1");

    let alone = load_dirs(false, &[&first], &sandbox()).unwrap();
    assert_ne!(loaded.catalog.version(), alone.catalog.version());
    let hidden = load_dirs(false, &[&first], &Without::Hidden).unwrap();
    assert!(hidden.catalog.models().is_empty() && hidden.catalog.providers().is_empty());
}

#[test]
fn without_a_credential_the_worst_is_assumed_and_the_sandbox_answers() {
    let blank = PROVIDER.replace("ACME_API_KEY", "BLANK_API_KEY");
    let loaded =
        load_files(&[("providers/acme.toml", &blank), ("models/author/name.toml", MODEL)]).unwrap();
    let provider = loaded.catalog.find_provider("acme").unwrap();
    assert_eq!(provider.dialled_url(), "http://127.0.0.1:9/acme/v1");
    assert!(provider.data_policy.training && provider.data_policy.retains);
    assert!(loaded.credentials.is_empty());
}

#[test]
fn every_problem_of_every_file_is_reported_with_its_line() {
    let provider = "\
base_url = 'http://api.acme.example/v1'
credential_env = 'acme-key'
dialect = 'smoke_signals'
headquarters = 'Usa'
nmae = 'Acme'
status_url = 'status'
[quirks]
headers = { Authorization = 'Bearer x' }
body = { mode = 'fast' }
clamp = { top_p = '1..0' }
reasoning = 'telepathy'
tool_choices = ['sometimes']
";
    let model = "\
released = '2025-02-30'
context_length = 0
input_modalities = ['text', 'smell']
open_weights = 'yes'

[[endpoints]]
provider = 'acme'
tag = 'other/turbo'
upstream = 'x'
quantization = 'int5'
parameters = ['tools', 'mood', 'tools']
max_completion_tokens = 2000
[endpoints.prices]
prompt = -0.1
completion = '1e-3'
lunch = 1

[[endpoints]]
provider = 'nobody'
upstream = ''
";
    let found = problems(&[("providers/acme.toml", provider), ("models/author/name.toml", model)]);
    let wanted = [
        "models/author/name.toml:1: `released` must be a date such as `2025-01-31`, not `2025-02-30`",
        "models/author/name.toml:2: `context_length` must be a whole number from 1 to 4,294,967,295",
        "models/author/name.toml:3: `input_modalities` has no modality `smell`",
        "models/author/name.toml:4: `open_weights` must be true or false",
        "models/author/name.toml:8: `tag` must be `acme` or `acme/<suffix>`",
        "models/author/name.toml:10: `quantization` does not know `int5`",
        "models/author/name.toml:11: `parameters` does not know `mood`",
        "models/author/name.toml:11: `parameters` lists `tools` twice",
        "models/author/name.toml:14: `prices.prompt` must not be negative",
        "models/author/name.toml:15: `prices.completion` must be an exact price in dollars",
        "models/author/name.toml:16: unknown field `lunch`; known are audio_input",
        "models/author/name.toml:20: `upstream` must not be blank",
        "providers/acme.toml:1: `base_url` must begin with `https://`",
        "providers/acme.toml:2: `credential_env` must name an environment variable",
        "providers/acme.toml:3: `dialect` does not know `smoke_signals`; known are openai_compatible",
        "providers/acme.toml:4: `headquarters` must be a country code such as `US`, not `Usa`",
        "providers/acme.toml:5: unknown field `nmae`; known are auth, base_url",
        "providers/acme.toml:6: `status_url` must be an address",
        "providers/acme.toml:8: `headers.Authorization` is not for this header",
        "providers/acme.toml:9: `body.mode` must be JSON",
        "providers/acme.toml:10: `clamp.top_p` must be two numbers such as \"0..1\", not `1..0`",
        "providers/acme.toml:11: `reasoning` is unknown variant `telepathy`, expected one of",
        "providers/acme.toml:12: `tool_choices` does not know `sometimes`",
    ];
    for start in wanted {
        assert!(found.iter().any(|problem| problem.starts_with(start)), "{start}\n{found:#?}");
    }
}

#[test]
fn what_does_not_fit_together_is_refused() {
    let check = |path: &str, text: &str, wanted: &str| {
        let mut files = vec![("providers/acme.toml", PROVIDER), (path, text)];
        if path != "models/author/name.toml" {
            files.push(("models/author/name.toml", MODEL));
        }
        let found = problems(&files);
        assert!(found.iter().any(|problem| problem.contains(wanted)), "{wanted}\n{found:#?}");
    };
    let path = "models/author/name.toml";
    check(path, &MODEL.replace("'acme'", "'nobody'"), "there is no provider `nobody`");
    check(path, &MODEL.replace("context_length = 1000", ""), "missing `context_length`");
    check(path, &MODEL.replace("completion = 0.6", ""), ":6: missing `prices.completion`");
    check(path, &MODEL.replace("'name-1'", "'name-1'\nmax_completion_tokens = 1001"), "more than");
    check(path, "context_length = 5", "missing `[[endpoints]]`");
    let dialect = format!("{MODEL}\n[endpoints.quirks]\ndialect = 'smoke_signals'");
    check(path, &dialect, "`quirks.dialect` does not know `smoke_signals`");
    let twice = format!("{MODEL}\n[[endpoints]]\nprovider = 'acme'\nupstream = 'x'");
    check(path, &twice, "another endpoint of this model has the tag `acme`");
    let entry = format!(
        "{PROVIDER}\n[[models]]\nmodel = 'author/name'\nupstream = 'x'\ntag = 'acme'\n\
         prices = {{ prompt = 0, completion = 0 }}"
    );
    let found = problems(&[("providers/acme.toml", &entry), (path, MODEL)]);
    assert!(found[0].contains("has the tag `acme`"), "{found:#?}");
    check("models/name.toml", MODEL, "move this file there");
    check("models/Author/name.toml", MODEL, "cannot name a model");
    check("providers/ac_me.toml", PROVIDER, "cannot name a provider");
    check("providers/b.toml", "base_url = 'https://b.example'", "missing `credential_env`");
    check("providers/b.toml", "auth = 'none'", "missing `base_url`");
    check("providers/b.toml", "auth = { kind = 1 }", "one of `header`, `query` and `aws`");
    check("providers/b.toml", "auth = 'none'\ncredential_env = 'X'", "has no use with");
}

#[test]
fn a_file_that_is_not_toml_is_one_problem() {
    let files =
        [("providers/acme.toml", "name = 'Acme\nbase_url"), ("models/author/name.toml", MODEL)];
    let found = problems(&files);
    assert!(found.iter().all(|problem| problem.starts_with("providers/acme.toml:")), "{found:#?}");
    assert!(
        found.iter().any(|problem| problem.starts_with("providers/acme.toml:1:")),
        "{found:#?}"
    );
}

#[test]
fn a_directory_that_is_not_there_is_a_problem() {
    let sources = Sources { builtin: false, extra_dirs: vec![Path::new("/no/such/place").into()] };
    let problems = load(&sources, &|_| None, &sandbox(), &DIALECTS).unwrap_err();
    assert!(problems[0].to_string().starts_with("/no/such/place: cannot be listed: "));
}

#[test]
fn only_local_addresses_may_be_unencrypted() {
    for (url, valid) in [
        ("https://api.example.com/v1", true),
        ("http://localhost:11434/v1", true),
        ("http://[::1]:8080", true),
        ("http://192.168.1.20:8000/v1", true),
        ("http://ollama:11434/v1", true),
        ("http://host.docker.internal:8080/v1", true),
        ("http://8.8.8.8/v1", false),
        ("http://api.example.com/v1", false),
        ("ftp://localhost/v1", false),
        ("https://user:pass@example.com", false),
        ("https://example.com/v1?key=1", false),
        ("https://exa mple.com", false),
        ("https://example.com:port", false),
        ("https://", false),
        ("http://[::1", false),
        ("localhost:8080", false),
    ] {
        assert_eq!(check::base_url(url).is_ok(), valid, "{url}");
    }
}
