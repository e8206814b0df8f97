//! The rows that later events and products touch, computed anew under the epoch record of the rows that they replace.

mod catalogue;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;
use tandem_domain::edge::AnchorEdges;

use crate::bestseller::{self, Bestsellers};
use crate::build::{self, BuildStats, Progress, Workbench};
use crate::epoch::EpochRecord;
use crate::facts::Facts;
use crate::frame::Frame;

/// What replaces rows of an earlier build.
#[derive(Debug, Clone, PartialEq)]
pub struct Increment {
    /// Every touched row by anchor id; one without lists replaces what stood there by nothing.
    pub rows: Vec<AnchorEdges>,
    /// Of the marketplace and of every leaf category with a touched row; without products where nothing sells any more.
    pub bestsellers: Vec<Bestsellers>,
    /// Of the touched rows; `pairs` of all facts.
    pub stats: BuildStats,
    /// Of [`BuildStats::pairs`], those that the touched rows cost.
    pub touched_pairs: u64,
}

/// The rows that events taken after [`FactsBuilder::later`](crate::FactsBuilder::later) touch, and those that products
/// touch which are not, or not any more, what the record says of them; on the current rayon pool. The facts must be
/// gathered [`under`](crate::FactsBuilder::under) the record. Laid over the rows of the facts before, they are a full
/// build of the facts under the record, byte for byte.
#[must_use]
pub fn increment(facts: &Facts, epoch: &EpochRecord, progress: &(dyn Fn(Progress) + Sync)) -> Increment {
    let frame = Frame::new(facts, epoch);
    let (touched, is_catalogue_new) = touched(&frame);
    let (done, total) = (AtomicU64::new(0), touched.len() as u64);
    let parts: Vec<Vec<AnchorEdges>> =
        build::cut(facts, touched.iter().copied(), rayon::current_num_threads() * 32)
            .into_par_iter()
            .filter(|range| !range.is_empty())
            .map_init(
                || Workbench::new(&frame),
                |bench, range| {
                    let items = &touched[range.start as usize..range.end as usize];
                    let part = items.iter().map(|&item| whole_row(&frame, item, bench)).collect();
                    let done = done.fetch_add(items.len() as u64, Ordering::Relaxed) + items.len() as u64;
                    progress(Progress { done, total });
                    part
                },
            )
            .collect();
    let rows: Vec<AnchorEdges> = parts.into_iter().flatten().collect();
    Increment {
        stats: build::measure(facts, &rows),
        touched_pairs: touched.iter().map(|&item| facts.purchases.work(item)).sum(),
        bestsellers: if is_catalogue_new {
            bestseller::every(facts, epoch)
        } else {
            bestseller::touched(facts, epoch, &touched)
        },
        rows,
    }
}

/// What events touched and what the catalogue did, ascending; and whether the catalogue did anything.
fn touched(frame: &Frame<'_>) -> (Vec<u32>, bool) {
    let unsettled: Vec<u32> = frame.unsettled().collect();
    let mut touched = frame.facts.touched.clone();
    if !unsettled.is_empty() {
        touched.extend(catalogue::touched(frame, &unsettled));
        touched.sort_unstable();
        touched.dedup();
    }
    (touched, !unsettled.is_empty())
}

fn whole_row(frame: &Frame<'_>, anchor: u32, bench: &mut Workbench) -> AnchorEdges {
    build::row(frame, anchor, bench).unwrap_or_else(|| AnchorEdges {
        anchor: frame.facts.products.ids[anchor as usize].clone(),
        lists: Vec::new(),
        feedback: BTreeMap::new(),
        paces: BTreeMap::new(),
        bundles: Vec::new(),
    })
}
