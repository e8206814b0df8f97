//! What can be wrong with a configuration.

use std::io;
use std::path::PathBuf;

use super::Source;

/// A configuration that cannot be used; the process ends with exit code 2.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read configuration file {path}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A layer is not TOML.
    #[error("{layer} is not valid TOML")]
    Syntax {
        /// The layer.
        layer: Source,
        /// What and where.
        source: Box<toml::de::Error>,
    },
    /// A `--set` without `=`.
    #[error("--set {text}: expected SECTION.KEY=VALUE")]
    Flag {
        /// What was given.
        text: String,
    },
    /// A key that the defaults do not hold.
    #[error("unknown key `{key}` in {layer}{}", suggestion(.nearest))]
    UnknownKey {
        /// The full dotted key.
        key: String,
        /// The layer that holds it.
        layer: Source,
        /// The known key that looks most like it.
        nearest: Option<String>,
    },
    /// A value of another kind than the default's.
    #[error("`{key}` in {layer}: expected {expected}, found {found}")]
    WrongKind {
        /// The full dotted key.
        key: String,
        /// The layer that holds it.
        layer: Source,
        /// The kind of the default.
        expected: &'static str,
        /// What stands there.
        found: String,
    },
    /// A value that the process cannot use.
    #[error("`{key}` in {layer}: {problem}")]
    Value {
        /// The full dotted key.
        key: String,
        /// The layer that holds it.
        layer: Source,
        /// Why it cannot be used.
        problem: String,
    },
}

fn suggestion(nearest: &Option<String>) -> String {
    nearest
        .as_ref()
        .map(|key| format!("; did you mean `{key}`?"))
        .unwrap_or_default()
}
