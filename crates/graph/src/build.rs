//! Rows in shards: by source item, balanced by the pairs they cost, merged by concatenation.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use rayon::prelude::*;
use tandem_domain::bundle::LearnedBundle;
use tandem_domain::edge::{AnchorEdges, Edge, Evidence, Source};
use tandem_domain::relation::Relation;

use crate::bundle::{self, PoolMarks};
use crate::epoch::EpochRecord;
use crate::facts::{Facts, Part, dense};
use crate::frame::Frame;
use crate::relation::{self, Gathering, Refusals, Scratch, Seats};
use crate::row::{Chosen, Counters, Listing, Row};

/// How far a build is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Anchors finished.
    pub done: u64,
    /// Anchors in all.
    pub total: u64,
}

/// A finished build.
#[derive(Debug, Clone, PartialEq)]
pub struct Build {
    /// Everything learned, by anchor id.
    pub anchors: Vec<AnchorEdges>,
    /// How much.
    pub stats: BuildStats,
}

/// The size of a build.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct BuildStats {
    /// Anchors with a list.
    pub anchors: u64,
    /// Edges in all lists.
    pub edges: u64,
    /// Bundles in all.
    pub bundles: u64,
    /// Pair increments of co-purchase: Σ over orders of size².
    pub pairs: u64,
    /// By relation.
    pub lists: BTreeMap<Relation, ListStats>,
}

/// The lists of one relation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct ListStats {
    /// Anchors with at least one companion.
    pub anchors: u64,
    /// Edges.
    pub edges: u64,
    /// Of these, edges learned from behaviour.
    pub learned: u64,
    /// Of all edges, those that generated records carry.
    pub generated: u64,
}

/// The rows of shard `shard` of `shards`. The shards of one build, one after the other, are the build.
///
/// # Panics
/// When `shards` is 0 or `shard` is not below it.
#[must_use]
pub fn shard(facts: &Facts, epoch: &EpochRecord, shard: u32, shards: u32) -> Vec<AnchorEdges> {
    assert!(shard < shards, "shard {shard} of {shards}");
    let frame = Frame::new(facts, epoch);
    let range = ranges(facts, shards as usize).swap_remove(shard as usize);
    rows(&frame, range, &mut Workbench::new(&frame))
}

/// All rows, on the current rayon pool.
#[must_use]
pub fn build(facts: &Facts, epoch: &EpochRecord, progress: &(dyn Fn(Progress) + Sync)) -> Build {
    let frame = Frame::new(facts, epoch);
    let total = facts.rows.len() as u64;
    let done = AtomicU64::new(0);
    let parts: Vec<Vec<AnchorEdges>> = ranges(facts, rayon::current_num_threads() * 32)
        .into_par_iter()
        .map_init(
            || Workbench::new(&frame),
            |bench, range| {
                let count = range.len() as u64;
                let part = rows(&frame, range, bench);
                let done = done.fetch_add(count, Ordering::Relaxed) + count;
                progress(Progress { done, total });
                part
            },
        )
        .collect();
    let anchors: Vec<AnchorEdges> = parts.into_iter().flatten().collect();
    let stats = measure(facts, &anchors);
    Build { anchors, stats }
}

/// Parts of a build that is handed over part by part; the same for any number of threads.
const PARTS: usize = 256;

/// An edge in passing: products are indexes of [`Facts::ids`].
#[derive(Debug, Clone, Copy)]
pub struct EdgeRef {
    /// The anchor.
    pub anchor: u32,
    /// The companion.
    pub companion: u32,
    /// The relation.
    pub relation: Relation,
    /// Place in the list, from 1.
    pub rank: u32,
    /// As in [`Edge`].
    pub score: f32,
    /// As in [`Edge`].
    pub basket_score: f32,
    /// As in [`Edge`].
    pub source: Source,
    /// As in [`Edge`].
    pub evidence: Evidence,
}

/// What becomes of the edges of a part of a build.
pub trait Sheet: Send {
    /// Takes the edges of the next list, by rank; lists come by anchor id and relation.
    fn edges(&mut self, edges: &[EdgeRef]);
}

/// All rows, written to one sheet per part on the current rayon pool; nothing of them is kept here. Parts are begun in
/// their order and handed to `take` with their number; the ends of as many as there are threads may come in any order.
///
/// # Errors
/// The first one of `take`; the parts that have not begun are left out.
pub fn build_parts<S: Sheet, E: Send>(
    facts: &Facts,
    epoch: &EpochRecord,
    sheet: impl Fn() -> S + Sync,
    take: impl Fn(usize, S, Progress) -> Result<(), E> + Sync,
) -> Result<(), E> {
    let frame = Frame::new(facts, epoch);
    let total = facts.rows.len() as u64;
    let ranges = ranges(facts, PARTS);
    let (next, done) = (AtomicUsize::new(0), AtomicU64::new(0));
    let ends = rayon::broadcast(|_| {
        // A sheet takes edges alone.
        let mut bench = Workbench::of(&frame, Refusals::Unasked);
        let mut edges = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(range) = ranges.get(number).cloned() else {
                return Ok(());
            };
            let count = range.len() as u64;
            let mut sheet = sheet();
            for anchor in range {
                with_row(&frame, anchor, &mut bench, |row, listings, _| {
                    show(row, &listings, &mut edges, &mut sheet);
                });
            }
            let done = done.fetch_add(count, Ordering::Relaxed) + count;
            if let Err(error) = take(number, sheet, Progress { done, total }) {
                next.store(ranges.len(), Ordering::Relaxed);
                return Err(error);
            }
        }
    });
    ends.into_iter().collect()
}

impl Part {
    /// As [`build_parts`], of the rows that the part is for: what `epoch` and those of all parts of a snapshot make, one
    /// after the other, is what the facts make that the snapshot was taken of.
    ///
    /// # Errors
    /// As [`build_parts`].
    pub fn build<S: Sheet, E: Send>(
        &self,
        epoch: &EpochRecord,
        sheet: impl Fn() -> S + Sync,
        take: impl Fn(usize, S, Progress) -> Result<(), E> + Sync,
    ) -> Result<(), E> {
        build_parts(&self.0, epoch, sheet, take)
    }

    /// The rows themselves, as [`shard`] has them.
    #[must_use]
    pub fn edges(&self, epoch: &EpochRecord) -> Vec<AnchorEdges> {
        shard(&self.0, epoch, 0, 1)
    }
}

fn show(row: &Row<'_>, listings: &[Listing], edges: &mut Vec<EdgeRef>, sheet: &mut impl Sheet) {
    for listing in listings {
        let edge = |(place, one): (usize, &Chosen)| EdgeRef {
            anchor: row.anchor,
            companion: one.item,
            relation: listing.relation,
            rank: dense(place + 1),
            score: one.score,
            basket_score: one.vote,
            source: one.source,
            evidence: row.evidence(one.input, one.item),
        };
        edges.clear();
        edges.extend(listing.chosen.iter().enumerate().map(edge));
        sheet.edges(edges);
    }
}

pub(crate) fn measure(facts: &Facts, anchors: &[AnchorEdges]) -> BuildStats {
    let mut stats = BuildStats {
        anchors: anchors.iter().filter(|anchor| !anchor.lists.is_empty()).count() as u64,
        pairs: facts.pairs(),
        ..BuildStats::default()
    };
    for anchor in anchors {
        stats.bundles += anchor.bundles.len() as u64;
        for list in &anchor.lists {
            let count = |keep: fn(&Edge) -> bool| list.edges.iter().filter(|edge| keep(edge)).count() as u64;
            let of = stats.lists.entry(list.relation).or_default();
            of.anchors += u64::from(!list.edges.is_empty());
            of.edges += list.edges.len() as u64;
            of.learned += count(|edge| edge.source == Source::Learned);
            of.generated += count(|edge| edge.generated);
        }
    }
    stats.edges = stats.lists.values().map(|list| list.edges).sum();
    stats
}

/// Scratch of one worker, for the rows of one frame.
pub(crate) struct Workbench {
    counters: Counters,
    closed: Scratch,
    gathering: Gathering,
    seats: Seats,
    refusals: Refusals,
    marks: PoolMarks,
}

impl Workbench {
    pub(crate) fn new(frame: &Frame<'_>) -> Self {
        Self::of(frame, Refusals::Counted)
    }

    fn of(frame: &Frame<'_>, refusals: Refusals) -> Self {
        let products = frame.facts.products.len();
        Self {
            counters: Counters::new(frame.facts),
            closed: Scratch::new(&frame.listed, refusals),
            gathering: Gathering::new(products),
            seats: Seats::default(),
            refusals,
            marks: PoolMarks::new(products),
        }
    }
}

fn rows(frame: &Frame<'_>, range: Range<u32>, bench: &mut Workbench) -> Vec<AnchorEdges> {
    range.filter_map(|anchor| row(frame, anchor, bench)).collect()
}

/// The row of an anchor; `None` where nothing goes with it and no gate refused anybody.
pub(crate) fn row(frame: &Frame<'_>, anchor: u32, bench: &mut Workbench) -> Option<AnchorEdges> {
    with_row(frame, anchor, bench, |row, listings, bundles| {
        (!listings.is_empty()).then(|| AnchorEdges {
            anchor: frame.facts.products.ids[anchor as usize].clone(),
            lists: listings.iter().map(|listing| row.edges(listing)).collect(),
            feedback: row.feedback(&listings),
            paces: row.paces(&listings),
            bundles,
        })
    })
}

/// Counts the row of `anchor`, and shows it with whom each relation chose and with its bundles.
pub(crate) fn with_row<T>(
    frame: &Frame<'_>,
    anchor: u32,
    bench: &mut Workbench,
    show: impl FnOnce(&Row<'_>, Vec<Listing>, Vec<LearnedBundle>) -> T,
) -> T {
    let row = bench.counters.count(frame, anchor);
    let wanted = &frame.facts.wanted;
    let (mut listings, mut sets) = (Vec::new(), Vec::new());
    if wanted.has(Relation::Together) {
        listings.push(relation::together(&row, &mut bench.closed));
    }
    if wanted.has(Relation::AlsoViewed) {
        listings.push(relation::also_viewed(&row, &mut bench.closed));
    }
    let recipes = frame.epoch.params.recipes.iter();
    for recipe in recipes.filter(|recipe| wanted.has(recipe.relation)) {
        let (chosen, refused) = relation::gated(
            &row,
            recipe,
            (&mut bench.gathering, &mut bench.seats),
            bench.refusals,
        );
        if recipe.relation == Relation::Complement && wanted.has_bundles() {
            sets = bundle::bundles(&row, &chosen, &mut bench.marks);
        }
        listings.push(row.list(recipe.relation, chosen, refused));
    }
    listings.retain(|listing| !listing.is_empty());
    listings.sort_by_key(|listing| listing.relation);
    show(&row, listings, sets)
}

/// Cuts the rows of the facts into `shards` stretches of about the same work.
pub(crate) fn ranges(facts: &Facts, shards: usize) -> Vec<Range<u32>> {
    let first = facts.rows.start;
    let mut ranges = cut(facts, facts.rows.clone(), shards);
    for range in &mut ranges {
        *range = range.start + first..range.end + first;
    }
    ranges
}

/// Cuts a list of products into `shards` stretches of about the same work, by their places in the list.
pub(crate) fn cut(facts: &Facts, items: impl Iterator<Item = u32>, shards: usize) -> Vec<Range<u32>> {
    let work: Vec<u64> = items
        .map(|item| 64 + facts.purchases.likely_work(item) + facts.views.likely_work(item))
        .collect();
    let total: u64 = work.iter().sum();
    let mut ranges = Vec::with_capacity(shards);
    let (mut start, mut at, mut sum) = (0, 0, 0);
    for shard in 1..=shards as u64 {
        let target = (u128::from(total) * u128::from(shard) / shards as u128) as u64;
        while at < work.len() && sum < target {
            sum += work[at];
            at += 1;
        }
        let end = if shard == shards as u64 { work.len() } else { at };
        ranges.push(start..dense(end));
        start = dense(end);
    }
    ranges
}
