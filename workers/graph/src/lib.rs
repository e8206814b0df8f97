#![doc = include_str!("../README.md")]

mod build;
mod caller;
mod collapse;
pub mod config;
mod deps;
mod error;
mod explain;
mod hold;
mod jobs;
mod memory;
mod metrics;
mod patience;
mod pointer;
mod probe;
mod progress;
mod request;
mod rollback;
mod run;
mod schedule;
mod segment_path;
mod sweep;

pub use build::{BuildOutcome, CacheState, Collapse};
pub use config::{Config, Settings};
pub use deps::Deps;
pub use error::WorkError;
pub use pointer::{Followed, follow};
pub use progress::{Phase, Progress, Watcher};
pub use request::{BuildRequest, build_generation};
pub use run::{SERVICE, run, work};
pub use sweep::{Swept, sweep};
