//! Configuration in two stages: what was written ([`raw`]) and what it means ([`Config`]).
//!
//! The defaults are compiled in; a file and then the environment override them. Every mistake is
//! reported, with its place, before anything starts. The environment is read here and nowhere
//! else.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

pub mod billing;
pub mod catalog;
pub mod data;
pub mod database;
mod gateway;
pub mod http;
pub mod limits;
mod raw;
pub mod responses;
pub mod sandbox;
mod section;
pub mod telemetry;
#[cfg(test)]
mod tests;
pub mod web;

pub use raw::Problem;
use raw::{RawConfig, Written};
use section::Reader;

/// The file that is read when none is named.
const FILE: &str = "entrepot.toml";

/// Every setting, checked.
#[derive(Debug, Clone)]
pub struct Config {
    pub http: http::Http,
    pub data: data::Data,
    pub database: database::Database,
    pub catalog: catalog::Catalog,
    pub sandbox: sandbox::Sandbox,
    pub gateway: ::gateway::Settings,
    pub billing: billing::Billing,
    pub limits: limits::Limits,
    pub responses: responses::Responses,
    pub telemetry: telemetry::Telemetry,
    pub web: web::Web,
    /// The settings as `check-config` prints them: name, value, place.
    effective: Vec<(String, String, String)>,
}

/// All that is wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.len();
        let noun = if count == 1 { "problem" } else { "problems" };
        write!(f, "the configuration has {count} {noun}:")?;
        self.0.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

/// The variables of the process, as a value.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// The environment of this process. Variables that are not text are left out: none of ours
    /// could mean anything.
    pub fn of_process() -> Self {
        Self(
            std::env::vars_os()
                .filter_map(|(name, value)| {
                    Some((name.into_string().ok()?, value.into_string().ok()?))
                })
                .collect(),
        )
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Environment {
    fn from_iter<T: IntoIterator<Item = (N, V)>>(variables: T) -> Self {
        Self(variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

/// Names only: values may be secrets.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Config {
    /// Reads the defaults, the named file (or `entrepot.toml`, if there is one) and the
    /// environment.
    pub fn load(file: Option<&Path>, environment: &Environment) -> Result<Self, Problems> {
        let path = file.map_or_else(|| PathBuf::from(FILE), Path::to_owned);
        match std::fs::read_to_string(&path) {
            Ok(text) => Self::parse(Some((&path, &text)), environment),
            Err(error) if file.is_none() && error.kind() == std::io::ErrorKind::NotFound => {
                Self::parse(None, environment)
            }
            Err(error) => Err(Problems(vec![Problem::new(
                path.display(),
                format!("cannot be read: {error}"),
            )])),
        }
    }

    /// The same from texts.
    pub fn parse(file: Option<(&Path, &str)>, environment: &Environment) -> Result<Self, Problems> {
        let mut problems = Vec::new();
        let raw = RawConfig::collect(file, environment, &mut problems);
        let reader = Reader::new(&raw);
        let config = Self::read(&reader, &raw);
        let (wrong, _) = reader.finish();
        problems.extend(wrong);
        if problems.is_empty() { Ok(config) } else { Err(Problems(problems)) }
    }

    fn read(reader: &Reader<'_>, raw: &RawConfig) -> Self {
        let data = data::Data::read(&reader.section("data"));
        Self {
            http: http::Http::read(&reader.section("http")),
            database: database::Database::read(&reader.section("database"), &data),
            data,
            catalog: catalog::Catalog::read(
                &reader.section("catalog"),
                &reader.section("providers"),
            ),
            sandbox: sandbox::Sandbox::read(&reader.section("sandbox")),
            gateway: gateway::read(&reader.section("gateway")),
            billing: billing::Billing::read(&reader.section("billing")),
            limits: limits::Limits::read(&reader.section("limits")),
            responses: responses::Responses::read(&reader.section("responses")),
            telemetry: telemetry::Telemetry::read(&reader.section("telemetry")),
            web: web::Web::read(&reader.section("web")),
            effective: effective(raw),
        }
    }
}

/// Prints the effective settings as a file would say them, with where each comes from.
impl fmt::Display for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut section = "";
        for (name, value, place) in &self.effective {
            let (in_section, key) = name.split_once('.').unwrap_or(("", name));
            if in_section != section {
                writeln!(f, "{}[{in_section}]", if section.is_empty() { "" } else { "\n" })?;
                section = in_section;
            }
            writeln!(f, "{key} = {value}  # {place}")?;
        }
        Ok(())
    }
}

fn effective(raw: &RawConfig) -> Vec<(String, String, String)> {
    raw.settings
        .iter()
        .map(|((section, key), setting)| {
            let value = match &setting.value {
                Written::Text(text) | Written::Variable(text) => {
                    let text = if section == "database" && key == "url" {
                        database::redact(text)
                    } else {
                        text.clone()
                    };
                    toml::Value::String(text).to_string()
                }
                Written::Integer(text) | Written::Float(text) => text.clone(),
                Written::Boolean(flag) => flag.to_string(),
            };
            (format!("{section}.{key}"), value, setting.origin.to_string())
        })
        .collect()
}
