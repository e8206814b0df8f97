use super::{Counter, fixed, generated_flag, halvings_of};
use crate::facts::Baskets;
use crate::params::Swing;

/// Pairs of so many sessions still fit a counter's cell.
const MOST_SESSIONS: usize = 4096;

/// Scratch of [`count_swing`].
#[derive(Debug)]
pub(crate) struct SwingBench {
    /// Which session marked a product last.
    marks: Vec<u32>,
    mark: u32,
    common: Vec<u32>,
}

impl SwingBench {
    pub(crate) fn new(products: usize) -> Self {
        Self {
            marks: vec![0; products],
            mark: 0,
            common: Vec::new(),
        }
    }

    fn mark(&mut self, items: &[u32]) {
        self.mark = self.mark.checked_add(1).unwrap_or_else(|| {
            self.marks.fill(0);
            1
        });
        for &item in items {
            self.marks[item as usize] = self.mark;
        }
    }

    fn gather_common(&mut self, items: &[u32]) {
        self.common.clear();
        let marked = items
            .iter()
            .copied()
            .filter(|&item| self.marks[item as usize] == self.mark);
        self.common.extend(marked);
    }
}

/// For every two of the anchor's most recent sessions: what they share besides it gains
/// `1 / √(|u| · |v|) / (α + |u ∩ v|)`, halved as the faintest of the four lines behind it.
pub(crate) fn count_swing(
    counter: &mut Counter,
    anchor: u32,
    sessions: &Baskets,
    params: &Swing,
    bench: &mut SwingBench,
) {
    let of = sessions.of(anchor);
    let of = &of[of.len().saturating_sub(params.sessions.min(MOST_SESSIONS))..];
    for (at, &first) in of.iter().enumerate() {
        let items = sessions.items(first);
        if items.len() < 2 {
            continue;
        }
        bench.mark(items);
        for &second in &of[at + 1..] {
            let others = sessions.items(second);
            bench.gather_common(others);
            if bench.common.len() < 2 {
                continue;
            }
            let sizes = (items.len() as f64 * others.len() as f64).sqrt();
            let weight = fixed(1.0 / sizes / (params.alpha + bench.common.len() as f64));
            let flag = generated_flag(sessions.is_generated(first) || sessions.is_generated(second));
            let is_whole = !sessions.is_faint(first) && !sessions.is_faint(second);
            let halvings = |item: u32| {
                let of = |session: u32| halvings_of(sessions, session, item);
                of(first).max(of(second))
            };
            let own = if is_whole { 0 } else { halvings(anchor) };
            for &item in &bench.common {
                let faint = if is_whole { 0 } else { own.max(halvings(item)) };
                counter.add(item, weight >> faint, flag);
            }
        }
    }
}
