//! Inputs to begin with: the recorded answers that the adapters' tests use, and a request of each
//! kind for every dialect.

use std::fs;
use std::path::Path;

/// An input for a target.
pub struct Seed {
    pub target: &'static str,
    pub name: String,
    pub bytes: Vec<u8>,
}

/// Every seed, in a fixed order. `root` is the repository.
pub fn all(root: &Path) -> Vec<Seed> {
    let mut seeds = Vec::new();
    let fixtures = root.join("crates/providers/tests/it/fixtures");
    for (adapter, folder) in entries(&fixtures) {
        for (name, case) in entries(&folder) {
            let files = if case.is_dir() { entries(&case) } else { vec![(name.clone(), case)] };
            for (file, path) in files.into_iter().filter(|(_, path)| path.is_file()) {
                let Ok(body) = fs::read(path) else { continue };
                let input = [adapter.as_bytes(), b"\n", &body].concat();
                let name = format!("{adapter}-{name}-{file}");
                if file == "stream.sse" {
                    seeds.push(Seed { target: "sse", name: name.clone(), bytes: body });
                }
                seeds.push(Seed { target: "decoder", name, bytes: input });
            }
        }
    }
    for (dialect, folder) in entries(&root.join("fuzz/seeds")) {
        for (name, path) in entries(&folder) {
            let Ok(body) = fs::read(path) else { continue };
            let bytes = [dialect.as_bytes(), b"\n", &body].concat();
            seeds.push(Seed { target: "inbound", name: format!("{dialect}-{name}"), bytes });
        }
    }
    seeds
}

/// What is in a folder, by name.
fn entries(folder: &Path) -> Vec<(String, std::path::PathBuf)> {
    let read = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<_> = read
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path()))
        .collect();
    found.sort();
    found
}
