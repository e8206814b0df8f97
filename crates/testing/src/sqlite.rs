//! SQLite files of a test.

use std::path::Path;

/// The URL of a SQLite file in `dir`, created when first opened.
pub fn sqlite_url(dir: impl AsRef<Path>) -> String {
    format!("sqlite://{}?mode=rwc", dir.as_ref().join("tandem.db").display())
}
