//! The catalog's files: found, read, checked and joined into one snapshot.
//!
//! A catalog is a directory with `providers/<slug>.toml` and `models/<author>/<name>.toml`; the
//! shipped one is embedded in the binary, and an operator may add directories of the same layout.
//! `catalog/README.md` describes the files. Reading goes in steps, one module each: `files` finds
//! them, `fields` reads TOML with its line numbers, `provider_file`, `model_file` and
//! `endpoint_file` say what was written, and `join` decides what it means.
//!
//! Nothing stops at the first mistake: every problem of every file is reported, with its line.

mod check;
mod endpoint_file;
mod fields;
mod files;
mod join;
mod model_file;
mod placeholder;
mod provider_file;
mod quirk_fields;
#[cfg(test)]
mod tests;

use domain::catalog::Catalog;
use domain::secret::Secret;
use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::catalog::fields::Fields;

/// Where the catalog is read from. Later sources override earlier ones.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sources {
    /// Whether the shipped catalog is the first source.
    pub builtin: bool,
    pub extra_dirs: Vec<PathBuf>,
}

/// What becomes of providers that need a credential when there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Without {
    /// The sandbox answers for them, at `{base_url}/{provider slug}` and the path of their own
    /// address, where `sandbox` stands for each `${NAME}`.
    Sandbox { base_url: String },
    /// They are hidden, and so is what only they serve.
    Hidden,
}

/// A catalog that may be served, and the credentials that its providers were found to have.
#[derive(Debug, Clone)]
pub struct Loaded {
    pub catalog: Catalog,
    /// By provider slug. A provider without an entry needs none or has none.
    pub credentials: HashMap<String, Secret<String>>,
}

/// One thing wrong with one file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CatalogProblem {
    pub file: PathBuf,
    /// From one; zero when it is about the file as a whole.
    pub line: usize,
    pub reason: String,
}

impl fmt::Display for CatalogProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.file.display(), self.reason),
            line => write!(f, "{}:{line}: {}", self.file.display(), self.reason),
        }
    }
}

/// Reads every source and joins them.
///
/// `credential` gives the value of an environment variable; `dialects` are the slugs of the known
/// adapters.
pub fn load(
    sources: &Sources,
    credential: &dyn Fn(&str) -> Option<String>,
    without: &Without,
    dialects: &[&str],
) -> Result<Loaded, Vec<CatalogProblem>> {
    let problems = Problems::default();
    let files = files::find(sources, &problems);
    let mut providers = Vec::new();
    let mut models = Vec::new();
    let mut unread = BTreeSet::new();
    for file in &files {
        match &file.kind {
            files::Kind::Provider { slug } => {
                let read =
                    |fields: &Fields<'_>| provider_file::read(slug, file.layer, fields, dialects);
                match fields::read(file, &problems, read) {
                    Some(provider) => providers.push(provider),
                    None => drop(unread.insert(slug.clone())),
                }
            }
            files::Kind::Model { slug } => {
                let read = |fields: &Fields<'_>| model_file::read(slug, file.layer, fields);
                models.extend(fields::read(file, &problems, read));
            }
        }
    }
    let version = files::fingerprint(&files);
    let join = join::Join { credential, without, unread, dialects, problems: &problems };
    let loaded = join.join(providers, models, version);
    let problems = problems.into_sorted();
    if problems.is_empty() { Ok(loaded) } else { Err(problems) }
}

/// A line of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    file: Arc<Path>,
    line: usize,
}

/// Something and where it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
struct At<T> {
    value: T,
    place: Place,
}

/// Everything found wrong so far.
#[derive(Debug, Default)]
struct Problems(RefCell<Vec<CatalogProblem>>);

impl Problems {
    fn report(&self, place: &Place, reason: impl Into<String>) {
        self.0.borrow_mut().push(CatalogProblem {
            file: place.file.to_path_buf(),
            line: place.line,
            reason: reason.into(),
        });
    }

    fn into_sorted(self) -> Vec<CatalogProblem> {
        let mut problems = self.0.into_inner();
        problems.sort();
        problems.dedup();
        problems
    }
}
