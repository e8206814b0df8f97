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
    /// How often it counts half.
    pub(crate) halvings: u8,
}

/// A product bought by a visitor.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bought {
    pub(crate) product: u32,
    pub(crate) last_ms: i64,
    /// How often it counts half.
    pub(crate) halvings: u8,
}

/// Who viewed what and bought what; only visitors who did both are kept.
#[derive(Debug, Default)]
pub(crate) struct Journeys {
    view_offsets: Vec<u32>,
    viewings: Vec<Viewing>,
    bought_offsets: Vec<u32>,
    /// By visitor.
    bought: Vec<Bought>,
    generated: Vec<bool>,
    buyers: Vec<u32>,
}

/// One visitor's own history, while it is gathered, by product.
#[derive(Debug, Default)]
struct History {
    viewed: FxHashMap<u32, Spell>,
    bought: FxHashMap<u32, Spell>,
    generated: bool,
}

/// From the first to the last time, and the halvings of the time that counts most.
#[derive(Debug, Clone, Copy)]
struct Spell {
    first_ms: i64,
    last_ms: i64,
    halvings: u8,
}

impl Journeys {
    pub(super) fn follow(sessions: &Gathered, orders: &Gathered, windows: &Windows, products: usize) -> Self {
        let mut histories: FxHashMap<u32, History> = FxHashMap::default();
        for (order, &key) in orders.netted.keys.iter().enumerate() {
            let visitor = orders.visitors[key as usize];
            if visitor != NONE {
                let history = histories.entry(visitor).or_default();
                history.generated |= orders.generated[key as usize];
                note(&mut history.bought, orders.netted.lines(order));
            }
        }
        for (session, &key) in sessions.netted.keys.iter().enumerate() {
            if let Some(history) = histories.get_mut(&sessions.visitors[key as usize]) {
                history.generated |= sessions.generated[key as usize];
                note(&mut history.viewed, sessions.netted.lines(session));
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
            for (product, spell) in recent(&history.bought, windows.purchase_cap) {
                walks.bought(product, spell.last_ms, spell.halvings);
            }
            for (product, spell) in recent(&history.viewed, windows.view_cap) {
                walks.viewed(product, spell.first_ms, spell.last_ms, spell.halvings);
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
    pub(crate) fn bought(&self, visitor: u32) -> &[Bought] {
        let at = visitor as usize;
        &self.bought[self.bought_offsets[at] as usize..self.bought_offsets[at + 1] as usize]
    }

    pub(crate) fn is_generated(&self, visitor: u32) -> bool {
        self.generated[visitor as usize]
    }

    /// Products viewed by visitors who bought one of `items`, each once.
    pub(crate) fn viewed_by_buyers(&self, items: &[bool]) -> Vec<u32> {
        let bought = |visitor: u32| self.bought(visitor).iter().any(|one| items[one.product as usize]);
        let buyers: Vec<bool> = (0..dense(self.len())).map(bought).collect();
        let products = 0..dense(self.view_offsets.len().saturating_sub(1));
        let has_buyer = |&product: &u32| {
            let mut viewings = self.viewings(product).iter();
            viewings.any(|viewing| buyers[viewing.visitor as usize])
        };
        products.filter(has_buyer).collect()
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

    /// What the visitor bought, when last, and how often it counts half.
    pub(super) fn bought(&mut self, product: u32, last_ms: i64, halvings: u8) {
        self.laid.bought.push(Bought {
            product,
            last_ms,
            halvings,
        });
        self.laid.buyers[product as usize] += 1;
    }

    /// What the visitor viewed, and how often it counts half.
    pub(super) fn viewed(&mut self, product: u32, first_ms: i64, last_ms: i64, halvings: u8) {
        let viewing = Viewing {
            visitor: dense(self.laid.generated.len() - 1),
            first_ms,
            last_ms,
            halvings,
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

fn note(history: &mut FxHashMap<u32, Spell>, lines: impl Iterator<Item = (u32, i64, u8)>) {
    for (product, time, halvings) in lines {
        let spell = history.entry(product).or_insert(Spell {
            first_ms: time,
            last_ms: time,
            halvings,
        });
        spell.first_ms = spell.first_ms.min(time);
        spell.last_ms = spell.last_ms.max(time);
        spell.halvings = spell.halvings.min(halvings);
    }
}

/// The `cap` most recent products by (last time desc, id asc).
fn recent(history: &FxHashMap<u32, Spell>, cap: usize) -> Vec<(u32, Spell)> {
    let mut items: Vec<_> = history
        .iter()
        .map(|(&product, &spell)| (product, spell))
        .collect();
    items.sort_unstable_by_key(|&(product, spell)| (std::cmp::Reverse(spell.last_ms), product));
    items.truncate(cap);
    items
}
