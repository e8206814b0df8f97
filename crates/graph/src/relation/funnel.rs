//! Candidates of a row on their way to its list, some at a time.
//!
//! Whether one passes a gate is a coin that no branch foretells, and what is asked of it lies anywhere in memory. So every
//! step is a loop without branches: each candidate is written, only those who pass are counted, and reads that wait for
//! no branch are under way together.
//!
//! Values are estimated first, from one read of all that they are made of, and computed for those alone whose estimate
//! comes near the best: out of hundreds there are hardly more than find a place.

use tandem_domain::edge::{GateCounts, STORED_COMPANIONS};

use super::selection::BY_SCORE;
use crate::count::Counter;
use crate::flags::Flags;
use crate::frame::{Estimate, SignalFrame};
use crate::row::{Row, Threshold};

/// Candidates that go through the gates together.
pub(crate) const STEP: usize = 64;
/// So many may wait until the best of them are looked for, and as many again as are still among the best by then.
const FULL: usize = 256;

/// Whether somebody will ask why others are not in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusals {
    /// Everybody is judged and counted.
    Counted,
    /// Whoever is sure to find no place need not be judged.
    Unasked,
}

/// Scratch of one worker.
#[derive(Debug)]
pub(crate) struct Funnel {
    pub(super) refusals: Refusals,
    /// Who does not go through with all others: who goes through apart, the anchor, and whoever may not be a companion.
    held: Flags,
    /// Who passed and may be among the best; the first `many` count.
    items: Vec<u32>,
    /// Estimates beside `items`, as bits: those of numbers that are not negative are in their order.
    scores: Vec<u32>,
    votes: Vec<u32>,
    many: usize,
    full: usize,
    /// The estimates below which nobody is among the best; 0 until so many passed.
    floors: (u32, u32),
    /// How many passed, where refusals are counted.
    passed: u32,
    scratch: Vec<u32>,
}

impl Funnel {
    /// For rows of the frame in which companions are `listed`.
    pub(crate) fn new(listed: &Flags, refusals: Refusals) -> Self {
        Self {
            refusals,
            held: listed.others(),
            items: vec![0; FULL + STEP],
            scores: vec![0; FULL + STEP],
            votes: vec![0; FULL + STEP],
            many: 0,
            full: FULL,
            floors: (0, 0),
            passed: 0,
            scratch: Vec::with_capacity(FULL + STEP),
        }
    }

    /// Begins the row with nobody; those `apart` do not go through with all others.
    pub(super) fn begin(&mut self, row: &Row<'_>, apart: &[u32]) {
        (self.many, self.full, self.floors, self.passed) = (0, FULL, (0, 0), 0);
        let mut hold = |item| self.held.set(item, true);
        hold(row.anchor);
        apart.iter().copied().for_each(hold);
    }

    /// Whether one of the [best](Self::best) went through apart.
    pub(super) fn is_apart(&self, item: u32) -> bool {
        self.held.get(item)
    }

    /// Lets those of the touched pass whom the gates let, all but those apart. Where one weight bounds both values,
    /// whoever stays below that needs no estimate.
    pub(super) fn pass(&mut self, gates: &Gates<'_>, is_bounded: bool, refused: &mut GateCounts) {
        let (counter, signal) = (gates.counter, gates.signal);
        let mut near = [0; STEP];
        for some in counter.touched().chunks(STEP) {
            let least = if is_bounded { self.least_weight(signal) } else { 0 };
            // Whoever is weighed is near by that; where nobody is, cells are fetched.
            let near = if least == 0 {
                std::hint::black_box(counter.fetch(some));
                some
            } else {
                let mut many = 0;
                for &item in some {
                    near[many] = item;
                    many += usize::from(counter.cell(item).parts() >= least);
                }
                &near[..many]
            };
            std::hint::black_box(signal.fetch(near.iter().copied()));
            let estimate = |item| signal.estimate(item, counter);
            let stands = |held: &Flags, item| !held.get(item);
            match self.refusals {
                Refusals::Counted => self.take::<true>(near, stands, gates, estimate, refused),
                Refusals::Unasked => self.take::<false>(near, stands, gates, estimate, refused),
            }
        }
    }

    /// Lets those apart pass whom the gates let, by their values.
    pub(super) fn pass_apart(
        &mut self,
        items: &[u32],
        gates: &Gates<'_>,
        value: impl Fn(u32) -> Estimate,
        refused: &mut GateCounts,
    ) {
        let stands = |_: &Flags, item| gates.row.is_companion(item);
        for some in items.chunks(STEP) {
            self.take::<true>(some, stands, gates, &value, refused);
        }
    }

    /// Takes those of at most [`STEP`] companions who stand here, whom the gates let pass and whose estimates may be among
    /// the best.
    #[inline]
    fn take<const COUNTED: bool>(
        &mut self,
        some: &[u32],
        stands: impl Fn(&Flags, u32) -> bool,
        gates: &Gates<'_>,
        estimate: impl Fn(u32) -> Estimate,
        refused: &mut GateCounts,
    ) {
        let (mut passed, mut rare, mut chance, mut many) = (0, 0, 0, 0);
        let room = self.many..self.many + STEP;
        let items = &mut self.items[room.clone()];
        let (scores, votes) = (&mut self.scores[room.clone()], &mut self.votes[room]);
        for &item in some {
            let Estimate {
                score,
                vote,
                companion,
            } = estimate(item);
            let support = gates.counter.support(item);
            let stands = stands(&self.held, item);
            let is_rare = gates.threshold.is_rare(support);
            let is_chance = gates.threshold.is_chance(support, companion);
            let passes = stands & !is_rare & !is_chance & (score > 0.0);
            if COUNTED {
                rare += u32::from(stands & is_rare);
                chance += u32::from(stands & !is_rare & is_chance);
                passed += u32::from(passes);
            }
            let (score, vote) = (score.to_bits(), vote.to_bits());
            (items[many], scores[many], votes[many]) = (item, score, vote);
            many += usize::from(passes & ((score >= self.floors.0) | (vote >= self.floors.1)));
        }
        self.many += many;
        self.passed += passed;
        refused.support += rare;
        refused.significance += chance;
        if self.many >= self.full {
            self.cut();
        }
    }

    /// The common weight below which nobody is among the best.
    fn least_weight(&self, signal: &SignalFrame) -> u64 {
        let (score, vote) = (f32::from_bits(self.floors.0), f32::from_bits(self.floors.1));
        let single = signal.single.least_weight(score.into());
        single.min(signal.many.least_weight(vote.into()))
    }

    /// Ends the passing. Of twice as many as find a place the values are sooner computed than the best looked for.
    pub(super) fn close(&mut self) {
        if self.many > 2 * STORED_COMPANIONS {
            self.cut();
        }
    }

    /// Leaves those alone who may be among the best.
    fn cut(&mut self) {
        self.floors.0 = floor(&self.scores[..self.many], BY_SCORE, &mut self.scratch);
        self.floors.1 = floor(&self.votes[..self.many], STORED_COMPANIONS, &mut self.scratch);
        let mut many = 0;
        for at in 0..self.many {
            let (score, vote) = (self.scores[at], self.votes[at]);
            (self.items[many], self.scores[many], self.votes[many]) = (self.items[at], score, vote);
            many += usize::from((score >= self.floors.0) | (vote >= self.floors.1));
        }
        self.many = many;
        // Any number of estimates may be the same.
        self.full = FULL.max(2 * many);
        for column in [&mut self.items, &mut self.scores, &mut self.votes] {
            column.resize(column.len().max(self.full + STEP), 0);
        }
    }

    /// Whoever may be among the best, and perhaps others.
    pub(super) fn best(&self) -> &[u32] {
        &self.items[..self.many]
    }

    /// Ends the row: nobody is apart any more. How many passed, where refusals are counted.
    pub(super) fn end(&mut self, row: &Row<'_>, apart: &[u32]) -> u32 {
        let mut release = |item| self.held.set(item, !row.frame.listed.get(item));
        release(row.anchor);
        apart.iter().copied().for_each(release);
        self.passed
    }
}

/// What nobody stays below who is among the best so many by value, given estimates of values.
fn floor(estimates: &[u32], most: usize, scratch: &mut Vec<u32>) -> u32 {
    let Some(below) = estimates.len().checked_sub(most) else {
        return 0;
    };
    scratch.clear();
    scratch.extend_from_slice(estimates);
    let (_, &mut least, _) = scratch.select_nth_unstable(below);
    Estimate::least(f32::from_bits(least)).to_bits()
}

/// What all candidates of a row are judged by.
pub(super) struct Gates<'r> {
    pub(super) row: &'r Row<'r>,
    pub(super) counter: &'r Counter,
    pub(super) signal: &'r SignalFrame,
    pub(super) threshold: Threshold<'r>,
}
