//! A `tandem dev` that serves.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use tandem_testing::{Process, wait_for};

/// How long anything may take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

/// A `tandem dev` that serves.
pub(crate) struct Dev {
    process: Process,
    /// Address of the gateway.
    pub(crate) gateway: String,
    /// Address of control.
    pub(crate) control: String,
}

impl Dev {
    /// Starts it on the files in `data`, on any free ports, and waits until it serves.
    pub(crate) async fn start(data: &Path, more: &[&str]) -> Self {
        let data = data.to_str().unwrap();
        let args = [
            "dev",
            "--data",
            data,
            "--gateway-port",
            "0",
            "--control-port",
            "0",
            "--json",
        ];
        let process = Process::spawn(
            env!("CARGO_BIN_EXE_tandem"),
            [&args, more].concat(),
            [("RUST_BACKTRACE", "0")],
        )
        .unwrap();
        let what = "the addresses of tandem dev";
        let first = wait_for(PATIENCE, what, async || {
            serde_json::from_str::<Value>(&process.stdout()).ok()
        })
        .await;
        let first = first.unwrap_or_else(|error| panic!("{error:#}: {}", process.stderr()));
        let address = |name: &str| first[name].as_str().unwrap().to_owned();
        assert_eq!(first["data"], data);
        Self {
            gateway: address("gateway"),
            control: address("control"),
            process,
        }
    }

    /// Stops it as an operator would and hands back what it wrote to stderr.
    pub(crate) async fn stop(mut self) -> String {
        self.process.terminate().unwrap();
        let status = self.process.wait(PATIENCE).await.unwrap();
        assert_eq!(status.code(), Some(0), "{}", self.process.stderr());
        self.process.stderr()
    }
}
