//! The inventory worker's process.

use std::process::ExitCode;

fn main() -> ExitCode {
    tandem_runtime::lifecycle::run(&tandem_inventory_worker::SERVICE, tandem_inventory_worker::run)
}
