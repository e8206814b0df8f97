//! One anchor's row: its counters, and what they are worth.

mod edge;
mod strength;

pub(crate) use edge::{Chosen, Listing};
pub(crate) use strength::{Strengths, ratio};

use crate::count::{Counter, SwingBench, count_journeys, count_sessions, count_swing};
use crate::facts::{Facts, NONE};
use crate::frame::{Frame, SignalFrame};
use crate::params::ColdStart;
use crate::signals::Input;

/// The counters of one worker, by [`Input::counter`].
#[derive(Debug)]
pub(crate) struct Counters {
    counters: Vec<Counter>,
    swing: SwingBench,
}

impl Counters {
    pub(crate) fn new(facts: &Facts) -> Self {
        let products = facts.products.len();
        Self {
            counters: Input::COUNTED.iter().map(|_| Counter::new(products)).collect(),
            swing: SwingBench::new(products),
        }
    }

    /// Counts the row of `anchor` afresh.
    pub(crate) fn count<'r>(&'r mut self, frame: &'r Frame<'r>, anchor: u32) -> Row<'r> {
        for (counter, input) in self.counters.iter_mut().zip(Input::COUNTED) {
            counter.clear();
            if frame.facts.wanted.counts(input) {
                count(counter, input, frame, anchor, &mut self.swing);
            }
        }
        Row {
            strengths: Strengths::of(frame, anchor, &self.counters),
            chance: Input::COUNTED
                .map(|input| frame.signal(input).map_or(&[u32::MAX][..], |s| s.chance(anchor))),
            counters: &self.counters,
            frame,
            anchor,
        }
    }
}

fn count(counter: &mut Counter, input: Input, frame: &Frame<'_>, anchor: u32, swing: &mut SwingBench) {
    let (facts, params) = (frame.facts, &frame.epoch.params);
    let baskets = |counter: &mut Counter, baskets| match &frame.single_weights {
        None => counter.count(anchor, baskets, &frame.weights),
        Some(singles) => counter.count_both(anchor, baskets, &frame.weights, singles),
    };
    match input {
        Input::CoPurchase => baskets(counter, &facts.purchases),
        Input::CoCart => baskets(counter, &facts.carts),
        Input::Scene => baskets(counter, &facts.scenes),
        Input::CoView => count_sessions(counter, anchor, &facts.views, &frame.kernel),
        Input::ViewedThenBought => {
            count_journeys(
                counter,
                anchor,
                &facts.journeys,
                frame.epoch.windows.viewed_then_bought_days,
            );
        }
        Input::Swing => {
            // Only substitutes read it, and they need a leaf where the catalogue has any.
            let has_leaf = facts.products.leaf[anchor as usize] != NONE;
            if has_leaf || !frame.leaves.are_known() {
                count_swing(counter, anchor, &facts.views, &params.swing, swing);
            }
        }
        Input::Attributes | Input::CategoryShare => {}
    }
}

/// A counted row.
pub(crate) struct Row<'r> {
    pub(crate) frame: &'r Frame<'r>,
    pub(crate) anchor: u32,
    counters: &'r [Counter],
    strengths: Strengths,
    /// By [`Input::counter`]: [`SignalFrame::chance`].
    chance: [&'r [u32]; Input::COUNTED.len()],
}

/// What a pair's common baskets must be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Threshold<'r> {
    least: u32,
    /// As [`SignalFrame::chance`].
    limits: &'r [u32],
}

/// What a [`Threshold`] says of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Enough, and more than chance.
    Passes,
    /// Too few.
    Rare,
    /// Enough, but chance may have brought them together.
    Chance,
}

impl<'r> Threshold<'r> {
    /// So many common baskets, whatever chance says.
    pub(crate) fn support(least: u32) -> Self {
        Self {
            least: least.max(1),
            limits: &[u32::MAX],
        }
    }

    /// Whether so many common baskets are too few.
    #[inline]
    pub(crate) const fn is_rare(&self, support: u32) -> bool {
        support < self.least
    }

    /// `companion` is its baskets in all.
    #[inline]
    pub(crate) fn judge(&self, support: u32, companion: u32) -> Verdict {
        if self.is_rare(support) {
            Verdict::Rare
        } else if self.is_chance(support, companion) {
            Verdict::Chance
        } else {
            Verdict::Passes
        }
    }

    /// Whether chance may bring so many common baskets about with a companion of so many.
    #[inline]
    pub(crate) fn is_chance(&self, support: u32, companion: u32) -> bool {
        companion > self.limits[(support as usize).min(self.limits.len() - 1)]
    }
}

impl<'r> Row<'r> {
    /// The counter and the frozen side of a counted input.
    pub(crate) fn input(&self, input: Input) -> Option<(&'r Counter, &'r SignalFrame)> {
        let at = input.counter()?;
        Some((&self.counters[at], self.frame.signal(input)?))
    }

    /// As [`Self::input`], where the row counted anything: else there is no cell to wait for.
    pub(crate) fn counted(&self, input: Input) -> Option<(&'r Counter, &'r SignalFrame)> {
        self.input(input)
            .filter(|(counter, _)| !counter.touched().is_empty())
    }

    /// Common baskets with `item`; 0 for an input that is not counted.
    pub(crate) fn support(&self, input: Input, item: u32) -> u32 {
        self.counted(input)
            .map_or(0, |(counter, _)| counter.support(item))
    }

    /// The single-anchor closed form of an input, not normalised.
    pub(crate) fn single(&self, input: Input, item: u32) -> f64 {
        let Some((counter, signal)) = self.counted(input) else {
            return 0.0;
        };
        match counter.support(item) {
            0 => 0.0,
            support => {
                let frozen = signal.frozen(item);
                signal
                    .single
                    .value(item, counter.single_weight(item), support, frozen)
            }
        }
    }

    /// The many-anchor closed form of an input, with the anchor's part and before any power.
    pub(crate) fn many(&self, input: Input, item: u32) -> f64 {
        let Some((counter, signal)) = self.counted(input) else {
            return 0.0;
        };
        match counter.support(item) {
            0 => 0.0,
            support => {
                let frozen = signal.frozen(item);
                signal.many.value(item, counter.weight(item), support, frozen) * self.anchor_part(input)
            }
        }
    }

    /// (n_i + λ)^-α of the input.
    pub(crate) fn anchor_part(&self, input: Input) -> f64 {
        self.strengths.anchor_part(input)
    }

    /// S of the table: the single-anchor value over the row's largest.
    pub(crate) fn normal(&self, input: Input, item: u32) -> f64 {
        self.strengths.share(input, self.single(input, item))
    }

    /// S for votes: the many-anchor value over the row's largest.
    pub(crate) fn normal_vote(&self, input: Input, item: u32) -> f64 {
        self.strengths.vote_share(input, self.many(input, item))
    }

    /// So much over the row's largest single-anchor value of an input.
    pub(crate) fn share(&self, input: Input, value: f64) -> f64 {
        self.strengths.share(input, value)
    }

    /// So much over the row's largest vote of an input, without the anchor's part.
    pub(crate) fn vote_share(&self, input: Input, value: f64) -> f64 {
        self.strengths.vote_share(input, value * self.anchor_part(input))
    }

    /// What is made of attributes where behaviour is missing.
    pub(crate) fn cold_start(&self) -> &ColdStart {
        &self.frame.epoch.params.cold_start
    }

    pub(crate) fn strengths(&self) -> &Strengths {
        &self.strengths
    }

    /// The anchor's shop.
    pub(crate) fn shop(&self) -> u32 {
        self.frame.facts.products.shop[self.anchor as usize]
    }

    /// Whether a companion may stand in a list at all.
    #[inline]
    pub(crate) fn is_companion(&self, item: u32) -> bool {
        (item != self.anchor) & self.frame.listed.get(item)
    }

    /// What makes common baskets enough, and more than chance.
    pub(crate) fn threshold(&self, input: Input) -> Threshold<'r> {
        Threshold {
            least: self.frame.epoch.params.gates.least_support.max(1),
            limits: input.counter().map_or(&[u32::MAX], |at| self.chance[at]),
        }
    }

    /// What the gates of support and significance say of the common baskets with `item`.
    pub(crate) fn verdict(&self, input: Input, item: u32) -> Verdict {
        let Some((counter, signal)) = self.counted(input) else {
            return Verdict::Rare;
        };
        let support = counter.support(item);
        self.threshold(input)
            .judge(support, signal.companion(item, support))
    }
}
