//! `[database]`: SQLite by default, PostgreSQL for many instances.

use super::data::Data;
use super::section::Section;
use domain::secret::Secret;

/// Which database, and how it is used.
#[derive(Debug, Clone)]
pub struct Database {
    /// May hold a password.
    pub url: Secret<String>,
    pub migrate: bool,
    pub connections_max: u32,
}

impl Database {
    pub(super) fn read(section: &Section<'_>, data: &Data) -> Self {
        let url = section.parsed("url", |text| {
            let known = ["sqlite:", "postgres://", "postgresql://"];
            if text.is_empty() || known.iter().any(|scheme| text.starts_with(scheme)) {
                Ok(text.to_owned())
            } else {
                Err("must begin with `sqlite:` or `postgres://`".to_owned())
            }
        });
        let url = if url.is_empty() {
            format!("sqlite:{}", data.dir.join("entrepot.db").display())
        } else {
            url
        };
        Self {
            url: Secret::new(url),
            migrate: section.flag("migrate"),
            connections_max: section.count("connections_max", 1..=1_000),
        }
    }

    pub fn is_sqlite(&self) -> bool {
        self.url.expose().starts_with("sqlite:")
    }
}

/// The address without what stands between `://` and `@`, and without parameters, either of which
/// may hold a password.
pub(super) fn redact(url: &str) -> String {
    let url = url.split_once('?').map_or(url, |(url, _)| url);
    match url.split_once("://") {
        Some((scheme, rest)) => match rest.rsplit_once('@') {
            Some((_, host)) => format!("{scheme}://[secret]@{host}"),
            None => url.to_owned(),
        },
        None => url.to_owned(),
    }
}
