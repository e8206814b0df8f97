//! The worker on real stores, and as a process of its own.
#![expect(
    clippy::unwrap_used,
    reason = "what a test stands on either stands or the test has failed"
)]

#[path = "worker/ground.rs"]
mod ground;

#[path = "worker/config.rs"]
mod config;
#[path = "worker/emptied.rs"]
mod emptied;
#[path = "worker/fixed_bundles.rs"]
mod fixed_bundles;
#[path = "worker/inbox.rs"]
mod inbox;
#[path = "worker/passes.rs"]
mod passes;
#[path = "worker/path.rs"]
mod path;
#[path = "worker/poison.rs"]
mod poison;
#[path = "worker/process.rs"]
mod process;
