//! The inventory worker's process.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// Thousands of small statements and reports come and go each second.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    tandem_runtime::lifecycle::run(&tandem_inventory_worker::SERVICE, tandem_inventory_worker::run)
}
