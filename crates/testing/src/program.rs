//! Finding the servers that tests run, and saying what to install when they are missing.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

const DEBIAN_POSTGRES: &str = "/usr/lib/postgresql";

pub(crate) fn redis() -> Result<PathBuf> {
    match on_path("redis-server") {
        Some(found) => Ok(found),
        None => bail!(
            "redis-server (7.0 or later) is not on PATH: install it \
             (Debian: apt-get install redis-server; macOS: brew install redis)"
        ),
    }
}

/// A program of the PostgreSQL server package, e.g. `initdb`.
pub(crate) fn postgres(name: &str) -> Result<PathBuf> {
    match on_path(name).or_else(|| in_debian_package(name)) {
        Some(found) => Ok(found),
        None => bail!(
            "PostgreSQL's {name} (15 or later) is neither on PATH nor under {DEBIAN_POSTGRES}: install it \
             (Debian: apt-get install postgresql; macOS: brew install postgresql@16), or name a running \
             server in {}",
            crate::postgres::SERVER_VARIABLE
        ),
    }
}

fn on_path(name: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?)
        .map(|dir| dir.join(name))
        .find(|path| path.is_file())
}

/// Debian keeps the server's programs off PATH, one folder per major version; the newest wins.
fn in_debian_package(name: &str) -> Option<PathBuf> {
    let mut versions: Vec<u32> = fs::read_dir(DEBIAN_POSTGRES)
        .ok()?
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect();
    versions.sort_unstable_by(|a, b| b.cmp(a));
    versions
        .into_iter()
        .map(|version| {
            Path::new(DEBIAN_POSTGRES)
                .join(version.to_string())
                .join("bin")
                .join(name)
        })
        .find(|path| path.is_file())
}
