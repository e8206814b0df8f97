//! What shoppers made of the companions that they were shown.
//!
//! A **trial** is one shopper, one day, one companion beside one anchor on one surface: however often it was shown or
//! clicked, it was looked at once, at the best place it had, and answered at most once in each way. A look at place `p`
//! weighs `1/p^η`, so that a companion far down owes nobody the clicks that it had no chance to get. With `n` the looks,
//! `R` the answers and `p0` the answers per look of the slot, that is of everything that its surfaces showed:
//!
//! ```text
//! R      = clicks − bounces + 2·carts + 4·purchases − returns          at least 0
//! mean   = (κ·p0 + R) / (κ + n)                                        κ = 50
//! factor = clamp(mean / p0, 0.5, 2)
//! ```
//!
//! Each kind of answer has counts of its own; since all share κ and n, the sum of their means is the mean of the sum. Of
//! a companion shown on several surfaces `p0` is the average over the answers that it could expect, so that looks where
//! nobody ever answers say nothing. A surface multiplies the score by the factor
//! if it says so ([`Surface`](tandem_domain::surface::Surface)); who is in the stored list, the factor does not change.
//!
//! Counts are fixed-point integers, so that the events in any order give the same factors.

use std::collections::BTreeMap;
use std::hash::Hasher as _;

use rustc_hash::FxHasher;
use tandem_domain::event::EventKind;
use tandem_domain::id::ProductId;

use crate::facts::dense;
use crate::params;

/// One look at the first place.
const LOOK: f64 = (1_u64 << 20) as f64;

/// An event of a companion that an answer showed beside an anchor.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// The anchor.
    pub anchor: &'a ProductId,
    /// The companion.
    pub companion: &'a ProductId,
    /// The surface that showed it.
    pub surface: &'a str,
    /// Its place, from 1.
    pub position: u64,
    /// Who saw it: a user, or a session where no user is known.
    pub shopper: &'a str,
    /// UTC day.
    pub day: i32,
    /// What they did. Kinds that say nothing about a companion count as a look.
    pub kind: EventKind,
}

/// An event in the order of its trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    anchor: u32,
    companion: u32,
    surface: u64,
    shopper: u64,
    day: i32,
    position: u32,
    kind: u8,
}

impl Row {
    fn is_of(&self, trial: &Self) -> bool {
        let key = |row: &Self| (row.anchor, row.companion, row.surface, row.shopper, row.day);
        key(self) == key(trial)
    }
}

/// Takes events in any order and counts trials.
#[derive(Debug)]
pub struct FeedbackBuilder<'a> {
    /// Ascending.
    ids: &'a [ProductId],
    rows: Vec<Row>,
}

impl<'a> FeedbackBuilder<'a> {
    /// For the products of `facts`; events of others are left out.
    #[must_use]
    pub fn new(facts: &'a crate::Facts) -> Self {
        Self {
            ids: facts.ids(),
            rows: Vec::new(),
        }
    }

    /// Takes an event.
    pub fn push(&mut self, answer: &Answer<'_>) {
        let at = |id: &ProductId| self.ids.binary_search(id).ok().map(dense);
        let (Some(anchor), Some(companion)) = (at(answer.anchor), at(answer.companion)) else {
            return;
        };
        self.rows.push(Row {
            anchor,
            companion,
            surface: hash(answer.surface),
            shopper: hash(answer.shopper),
            day: answer.day,
            position: u32::try_from(answer.position).unwrap_or(u32::MAX).max(1),
            kind: answer.kind.code(),
        });
    }

    /// Counts.
    #[must_use]
    pub fn finish(mut self, params: &params::Feedback) -> Feedback {
        self.rows.sort_unstable();
        let mut slots: BTreeMap<u64, Counts> = BTreeMap::new();
        let mut edges: BTreeMap<(u32, u32), BTreeMap<u64, Counts>> = BTreeMap::new();
        for trial in self.rows.chunk_by(|a, b| b.is_of(a)) {
            let counts = Counts::of(trial, params);
            let first = &trial[0];
            slots.entry(first.surface).or_default().add(&counts);
            let edge = edges.entry((first.anchor, first.companion)).or_default();
            edge.entry(first.surface).or_default().add(&counts);
        }
        let priors: BTreeMap<u64, f64> = slots
            .iter()
            .map(|(surface, counts)| (*surface, counts.answers(params) / counts.looks().max(1.0)))
            .collect();
        let factor = |((anchor, companion), by_surface): ((u32, u32), BTreeMap<u64, Counts>)| {
            let (mut all, mut expected, mut squares) = (Counts::default(), 0.0, 0.0);
            for (surface, counts) in &by_surface {
                let (prior, looks) = (priors[surface], counts.looks());
                all.add(counts);
                expected += looks * prior;
                squares += looks * prior * prior;
            }
            let factor = if expected > 0.0 {
                let prior = params.prior * squares / expected;
                (prior + all.answers(params)) / (prior + expected)
            } else {
                1.0
            };
            (anchor, companion, factor.clamp(params.least, params.most))
        };
        Feedback {
            factors: edges.into_iter().map(factor).collect(),
        }
    }
}

/// What scores are multiplied by where a surface heeds feedback, by anchor and companion.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Feedback {
    pub(crate) factors: Vec<(u32, u32, f64)>,
}

impl Feedback {
    /// Edges that somebody looked at.
    #[must_use]
    pub fn len(&self) -> usize {
        self.factors.len()
    }

    /// Whether nobody looked at anything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.factors.is_empty()
    }
}

/// Trials by what came of them.
#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    /// In parts of [`LOOK`].
    looks: u64,
    clicks: u64,
    bounces: u64,
    carts: u64,
    purchases: u64,
    returns: u64,
}

impl Counts {
    /// Of one trial: rows of one key, so that the first one of each kind stands for all of it.
    fn of(trial: &[Row], params: &params::Feedback) -> Self {
        let did = |kind: EventKind| u64::from(trial.iter().any(|row| row.kind == kind.code()));
        // Sorted by position: the first is the best.
        let weight = f64::from(trial[0].position).powf(-params.examination);
        Self {
            looks: (weight * LOOK).round() as u64,
            clicks: did(EventKind::Click),
            bounces: did(EventKind::Bounce),
            carts: did(EventKind::Cart),
            purchases: did(EventKind::Purchase),
            returns: did(EventKind::Return),
        }
    }

    fn add(&mut self, other: &Self) {
        self.looks += other.looks;
        self.clicks += other.clicks;
        self.bounces += other.bounces;
        self.carts += other.carts;
        self.purchases += other.purchases;
        self.returns += other.returns;
    }

    fn looks(&self) -> f64 {
        self.looks as f64 / LOOK
    }

    /// R.
    fn answers(&self, params: &params::Feedback) -> f64 {
        let good =
            self.clicks as f64 + params.cart * self.carts as f64 + params.purchase * self.purchases as f64;
        (good - (self.bounces + self.returns) as f64).max(0.0)
    }
}

fn hash(text: &str) -> u64 {
    let mut hasher = FxHasher::default();
    hasher.write(text.as_bytes());
    hasher.finish()
}
