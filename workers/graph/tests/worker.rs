//! The worker on real stores, and as a process of its own.
#![expect(
    clippy::unwrap_used,
    reason = "what a test stands on either stands or the test has failed"
)]

#[path = "worker/ground.rs"]
mod ground;

#[path = "worker/build.rs"]
mod build;
#[path = "worker/config.rs"]
mod config;
#[path = "worker/explain.rs"]
mod explain;
#[path = "worker/feedback.rs"]
mod feedback;
#[path = "worker/increment.rs"]
mod increment;
#[path = "worker/leases.rs"]
mod leases;
#[path = "worker/process.rs"]
mod process;
#[path = "worker/rollback.rs"]
mod rollback;
#[path = "worker/rules.rs"]
mod rules;
#[path = "worker/selling.rs"]
mod selling;
