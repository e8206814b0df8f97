//! The control plane as a process.

use std::process::ExitCode;

use tandem_runtime::lifecycle;

fn main() -> ExitCode {
    lifecycle::run(&tandem_control::SERVICE, tandem_control::run)
}
