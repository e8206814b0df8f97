//! The `tandem` binary, run to its end.

use std::env;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

/// Runs `tandem` in `folder` to its end, configured by nothing but `args`.
pub(crate) fn run(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tandem"));
    for (key, _) in env::vars_os().filter(|(key, _)| is_ours(&key.to_string_lossy())) {
        command.env_remove(key);
    }
    command.current_dir(folder).args(args).output().unwrap()
}

/// Runs `tandem`, which must succeed, and reads the one JSON document on its stdout.
pub(crate) fn json(folder: &Path, args: &[&str]) -> Value {
    let output = run(folder, &[args, &["--json"]].concat());
    assert!(output.status.success(), "tandem {args:?}: {}", stderr(&output));
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!(
            "tandem {args:?}: {error}: {}",
            String::from_utf8_lossy(&output.stdout)
        )
    })
}

/// What a command wrote to stderr.
pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn is_ours(key: &str) -> bool {
    key.starts_with("TANDEM_") || key.starts_with("OTEL_")
}
