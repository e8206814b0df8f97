#![doc = include_str!("../README.md")]

use std::sync::Arc;

mod audit;
mod catalog;
mod claim;
mod connect;
mod context;
mod counter;
mod dead_letter;
mod entity;
mod erasure;
mod error;
mod event;
mod fixed_bundle;
mod generation;
mod import;
mod job;
mod lifetime;
mod link;
mod marketplace;
mod mint;
mod outbox;
mod projection;
mod rule;
mod schema;
mod sql;
mod stock;
mod surface;
mod text;
mod wake;
mod write;

pub use audit::AuditEntry;
pub use catalog::{ProductRow, ProductUpsert};
pub use connect::{Backend, StoreOptions};
pub use context::{RequestId, WriteContext};
pub use dead_letter::{DeadLetter, Undeliverable};
pub use erasure::{Erased, UserErasure};
pub use error::{Cause, Missing, Result, StoreError};
pub use event::{AttributedEvent, EventColumns, EventCounts, Folded, Pending, RetiredDay};
pub use generation::{Serving, Unpublished};
pub use job::{BuildScope, ClaimedJob, Job, JobKind, JobOutcome, JobState, Lease};
pub use lifetime::Kept;
pub use link::{LinkQuery, Tombstones};
pub use outbox::{Relayed, Wakeups};
pub use rule::{RuleBook, RuleQuery, RuleUpdate};
pub use schema::SchemaStatus;
pub use stock::{Received, Refused};
pub use surface::{SurfaceUpdate, WhenMissing};

/// The database of a marketplace cell. Cloning is cheap: clones share the connections.
#[derive(Debug, Clone)]
pub struct Store(Arc<connect::Shared>);
