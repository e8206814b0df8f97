//! The gateway as a process.

use std::process::ExitCode;

use tandem_runtime::lifecycle;

fn main() -> ExitCode {
    lifecycle::run(&tandem_gateway::SERVICE, tandem_gateway::run)
}
