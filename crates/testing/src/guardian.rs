//! Servers that cannot outlive the test, however the test ends.

use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, ensure};

/// Reads a pipe whose other end only the test process holds. The kernel closes it when that process
/// dies, by `kill -9` too; then the server is stopped and its folder removed.
const SCRIPT: &str = r#"
trap '' INT TERM HUP
while read -r _; do :; done
kill -"$2" "$1" 2>/dev/null
tries=0
while kill -0 "$1" 2>/dev/null && [ "$tries" -lt 50 ]; do
    sleep 0.1
    tries=$((tries + 1))
done
kill -KILL "$1" 2>/dev/null
if [ -n "$3" ]; then rm -rf -- "$3"; fi
"#;

/// A small shell that watches over one server process.
#[derive(Debug)]
pub(crate) struct Guardian(Child);

impl Guardian {
    /// Sends `signal` to `pid` and removes `dir` as soon as this process is gone.
    pub(crate) fn watch(pid: u32, signal: &str, dir: Option<&Path>) -> Result<Self> {
        let child = Command::new("sh")
            .args(["-c", SCRIPT, "guardian", &pid.to_string(), signal])
            .arg(dir.unwrap_or(Path::new("")))
            // A group of its own: what the terminal or a CI runner sends to the test does not reach it.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("start the shell that guards a test server")?;
        Ok(Self(child))
    }
}

impl Drop for Guardian {
    /// The owner has stopped the server; the guardian must not signal a process id that is free again.
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Sends a signal by its short name (`STOP`, `CONT`, `TERM`, …).
pub(crate) fn signal(pid: u32, name: &str) -> Result<()> {
    let output = Command::new("kill")
        .args([&format!("-{name}"), "--", &pid.to_string()])
        .output()
        .context("run kill(1)")?;
    ensure!(
        output.status.success(),
        "kill -{name} {pid}: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(())
}
