#![doc = include_str!("../README.md")]

mod bestseller;
mod build;
mod bundle;
mod count;
mod damping;
mod epoch;
mod facts;
mod feedback;
mod flags;
mod frame;
mod ground;
mod increment;
mod pair;
pub mod params;
mod rank;
mod relation;
mod ridge;
mod row;
mod rules;
pub mod signals;
mod significance;
mod tune;
mod two_hop;
mod wanted;

pub use bestseller::{Bestsellers, bestsellers};
pub use build::{Build, BuildStats, EdgeRef, ListStats, Progress, Sheet, build, build_parts, shard};
pub use epoch::{EpochRecord, InvalidRecord, Known};
pub use facts::{
    BasketRow, Damaged, EventBatch, EventRow, FactStats, Facts, FactsBuilder, JourneyRow, NumberedBatch,
    Part, PartBuilder, ProductFacts, ProductRow, Windows,
};
pub use feedback::{Answer, Feedback, FeedbackBuilder};
pub use increment::{Increment, increment};
pub use pair::explain_pair;
pub use params::Params;
pub use tune::{Attempt, Finding, Split, Tuning};
pub use wanted::Wanted;
