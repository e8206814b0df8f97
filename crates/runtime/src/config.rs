//! Layered configuration whose documented defaults are the defaults.
//!
//! A process has one commented TOML of defaults. It is also the schema: a key that it does not hold is
//! unknown, in whichever layer it stands, and a value must be of the kind that stands there. Over it lie,
//! weaker to stronger, the file of `--config` (or `TANDEM_CONFIG`), the environment and `--set`. An error
//! names the key, the layer that holds it and, for an unknown key, the nearest known one.
//!
//! The sections of [`RuntimeConfig`] belong to every process and are documented once, in
//! [`RUNTIME_DEFAULTS`]; a process's own TOML adds its sections and may give those other values.

mod args;
mod dump;
pub mod duration;
mod error;
mod layers;
pub mod optional;
mod secret;
mod sections;
mod source;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde::de::DeserializeOwned;
use toml::{Table, Value};

pub use args::ConfigArgs;
pub use error::ConfigError;
use layers::Layers;
pub use secret::Secret;
pub use sections::{
    AdminConfig, LogConfig, LogFormat, RUNTIME_DEFAULTS, RuntimeConfig, ServerConfig, ShutdownConfig,
    TelemetryConfig,
};
pub use source::Source;

/// Names the file where `--config` does not.
const FILE_VARIABLE: &str = "TANDEM_CONFIG";

/// What configures one kind of process.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// Its commented TOML: its own sections, and other values for those of [`RUNTIME_DEFAULTS`].
    pub defaults: &'static str,
    /// Environment variables that stand for a key, e.g. `("TANDEM_REDIS_URL", "redis.url")`.
    pub aliases: &'static [(&'static str, &'static str)],
}

/// A process's configuration after all layers.
#[derive(Clone)]
pub struct Loaded<T> {
    /// The sections that every process has.
    pub runtime: RuntimeConfig,
    /// The process's own sections.
    pub config: T,
    effective: Table,
}

impl<T> Loaded<T> {
    /// The effective configuration as TOML, with secrets replaced by `***`.
    pub fn dump(&self) -> String {
        dump::render(&self.effective)
    }
}

impl<T: fmt::Debug> fmt::Debug for Loaded<T> {
    /// Without the effective table, which holds secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loaded")
            .field("runtime", &self.runtime)
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

/// Lays the layers over each other and reads the result.
///
/// # Errors
/// The first mistake found, from the defaults upwards.
pub fn load<T: DeserializeOwned>(
    layout: &Layout,
    args: &ConfigArgs,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Loaded<T>, ConfigError> {
    let mut layers = Layers::of_defaults(RUNTIME_DEFAULTS, layout.defaults)?;
    let environment: BTreeMap<String, String> = environment.into_iter().collect();
    let named = environment
        .get(FILE_VARIABLE)
        .filter(|name| !name.is_empty())
        .map(PathBuf::from);
    if let Some(path) = args.config.clone().or(named) {
        layers.add_file(&path)?;
    }
    layers.add_environment(layout.aliases, &environment)?;
    layers.add_flags(&args.set)?;

    let effective = layers.values().clone();
    let (runtime, own) = split(effective.clone());
    Ok(Loaded {
        runtime: layers.read(runtime)?,
        config: layers.read(own)?,
        effective,
    })
}

/// The sections of every process, and the others.
fn split(values: Table) -> (Value, Value) {
    let (runtime, own): (Table, Table) = values
        .into_iter()
        .partition(|(section, _)| RuntimeConfig::SECTIONS.contains(&section.as_str()));
    (Value::Table(runtime), Value::Table(own))
}
