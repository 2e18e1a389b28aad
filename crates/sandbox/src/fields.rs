//! Reading the members of a JSON object one by one, so that none is overlooked.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use crate::refusal::{Problem, Refusal};

/// An object whose members are taken out as they are understood.
#[derive(Debug)]
pub(crate) struct Fields {
    path: String,
    members: Map<String, Value>,
    /// Whether members may be written in snake case too, as protocol buffers allow.
    is_proto: bool,
}

type Result<T> = std::result::Result<T, Refusal>;

impl Fields {
    pub(crate) fn root(body: &[u8]) -> Result<Self> {
        let value = serde_json::from_slice(body)
            .map_err(|error| Refusal::rule("", format!("the body is not JSON: {error}")))?;
        Self::of(value, "")
    }

    pub(crate) fn of(value: Value, path: impl Into<String>) -> Result<Self> {
        let path = path.into();
        match value {
            Value::Object(members) => Ok(Self { path, members, is_proto: false }),
            _ => Err(Refusal::new(path, Problem::Type("an object"))),
        }
    }

    /// The same, for an API that is defined by protocol buffers.
    pub(crate) fn into_proto(self) -> Self {
        let members = self.members.into_iter().map(|(name, value)| (camel(&name), value)).collect();
        Self { members, is_proto: true, ..self }
    }

    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// The path of a member.
    pub(crate) fn at(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    /// A member; null is as good as none.
    pub(crate) fn take(&mut self, name: &str) -> Option<Value> {
        self.members.remove(name).filter(|value| !value.is_null())
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.members.get(name).is_some_and(|value| !value.is_null())
    }

    pub(crate) fn required(&mut self, name: &str) -> Result<Value> {
        self.take(name).ok_or_else(|| Refusal::new(self.at(name), Problem::Missing))
    }

    pub(crate) fn text(&mut self, name: &str) -> Result<Option<String>> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Refusal::new(self.at(name), Problem::Type("a valid string"))),
        }
    }

    pub(crate) fn required_text(&mut self, name: &str) -> Result<String> {
        self.text(name)?.ok_or_else(|| Refusal::new(self.at(name), Problem::Missing))
    }

    pub(crate) fn one_of(&mut self, name: &str, choices: &[&str]) -> Result<Option<String>> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        if choices.contains(&text.as_str()) {
            return Ok(Some(text));
        }
        let message = format!("Input should be one of '{}', not '{text}'", choices.join("', '"));
        Err(Refusal::rule(self.at(name), message))
    }

    pub(crate) fn boolean(&mut self, name: &str) -> Result<Option<bool>> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(flag)),
            Some(_) => Err(Refusal::new(self.at(name), Problem::Type("a valid boolean"))),
        }
    }

    pub(crate) fn integer(
        &mut self,
        name: &str,
        range: RangeInclusive<u64>,
    ) -> Result<Option<u64>> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let Some(number) = value.as_i64() else {
            return Err(Refusal::new(self.at(name), Problem::Type("a valid integer")));
        };
        match u64::try_from(number) {
            Ok(number) if range.contains(&number) => Ok(Some(number)),
            _ => Err(Refusal::rule(self.at(name), bounds(range.start(), range.end()))),
        }
    }

    pub(crate) fn number(
        &mut self,
        name: &str,
        range: RangeInclusive<f64>,
    ) -> Result<Option<Value>> {
        let Some(value) = self.take(name) else { return Ok(None) };
        match value.as_f64() {
            None => Err(Refusal::new(self.at(name), Problem::Type("a valid number"))),
            Some(number) if range.contains(&number) => Ok(Some(plain_number(number))),
            Some(_) => Err(Refusal::rule(self.at(name), bounds(range.start(), range.end()))),
        }
    }

    pub(crate) fn list(&mut self, name: &str) -> Result<Option<Vec<Value>>> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Array(values)) => Ok(Some(values)),
            Some(_) => Err(Refusal::new(self.at(name), Problem::Type("a valid list"))),
        }
    }

    pub(crate) fn texts(&mut self, name: &str) -> Result<Vec<String>> {
        let at = self.at(name);
        self.list(name)?
            .unwrap_or_default()
            .into_iter()
            .enumerate()
            .map(|(index, value)| match value {
                Value::String(text) => Ok(text),
                _ => Err(Refusal::new(format!("{at}.{index}"), Problem::Type("a valid string"))),
            })
            .collect()
    }

    pub(crate) fn object(&mut self, name: &str) -> Result<Option<Self>> {
        let at = self.at(name);
        let is_proto = self.is_proto;
        let Some(value) = self.take(name) else { return Ok(None) };
        let fields = Self::of(value, at)?;
        Ok(Some(if is_proto { fields.into_proto() } else { fields }))
    }

    /// The members of a list of objects.
    pub(crate) fn objects(&mut self, name: &str) -> Result<Option<Vec<Self>>> {
        let at = self.at(name);
        let is_proto = self.is_proto;
        let Some(values) = self.list(name)? else { return Ok(None) };
        let objects = values.into_iter().enumerate().map(|(index, value)| {
            let fields = Self::of(value, format!("{at}.{index}"))?;
            Ok(if is_proto { fields.into_proto() } else { fields })
        });
        objects.collect::<Result<_>>().map(Some)
    }

    /// Refuses what was not taken.
    pub(crate) fn deny_rest(self) -> Result<()> {
        let unknown = self.members.iter().find(|(_, value)| !value.is_null());
        match unknown {
            None => Ok(()),
            Some((name, _)) => Err(Refusal::new(self.at(name), Problem::Unknown)),
        }
    }

    /// What was not taken.
    pub(crate) fn rest(self) -> Map<String, Value> {
        self.members
    }
}

fn bounds(low: &dyn std::fmt::Display, high: &dyn std::fmt::Display) -> String {
    format!("Input should be between {low} and {high}")
}

/// 1 and 1.0 are the same number, so they are written alike.
#[expect(clippy::cast_possible_truncation, reason = "only whole numbers that fit are cast")]
pub(crate) fn plain_number(number: f64) -> Value {
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() < EXACT_MAX {
        return Value::from(number as i64);
    }
    Value::from(number)
}

fn camel(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut upper = false;
    for (index, character) in name.char_indices() {
        if character == '_' && index > 0 {
            upper = true;
        } else if std::mem::take(&mut upper) {
            out.push(character.to_ascii_uppercase());
        } else {
            out.push(character);
        }
    }
    out
}
