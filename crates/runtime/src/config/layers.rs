//! Laying values over the defaults.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::de::DeserializeOwned;
use toml::{Table, Value};

use super::{ConfigError, RuntimeConfig, Source};

const PREFIX: &str = "TANDEM__";

/// At least this alike (0 to 1) must a known key be to be suggested.
const ALIKE: f64 = 0.7;

/// The values so far, and which layer each key was last set by.
#[derive(Debug)]
pub(super) struct Layers {
    values: Table,
    sources: BTreeMap<String, Source>,
}

impl Layers {
    /// The runtime's defaults with the process's own over and beside them.
    pub(super) fn of_defaults(runtime: &str, own: &str) -> Result<Self, ConfigError> {
        let mut layers = Self {
            values: parse(runtime, &Source::Defaults)?,
            sources: BTreeMap::new(),
        };
        for (section, value) in parse(own, &Source::Defaults)? {
            if RuntimeConfig::SECTIONS.contains(&section.as_str()) {
                layers.lay(&section, value, &Source::Defaults)?;
            } else {
                layers.values.insert(section, value);
            }
        }
        Ok(layers)
    }

    pub(super) fn add_file(&mut self, path: &Path) -> Result<(), ConfigError> {
        let text = fs::read_to_string(path).map_err(|source| ConfigError::Unreadable {
            path: path.into(),
            source,
        })?;
        let source = Source::File(path.into());
        for (key, value) in parse(&text, &source)? {
            self.lay(&key, value, &source)?;
        }
        Ok(())
    }

    /// Aliases first: the key's own variable is the more precise one.
    pub(super) fn add_environment(
        &mut self,
        aliases: &[(&str, &str)],
        environment: &BTreeMap<String, String>,
    ) -> Result<(), ConfigError> {
        for (name, text) in environment {
            if let Some((_, key)) = aliases.iter().find(|(alias, _)| alias == name) {
                self.lay_text(key, text, &Source::Variable(name.clone()))?;
            }
        }
        for (name, text) in environment {
            if let Some(key) = name.strip_prefix(PREFIX) {
                let key = key.to_lowercase().replace("__", ".");
                self.lay_text(&key, text, &Source::Variable(name.clone()))?;
            }
        }
        Ok(())
    }

    pub(super) fn add_flags(&mut self, flags: &[String]) -> Result<(), ConfigError> {
        for flag in flags {
            let (key, text) = flag
                .split_once('=')
                .ok_or_else(|| ConfigError::Flag { text: flag.clone() })?;
            self.lay_text(key.trim(), text, &Source::Flag)?;
        }
        Ok(())
    }

    pub(super) fn values(&self) -> &Table {
        &self.values
    }

    /// Reads some of the values; an error says who set the value that cannot be used.
    pub(super) fn read<T: DeserializeOwned>(&self, values: Value) -> Result<T, ConfigError> {
        serde_path_to_error::deserialize(values).map_err(|error| {
            let key = error.path().to_string();
            let layer = self.source(&key);
            let problem = error.into_inner().message().to_owned();
            ConfigError::Value { key, layer, problem }
        })
    }

    fn lay(&mut self, key: &str, value: Value, source: &Source) -> Result<(), ConfigError> {
        let Some(known) = lookup(&self.values, key) else {
            return Err(self.unknown(key, source));
        };
        match (known, value) {
            (Value::Table(known), Value::Table(given)) if !known.is_empty() => given
                .into_iter()
                .try_for_each(|(name, value)| self.lay(&format!("{key}.{name}"), value, source)),
            (known, value) => {
                let value = fitting(known, value).map_err(|value| ConfigError::WrongKind {
                    key: key.to_owned(),
                    layer: source.clone(),
                    expected: kind(known),
                    found: found(key, &value),
                })?;
                self.put(key, value, source);
                Ok(())
            }
        }
    }

    /// Text from a variable or a flag means what the default's kind makes of it.
    fn lay_text(&mut self, key: &str, text: &str, source: &Source) -> Result<(), ConfigError> {
        let Some(known) = lookup(&self.values, key) else {
            return Err(self.unknown(key, source));
        };
        let value = match known {
            Value::String(_) => Value::String(text.to_owned()),
            known => parse_value(text).unwrap_or_else(|| loose(known, text)),
        };
        self.lay(key, value, source)
    }

    fn put(&mut self, key: &str, value: Value, source: &Source) {
        if let Some(place) = lookup_mut(&mut self.values, key) {
            *place = value;
            self.sources.insert(key.to_owned(), source.clone());
        }
    }

    /// The layer of the key, or of the nearest key above it (an array's, for one of its elements).
    fn source(&self, key: &str) -> Source {
        let mut key = key;
        loop {
            if let Some(source) = self.sources.get(key) {
                return source.clone();
            }
            match key.rfind(['.', '[']) {
                Some(end) => key = &key[..end],
                None => return Source::Defaults,
            }
        }
    }

    fn unknown(&self, key: &str, source: &Source) -> ConfigError {
        let mut known = Vec::new();
        collect_keys(&self.values, "", &mut known);
        let nearest = known
            .into_iter()
            .map(|known| (likeness(key, &known), known))
            .filter(|(likeness, _)| *likeness >= ALIKE)
            .max_by(|(a, _), (b, _)| a.total_cmp(b))
            .map(|(_, known)| known);
        ConfigError::UnknownKey {
            key: key.to_owned(),
            layer: source.clone(),
            nearest,
        }
    }
}

fn parse(text: &str, layer: &Source) -> Result<Table, ConfigError> {
    text.parse().map_err(|source| ConfigError::Syntax {
        layer: layer.clone(),
        source: Box::new(source),
    })
}

fn parse_value(text: &str) -> Option<Value> {
    format!("value = {text}").parse::<Table>().ok()?.remove("value")
}

/// Text that is not TOML: bare words with commas between are a list.
fn loose(known: &Value, text: &str) -> Value {
    match known {
        Value::Array(_) => Value::Array(text.split(',').map(|item| item.trim().into()).collect()),
        _ => Value::String(text.to_owned()),
    }
}

fn lookup<'a>(table: &'a Table, key: &str) -> Option<&'a Value> {
    match key.split_once('.') {
        None => table.get(key),
        Some((section, rest)) => lookup(table.get(section)?.as_table()?, rest),
    }
}

fn lookup_mut<'a>(table: &'a mut Table, key: &str) -> Option<&'a mut Value> {
    match key.split_once('.') {
        None => table.get_mut(key),
        Some((section, rest)) => lookup_mut(table.get_mut(section)?.as_table_mut()?, rest),
    }
}

/// The value, if it is of the known one's kind; a whole number may stand for a fraction.
fn fitting(known: &Value, value: Value) -> Result<Value, Value> {
    match (known, value) {
        #[expect(clippy::cast_precision_loss, reason = "configured fractions are small")]
        (Value::Float(_), Value::Integer(whole)) => Ok(Value::Float(whole as f64)),
        (known, value) if known.same_type(&value) => Ok(value),
        (_, value) => Err(value),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "a string",
        Value::Integer(_) => "a whole number",
        Value::Float(_) => "a number",
        Value::Boolean(_) => "true or false",
        Value::Datetime(_) => "a date",
        Value::Array(_) => "a list",
        Value::Table(_) => "a section",
    }
}

/// What stands there instead; never a secret.
fn found(key: &str, value: &Value) -> String {
    match value {
        scalar if super::dump::is_secret(key) => kind(scalar).to_owned(),
        Value::String(text) => format!("the string {text:?}"),
        Value::Array(_) | Value::Table(_) => kind(value).to_owned(),
        scalar => scalar.to_string(),
    }
}

fn collect_keys(table: &Table, prefix: &str, into: &mut Vec<String>) {
    for (name, value) in table {
        let key = format!("{prefix}{name}");
        if let Value::Table(inner) = value {
            collect_keys(inner, &format!("{key}."), into);
        }
        into.push(key);
    }
}

/// A right last part in the wrong section counts like a slip of the pen in the whole key.
fn likeness(given: &str, known: &str) -> f64 {
    let last = |key: &str| key.rsplit('.').next().unwrap_or_default().to_owned();
    let moved = if last(given) == last(known) { 0.75 } else { 0.0 };
    strsim::normalized_damerau_levenshtein(given, known).max(moved)
}
