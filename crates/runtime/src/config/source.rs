//! Where a value was set.

use std::fmt;
use std::path::PathBuf;

/// The layer, and the place in it, that a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The defaults built into the process.
    Defaults,
    /// The file of `--config` or `TANDEM_CONFIG`.
    File(PathBuf),
    /// An environment variable.
    Variable(String),
    /// A `--set`.
    Flag,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Defaults => f.write_str("the built-in defaults"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Variable(name) => write!(f, "environment variable {name}"),
            Self::Flag => f.write_str("--set"),
        }
    }
}
