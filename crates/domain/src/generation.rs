//! One published build of the graph.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;

/// Number of a generation in its marketplace; rises with every build that is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GenerationNo(pub u64);

impl std::fmt::Display for GenerationNo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A full build, or the rows that new events touched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GenerationKind {
    /// All rows under a new epoch record.
    Epoch,
    /// Touched rows under the epoch record of its base.
    Increment,
}

/// Where a generation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GenerationState {
    /// Being computed or written.
    Building,
    /// Written whole; may be served, now or by a rollback.
    Published,
    /// Its volume or edge count collapsed; never served.
    Refused,
    /// Ended with an error; never served.
    Failed,
}

/// Counts of a build. They are those of the whole generation, whether its rows are the build's own or stood before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(default)]
pub struct BuildStats {
    /// Event rows read.
    pub events: u64,
    /// Changes of the catalogue that it knows of; the watermark of what no event tells.
    pub catalogue: u64,
    /// Baskets with at least two distinct products.
    pub baskets: u64,
    /// Products in the graph.
    pub products: u64,
    /// Anchors with at least one companion.
    pub anchors: u64,
    /// Edges over all relations.
    pub edges: u64,
    /// Learned bundles.
    pub bundles: u64,
    /// Pair increments of co-purchase that all rows cost.
    pub pairs: u64,
    /// Rows that the build computed: all, or those that new events touched.
    pub rows: u64,
    /// Pair increments of co-purchase that these rows cost.
    pub row_pairs: u64,
    /// Of these rows, those that came out other than they stood, and were published.
    pub changed_rows: u64,
    /// Version of the category rules that the rows were computed under; 0 before there were any.
    pub rules_version: u64,
    /// Seconds spent reading SQL.
    pub read_seconds: f64,
    /// Seconds spent computing.
    pub compute_seconds: f64,
    /// Seconds spent writing segments and filling the cache.
    pub publish_seconds: f64,
    /// Highest resident memory of the process in bytes; 0 where the system does not tell.
    pub peak_rss_bytes: u64,
}

/// An immutable file of record bytes on shared storage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentRef {
    /// Name of the segment; unique in the marketplace, part of every cache key of its records.
    pub id: u64,
    /// Path under the segment store's root.
    pub path: String,
    /// BLAKE3 of the file, hex.
    pub checksum: String,
    /// Size of the file.
    pub bytes: u64,
    /// Records in it.
    pub records: u64,
}

/// What gateways read by: the segments of the generation on serve, newest first, a base and at most 8 deltas.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The generation.
    pub generation: GenerationNo,
    /// Its segments, newest first; the last is the base.
    pub segments: Vec<SegmentRef>,
    /// Version of the record codec in them.
    pub codec: u8,
}

impl Manifest {
    /// The most segments between the newest and the base.
    pub const MOST_DELTAS: usize = 8;

    /// The generation whose full build the others lie over: a segment bears the number of the generation that wrote it.
    /// `None` where there are no segments.
    #[must_use]
    pub fn base(&self) -> Option<GenerationNo> {
        self.segments.last().map(|base| GenerationNo(base.id))
    }

    /// The segments over the base, newest first.
    #[must_use]
    pub fn deltas(&self) -> &[SegmentRef] {
        self.segments.split_last().map_or(&[], |(_, deltas)| deltas)
    }
}

/// What swaps of the pointer are ordered by. Fences of claims rise in SQL; a store restored from a backup gives some of
/// them again, under a later store epoch, which outranks all that came before. Stays below 2^53, the exact integers of
/// a double.
#[must_use]
pub const fn publish_fence(store_epoch: u64, claim: u64) -> u64 {
    (store_epoch << 32) | (claim & 0xffff_ffff)
}

/// A generation as stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Generation {
    /// Its number.
    pub no: GenerationNo,
    /// Full or incremental.
    pub kind: GenerationKind,
    /// Where it stands.
    pub state: GenerationState,
    /// Whether it is on serve.
    pub serving: bool,
    /// Last batch of events in it.
    pub watermark: u64,
    /// Its segments; empty until published.
    pub manifest: Option<Manifest>,
    /// Counts.
    pub stats: BuildStats,
    /// Why it was refused or failed; empty otherwise.
    pub message: String,
    /// Start of the build.
    pub created: Timestamp,
    /// When it was published.
    pub published: Option<Timestamp>,
}
