//! A list as it is kept: encoded items without their units, and beside each the print that its stock is found by.
//!
//! Nothing here is invalidated by stock. Every answer asks the shelf for each item again, leaves out what cannot be
//! bought, and writes the units behind the kept bytes.

use std::collections::HashSet;

use tandem_domain::id::ProductId;
use tandem_domain::overlay::{DropReason, Line as Order, Window, arrange, vouch};
use tandem_domain::stock::SellableCount;
use tandem_domain::surface::Surface;

use crate::availability::{Reading, Table};
use crate::meters::Drops;
use crate::wire;

/// The items of one anchor, in order, each product once.
#[derive(Debug, Default)]
pub(crate) struct Line {
    bytes: Box<[u8]>,
    items: Box<[Place]>,
    /// Positions of the first items, which are pins.
    pins: Box<[u32]>,
    refused: Box<[(DropReason, u32)]>,
}

/// Where an item's bytes end, and the print of its product.
#[derive(Debug, Clone, Copy)]
struct Place {
    print: u64,
    end: u32,
}

/// What is asked of a line.
#[derive(Debug)]
pub(crate) struct Page<'a> {
    /// What can be bought.
    pub(crate) stock: &'a Reading,
    /// What unknown stock means.
    pub(crate) surface: &'a Surface,
    /// Products that the caller does not want.
    pub(crate) excluded: &'a HashSet<ProductId>,
    /// The page.
    pub(crate) window: Window,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Laid {
    /// Items written.
    pub(crate) shown: usize,
    /// Whether another page follows.
    pub(crate) more: bool,
}

impl Laid {
    /// No item.
    pub(crate) const NOTHING: Self = Self {
        shown: 0,
        more: false,
    };
}

impl Line {
    /// Encodes `order`; prints are those of `table` and of every table that grows out of it.
    pub(crate) fn of(order: &Order, table: &Table) -> Self {
        let pins = order.pins.iter().map(|(_, offer)| offer);
        let (mut bytes, mut items) = (Vec::new(), Vec::new());
        for offer in pins.chain(&order.offers) {
            wire::put_offer(&mut bytes, offer);
            items.push(Place {
                print: table.print(&offer.product),
                end: u32::try_from(bytes.len()).expect("a list is a few hundred short items"),
            });
        }
        Self {
            bytes: bytes.into(),
            items: items.into(),
            pins: order.pins.iter().map(|(position, _)| *position).collect(),
            refused: order.refused.as_slice().into(),
        }
    }

    /// Items that stock may let through.
    pub(crate) fn len(&self) -> usize {
        self.items.len()
    }

    /// Its memory in bytes.
    pub(crate) fn size(&self) -> usize {
        size_of::<Self>() + self.bytes.len() + size_of_val(&*self.items) + 4 * self.pins.len()
    }

    /// Lays the stock of this moment over the line and writes the page to `answer`, each item as field `tag`. Looks no
    /// further than the page and one more, and counts what lies behind as below the limit.
    pub(crate) fn lay(&self, page: &Page<'_>, tag: u8, answer: &mut Vec<u8>, drops: &mut Drops) -> Laid {
        let end = page.window.offset.saturating_add(page.window.size);
        self.refused
            .iter()
            .for_each(|(reason, count)| drops.add(*reason, *count));
        let pins = self.pins.len();
        let mut line: Vec<(usize, SellableCount)> = Vec::with_capacity(end.min(self.len()) + 1 + pins);
        let mut looked = pins;
        for at in pins..self.items.len() {
            looked = at + 1;
            line.extend(self.judged(at, page, drops));
            if line.len() > end {
                break;
            }
        }
        if pins > 0 {
            let passed = self.pins.iter().enumerate();
            let passed = passed.filter_map(|(at, position)| Some((*position, self.judged(at, page, drops)?)));
            let passed: Vec<_> = passed.collect();
            arrange(&mut line, passed);
        }
        let more = line.len() > end;
        let below = self.items.len() - looked + line.len().saturating_sub(end);
        drops.add(DropReason::BelowLimit, u32::try_from(below).unwrap_or(u32::MAX));
        line.truncate(end);
        let shown = line.get(page.window.offset..).unwrap_or_default();
        for (at, sellable) in shown {
            wire::put_item(answer, tag, self.item(*at), *sellable);
        }
        Laid {
            shown: shown.len(),
            more,
        }
    }

    fn item(&self, at: usize) -> &[u8] {
        let start = at.checked_sub(1).map_or(0, |before| self.items[before].end);
        &self.bytes[start as usize..self.items[at].end as usize]
    }

    fn judged(&self, at: usize, page: &Page<'_>, drops: &mut Drops) -> Option<(usize, SellableCount)> {
        if !page.excluded.is_empty() && page.excluded.contains(wire::product_of(self.item(at))) {
            drops.add(DropReason::ExcludedByRequest, 1);
            return None;
        }
        match vouch(page.stock.at(self.items[at].print), page.surface) {
            Ok(sellable) => Some((at, sellable)),
            Err(reason) => {
                drops.add(reason, 1);
                None
            }
        }
    }
}
