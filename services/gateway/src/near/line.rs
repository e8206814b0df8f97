//! A list as it is kept: encoded items without their units, and beside each the print that its stock is found by.
//!
//! Nothing here is invalidated by stock. Every answer asks the shelf for each item again, leaves out what cannot be
//! bought, and writes the units behind the kept bytes.

use std::collections::HashSet;

use tandem_domain::attribution::Mark;
use tandem_domain::id::ProductId;
use tandem_domain::overlay::{Adjustment, DropReason, Line as Order, Vouched, Window, arrange, vouch};
use tandem_domain::relation::Relation;
use tandem_domain::surface::Surface;

use crate::availability::{Reading, Sight, Table};
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

/// The tag of items in a list of their own.
pub(super) const TAG: u8 = wire::message(1);

/// Where an item's bytes end, and the print of its product.
#[derive(Debug, Clone, Copy)]
struct Place {
    print: u64,
    end: u32,
    /// Whether it leads because the anchor runs low.
    leads: bool,
    mark: Mark,
}

/// A page as it is written.
#[derive(Debug, Default)]
pub(crate) struct Sheet {
    /// Its items, each as a field with the same tag.
    pub(crate) items: Vec<u8>,
    /// What its token tells of them.
    pub(crate) marks: Vec<Mark>,
    /// The products whose stock was looked at, the first ones of the line, and what was seen.
    pub(crate) seen: Vec<(u64, Sight)>,
    /// What was left out.
    pub(crate) drops: Drops,
}

/// What most offers take.
const OFFER_BYTES: usize = 64;

/// An item that may be shown: its place in the line, what may be sold of it, what stock does to its place.
type Passed = (usize, Vouched, Option<Adjustment>);

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
    /// Items behind the page.
    pub(crate) below: u32,
}

impl Laid {
    /// No item.
    pub(crate) const NOTHING: Self = Self {
        shown: 0,
        more: false,
        below: 0,
    };
}

impl Line {
    /// Encodes `order`, in which offers of `lead` stand in front; prints are those of `table` and of every table that
    /// grows out of it.
    pub(crate) fn of(order: &Order<&str>, lead: Option<Relation>, table: &Table) -> Self {
        let pins = order.pins.iter().map(|(_, offer)| offer);
        let places = order.pins.len() + order.offers.len();
        let mut bytes = Vec::with_capacity(OFFER_BYTES * places);
        let mut items = Vec::with_capacity(places);
        for offer in pins.chain(&order.offers) {
            wire::put_offer(&mut bytes, offer);
            items.push(Place {
                print: table.print(offer.product),
                end: length(&bytes),
                leads: lead.is_some() && offer.relation == lead,
                mark: Mark::of(offer.product),
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

    /// Lays the stock of this moment over the line and writes the page. Looks no further than the page and one
    /// more, and counts what lies behind as below the limit.
    pub(crate) fn lay(&self, page: &Page<'_>) -> (Sheet, Laid) {
        let most = page.window.size.min(self.items.len());
        let mut sheet = Sheet {
            items: Vec::with_capacity(OFFER_BYTES * most),
            marks: Vec::with_capacity(most),
            seen: Vec::with_capacity(most + 1),
            drops: Drops::default(),
        };
        for (reason, count) in &self.refused {
            sheet.drops.add(*reason, *count);
        }
        // Those that a page most likely needs, one look right behind the other: all wait for memory at once.
        self.look_through(
            page.window.offset.saturating_add(most) + self.pins.len(),
            page,
            &mut sheet,
        );
        let laid = if self.pins.is_empty() {
            self.lay_in_order(page, &mut sheet)
        } else {
            self.lay_around_pins(page, &mut sheet)
        };
        sheet.drops.add(DropReason::BelowLimit, laid.below);
        (sheet, laid)
    }

    fn lay_in_order(&self, page: &Page<'_>, sheet: &mut Sheet) -> Laid {
        let Window { offset, size } = page.window;
        let (mut passed, mut demoted) = (0, Vec::new());
        let end = offset.saturating_add(size);
        for at in 0..self.items.len() {
            match self.judged(at, page, sheet) {
                None => {}
                Some(low) if is_demoted(&low) => demoted.push(low),
                Some(item) => {
                    passed += 1;
                    if passed > end {
                        return Laid {
                            shown: size,
                            more: true,
                            below: count(self.items.len() - at + demoted.len()),
                        };
                    }
                    if passed > offset {
                        self.put(item, sheet);
                    }
                }
            }
        }
        // Behind all others, in their order.
        let below = (passed + demoted.len()).saturating_sub(end);
        for item in &demoted[..demoted.len() - below] {
            passed += 1;
            if passed > offset {
                self.put(*item, sheet);
            }
        }
        Laid {
            shown: passed.saturating_sub(offset),
            more: below > 0,
            below: count(below),
        }
    }

    fn lay_around_pins(&self, page: &Page<'_>, sheet: &mut Sheet) -> Laid {
        let end = page.window.offset.saturating_add(page.window.size);
        let pins = self.pins.len();
        let mut line: Vec<Passed> = Vec::with_capacity(end.min(self.len()) + 1 + pins);
        let (mut looked, mut demoted) = (pins, Vec::new());
        while looked < self.items.len() && line.len() <= end {
            match self.judged(looked, page, sheet) {
                Some(low) if is_demoted(&low) => demoted.push(low),
                item => line.extend(item),
            }
            looked += 1;
        }
        if line.len() <= end {
            line.append(&mut demoted);
        }
        let passed = self.pins.iter().enumerate();
        let passed = passed.filter_map(|(at, position)| {
            let (at, vouched, _) = self.judged(at, page, sheet)?;
            // A merchant's pin stands where it was put.
            Some((*position, (at, vouched, None)))
        });
        let passed: Vec<_> = passed.collect();
        arrange(&mut line, passed);
        let below = self.items.len() - looked + demoted.len() + line.len().saturating_sub(end);
        let more = line.len() > end;
        line.truncate(end);
        let shown = line.get(page.window.offset..).unwrap_or_default();
        for item in shown {
            self.put(*item, sheet);
        }
        Laid {
            shown: shown.len(),
            more,
            below: count(below),
        }
    }

    fn put(&self, (at, vouched, adjusted): Passed, sheet: &mut Sheet) {
        wire::put_item(&mut sheet.items, TAG, self.item(at), vouched, adjusted);
        sheet.marks.push(self.items[at].mark);
    }

    fn item(&self, at: usize) -> &[u8] {
        let start = at.checked_sub(1).map_or(0, |before| self.items[before].end);
        &self.bytes[start as usize..self.items[at].end as usize]
    }

    /// Looks at the stock of all products up to the one at `last`.
    fn look_through(&self, last: usize, page: &Page<'_>, sheet: &mut Sheet) {
        let next = self
            .items
            .iter()
            .take(last.saturating_add(1))
            .skip(sheet.seen.len());
        let seen = next.map(|place| (place.print, page.stock.look(place.print)));
        sheet.seen.extend(seen);
    }

    fn judged(&self, at: usize, page: &Page<'_>, sheet: &mut Sheet) -> Option<Passed> {
        if !page.excluded.is_empty() && page.excluded.contains(wire::product_of(self.item(at))) {
            sheet.drops.add(DropReason::ExcludedByRequest, 1);
            return None;
        }
        self.look_through(at, page, sheet);
        match vouch(sheet.seen[at].1.state(), page.surface) {
            Ok(vouched) => {
                let adjusted = vouched.adjustment(page.surface, self.items[at].leads);
                Some((at, vouched, adjusted))
            }
            Err(reason) => {
                sheet.drops.add(reason, 1);
                None
            }
        }
    }
}

fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).expect("a list is a few hundred short items")
}

fn is_demoted((_, _, adjusted): &Passed) -> bool {
    *adjusted == Some(Adjustment::Demoted)
}

fn count(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
