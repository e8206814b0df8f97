//! The gateway as a process.

use std::process::ExitCode;

use mimalloc::MiMalloc;
use tandem_runtime::lifecycle;

/// Kept answers fill the heap with millions of pieces of every size. The system's allocator then looks for room among
/// what was freed: two fifths of the time of a batch.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    lifecycle::run(&tandem_gateway::SERVICE, tandem_gateway::run)
}
