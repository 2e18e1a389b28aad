//! What was written: every setting as text with the place that it came from.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Environment;

/// Every setting with its default and a sentence.
pub(super) const DEFAULTS: &str = include_str!("../../../config.default.toml");

/// What variables of ours begin with.
const PREFIX: &str = "ENTREPOT__";

/// The layers of configuration, merged. Later layers win.
#[derive(Debug)]
pub(super) struct RawConfig {
    pub(super) settings: BTreeMap<(String, String), Setting>,
    /// The defaults alone: what a setting falls back to when it is wrong, so that reading can
    /// go on and report everything.
    pub(super) defaults: BTreeMap<(String, String), Setting>,
}

/// One value and where it was written.
#[derive(Debug, Clone)]
pub(super) struct Setting {
    pub(super) value: Written,
    pub(super) origin: Origin,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Written {
    Text(String),
    Integer(String),
    Float(String),
    Boolean(bool),
    /// From the environment, where everything is text: read as whatever the setting is.
    Variable(String),
}

/// Where a setting was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    Default { line: usize },
    File { path: PathBuf, line: usize },
    Variable { name: String },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default { line } => write!(f, "config.default.toml:{line}"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Variable { name } => f.write_str(name),
        }
    }
}

/// One mistake and where it was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    place: String,
    reason: String,
}

impl Problem {
    pub(super) fn new(place: impl fmt::Display, reason: impl Into<String>) -> Self {
        Self { place: place.to_string(), reason: reason.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.reason)
    }
}

impl RawConfig {
    /// Merges the defaults, a file and the environment. What cannot be placed is a problem.
    pub(super) fn collect(
        file: Option<(&Path, &str)>,
        environment: &Environment,
        problems: &mut Vec<Problem>,
    ) -> Self {
        let mut defaults = BTreeMap::new();
        read_file(DEFAULTS, &|line| Origin::Default { line }, None, &mut defaults, problems);
        let mut settings = defaults.clone();
        if let Some((path, text)) = file {
            let origin = |line| Origin::File { path: path.to_owned(), line };
            read_file(text, &origin, Some(&defaults), &mut settings, problems);
        }
        read_environment(environment, &defaults, &mut settings, problems);
        Self { settings, defaults }
    }
}

type Settings = BTreeMap<(String, String), Setting>;

fn read_file(
    text: &str,
    origin: &dyn Fn(usize) -> Origin,
    known: Option<&Settings>,
    settings: &mut Settings,
    problems: &mut Vec<Problem>,
) {
    let line_at = |position: usize| {
        text.as_bytes().iter().take(position).filter(|byte| **byte == b'\n').count() + 1
    };
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let line = error.span().map_or(1, |span| line_at(span.start));
        problems.push(Problem::new(origin(line), error.message()));
    }
    for (section, table) in document.get_ref() {
        let here = origin(line_at(section.span().start));
        let section = section.get_ref().as_ref();
        let Some(table) = table.get_ref().as_table() else {
            problems.push(Problem::new(
                here,
                format!("`{section}` is not a section: {}", sections(known)),
            ));
            continue;
        };
        if known.is_some_and(|known| known.keys().all(|(name, _)| name != section)) {
            problems.push(Problem::new(
                here,
                format!("there is no section `[{section}]`: {}", sections(known)),
            ));
            continue;
        }
        for (key, value) in table {
            let here = origin(line_at(key.span().start));
            let name = (section.to_owned(), key.get_ref().as_ref().to_owned());
            if known.is_some_and(|known| !known.contains_key(&name)) {
                problems.push(Problem::new(here, unknown_key(&name, known)));
                continue;
            }
            match written(value) {
                Some(value) => {
                    settings.insert(name, Setting { value, origin: here });
                }
                None => problems.push(Problem::new(
                    here,
                    format!("`{}.{}` must be text, a number or a boolean", name.0, name.1),
                )),
            }
        }
    }
}

fn written(value: &Spanned<DeValue<'_>>) -> Option<Written> {
    match value.get_ref() {
        DeValue::String(text) => Some(Written::Text(text.as_ref().to_owned())),
        DeValue::Integer(number) => Some(Written::Integer(number.as_str().to_owned())),
        DeValue::Float(number) => Some(Written::Float(number.as_str().to_owned())),
        DeValue::Boolean(flag) => Some(Written::Boolean(*flag)),
        DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => None,
    }
}

fn read_environment(
    environment: &Environment,
    known: &Settings,
    settings: &mut Settings,
    problems: &mut Vec<Problem>,
) {
    let mut set = |section: &str, key: &str, variable: &str, value: &str| {
        settings.insert(
            (section.to_owned(), key.to_owned()),
            Setting {
                value: Written::Variable(value.to_owned()),
                origin: Origin::Variable { name: variable.to_owned() },
            },
        );
    };
    if let Some(url) = environment.get("DATABASE_URL").filter(|url| !url.is_empty()) {
        set("database", "url", "DATABASE_URL", url);
    }
    for (variable, value) in environment.iter() {
        let Some(rest) = variable.strip_prefix(PREFIX) else { continue };
        let name = rest
            .split_once("__")
            .map(|(section, key)| (section.to_ascii_lowercase(), key.to_ascii_lowercase()));
        match name {
            Some(name) if known.contains_key(&name) => set(&name.0, &name.1, variable, value),
            Some(name) => problems.push(Problem::new(variable, unknown_key(&name, Some(known)))),
            None => problems.push(Problem::new(
                variable,
                format!("variables of the server are named `{PREFIX}SECTION__KEY`"),
            )),
        }
    }
}

fn sections(known: Option<&Settings>) -> String {
    let mut names: Vec<&str> =
        known.into_iter().flat_map(BTreeMap::keys).map(|(section, _)| section.as_str()).collect();
    names.dedup();
    format!("the sections are {}", names.join(", "))
}

fn unknown_key((section, key): &(String, String), known: Option<&Settings>) -> String {
    let keys: Vec<&str> = known
        .into_iter()
        .flat_map(BTreeMap::keys)
        .filter(|(name, _)| name == section)
        .map(|(_, key)| key.as_str())
        .collect();
    if keys.is_empty() {
        format!("there is no section `{section}`: {}", sections(known))
    } else {
        format!("there is no setting `{section}.{key}`: `{section}` has {}", keys.join(", "))
    }
}
