//! From the command line to the exit code, the same for every process.
//!
//! Configuration (exit code 2 if bad), telemetry, bind, connect, ready, serve, soft stop, drain, hard stop,
//! flush. A `main` names the process and hands over its body:
//!
//! ```no_run
//! use std::process::ExitCode;
//! use tandem_runtime::config::Layout;
//! use tandem_runtime::lifecycle::{self, Kind, Service, Shell};
//!
//! #[derive(Debug, serde::Deserialize)]
//! #[serde(deny_unknown_fields)]
//! struct Config {}
//!
//! const SERVICE: Service = Service {
//!     name: "tandem-example",
//!     about: "Waits until it is told to stop",
//!     version: env!("CARGO_PKG_VERSION"),
//!     kind: Kind::Worker,
//!     layout: Layout { defaults: "", aliases: &[] },
//! };
//!
//! async fn work(_config: Config, shell: Shell) -> Result<(), std::io::Error> {
//!     shell.started();
//!     shell.shutdown().soft().await;
//!     Ok(())
//! }
//!
//! fn main() -> ExitCode {
//!     lifecycle::run(&SERVICE, work)
//! }
//! ```

mod host;
mod service;
mod shell;
mod shutdown;

use std::ffi::OsString;
use std::process::ExitCode;

use serde::de::DeserializeOwned;

use crate::BoxError;
pub use host::bind;
pub use service::{Kind, Service};
pub use shell::{Access, Shell, StartError};
pub use shutdown::Shutdown;

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Stopped in order: exit code 0.
    Clean,
    /// Failed, or was cut off before it had drained: exit code 1.
    Failed,
    /// Its command line or configuration is wrong; it never listened: exit code 2.
    BadConfig,
}

impl Exit {
    /// The process's exit code.
    pub fn code(self) -> u8 {
        match self {
            Self::Clean => 0,
            Self::Failed => 1,
            Self::BadConfig => 2,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Runs a process with its own command line and environment until it is told to stop.
pub fn run<T, E, F, Fut>(service: &Service, body: F) -> ExitCode
where
    T: DeserializeOwned,
    F: FnOnce(T, Shell) -> Fut,
    Fut: Future<Output = Result<(), E>>,
    E: Into<BoxError>,
{
    run_with(service, std::env::args_os(), std::env::vars(), body).into()
}

/// The same with a given command line (the program's name first) and environment.
pub fn run_with<T, E, F, Fut>(
    service: &Service,
    arguments: impl IntoIterator<Item = OsString>,
    environment: impl IntoIterator<Item = (String, String)>,
    body: F,
) -> Exit
where
    T: DeserializeOwned,
    F: FnOnce(T, Shell) -> Fut,
    Fut: Future<Output = Result<(), E>>,
    E: Into<BoxError>,
{
    let (loaded, access) = match service.configure(arguments, environment) {
        Ok(configured) => configured,
        Err(exit) => return exit,
    };
    host::live(service, loaded, access, body)
}
