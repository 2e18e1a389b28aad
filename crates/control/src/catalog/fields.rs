//! Reads the fields of TOML tables one by one, so that every mistake is found and has a line.
//!
//! `serde` would stop at the first mistake of a file and lose where a value stood.

use std::cell::RefCell;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::files::File;
use super::{At, Place, Problems};

/// Parses a file and gives its table to `then`; what was not asked for is reported as unknown.
/// None when the file is not TOML, which was reported.
pub(super) fn read<T>(
    file: &File,
    problems: &Problems,
    then: impl FnOnce(&Fields<'_>) -> T,
) -> Option<T> {
    let source = Source { file, problems };
    let (document, errors) = DeTable::parse_recoverable(&file.text);
    for error in &errors {
        let at = error.span().map_or(0, |span| span.start);
        // One line a problem, whatever the parser says.
        let message = error.message().split_whitespace().collect::<Vec<_>>().join(" ");
        problems.report(&source.place(at), message);
    }
    // What the parser could not read is not then also missing.
    errors.is_empty().then(|| {
        let fields = Fields::new(document.get_ref(), source.place(0), source);
        let result = then(&fields);
        fields.report_unknown();
        result
    })
}

#[derive(Clone, Copy)]
struct Source<'t> {
    file: &'t File,
    problems: &'t Problems,
}

impl Source<'_> {
    fn place(&self, at: usize) -> Place {
        let before = self.file.text.get(..at).unwrap_or_default();
        let line = 1 + before.matches('\n').count();
        Place { file: self.file.path.clone(), line }
    }
}

/// The fields of one table.
pub(super) struct Fields<'t> {
    table: &'t DeTable<'t>,
    place: Place,
    source: Source<'t>,
    asked: RefCell<Vec<&'static str>>,
}

type Value<'t> = Spanned<DeValue<'t>>;

impl<'t> Fields<'t> {
    fn new(table: &'t DeTable<'t>, place: Place, source: Source<'t>) -> Self {
        Self { table, place, source, asked: RefCell::default() }
    }

    /// Where the table begins.
    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    pub(super) fn report(&self, place: &Place, reason: impl Into<String>) {
        self.source.problems.report(place, reason);
    }

    pub(super) fn text(&self, key: &'static str) -> Option<At<String>> {
        let value = self.get(key)?;
        match self.as_text(value) {
            Some(text) => Some(text),
            None => self.mistyped(key, "a string", value),
        }
    }

    /// A text that must be there.
    pub(super) fn required_text(&self, key: &'static str) -> Option<At<String>> {
        if !self.has(key) {
            self.report(&self.place, format!("missing `{key}`"));
        }
        self.text(key)
    }

    /// A text that `check` accepts; its error says what would be right.
    pub(super) fn checked<T>(
        &self,
        key: &'static str,
        check: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let text = self.text(key)?;
        check(&text.value)
            .map_err(|reason| self.report(&text.place, format!("`{key}` {reason}")))
            .ok()
    }

    /// A list of texts that `check` accepts, without repetition.
    pub(super) fn checked_list<T: PartialEq>(
        &self,
        key: &'static str,
        check: impl Fn(&str) -> Result<T, String>,
    ) -> Option<Vec<T>> {
        let value = self.get(key)?;
        let Some(array) = value.get_ref().as_array() else {
            return self.mistyped(key, "a list of strings", value);
        };
        let mut list = Vec::new();
        for element in array {
            let Some(text) = self.as_text(element) else {
                return self.mistyped(key, "a list of strings", value);
            };
            match check(&text.value) {
                Ok(checked) if list.contains(&checked) => {
                    self.report(&text.place, format!("`{key}` lists `{}` twice", text.value));
                }
                Ok(checked) => list.push(checked),
                Err(reason) => self.report(&text.place, format!("`{key}` {reason}")),
            }
        }
        Some(list)
    }

    /// A whole number from one up.
    pub(super) fn count(&self, key: &'static str) -> Option<At<u32>> {
        let value = self.get(key)?;
        let place = self.place_of(value);
        let count = value.get_ref().as_integer().and_then(|integer| {
            u32::from_str_radix(integer.as_str(), integer.radix()).ok().filter(|n| *n > 0)
        });
        match count {
            Some(value) => Some(At { value, place }),
            None => self.mistyped(key, "a whole number from 1 to 4,294,967,295", value),
        }
    }

    pub(super) fn flag(&self, key: &'static str) -> Option<bool> {
        let value = self.get(key)?;
        match value.get_ref().as_bool() {
            Some(flag) => Some(flag),
            None => self.mistyped(key, "true or false", value),
        }
    }

    /// A number in decimal notation as it was written, or a string that holds one.
    pub(super) fn decimal(&self, key: &'static str) -> Option<At<String>> {
        let value = self.get(key)?;
        let text = match value.get_ref() {
            DeValue::String(text) => text.to_string(),
            DeValue::Integer(integer) if integer.radix() == 10 => integer.as_str().to_owned(),
            DeValue::Float(float) => float.as_str().to_owned(),
            DeValue::Integer(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Array(_)
            | DeValue::Table(_) => return self.mistyped(key, "a decimal number", value),
        };
        Some(At { value: text, place: self.place_of(value) })
    }

    /// Names and texts: `{ name = "text" }`. Where `also_plain`, numbers and booleans are taken
    /// as they are written.
    pub(super) fn texts_by_name(
        &self,
        key: &'static str,
        values: Values,
    ) -> Vec<(At<String>, At<String>)> {
        let Some(value) = self.get(key) else { return Vec::new() };
        let Some(table) = value.get_ref().as_table() else {
            self.mistyped::<()>(key, "a table of strings", value);
            return Vec::new();
        };
        let mut list = Vec::new();
        for (name, value) in table {
            let place = self.place_of(value);
            let text = match (value.get_ref(), values) {
                (DeValue::String(text), _) => text.to_string(),
                (DeValue::Boolean(flag), Values::Json) => flag.to_string(),
                (DeValue::Integer(integer), Values::Json) if integer.radix() == 10 => {
                    integer.as_str().to_owned()
                }
                (DeValue::Float(float), Values::Json) => float.as_str().to_owned(),
                _ => {
                    let reason = format!("`{key}.{}` must be a string", name.get_ref());
                    self.report(&place, reason);
                    continue;
                }
            };
            let name = At { value: name.get_ref().to_string(), place: place.clone() };
            list.push((name, At { value: text, place }));
        }
        list
    }

    /// An inner table, read by `read`.
    pub(super) fn table<T>(
        &self,
        key: &'static str,
        read: impl FnOnce(&Fields<'_>) -> T,
    ) -> Option<T> {
        let value = self.get(key)?;
        let Some(table) = value.get_ref().as_table() else {
            return self.mistyped(key, "a table", value);
        };
        Some(self.inner(table, value, read))
    }

    /// Each table of a list of tables, read by `read`.
    pub(super) fn tables<T>(
        &self,
        key: &'static str,
        mut read: impl FnMut(&Fields<'_>) -> T,
    ) -> Vec<T> {
        let Some(value) = self.get(key) else { return Vec::new() };
        let wanted = "a list of tables";
        let Some(array) = value.get_ref().as_array() else {
            self.mistyped::<()>(key, wanted, value);
            return Vec::new();
        };
        let mut list = Vec::new();
        for element in array {
            match element.get_ref().as_table() {
                Some(table) => list.push(self.inner(table, element, &mut read)),
                None => {
                    self.mistyped::<()>(key, wanted, element);
                }
            }
        }
        list
    }

    /// Whether the field holds a string rather than anything else.
    pub(super) fn is_text(&self, key: &'static str) -> bool {
        self.get(key).is_some_and(|value| value.get_ref().is_str())
    }

    fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    fn inner<T>(
        &self,
        table: &DeTable<'_>,
        value: &Value<'_>,
        read: impl FnOnce(&Fields<'_>) -> T,
    ) -> T {
        let fields = Fields::new(table, self.place_of(value), self.source);
        let result = read(&fields);
        fields.report_unknown();
        result
    }

    fn get(&self, key: &'static str) -> Option<&'t Value<'t>> {
        self.asked.borrow_mut().push(key);
        self.table.get(key)
    }

    fn as_text(&self, value: &Value<'_>) -> Option<At<String>> {
        let text = value.get_ref().as_str()?;
        Some(At { value: text.to_owned(), place: self.place_of(value) })
    }

    fn place_of(&self, value: &Value<'_>) -> Place {
        self.source.place(value.span().start)
    }

    fn mistyped<T>(&self, key: &str, wanted: &str, value: &Value<'_>) -> Option<T> {
        self.report(&self.place_of(value), format!("`{key}` must be {wanted}"));
        None
    }

    fn report_unknown(&self) {
        let asked = self.asked.borrow();
        for (key, _) in self.table {
            let name = key.get_ref();
            if asked.iter().all(|known| known != name) {
                let mut known: Vec<&str> = asked.clone();
                known.sort_unstable();
                known.dedup();
                self.report(
                    &self.source.place(key.span().start),
                    format!("unknown field `{name}`; known are {}", known.join(", ")),
                );
            }
        }
    }
}

/// What the values of [`Fields::texts_by_name`] may be.
#[derive(Clone, Copy)]
pub(super) enum Values {
    Text,
    /// JSON in a string, or a plain number or boolean.
    Json,
}
