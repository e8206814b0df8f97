//! The events worker's process.

use std::process::ExitCode;

fn main() -> ExitCode {
    tandem_runtime::lifecycle::run(&tandem_events_worker::SERVICE, tandem_events_worker::run)
}
