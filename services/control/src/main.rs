//! The control plane as a process.

use std::process::ExitCode;

use mimalloc::MiMalloc;
use tandem_runtime::lifecycle;

/// Thousands of small statements and reports come and go each second.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    lifecycle::run(&tandem_control::SERVICE, tandem_control::run)
}
