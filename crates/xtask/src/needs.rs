//! Servers that the tests run: found, installed on Debian as root, or named.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::command::{execute, succeeds};

/// A program, the Debian package that has it, and how it is found.
pub(crate) struct Need {
    what: &'static str,
    package: &'static str,
    found: fn() -> bool,
}

/// What tests run.
pub(crate) const SERVERS: [Need; 2] = [
    Need {
        what: "redis-server (7.0 or later)",
        package: "redis-server",
        found: has_redis,
    },
    Need {
        what: "PostgreSQL's server (15 or later)",
        package: "postgresql",
        found: has_postgres,
    },
];

/// What sets clocks.
pub(crate) const CLOCK: [Need; 1] = [Need {
    what: "libfaketime",
    package: "libfaketime",
    found: has_clock,
}];

/// What pages are tried in.
pub(crate) const BROWSER: [Need; 1] = [Need {
    what: "Chromium",
    package: "chromium",
    found: has_browser,
}];

/// Makes sure that every program is there.
///
/// # Errors
/// When one is missing and cannot be installed; the text says what to install.
pub(crate) fn ensure(needs: &[Need]) -> Result<()> {
    let missing: Vec<&Need> = needs.iter().filter(|need| !(need.found)()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = missing.iter().map(|need| need.what).collect();
    let packages: Vec<_> = missing.iter().map(|need| need.package).collect();
    if !(Path::new("/etc/debian_version").exists() && is_root()) {
        bail!(
            "this needs {}: install it (Debian: apt-get install {})",
            names.join(" and "),
            packages.join(" ")
        );
    }
    let quiet = [("DEBIAN_FRONTEND", "noninteractive")];
    execute("apt-get", &["update", "-qq"], &quiet)?;
    let install: Vec<&str> = ["install", "-y", "-qq", "--no-install-recommends"]
        .into_iter()
        .chain(packages)
        .collect();
    execute("apt-get", &install, &quiet)?;
    match missing.iter().find(|need| !(need.found)()) {
        Some(need) => bail!("{} is still missing after installing {}", need.what, need.package),
        None => Ok(()),
    }
}

fn is_root() -> bool {
    std::process::Command::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|out| out.stdout.trim_ascii() == b"0")
}

fn has_redis() -> bool {
    succeeds("redis-server", &["--version"])
}

fn has_postgres() -> bool {
    let debian = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    succeeds("initdb", &["--version"])
        || debian
            .into_iter()
            .any(|version| version.path().join("bin/initdb").exists())
}

/// The library that sets a process's clock.
pub(crate) fn clock() -> Option<PathBuf> {
    let folders = std::fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    let mut known = folders.map(|folder| folder.path().join("faketime/libfaketime.so.1"));
    known.find(|library| library.exists())
}

fn has_clock() -> bool {
    clock().is_some()
}

/// The program that shows pages.
pub(crate) fn browser() -> Option<String> {
    let known = ["chromium", "chromium-browser", "google-chrome"];
    let found = known
        .into_iter()
        .find(|program| succeeds(program, &["--version"]));
    found.map(str::to_owned)
}

fn has_browser() -> bool {
    browser().is_some()
}
