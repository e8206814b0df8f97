#![doc = include_str!("../README.md")]

mod bestseller;
mod build;
mod bundle;
mod count;
mod epoch;
mod facts;
mod frame;
pub mod params;
mod rank;
mod relation;
mod row;
pub mod signals;
mod significance;
mod wanted;

pub use bestseller::{Bestsellers, bestsellers};
pub use build::{Build, BuildStats, ListStats, Part, Progress, build, build_parts, shard};
pub use epoch::{EpochRecord, Known};
pub use facts::{EventBatch, EventRow, FactStats, Facts, FactsBuilder, ProductFacts, Windows};
pub use params::Params;
pub use wanted::Wanted;
