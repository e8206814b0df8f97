use tandem_domain::clock::Timestamp;
use tandem_domain::event::{EventKind, is_plausible_time};
use tandem_domain::id::ProductId;
use tandem_domain::money::Money;

use crate::epoch::EpochRecord;

use super::catalogue;
use super::intern::{Texts, dense};
use super::laying::Laying;
use super::line::{BasketKey, Line, Table, visitor};
use super::product::{Products, is_price};
use super::{FactStats, Facts, NONE, ProductFacts, Windows};

/// One event, borrowed from wherever it is read.
#[derive(Debug, Clone, Copy)]
pub struct EventRow<'a> {
    /// What happened.
    pub kind: EventKind,
    /// To which product; need not be in the catalogue.
    pub product: &'a str,
    /// By whom.
    pub user: Option<&'a str>,
    /// Session of a view, order of a purchase or return.
    pub group: Option<&'a str>,
    /// Livestream or video in which it happened.
    pub scene: Option<&'a str>,
    /// Units, at least 1.
    pub quantity: u32,
    /// Price of one unit.
    pub unit_price: Option<Money>,
    /// When.
    pub time: Timestamp,
    /// Whether it was generated for a demonstration.
    pub generated: bool,
}

/// Gathers rows in any order and makes [`Facts`] of them.
#[derive(Debug)]
pub struct FactsBuilder {
    windows: Windows,
    day_zero: Option<Timestamp>,
    catalogue: Vec<ProductFacts>,
    products: Texts,
    /// Ids by arrival number: the catalogue's, then unknown ones.
    ids: Vec<ProductId>,
    users: Texts,
    groups: Texts,
    scenes: Texts,
    purchases: Table,
    carts: Table,
    views: Table,
    visits: Table,
    /// Prices paid for products without a price of their own.
    paid: Vec<(u32, i64)>,
    /// Rows bought and sent back, by arrival number.
    sold: Vec<(u32, u32)>,
    stats: FactStats,
}

impl FactsBuilder {
    /// Starts with the catalogue. Of rows with the same id the first counts.
    #[must_use]
    pub fn new(products: Vec<ProductFacts>) -> Self {
        let mut builder = Self {
            windows: Windows::default(),
            day_zero: None,
            catalogue: Vec::with_capacity(products.len()),
            products: Texts::new(),
            ids: Vec::with_capacity(products.len()),
            users: Texts::new(),
            groups: Texts::new(),
            scenes: Texts::new(),
            purchases: Table::new(),
            carts: Table::new(),
            views: Table::new(),
            visits: Table::new(),
            paid: Vec::new(),
            sold: Vec::new(),
            stats: FactStats::default(),
        };
        for product in products {
            builder.admit(product);
        }
        builder
    }

    /// Uses other windows and caps than the defaults.
    #[must_use]
    pub fn windows(mut self, windows: Windows) -> Self {
        self.windows = Windows {
            view_cap: windows.view_cap.min(Windows::LONGEST_SESSION),
            ..windows
        };
        self
    }

    /// Counts windows back from this time instead of the newest event: the day zero of an epoch.
    #[must_use]
    pub fn day_zero(mut self, zero: Timestamp) -> Self {
        self.day_zero = Some(zero);
        self
    }

    /// Gathers under the windows and day zero of an epoch, as an increment does.
    #[must_use]
    pub fn under(self, epoch: &EpochRecord) -> Self {
        self.windows(epoch.windows().clone()).day_zero(epoch.day_zero())
    }

    fn admit(&mut self, product: ProductFacts) {
        if self.products.get(product.id.as_str()).is_some() {
            self.stats.duplicate_products += 1;
            return;
        }
        self.stats.absurd_prices += u64::from(product.price.is_some_and(|price| price.minor() < 0));
        self.products.number(product.id.as_str());
        self.ids.push(product.id.clone());
        self.sold.push((0, 0));
        self.catalogue.push(product);
    }

    /// Takes one row. Rows that make no sense are counted and dropped.
    pub fn push(&mut self, row: EventRow<'_>) {
        self.stats.events += 1;
        let is_plausible = row.quantity > 0 && is_plausible_time(row.time);
        let Some(product) = is_plausible.then(|| self.product(row.product)).flatten() else {
            self.stats.absurd_rows += 1;
            return;
        };
        self.stats.first = Some(self.stats.first.map_or(row.time, |first| first.min(row.time)));
        self.stats.last = Some(self.stats.last.map_or(row.time, |last| last.max(row.time)));
        self.note_price(product, &row);
        match row.kind {
            EventKind::Purchase => self.sold[product as usize].0 += 1,
            EventKind::Return => self.sold[product as usize].1 += 1,
            _ => {}
        }
        self.sort_in(product, &row);
    }

    fn product(&mut self, id: &str) -> Option<u32> {
        if let Some(known) = self.products.get(id) {
            return Some(known);
        }
        let unknown = ProductId::new(id).ok()?;
        self.ids.push(unknown);
        self.sold.push((0, 0));
        Some(self.products.number(id))
    }

    fn note_price(&mut self, product: u32, row: &EventRow<'_>) {
        let Some(price) = row.unit_price.map(Money::minor) else {
            return;
        };
        if price < 0 || price > Money::MAX_PRICE.minor() {
            self.stats.absurd_prices += 1;
        } else if row.kind == EventKind::Purchase && is_price(price) {
            let known = self.catalogue.get(product as usize).and_then(|known| known.price);
            if known.is_none_or(|price| !is_price(price.minor())) {
                self.paid.push((product, price));
            }
        }
    }

    /// Sorts a row into the tables of the signals that it feeds.
    fn sort_in(&mut self, product: u32, row: &EventRow<'_>) {
        let user = row.user.map(|user| self.users.number(user));
        let group = row.group.map(|group| self.groups.number(group));
        let units = i32::try_from(row.quantity).unwrap_or(i32::MAX);
        let line = Line {
            basket: 0,
            visitor: visitor(user, group),
            product,
            units: if row.kind == EventKind::Return {
                -units
            } else {
                units
            },
            time_ms: row.time.as_ms(),
        };
        if let (Some(scene), true, true) = (row.scene, is_act(row.kind), line.visitor != NONE) {
            let scene = self.scenes.number(scene);
            self.visits
                .push(BasketKey::Visit(scene, line.visitor), row.generated, line);
        }
        let table = match row.kind {
            EventKind::Purchase | EventKind::Return => &mut self.purchases,
            EventKind::Cart => &mut self.carts,
            EventKind::View | EventKind::Search => &mut self.views,
            EventKind::Click | EventKind::Impression | EventKind::Like | EventKind::Bounce => return,
        };
        match (group, user) {
            (Some(group), _) => table.push(BasketKey::Group(group), row.generated, line),
            (None, Some(user)) => table.push(BasketKey::UserDay(user, row.time.day()), row.generated, line),
            (None, None) => self.stats.lone_rows += 1,
        }
    }

    /// Lays everything out.
    #[must_use]
    pub fn finish(mut self) -> Facts {
        let zero = self.day_zero.or(self.stats.last).unwrap_or_default();
        let known = self.catalogue.len();
        let order = catalogue::order(&self.ids);
        let mut dense_of = vec![0; self.ids.len()];
        for (index, &arrival) in order.iter().enumerate() {
            dense_of[arrival as usize] = dense(index);
        }
        let catalogue = catalogue::sorted(self.catalogue, &self.ids, &order, self.paid);
        self.stats.products = catalogue.len() as u64;
        self.stats.unknown_products = (catalogue.len() - known) as u64;
        let mut lay = Laying {
            windows: &self.windows,
            zero_ms: zero.as_ms(),
            dense_of: &dense_of,
            stats: &mut self.stats,
        };
        let (orders, sessions) = (lay.orders(self.purchases), lay.sessions(self.views));
        let (carts, visits) = (lay.visits(self.carts), lay.visits(self.visits));
        let journeys = lay.journeys(&sessions, &orders);
        let (purchases, views) = (lay.lay(orders), lay.lay(sessions).with_places());
        let (carts, scenes) = (lay.lay(carts), lay.lay(visits));
        self.stats.baskets = purchases.len() as u64;
        self.stats.carts = carts.len() as u64;
        self.stats.sessions = views.len() as u64;
        self.stats.scenes = scenes.len() as u64;
        Facts {
            products: Products::from_sorted(catalogue),
            windows: self.windows,
            day_zero: zero,
            purchases,
            carts,
            views,
            scenes,
            journeys,
            sold: order.iter().map(|&arrival| self.sold[arrival as usize]).collect(),
            stats: self.stats,
        }
    }
}

/// Whether a viewer of a scene did something with the product, beyond seeing it.
fn is_act(kind: EventKind) -> bool {
    matches!(
        kind,
        EventKind::Purchase | EventKind::Cart | EventKind::Click | EventKind::Like
    )
}
