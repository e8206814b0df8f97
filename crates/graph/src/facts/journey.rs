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
        let mut walks = Walks::of(products);
        for history in histories {
            walks.begin(history.generated);
            for (product, _, last_ms) in recent(&history.bought, windows.purchase_cap) {
                walks.bought(product, last_ms);
            }
            for (product, first_ms, last_ms) in recent(&history.viewed, windows.view_cap) {
                walks.viewed(product, first_ms, last_ms);
            }
        }
        walks.lay()
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

/// Journeys on their way, visitor by visitor.
#[derive(Debug)]
pub(super) struct Walks {
    laid: Journeys,
    views: Vec<(u32, Viewing)>,
}

impl Walks {
    /// Among so many products.
    pub(super) fn of(products: usize) -> Self {
        Self {
            laid: Journeys {
                buyers: vec![0; products],
                ..Journeys::default()
            },
            views: Vec::new(),
        }
    }

    /// The next visitor.
    pub(super) fn begin(&mut self, generated: bool) {
        self.laid.bought_offsets.push(dense(self.laid.bought.len()));
        self.laid.generated.push(generated);
    }

    /// What the visitor bought, and when last.
    pub(super) fn bought(&mut self, product: u32, last_ms: i64) {
        self.laid.bought.push((product, last_ms));
        self.laid.buyers[product as usize] += 1;
    }

    /// What the visitor viewed.
    pub(super) fn viewed(&mut self, product: u32, first_ms: i64, last_ms: i64) {
        let viewing = Viewing {
            visitor: dense(self.laid.generated.len() - 1),
            first_ms,
            last_ms,
        };
        self.views.push((product, viewing));
    }

    pub(super) fn lay(self) -> Journeys {
        let Self { mut laid, mut views } = self;
        views.sort_unstable_by_key(|(product, viewing)| (*product, viewing.visitor));
        laid.bought_offsets.push(dense(laid.bought.len()));
        laid.view_offsets = (0..=dense(laid.buyers.len()))
            .map(|product| dense(views.partition_point(|(viewed, _)| *viewed < product)))
            .collect();
        laid.viewings = views.into_iter().map(|(_, viewing)| viewing).collect();
        laid
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
