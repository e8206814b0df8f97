use std::cmp::Reverse;

use rayon::prelude::*;

use super::intern::dense;
use super::laying::Gathered;
use super::{NONE, Windows};
use crate::flags::Flags;

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

/// One visitor and one product, while they are gathered.
#[derive(Debug, Clone, Copy)]
struct Act {
    visitor: u32,
    product: u32,
    spell: Spell,
}

/// From the first to the last time, and the halvings of the time that counts most.
#[derive(Debug, Clone, Copy)]
struct Spell {
    first_ms: i64,
    last_ms: i64,
    halvings: u8,
}

impl Spell {
    fn join(&mut self, other: Self) {
        self.first_ms = self.first_ms.min(other.first_ms);
        self.last_ms = self.last_ms.max(other.last_ms);
        self.halvings = self.halvings.min(other.halvings);
    }
}

impl Journeys {
    pub(super) fn follow(sessions: &Gathered, orders: &Gathered, windows: &Windows, products: usize) -> Self {
        let most = [sessions, orders].into_iter().flat_map(visitors).max();
        let Some(most) = most else {
            return Walks::of(products).lay();
        };
        let flags = |some: &mut dyn Iterator<Item = u32>| {
            let mut flags = Flags::none(most as usize + 1);
            some.for_each(|visitor| flags.set(visitor, true));
            flags
        };
        let (viewers, buyers) = (flags(&mut visitors(sessions)), flags(&mut visitors(orders)));
        let did_both = |visitor: u32| visitor != NONE && viewers.get(visitor) && buyers.get(visitor);
        let generated = flags(&mut generated(sessions).chain(generated(orders)));
        let (viewed, bought) = rayon::join(|| acts(sessions, did_both), || acts(orders, did_both));
        let by_visitor = |a: &Act, b: &Act| a.visitor == b.visitor;
        let mut walks = Walks::of(products);
        // Both hold the same visitors, ascending.
        for (viewed, bought) in viewed.chunk_by(by_visitor).zip(bought.chunk_by(by_visitor)) {
            walks.begin(generated.get(viewed[0].visitor));
            for Act { product, spell, .. } in recent(bought, windows.purchase_cap) {
                walks.bought(product, spell.last_ms, spell.halvings);
            }
            for Act { product, spell, .. } in recent(viewed, windows.view_cap) {
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

/// Whose baskets these are, as far as a cap left anything in them.
fn visitors(gathered: &Gathered) -> impl Iterator<Item = u32> {
    let baskets = gathered.netted.keys.iter().enumerate();
    let filled = baskets.filter(|(basket, _)| !gathered.netted.items(*basket).is_empty());
    let visitors = filled.map(|(_, &key)| gathered.visitors[key as usize]);
    visitors.filter(|visitor| *visitor != NONE)
}

/// Whose baskets hold something generated.
fn generated(gathered: &Gathered) -> impl Iterator<Item = u32> {
    let keys = gathered.netted.keys.iter().map(|&key| key as usize);
    keys.filter(|&key| gathered.generated[key])
        .map(|key| gathered.visitors[key])
        .filter(|visitor| *visitor != NONE)
}

/// What some visitors did, by visitor and then by product, each once.
fn acts(gathered: &Gathered, is_one: impl Fn(u32) -> bool) -> Vec<Act> {
    let theirs = || {
        let baskets = gathered.netted.keys.iter().enumerate();
        let visited = baskets.map(|(basket, &key)| (basket, gathered.visitors[key as usize]));
        visited.filter(|(_, visitor)| is_one(*visitor))
    };
    let lines = theirs().map(|(basket, _)| gathered.netted.items(basket).len());
    let mut acts = Vec::with_capacity(lines.sum());
    for (basket, visitor) in theirs() {
        let act = |(product, time, halvings)| Act {
            visitor,
            product,
            spell: Spell {
                first_ms: time,
                last_ms: time,
                halvings,
            },
        };
        acts.extend(gathered.netted.lines(basket).map(act));
    }
    acts.par_sort_unstable_by_key(|act| (u64::from(act.visitor) << 32) | u64::from(act.product));
    acts.dedup_by(|next, kept| {
        let is_same = (next.visitor, next.product) == (kept.visitor, kept.product);
        if is_same {
            kept.spell.join(next.spell);
        }
        is_same
    });
    acts
}

/// The `cap` most recent products of one visitor by (last time desc, id asc).
fn recent(acts: &[Act], cap: usize) -> Vec<Act> {
    let mut acts = acts.to_vec();
    acts.sort_unstable_by_key(|act| (Reverse(act.spell.last_ms), act.product));
    acts.truncate(cap);
    acts
}
