//! The rules of the house, read off the manifests and the tree.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::command::root;

/// For each package, the packages of this workspace that it may import outside tests.
const MAY_IMPORT: [(&str, &[&str]); 16] = [
    ("tandem-proto", &[]),
    ("tandem-domain", &[]),
    ("tandem-graph", &["domain"]),
    ("tandem-store", &["domain"]),
    ("tandem-gather", &[]),
    ("tandem-cache", &["domain", "proto", "gather"]),
    ("tandem-runtime", &["gather"]),
    ("tandem-client", &["proto"]),
    ("tandem-testing", &[]),
    ("tandem-gateway", &["domain", "proto", "cache", "runtime"]),
    ("tandem-control", &["domain", "proto", "store", "runtime"]),
    (
        "tandem-graph-worker",
        &["domain", "graph", "store", "cache", "runtime"],
    ),
    (
        "tandem-inventory-worker",
        &["domain", "store", "cache", "runtime"],
    ),
    ("tandem-events-worker", &["domain", "store", "runtime"]),
    (
        "tandem-cli",
        &[
            "domain",
            "graph",
            "store",
            "cache",
            "proto",
            "runtime",
            "client",
            "gateway",
            "control",
            "graph-worker",
            "inventory-worker",
            "events-worker",
        ],
    ),
    (
        "xtask",
        &["domain", "proto", "gather", "cache", "client", "testing"],
    ),
];

/// Drivers, and the one package that may name each outside tests.
const DRIVERS: [(&str, &str); 4] = [
    ("redis", "tandem-cache"),
    ("sea-orm", "tandem-store"),
    ("sea-orm-migration", "tandem-store"),
    ("sqlx", "tandem-store"),
];

/// What may lie at the root, dotfiles aside.
const ROOT: [&str; 11] = [
    "Cargo.toml",
    "Cargo.lock",
    "README.md",
    "LICENSE",
    "CHANGELOG.md",
    "proto",
    "crates",
    "services",
    "workers",
    "deploy",
    "target",
];

/// Names that say nothing.
const EMPTY_NAMES: [&str; 6] = [
    "mod.rs",
    "common.rs",
    "utils.rs",
    "util.rs",
    "helpers.rs",
    "manager.rs",
];

/// Checks all rules.
///
/// # Errors
/// Names every rule that is broken, and where.
pub(crate) fn run() -> Result<()> {
    let packages = packages()?;
    let mut broken = Vec::new();
    packages.iter().for_each(|package| imports(package, &mut broken));
    tree(&root(), &mut broken)?;
    if broken.is_empty() {
        eprintln!("▸ architecture: {} packages keep the rules", packages.len());
        return Ok(());
    }
    bail!("architecture:\n  {}", broken.join("\n  "))
}

struct Package {
    name: String,
    folder: std::path::PathBuf,
    imports: BTreeSet<String>,
}

fn packages() -> Result<Vec<Package>> {
    let output = Command::new("cargo")
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(root())
        .output()
        .context("cargo metadata cannot be started")?;
    let metadata: Value = serde_json::from_slice(&output.stdout).context("cargo metadata printed no JSON")?;
    let packages = metadata["packages"]
        .as_array()
        .context("cargo metadata lists no packages")?;
    packages.iter().map(package).collect()
}

fn package(value: &Value) -> Result<Package> {
    let text = |value: &Value| {
        value
            .as_str()
            .map(str::to_owned)
            .context("cargo metadata: a name is missing")
    };
    let outside_tests = |dependency: &&Value| dependency["kind"].as_str() != Some("dev");
    Ok(Package {
        name: text(&value["name"])?,
        folder: Path::new(&text(&value["manifest_path"])?)
            .parent()
            .context("a manifest without folder")?
            .to_owned(),
        imports: value["dependencies"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(outside_tests)
            .map(|dependency| text(&dependency["name"]))
            .collect::<Result<_>>()?,
    })
}

fn imports(package: &Package, broken: &mut Vec<String>) {
    let Some((_, allowed)) = MAY_IMPORT.iter().find(|(name, _)| *name == package.name) else {
        broken.push(format!(
            "{}: has no row in the table of who may import whom",
            package.name
        ));
        return;
    };
    for import in &package.imports {
        let ours = import.strip_prefix("tandem-");
        if ours.is_some_and(|short| !allowed.contains(&short)) {
            broken.push(format!("{}: may not import {import}", package.name));
        }
        if DRIVERS
            .iter()
            .any(|(driver, home)| driver == import && *home != package.name)
        {
            broken.push(format!("{}: names the driver {import}", package.name));
        }
    }
    if !package.folder.join("README.md").exists() {
        broken.push(format!("{}: has no README.md", package.name));
    }
}

fn tree(root: &Path, broken: &mut Vec<String>) -> Result<()> {
    for entry in std::fs::read_dir(root)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if !name.starts_with('.') && !ROOT.contains(&name.as_str()) {
            broken.push(format!("{name}: does not belong at the root"));
        }
    }
    ["proto", "crates", "services", "workers"]
        .iter()
        .try_for_each(|folder| names(&root.join(folder), broken))
}

fn names(folder: &Path, broken: &mut Vec<String>) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if path.is_dir() && name != "target" {
            names(&path, broken)?;
        } else if EMPTY_NAMES.contains(&name.as_str()) {
            broken.push(format!(
                "{}: the name says nothing of what is in it",
                path.display()
            ));
        }
    }
    Ok(())
}
