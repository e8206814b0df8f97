//! A part of the facts that is enough for the rows of some products: what a snapshot keeps in one bucket.
//!
//! The row of a product reads the catalogue, every basket that holds the product, and every visitor who viewed it; and
//! nothing else that is not in the epoch record. So a stretch of products comes with the baskets that hold one of them, in
//! the order of their time, and with its viewers, of whose views those of the stretch are kept.

use std::ops::Range;

use tandem_domain::edge::Signal;

use super::incidence::Pile;
use super::intern::dense;
use super::journey::{Viewing, Walks};
use super::product::{Damaged, ProductRow, Products};
use super::table::MOST_HALVINGS;
use super::{Baskets, FactStats, Facts, Journeys, Windows};
use crate::epoch::EpochRecord;
use crate::wanted::Wanted;

/// The signals that have baskets, in the order in which a bucket tells them.
const BASKETS: [Signal; 4] = [Signal::CoPurchase, Signal::CoCart, Signal::CoView, Signal::Scene];

/// What happened together; products are indexes of [`Facts::ids`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BasketRow<'a> {
    /// `CoPurchase`, `CoCart`, `CoView` or `Scene`.
    pub signal: Signal,
    /// UTC day of its last line: days since 1970-01-01.
    pub day: i32,
    /// Whether a generated row is in it.
    pub generated: bool,
    /// Its products, each once: in the order of time in a session, else ascending.
    pub items: &'a [u32],
    /// How often each of them counts half; empty where all of them count whole.
    pub halvings: &'a [u8],
}

/// A visitor who both viewed and bought; products are indexes of [`Facts::ids`], times milliseconds since 1970-01-01.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct JourneyRow {
    /// What the visitor viewed of the stretch, ascending, with the first and the last time, and how often it counts half.
    pub viewed: Vec<(u32, i64, i64, u8)>,
    /// All that the visitor bought, each once, with the last time, and how often it counts half.
    pub bought: Vec<(u32, i64, u8)>,
    /// Whether a generated row is in it.
    pub generated: bool,
}

impl Facts {
    /// Cuts the products into stretches of about the same work, one for each of `shards`, in their order.
    #[must_use]
    pub fn stretches(&self, shards: u32) -> Vec<Range<u32>> {
        crate::build::ranges(self, shards as usize)
    }

    /// A product as rows read it.
    #[must_use]
    pub fn product(&self, index: u32) -> ProductRow {
        self.products.row(index as usize)
    }

    /// Shows every basket that holds a product of `rows`: signal by signal, the oldest first.
    ///
    /// # Errors
    /// The first one of `show`, with which it ends.
    pub fn baskets_of<E>(
        &self,
        rows: &Range<u32>,
        mut show: impl FnMut(BasketRow<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        for signal in BASKETS {
            let baskets = match signal {
                Signal::CoPurchase => &self.purchases,
                Signal::CoCart => &self.carts,
                Signal::CoView => &self.views,
                _ => &self.scenes,
            };
            for basket in baskets.holding(rows.clone()) {
                let halvings: Vec<u8> = baskets.halvings(basket).into_iter().flatten().collect();
                show(BasketRow {
                    signal,
                    day: baskets.day(basket),
                    generated: baskets.is_generated(basket),
                    items: baskets.items(basket),
                    halvings: &halvings,
                })?;
            }
        }
        Ok(())
    }

    /// The journeys that viewed a product of `rows`; in an order that the same facts give again.
    #[must_use]
    pub fn journeys_of(&self, rows: &Range<u32>) -> Vec<JourneyRow> {
        let mut viewings: Vec<(u32, u32, Viewing)> = Vec::new();
        for product in rows.clone() {
            let viewed = self.journeys.viewings(product).iter();
            viewings.extend(viewed.map(|viewing| (viewing.visitor, product, *viewing)));
        }
        viewings.sort_unstable_by_key(|&(visitor, product, _)| (visitor, product));
        let of = |same: &[(u32, u32, Viewing)]| JourneyRow {
            viewed: same
                .iter()
                .map(|(_, product, viewing)| (*product, viewing.first_ms, viewing.last_ms, viewing.halvings))
                .collect(),
            bought: self
                .journeys
                .bought(same[0].0)
                .iter()
                .map(|bought| (bought.product, bought.last_ms, bought.halvings))
                .collect(),
            generated: self.journeys.is_generated(same[0].0),
        };
        let mut journeys: Vec<JourneyRow> = viewings.chunk_by(|a, b| a.0 == b.0).map(of).collect();
        journeys.sort_unstable();
        journeys
    }
}

/// Facts that hold all that the rows of a stretch of products read, and of other rows only parts.
#[derive(Debug)]
pub struct Part(pub(crate) Facts);

impl Part {
    /// How many rows it is for.
    #[must_use]
    pub fn rows(&self) -> u32 {
        dense(self.0.rows.len())
    }
}

/// Puts together again what [`Facts::product`], [`Facts::baskets_of`] and [`Facts::journeys_of`] showed, in that order.
#[derive(Debug)]
pub struct PartBuilder<'e> {
    epoch: &'e EpochRecord,
    products: Products,
    rows: Range<u32>,
    wanted: Wanted,
    /// Beside [`BASKETS`].
    piles: [Pile; BASKETS.len()],
    walks: Walks,
}

impl<'e> PartBuilder<'e> {
    /// For the rows of a stretch of `products`. `epoch` is the record that the facts were shown under.
    ///
    /// # Errors
    /// When no facts could have shown the products so, or have such a stretch.
    pub fn new(
        epoch: &'e EpochRecord,
        products: Vec<ProductRow>,
        rows: Range<u32>,
        wanted: Wanted,
    ) -> Result<Self, Damaged> {
        let products = Products::from_rows(products, &epoch.frozen())?;
        if rows.start > rows.end || rows.end as usize > products.len() {
            return Err(Damaged("a stretch that is none of the products"));
        }
        Ok(Self {
            epoch,
            walks: Walks::of(products.len()),
            products,
            rows,
            wanted,
            piles: Default::default(),
        })
    }

    /// Takes the next basket.
    ///
    /// # Errors
    /// When no facts could have shown it so.
    pub fn basket(&mut self, basket: BasketRow<'_>) -> Result<(), Damaged> {
        let at = BASKETS.iter().position(|signal| *signal == basket.signal);
        let pile = &mut self.piles[at.ok_or(Damaged("a signal that has no baskets"))?];
        let items = basket.items;
        if !items.iter().any(|item| self.rows.contains(item)) {
            return Err(Damaged("a basket without a product of the stretch"));
        }
        are_products(items.iter().copied(), self.products.len())?;
        if basket.signal == Signal::CoView {
            if items.len() > Windows::LONGEST_SESSION {
                return Err(Damaged("a session that is longer than sessions are kept"));
            }
            let mut sorted = items.to_vec();
            sorted.sort_unstable();
            are_ascending(sorted.into_iter())?;
        } else {
            are_ascending(items.iter().copied())?;
        }
        if pile.last_day().is_some_and(|last| last > basket.day) {
            return Err(Damaged("a basket that is older than the one before it"));
        }
        if !basket.halvings.is_empty() && basket.halvings.len() != items.len() {
            return Err(Damaged("halvings that are not beside their products"));
        }
        are_halvings(basket.halvings.iter().copied())?;
        pile.add(
            items,
            basket.halvings.iter().copied(),
            basket.day,
            basket.generated,
        );
        Ok(())
    }

    /// Takes the next journey.
    ///
    /// # Errors
    /// When no facts could have shown it so.
    pub fn journey(&mut self, journey: &JourneyRow) -> Result<(), Damaged> {
        let viewed = journey.viewed.iter().map(|&(item, ..)| item);
        are_ascending(viewed.clone())?;
        if viewed.clone().any(|item| !self.rows.contains(&item)) {
            return Err(Damaged("a view outside of the stretch"));
        }
        if journey.viewed.iter().any(|(_, first, last, _)| first > last) {
            return Err(Damaged("a view that ends before it begins"));
        }
        let mut bought: Vec<u32> = journey.bought.iter().map(|&(item, ..)| item).collect();
        bought.sort_unstable();
        are_products(bought.iter().copied(), self.products.len())?;
        are_ascending(bought.into_iter())?;
        let halvings = journey.viewed.iter().map(|&(.., halvings)| halvings);
        are_halvings(halvings.chain(journey.bought.iter().map(|&(.., halvings)| halvings)))?;
        self.walks.begin(journey.generated);
        for &(item, last_ms, halvings) in &journey.bought {
            self.walks.bought(item, last_ms, halvings);
        }
        for &(item, first_ms, last_ms, halvings) in &journey.viewed {
            self.walks.viewed(item, first_ms, last_ms, halvings);
        }
        Ok(())
    }

    /// Lays everything out.
    #[must_use]
    pub fn finish(self) -> Part {
        let products = self.products.len();
        let [purchases, carts, views, scenes] = self.piles;
        let lay = |pile: Pile| -> Baskets { pile.lay(products) };
        let journeys: Journeys = self.walks.lay();
        Part(Facts {
            windows: self.epoch.windows().clone(),
            wanted: self.wanted,
            day_zero: self.epoch.day_zero(),
            purchases: lay(purchases),
            carts: lay(carts),
            views: views.lay_sessions(products),
            scenes: lay(scenes),
            journeys,
            sold: Vec::new(),
            touched: Vec::new(),
            stats: FactStats::default(),
            rows: self.rows,
            products: self.products,
        })
    }
}

fn are_halvings(mut halvings: impl Iterator<Item = u8>) -> Result<(), Damaged> {
    if halvings.all(|halvings| halvings <= MOST_HALVINGS) {
        Ok(())
    } else {
        Err(Damaged("a product that counts half more often than any does"))
    }
}

fn are_products(items: impl Iterator<Item = u32>, products: usize) -> Result<(), Damaged> {
    match items.max() {
        Some(most) if most as usize >= products => Err(Damaged("a product that is not in the catalogue")),
        _ => Ok(()),
    }
}

fn are_ascending(items: impl Iterator<Item = u32> + Clone) -> Result<(), Damaged> {
    if items.clone().zip(items.skip(1)).all(|(a, b)| a < b) {
        Ok(())
    } else {
        Err(Damaged("products that are not each there once, in their order"))
    }
}
