//! Finds the files of every source.

use domain::model::ModelSlug;
use include_dir::{Dir, include_dir};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Place, Problems, Sources};

static BUILTIN: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../../catalog");

/// A catalog file holds facts about one thing; this much is a mistake.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// More files than this under one directory are not a catalog.
const FILES_MAX: usize = 20_000;
/// `models/<author>/<name>.toml` is the deepest there is.
const DEPTH_MAX: usize = 3;

/// One file of a catalog.
#[derive(Debug)]
pub(super) struct File {
    /// As it is named in messages.
    pub(super) path: Arc<Path>,
    pub(super) text: String,
    /// Zero for the shipped catalog, then one for each extra directory.
    pub(super) layer: usize,
    pub(super) kind: Kind,
}

/// What a file is about, as its path says.
#[derive(Debug)]
pub(super) enum Kind {
    Provider { slug: String },
    Model { slug: ModelSlug },
}

/// Every file of every source, in the order in which they override each other.
pub(super) fn find(sources: &Sources, problems: &Problems) -> Vec<File> {
    let mut files = Vec::new();
    if sources.builtin {
        let mut found = Vec::new();
        embedded(&BUILTIN, &mut found);
        found.sort();
        for (relative, text) in found {
            let path = Path::new("catalog").join(relative);
            keep(&mut files, problems, Found { path, relative, text: text.to_owned(), layer: 0 });
        }
    }
    for (index, directory) in sources.extra_dirs.iter().enumerate() {
        let mut paths = Vec::new();
        walk(directory, 0, &mut paths, problems);
        paths.sort();
        for path in paths {
            let Ok(relative) = path.strip_prefix(directory) else { continue };
            match read(&path) {
                Ok(text) => keep(
                    &mut files,
                    problems,
                    Found { path: path.clone(), relative, text, layer: index + 1 },
                ),
                Err(reason) => problems.report(&whole(&path), reason),
            }
        }
    }
    files
}

/// A number that changes with any change to any file.
pub(super) fn fingerprint(files: &[File]) -> u64 {
    let mut hasher = Sha256::new();
    for file in files {
        for part in [file.path.as_os_str().as_encoded_bytes(), file.text.as_bytes()] {
            hasher.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
            hasher.update(part);
        }
    }
    let digest = <[u8; 32]>::from(hasher.finalize());
    digest.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

struct Found<'a> {
    path: PathBuf,
    /// Below the directory of its source.
    relative: &'a Path,
    text: String,
    layer: usize,
}

fn keep(files: &mut Vec<File>, problems: &Problems, found: Found<'_>) {
    match kind(found.relative) {
        Ok(kind) => {
            files.push(File {
                path: found.path.into(),
                text: found.text,
                layer: found.layer,
                kind,
            });
        }
        Err(reason) => problems.report(&whole(&found.path), reason),
    }
}

fn kind(relative: &Path) -> Result<Kind, String> {
    let parts: Vec<&str> = relative.iter().filter_map(|part| part.to_str()).collect();
    let stem = |name: &str| name.strip_suffix(".toml").unwrap_or(name).to_owned();
    match parts.as_slice() {
        ["providers", name] => {
            let slug = stem(name);
            if super::check::is_provider_slug(&slug) {
                Ok(Kind::Provider { slug })
            } else {
                Err(format!(
                    "`{slug}` cannot name a provider; use lower-case letters, digits and hyphens"
                ))
            }
        }
        ["models", author, name] => {
            let slug = format!("{author}/{}", stem(name));
            slug.parse().map(|slug| Kind::Model { slug }).map_err(|_| {
                format!(
                    "`{slug}` cannot name a model; use lower-case letters, digits, `-`, `.` and `_`"
                )
            })
        }
        _ => Err("a catalog has `providers/<slug>.toml` and `models/<author>/<name>.toml`; \
                  move this file there"
            .to_owned()),
    }
}

fn embedded<'a>(directory: &'a Dir<'a>, found: &mut Vec<(&'a Path, &'a str)>) {
    for file in directory.files() {
        if is_toml(file.path()) {
            // The build refuses what isn't UTF-8 no later than the test of the shipped catalog.
            found.push((file.path(), file.contents_utf8().unwrap_or_default()));
        }
    }
    for inner in directory.dirs() {
        embedded(inner, found);
    }
}

fn walk(directory: &Path, depth: usize, paths: &mut Vec<PathBuf>, problems: &Problems) {
    let entries = match std::fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) => {
            return problems.report(&whole(directory), format!("cannot be listed: {error}"));
        }
    };
    for entry in entries {
        let path = match entry {
            Ok(entry) => entry.path(),
            Err(error) => {
                problems.report(&whole(directory), format!("cannot be listed: {error}"));
                continue;
            }
        };
        let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if hidden {
            continue;
        }
        // Through links, because mounted configuration often is one.
        if path.is_dir() {
            if depth + 1 < DEPTH_MAX {
                walk(&path, depth + 1, paths, problems);
            } else {
                problems.report(&whole(&path), "lies deeper than `models/<author>/`");
            }
        } else if is_toml(&path) {
            if paths.len() >= FILES_MAX {
                return problems
                    .report(&whole(directory), format!("holds more than {FILES_MAX} files"));
            }
            paths.push(path);
        }
    }
}

fn read(path: &Path) -> Result<String, String> {
    let unreadable = |error: std::io::Error| format!("cannot be read: {error}");
    if std::fs::metadata(path).map_err(unreadable)?.len() > FILE_BYTES_MAX {
        return Err(format!("is larger than {FILE_BYTES_MAX} bytes"));
    }
    std::fs::read_to_string(path).map_err(unreadable)
}

fn is_toml(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "toml")
}

fn whole(path: &Path) -> Place {
    Place { file: path.into(), line: 0 }
}
