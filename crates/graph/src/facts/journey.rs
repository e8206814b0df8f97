use rustc_hash::FxHashMap;

use super::intern::dense;
use super::laying::Gathered;
use super::{NONE, Windows};

/// A product viewed by a visitor: first and last time in the window.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Viewing {
    pub(crate) visitor: u32,
    pub(crate) first_ms: i64,
    pub(crate) last_ms: i64,
}

/// Who viewed what and bought what; only visitors who did both are kept.
#[derive(Debug, Default)]
pub(crate) struct Journeys {
    view_offsets: Vec<u32>,
    viewings: Vec<Viewing>,
    bought_offsets: Vec<u32>,
    /// (product, last time) by visitor.
    bought: Vec<(u32, i64)>,
    generated: Vec<bool>,
    buyers: Vec<u32>,
}

/// One visitor's own history, while it is gathered: product → (first, last).
#[derive(Debug, Default)]
struct History {
    viewed: FxHashMap<u32, (i64, i64)>,
    bought: FxHashMap<u32, (i64, i64)>,
    generated: bool,
}

impl Journeys {
    pub(super) fn follow(sessions: &Gathered, orders: &Gathered, windows: &Windows, products: usize) -> Self {
        let mut histories: FxHashMap<u32, History> = FxHashMap::default();
        for (order, &key) in orders.netted.keys.iter().enumerate() {
            let visitor = orders.visitors[key as usize];
            if visitor != NONE {
                let history = histories.entry(visitor).or_default();
                history.generated |= orders.generated[key as usize];
                note(&mut history.bought, orders.netted.timed(order));
            }
        }
        for (session, &key) in sessions.netted.keys.iter().enumerate() {
            if let Some(history) = histories.get_mut(&sessions.visitors[key as usize]) {
                history.generated |= sessions.generated[key as usize];
                note(&mut history.viewed, sessions.netted.timed(session));
            }
        }
        let complete = histories
            .into_values()
            .filter(|history| !history.viewed.is_empty());
        Self::lay(complete, windows, products)
    }

    /// The numbers of visitors follow the order of a hash map; nothing that is computed depends on them.
    fn lay(histories: impl Iterator<Item = History>, windows: &Windows, products: usize) -> Self {
        let mut laid = Self {
            bought_offsets: vec![0],
            buyers: vec![0; products],
            ..Self::default()
        };
        let mut views = Vec::new();
        for history in histories {
            let visitor = dense(laid.generated.len());
            laid.generated.push(history.generated);
            for (product, _, last) in recent(&history.bought, windows.purchase_cap) {
                laid.bought.push((product, last));
                laid.buyers[product as usize] += 1;
            }
            laid.bought_offsets.push(dense(laid.bought.len()));
            for (product, first_ms, last_ms) in recent(&history.viewed, windows.view_cap) {
                let viewing = Viewing {
                    visitor,
                    first_ms,
                    last_ms,
                };
                views.push((product, viewing));
            }
        }
        views.sort_unstable_by_key(|(product, viewing)| (*product, viewing.visitor));
        laid.view_offsets = (0..=dense(products))
            .map(|product| dense(views.partition_point(|(viewed, _)| *viewed < product)))
            .collect();
        laid.viewings = views.into_iter().map(|(_, viewing)| viewing).collect();
        laid
    }

    /// Visitors who both viewed and bought.
    pub(crate) fn len(&self) -> usize {
        self.generated.len()
    }

    /// Who viewed the product.
    pub(crate) fn viewings(&self, product: u32) -> &[Viewing] {
        if self.view_offsets.is_empty() {
            return &[];
        }
        let range =
            self.view_offsets[product as usize] as usize..self.view_offsets[product as usize + 1] as usize;
        &self.viewings[range]
    }

    /// What the visitor bought, and when last.
    pub(crate) fn bought(&self, visitor: u32) -> &[(u32, i64)] {
        let at = visitor as usize;
        &self.bought[self.bought_offsets[at] as usize..self.bought_offsets[at + 1] as usize]
    }

    pub(crate) fn is_generated(&self, visitor: u32) -> bool {
        self.generated[visitor as usize]
    }

    /// Visitors who bought the product.
    pub(crate) fn buyers(&self, product: u32) -> u32 {
        self.buyers.get(product as usize).copied().unwrap_or(0)
    }
}

fn note(history: &mut FxHashMap<u32, (i64, i64)>, items: impl Iterator<Item = (u32, i64)>) {
    for (product, time) in items {
        let seen = history.entry(product).or_insert((time, time));
        *seen = (seen.0.min(time), seen.1.max(time));
    }
}

/// The `cap` most recent products by (last time desc, id asc).
fn recent(history: &FxHashMap<u32, (i64, i64)>, cap: usize) -> Vec<(u32, i64, i64)> {
    let mut items: Vec<_> = history
        .iter()
        .map(|(&product, &(first, last))| (product, first, last))
        .collect();
    items.sort_unstable_by_key(|&(product, _, last)| (std::cmp::Reverse(last), product));
    items.truncate(cap);
    items
}
