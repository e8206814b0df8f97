//! The graph worker's process.

use std::process::ExitCode;

fn main() -> ExitCode {
    tandem_runtime::lifecycle::run(&tandem_graph_worker::SERVICE, tandem_graph_worker::run)
}
