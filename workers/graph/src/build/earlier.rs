//! Records as they stand, from the segment files: the cache may be empty, or behind.

use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use futures::TryStreamExt as _;
use tandem_cache::codec::{decode_bundles, decode_evidence, decode_lists};
use tandem_cache::port::RecordKey;
use tandem_cache::segment::read_segment;
use tandem_domain::generation::Manifest;

use crate::deps::Deps;
use crate::error::WorkError;

/// The newest record of each key.
pub(super) struct Earlier {
    records: HashMap<RecordKey, Bytes>,
    /// Keys that deltas hold, where those are to be taken in.
    in_deltas: HashSet<RecordKey>,
}

impl Earlier {
    /// Reads the records of `wanted` and, if the deltas are folded, everything that they hold.
    pub(super) async fn read(
        deps: &Deps,
        manifest: &Manifest,
        wanted: &HashSet<&RecordKey>,
        folds: bool,
    ) -> Result<Self, WorkError> {
        let mut earlier = Self {
            records: HashMap::with_capacity(wanted.len()),
            in_deltas: HashSet::new(),
        };
        for (at, segment) in manifest.segments.iter().enumerate() {
            let is_folded = folds && at < manifest.deltas().len();
            let mut batches = read_segment(&*deps.segments, segment).await?;
            while let Some(batch) = batches.try_next().await? {
                for (key, bytes) in batch {
                    if is_folded {
                        earlier.in_deltas.insert(key.clone());
                    }
                    if is_folded || wanted.contains(&key) {
                        // A copy: the bytes are a part of the window that they were read in.
                        let newest = earlier.records.entry(key);
                        newest.or_insert_with(|| Bytes::copy_from_slice(&bytes));
                    }
                }
            }
        }
        Ok(earlier)
    }

    pub(super) fn get(&self, key: &RecordKey) -> Option<&Bytes> {
        self.records.get(key)
    }

    /// Whether a record is another one than stands there; an empty one stands wherever there is none.
    pub(super) fn differs(&self, (key, new): &(RecordKey, Bytes), empty: &Bytes) -> bool {
        self.get(key).unwrap_or(empty) != new
    }

    /// Adds what the folded deltas hold and `records` does not.
    pub(super) fn complete(&mut self, records: &mut Vec<(RecordKey, Bytes)>) {
        for (key, _) in &*records {
            self.in_deltas.remove(key);
        }
        for key in self.in_deltas.drain() {
            if let Some(bytes) = self.records.remove(&key) {
                records.push((key, bytes));
            }
        }
    }
}

/// What records hold.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) anchors: u64,
    pub(super) edges: u64,
    pub(super) bundles: u64,
}

impl Tally {
    pub(super) fn add(&mut self, key: &RecordKey, record: Option<&Bytes>) -> Result<(), WorkError> {
        let Some(bytes) = record else {
            return Ok(());
        };
        match key {
            RecordKey::Lists(_) => {
                self.edges += decode_lists(bytes)?.candidates().count() as u64;
            }
            RecordKey::Evidence(_) => self.anchors += u64::from(!decode_evidence(bytes)?.lists.is_empty()),
            RecordKey::Bundles(_) => self.bundles += decode_bundles(bytes)?.len() as u64,
            RecordKey::Bestsellers(_) => {}
        }
        Ok(())
    }
}
