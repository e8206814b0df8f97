use crate::count::Counter;
use crate::damping::damping;
use crate::frame::Frame;
use crate::params::Params;
use crate::signals::Input;

/// The largest values of a row, by input: what its signals are normalised by.
#[derive(Debug, Clone, Copy, Default)]
struct Strength {
    single: f64,
    many: f64,
    support: u32,
    anchor_part: f64,
}

/// The largest values of a row.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Strengths([Strength; Input::COUNTED.len()]);

impl Strengths {
    pub(crate) fn of(frame: &Frame<'_>, anchor: u32, counters: &[Counter]) -> Self {
        let mut strengths = Self::default();
        for (at, input) in Input::COUNTED.into_iter().enumerate() {
            strengths.0[at] = strength(frame, anchor, input, &counters[at]);
        }
        strengths
    }

    pub(crate) fn share(&self, input: Input, value: f64) -> f64 {
        input.counter().map_or(0.0, |at| ratio(value, self.0[at].single))
    }

    pub(crate) fn vote_share(&self, input: Input, value: f64) -> f64 {
        input.counter().map_or(0.0, |at| ratio(value, self.0[at].many))
    }

    pub(crate) fn anchor_part(&self, input: Input) -> f64 {
        input.counter().map_or(1.0, |at| self.0[at].anchor_part)
    }

    /// The largest vote of the row.
    pub(crate) fn largest_vote(&self, input: Input) -> f64 {
        input.counter().map_or(0.0, |at| self.0[at].many)
    }

    /// The most common baskets of the row.
    pub(crate) fn most_support(&self, input: Input) -> u32 {
        input.counter().map_or(0, |at| self.0[at].support)
    }
}

/// So much over the largest; 0 where that is nothing.
pub(crate) fn ratio(value: f64, largest: f64) -> f64 {
    if largest > 0.0 { value / largest } else { 0.0 }
}

fn strength(frame: &Frame<'_>, anchor: u32, input: Input, counter: &Counter) -> Strength {
    let wanted = &frame.facts.wanted;
    // Closed forms read nothing of another input.
    let is_read = wanted.reads_attributes() || wanted.counts(input);
    let Some(signal) = frame.signal(input).filter(|_| is_read) else {
        return Strength::default();
    };
    let mut strength = Strength {
        anchor_part: anchor_part(&frame.epoch.params, input, signal.anchor(anchor)),
        ..Strength::default()
    };
    if !wanted.reads_attributes() {
        // Only gated relations weigh signals against each other.
        return strength;
    }
    // A common weight below which nothing is worth more than what was found.
    let mut least = 0;
    for &item in counter.touched().iter().filter(|&&item| item != anchor) {
        let cell = counter.cell(item);
        let support = cell.support();
        strength.support = strength.support.max(support);
        if cell.parts() < least {
            continue;
        }
        let frozen = signal.frozen(item);
        let single = counter.single_weight(item);
        let single = signal.single.value(item, single, support, frozen);
        let many = signal.many.value(item, cell.weight(), support, frozen);
        if single > strength.single || many > strength.many {
            strength.single = strength.single.max(single);
            strength.many = strength.many.max(many);
            if !counter.has_singles() {
                let single = signal.single.least_weight(strength.single);
                least = single.min(signal.many.least_weight(strength.many));
            }
        }
    }
    strength.many *= strength.anchor_part;
    strength
}

fn anchor_part(params: &Params, input: Input, count: u32) -> f64 {
    let (lambda, alpha) = match input.fitted_on() {
        Input::CoView => (params.viewed.lambda, params.viewed.alpha),
        _ => (params.together.lambda, params.together.alpha),
    };
    damping(count, lambda, alpha)
}
