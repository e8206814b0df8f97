#![doc = include_str!("../README.md")]

pub mod config;
mod erasure;
mod fold;
mod metrics;
mod passes;
mod retention;
mod run;

pub use config::Config;
pub use erasure::Eraser;
pub use fold::{Folder, Pass};
pub use retention::Retention;
pub use run::{SERVICE, run, work};
