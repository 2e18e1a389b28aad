//! Walls and registries that the compiler does not hold.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};

/// Who may depend on whom. A new arrow needs a paragraph in ARCHITECTURE.md.
const GRAPH: [(&str, &[&str]); 12] = [
    ("app", &["control", "domain"]),
    ("bench", &[]),
    ("control", &["domain", "ledger", "store"]),
    ("domain", &[]),
    ("frontend", &["app"]),
    ("gateway", &["domain", "ledger", "protocol", "providers"]),
    ("ledger", &["domain"]),
    ("protocol", &["domain"]),
    ("providers", &["domain", "protocol"]),
    ("sandbox", &[]),
    (
        "server",
        &[
            "app",
            "control",
            "domain",
            "gateway",
            "ledger",
            "protocol",
            "providers",
            "sandbox",
            "store",
        ],
    ),
    ("store", &["domain", "ledger"]),
];

/// Crates of others that only some of ours may use.
const RESERVED: [(&str, &[&str]); 9] = [
    ("argon2", &["control"]),
    ("axum", &["sandbox", "server"]),
    ("clap", &["server"]),
    ("hyper", &["bench", "sandbox", "server"]),
    ("moka", &["gateway"]),
    ("reqwest", &["gateway"]),
    ("sqlx", &["store"]),
    ("tokio", &["bench", "control", "gateway", "sandbox", "server", "store"]),
    ("tower-sessions", &["app", "server"]),
];

const LINES_MAX: usize = 1_000;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn metadata() -> Metadata {
    MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .no_deps()
        .other_options(["--offline".to_owned()])
        .exec()
        .unwrap()
}

fn dependencies(package: &Package) -> BTreeSet<&str> {
    package
        .dependencies
        .iter()
        .filter(|dependency| dependency.kind == DependencyKind::Normal)
        .map(|dependency| dependency.name.as_str())
        .collect()
}

/// Every file below a folder of the workspace with one of these endings, as (path, text).
fn files(folder: &str, endings: &[&str]) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                let generated = ["target", "node_modules", "data", "test-results"];
                if !name.starts_with('.') && !generated.contains(&name.as_str()) {
                    folders.push(path);
                }
            } else if endings.iter().any(|ending| name.ends_with(ending))
                && let Ok(text) = fs::read_to_string(&path)
            {
                found.push((path, text));
            }
        }
    }
    found.sort();
    found
}

#[test]
fn the_crate_graph_is_the_one_that_was_drawn() {
    let metadata = metadata();
    let ours: BTreeSet<&str> =
        metadata.packages.iter().map(|package| package.name.as_str()).collect();
    let found: BTreeMap<&str, BTreeSet<&str>> = metadata
        .packages
        .iter()
        .map(|package| {
            let arrows = dependencies(package).into_iter().filter(|name| ours.contains(name));
            (package.name.as_str(), arrows.collect())
        })
        .collect();
    let drawn: BTreeMap<&str, BTreeSet<&str>> =
        GRAPH.iter().map(|(name, arrows)| (*name, arrows.iter().copied().collect())).collect();
    assert_eq!(found, drawn);
}

#[test]
fn reserved_crates_stay_where_they_belong() {
    let metadata = metadata();
    for (reserved, allowed) in RESERVED {
        let users: BTreeSet<&str> = metadata
            .packages
            .iter()
            .filter(|package| dependencies(package).contains(reserved))
            .map(|package| package.name.as_str())
            .collect();
        let allowed: BTreeSet<&str> = allowed.iter().copied().collect();
        assert!(users.is_subset(&allowed), "{reserved} is used by {users:?}, not {allowed:?}");
    }
}

/// A folder whose every file or folder must be named in the slice that stands in `registry`.
fn check_registry(folder: &str, registry: &str, slice: &str) {
    let text = read(registry);
    let (_, list) = text.split_once(slice).unwrap_or_else(|| panic!("{registry} has `{slice}`"));
    let (list, _) = list.split_once("];").unwrap();
    for entry in fs::read_dir(root().join(folder)).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let is_module = path.is_dir() || path.extension().is_some_and(|ending| ending == "rs");
        let is_member = is_module && !["mod", "tests", "lib"].contains(&name.as_str());
        if is_member {
            assert!(
                list.contains(&format!("{name}::")),
                "{name} is not in `{slice}` of {registry}"
            );
        }
    }
}

#[test]
fn every_file_of_a_registry_is_registered() {
    check_registry("server/src/jobs", "server/src/jobs/mod.rs", "JOBS: &[&dyn Job] = &[");
    check_registry(
        "crates/gateway/src/middleware",
        "crates/gateway/src/middleware/mod.rs",
        "MIDDLEWARE: &[&dyn Middleware] = &[",
    );
    check_registry(
        "crates/gateway/src/routing/strategies",
        "crates/gateway/src/routing/strategies/mod.rs",
        "STRATEGIES: &[&dyn Strategy] = &[",
    );
    let providers = read("crates/providers/src/lib.rs");
    for entry in fs::read_dir(root().join("crates/providers/src")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        // What several dialects share has no dialect of its own.
        if path.is_dir() && name != "turns" {
            assert!(providers.contains(&format!("&{name}::")), "{name} is not in ADAPTERS");
        }
    }
}

#[test]
fn every_page_has_a_route() {
    let routes = read("app/src/routes.rs");
    for (path, text) in files("app/src/pages", &["mod.rs", "not_found.rs"]) {
        for line in text.lines() {
            let Some(rest) = line.strip_prefix("pub fn ").or(line.strip_prefix("pub(crate) fn "))
            else {
                continue;
            };
            let name = rest.split(['(', '<']).next().unwrap_or_default();
            if name.ends_with("Page") {
                assert!(routes.contains(name), "{name} of {} has no route", path.display());
            }
        }
    }
}

#[test]
fn no_file_is_too_long() {
    let sources = [".rs", ".css", ".sql", ".ts", ".js", ".mjs", ".py", ".sh"];
    for (path, text) in files(".", &sources) {
        let lines = text.lines().count();
        assert!(lines <= LINES_MAX, "{} has {lines} lines", path.display());
    }
}

#[test]
fn both_databases_have_the_same_migrations() {
    let names = |folder: &str| -> BTreeSet<String> {
        files(folder, &[".sql"])
            .iter()
            .map(|(path, _)| path.file_name().unwrap().to_string_lossy().into_owned())
            .collect()
    };
    let sqlite = names("migrations/sqlite");
    assert!(!sqlite.is_empty());
    assert_eq!(sqlite, names("migrations/postgres"));
    for (index, name) in sqlite.iter().enumerate() {
        assert!(name.starts_with(&format!("{:04}_", index + 1)), "{name} is out of order");
    }
}

#[test]
fn leptos_options_agree() {
    let runtime: toml::Table = read("Leptos.toml").parse().unwrap();
    let build: toml::Table = read("Cargo.toml").parse().unwrap();
    let runtime = runtime["package"]["metadata"]["leptos"].as_table().unwrap();
    let build = build["workspace"]["metadata"]["leptos"][0].as_table().unwrap();
    for (key, value) in runtime {
        // Only cargo-leptos chooses an environment by how it was called.
        if key != "env" {
            assert_eq!(Some(value), build.get(key), "`{key}` differs");
        }
    }
}

#[test]
fn server_functions_are_in_data_and_begin_with_enter() {
    for (path, text) in files("app/src", &[".rs"]) {
        for (position, _) in text.match_indices("\n#[server") {
            let place = path.display();
            assert_eq!(path.file_name().unwrap(), "data.rs", "{place} has a server function");
            let (_, body) = text[position..].split_once("AppError> {\n").unwrap_or_else(|| {
                panic!("a server function of {place} does not return Result<_, AppError>")
            });
            let first = body.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
            let enters = first.contains("enter().await") || first.contains("enter_public().await");
            assert!(enters, "a server function of {place} begins with `{}`", first.trim());
        }
    }
}

/// The public functions of a source file that are not methods.
fn public_functions(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| {
        let rest = line.strip_prefix("pub async fn ").or(line.strip_prefix("pub fn "))?;
        rest.split(['(', '<']).next()
    })
}

#[test]
fn every_function_of_the_store_is_tested() {
    let tests: String =
        files("crates/store/tests", &[".rs"]).into_iter().map(|(_, text)| text).collect();
    let mut untested = Vec::new();
    for (path, text) in files("crates/store/src", &[".rs"]) {
        if path.ends_with("testing.rs")
            || path.components().any(|part| part.as_os_str() == "testing")
        {
            continue;
        }
        let module = path.file_stem().unwrap().to_string_lossy().into_owned();
        for name in public_functions(&text) {
            let named = tests.contains(&format!("{module}::{name}("))
                || tests.contains(&format!("{name}("));
            if !named {
                untested.push(format!("{module}::{name}"));
            }
        }
    }
    assert_eq!(untested, Vec::<String>::new());
}

#[test]
fn nothing_refers_to_what_is_not_in_the_repository() {
    let texts = [".md", ".rs", ".toml", ".css", ".sql", ".ts", ".py", ".sh", ".js", ".mjs"];
    // Written apart, so that this file does not name them.
    let foreign = [["..", "/shared"].concat(), ["/work", "/"].concat()];
    for (path, text) in files(".", &texts) {
        for name in &foreign {
            assert!(!text.contains(name), "{} refers to {name}", path.display());
        }
    }
}

#[test]
fn dependencies_say_what_they_are_for() {
    let manifest = read("Cargo.toml");
    let (_, rest) = manifest.split_once("[workspace.dependencies]").unwrap();
    let (list, _) = rest.split_once("\n[").unwrap();
    let mut explained = false;
    for line in list.lines() {
        match line.trim() {
            "" => explained = false,
            line if line.starts_with('#') => explained = true,
            line => assert!(explained, "nothing says what `{line}` is for"),
        }
    }
}
