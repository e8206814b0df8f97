#![doc = include_str!("../README.md")]

mod ahead;
mod batch;
pub mod config;
mod deps;
mod error;
mod failure;
mod heartbeat;
mod inbox;
mod keeper;
mod metrics;
mod patience;
mod probe;
mod project;
mod projector;
mod queue;
pub mod rebuild;
pub mod reconcile;
mod relay;
mod replay;
mod run;
mod sweep;
mod trace;
mod trim;
mod wholeness;

pub use config::{Config, Settings};
pub use deps::Deps;
pub use error::PassError;
pub use projector::Projector;
pub use relay::Relay;
pub use run::{SERVICE, run, work};
pub use sweep::Sweep;
