//! Candidates of a row on their way to its list, some at a time.
//!
//! Whether one passes a gate is a coin that no branch foretells, and what is asked of it lies anywhere in memory. So every
//! step is a loop without branches: each candidate is written, only those who pass are counted, and reads that wait for
//! no branch are under way together. What a step has read it hands on, so that the next one finds it at hand.

use tandem_domain::edge::GateCounts;

use crate::count::{Cell, Counter};
use crate::facts::dense;
use crate::flags::Flags;
use crate::row::{Row, Threshold, Verdict};

/// Candidates that go through the gates together.
pub(crate) const STEP: usize = 256;

/// Whether somebody will ask why others are not in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusals {
    /// Everybody is judged and counted.
    Counted,
    /// Whoever is sure to find no place need not be judged.
    Unasked,
}

/// A candidate and its cell.
#[derive(Debug, Clone, Copy, Default)]
struct Near {
    item: u32,
    is_exempt: bool,
    cell: Cell,
}

/// A candidate that passed, with its baskets as they were frozen.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Judged {
    pub(super) item: u32,
    pub(super) frozen: u32,
    /// Whether it passed whatever its weight.
    pub(super) is_exempt: bool,
    pub(super) cell: Cell,
}

/// Scratch of one worker.
#[derive(Debug)]
pub(crate) struct Funnel {
    pub(super) refusals: Refusals,
    /// Who passes whatever the common weight.
    exempt: Flags,
    near: Vec<Near>,
    judged: Vec<Judged>,
    valued: Vec<(u32, f32, f32)>,
}

impl Funnel {
    pub(crate) fn new(products: usize, refusals: Refusals) -> Self {
        Self {
            refusals,
            exempt: Flags::none(products),
            near: vec![Near::default(); STEP],
            judged: vec![Judged::default(); STEP],
            valued: Vec::with_capacity(STEP),
        }
    }

    /// Makes `items` pass whatever their common weight, or no longer.
    pub(super) fn exempt(&mut self, items: impl Iterator<Item = u32>, are_exempt: bool) {
        items.for_each(|item| self.exempt.set(item, are_exempt));
    }

    /// Of at most [`STEP`] companions those who pass the threshold and whose common weight with the anchor is at least
    /// `least`, in parts of [`ONE`](crate::count::ONE), or who are exempt of that, as (companion, score, vote); `frozen` by product.
    pub(super) fn pass(
        &mut self,
        row: &Row<'_>,
        counter: &Counter,
        (some, least): (&[u32], u64),
        (frozen, threshold): (&[u32], Threshold<'_>),
        refused: &mut GateCounts,
        value: impl Fn(&Judged) -> (u32, f32, f32),
    ) -> &[(u32, f32, f32)] {
        let mut many = 0;
        for &item in some {
            let cell = counter.cell(item);
            let stands = row.is_companion(item);
            let is_rare = threshold.is_rare(cell.support());
            let is_exempt = self.exempt.get(item);
            self.near[many] = Near {
                item,
                is_exempt,
                cell,
            };
            many += usize::from(stands & !is_rare & ((cell.parts() >= least) | is_exempt));
            refused.support += u32::from(stands & is_rare);
        }
        let mut passing = 0;
        for &Near {
            item,
            is_exempt,
            cell,
        } in &self.near[..many]
        {
            let (frozen, support) = (frozen[item as usize], cell.support());
            self.judged[passing] = Judged {
                item,
                frozen,
                is_exempt,
                cell,
            };
            passing += usize::from(threshold.judge(support, frozen.max(support)) == Verdict::Passes);
        }
        refused.significance += dense(many - passing);
        self.valued.clear();
        self.valued.extend(self.judged[..passing].iter().map(value));
        &self.valued
    }
}
