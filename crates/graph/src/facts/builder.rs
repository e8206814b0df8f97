use std::sync::Arc;

use tandem_domain::clock::Timestamp;
use tandem_domain::event::EventKind;
use tandem_domain::id::ProductId;
use tandem_domain::money::Money;

use crate::epoch::EpochRecord;
use crate::signals::{Basket, Effect, Input, effects};
use crate::wanted::Wanted;

use super::basket::Times;
use super::batch::{EventBatch, Known, NumberedBatch, Paid, Run};
use super::catalogue;
use super::change::{self, Changes};
use super::incidence::Baskets;
use super::intern::{Texts, dense};
use super::journey::Journeys;
use super::laying::{Gathered, Laying};
use super::product::{Frozen, Products, is_price};
use super::table::{BasketKey, Moment, Table, visitor};
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
    /// Whether it came from a list of ours: it counts half, so that lists do not learn from themselves.
    pub attributed: bool,
    /// How long the product was looked at, in milliseconds, where that was measured: a short look counts less.
    pub dwell_ms: Option<u32>,
}

/// Gathers rows in any order and makes [`Facts`] of them.
#[derive(Debug)]
pub struct FactsBuilder {
    windows: Windows,
    wanted: Wanted,
    day_zero: Option<Timestamp>,
    latest: Option<Timestamp>,
    paid_is: Paid,
    frozen: Option<Frozen>,
    /// Page by page.
    catalogue: Vec<Vec<ProductFacts>>,
    known: Arc<Known>,
    unknown: Texts,
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
    /// Rows bought, by arrival number.
    sold: Vec<u32>,
    /// Rows sent back, by arrival number.
    returned: Vec<u32>,
    /// Products whose rows count what is not there any more, by arrival number.
    outdated: Vec<u32>,
    stats: FactStats,
}

impl FactsBuilder {
    /// Starts with the catalogue. Of rows with the same id the first counts.
    #[must_use]
    pub fn new(products: Vec<ProductFacts>) -> Self {
        Self::of_pages(vec![products])
    }

    /// As [`Self::new`], with a catalogue that was read in pieces: they need not become one while events are read.
    #[must_use]
    pub fn of_pages(mut catalogue: Vec<Vec<ProductFacts>>) -> Self {
        let products = catalogue.iter().map(Vec::len).sum();
        let mut known = Known::with_capacity(products);
        let mut ids = Vec::with_capacity(products);
        let mut stats = FactStats::default();
        for page in &mut catalogue {
            page.retain(|product| {
                let is_new = known.ids.number(product.id.as_str()) as usize == ids.len();
                if is_new {
                    let price = product.price.map(Money::minor);
                    known.priced.push(price.is_some_and(is_price));
                    stats.absurd_prices += u64::from(price.is_some_and(|minor| minor < 0));
                    ids.push(product.id.clone());
                }
                stats.duplicate_products += u64::from(!is_new);
                is_new
            });
        }
        Self {
            windows: Windows::default(),
            wanted: Wanted::everything(),
            day_zero: None,
            latest: None,
            paid_is: Paid::Noted,
            frozen: None,
            sold: vec![0; ids.len()],
            returned: vec![0; ids.len()],
            ids,
            catalogue,
            known: Arc::new(known),
            unknown: Texts::new(),
            users: Texts::new(),
            groups: Texts::new(),
            scenes: Texts::new(),
            purchases: Table::default(),
            carts: Table::default(),
            views: Table::default(),
            visits: Table::default(),
            paid: Vec::new(),
            outdated: Vec::new(),
            stats,
        }
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

    /// Gathers only what is wanted, and so builds only that. To be said before the first row.
    #[must_use]
    pub fn wanted(mut self, wanted: Wanted) -> Self {
        self.wanted = wanted;
        self
    }

    /// Counts windows back from this time instead of the newest event: the day zero of an epoch.
    #[must_use]
    pub fn day_zero(mut self, zero: Timestamp) -> Self {
        self.day_zero = Some(zero);
        self
    }

    /// Windows are counted back from no later than this: an event that is dated ahead of its time must not push all others
    /// out of them.
    #[must_use]
    pub fn day_zero_at_most(mut self, latest: Timestamp) -> Self {
        self.latest = Some(latest);
        self
    }

    /// Gathers under the windows and day zero of an epoch, as an increment does. Prices paid count no more: those of
    /// products that the record knows are frozen, and of others they would move with every purchase, in rows that the
    /// purchase does not touch. Brands and words that say nothing are those of the record, too; and its products stay
    /// known, though nothing may be left of one: what neighbours lend holds it in rows that nothing touches.
    #[must_use]
    pub fn under(mut self, epoch: &EpochRecord) -> Self {
        let (paid_is, frozen) = (Paid::Ignored, Some(epoch.frozen()));
        for product in &epoch.products {
            if self.known.ids.get(product.as_str()).is_none() {
                self.unknown(product.as_str());
            }
        }
        Self {
            paid_is,
            frozen,
            ..self
        }
        .windows(epoch.windows().clone())
        .day_zero(epoch.day_zero())
    }

    /// What is taken from here on came later than what was taken before: an [`increment`](crate::increment()) computes the
    /// rows that it touches. To be said once.
    pub fn later(&mut self) {
        for table in [
            &mut self.purchases,
            &mut self.carts,
            &mut self.views,
            &mut self.visits,
        ] {
            table.mark();
        }
    }

    /// The rows of these products count what is not there any more: an [`increment`](crate::increment()) computes them,
    /// whatever came later. Of a product of which nothing is left it makes an empty row.
    pub fn outdated<'p>(&mut self, products: impl IntoIterator<Item = &'p ProductId>) {
        for product in products {
            let number = self.known.ids.get(product.as_str());
            let number = number.unwrap_or_else(|| self.unknown(product.as_str()));
            self.outdated.push(number);
        }
    }

    /// A batch to fill and [number](EventBatch::number), away from the builder, and to [`take`](Self::take) afterwards.
    #[must_use]
    pub fn batch<'a>(&self) -> EventBatch<'a> {
        let paid = if self.wanted.reads_attributes() {
            self.paid_is
        } else {
            Paid::Ignored
        };
        EventBatch::new(Arc::clone(&self.known), paid)
    }

    /// Takes one row. Rows that make no sense are counted and dropped.
    pub fn push(&mut self, row: EventRow<'_>) {
        let mut batch = self.batch();
        batch.push(row);
        self.take(&batch.number());
    }

    /// Takes the rows of a batch.
    pub fn take(&mut self, batch: &NumberedBatch<'_>) {
        self.stats.absorb(&batch.stats);
        let unknown: Vec<u32> = batch.unknown.iter().map(|id| self.unknown(id)).collect();
        let known = self.known.ids.len();
        let number = |product: u32| match (product as usize).checked_sub(known) {
            Some(place) => unknown[place],
            None => product,
        };
        self.paid.extend(
            batch
                .paid
                .iter()
                .map(|&(product, price)| (number(product), price)),
        );
        let runs = batch.runs.iter();
        let groups = self.groups.number_all(runs.clone().map(|run| run.group));
        let follows = self.follows_users();
        let users = runs.clone();
        let users = users.map(|run| run.user.filter(|_| follows || run.group.is_none()));
        let users = self.users.number_all(users);
        let scenes = runs.map(|run| run.scene.filter(|_| self.wanted.counts(Input::Scene)));
        let scenes = self.scenes.number_all(scenes);
        let mut start = 0;
        for (((run, user), group), scene) in batch.runs.iter().zip(users).zip(groups).zip(scenes) {
            let acts = batch.acts[start..run.end].iter();
            let acts = acts.map(|act| (number(act.product), act.moment));
            self.sort_in(run, (user, group, scene), acts);
            start = run.end;
        }
    }

    fn unknown(&mut self, id: &str) -> u32 {
        let at = self.known.ids.len() + self.unknown.number(id) as usize;
        if at == self.ids.len() {
            self.ids
                .push(ProductId::new(id).expect("the batch has checked it"));
            self.sold.push(0);
            self.returned.push(0);
        }
        dense(at)
    }

    /// Whether it matters who it was even where a group says what belongs together.
    fn follows_users(&self) -> bool {
        self.windows.same_user_days.is_some()
            || self.wanted.counts(Input::ViewedThenBought)
            || self.wanted.counts(Input::Scene)
    }

    /// Sorts rows into the tables of the signals that they feed.
    fn sort_in(
        &mut self,
        run: &Run<'_>,
        (user, group, scene): (Option<u32>, Option<u32>, Option<u32>),
        acts: impl ExactSizeIterator<Item = (u32, Moment)> + Clone,
    ) {
        let whose = (visitor(user, group), run.generated);
        let (in_basket, in_scene) = effects(run.kind);
        if let (Some(scene), Some(effect), true) = (scene, in_scene, whose.0 != NONE) {
            let visit = BasketKey::Visit(scene, whose.0);
            self.visits.extend(visit, whose, with(acts.clone(), effect));
        }
        let counted = match run.kind {
            EventKind::Purchase => Some(&mut self.sold),
            EventKind::Return => Some(&mut self.returned),
            _ => None,
        };
        if let Some(counted) = counted {
            acts.clone()
                .for_each(|(product, _)| counted[product as usize] += 1);
        }
        let (table, effect) = match in_basket {
            Some((Basket::Order, effect)) => (&mut self.purchases, effect),
            Some((Basket::Cart, effect)) if self.wanted.counts(Input::CoCart) => (&mut self.carts, effect),
            Some((Basket::Session, effect)) => (&mut self.views, effect),
            _ => return,
        };
        let key = match (group, user) {
            (Some(group), _) => BasketKey::Group(group),
            (None, Some(user)) => BasketKey::UserDay(user, run.time.day()),
            (None, None) => {
                self.stats.lone_rows += acts.len() as u64;
                return;
            }
        };
        table.extend(key, whose, with(acts, effect));
    }

    /// Lays everything out.
    #[must_use]
    pub fn finish(mut self) -> Facts {
        let newest = self
            .stats
            .last
            .map(|last| self.latest.map_or(last, |latest| last.min(latest)));
        let zero = self.day_zero.or(newest).unwrap_or_default();
        let known = self.known.ids.len();
        let order = catalogue::order(&self.ids);
        let mut dense_of = vec![0; self.ids.len()];
        for (index, &arrival) in order.iter().enumerate() {
            dense_of[arrival as usize] = dense(index);
        }
        self.stats.products = order.len() as u64;
        self.stats.unknown_products = (order.len() - known) as u64;
        // From here on everything has a number.
        drop((self.users, self.groups, self.scenes, self.unknown, self.known));
        // Where nobody viewed, or nobody bought, nobody's way is followed, and no row reads one.
        let follows = self.wanted.counts(Input::ViewedThenBought)
            && !self.views.is_empty()
            && !self.purchases.is_empty();
        let mut lay = Laying {
            windows: &self.windows,
            zero_ms: zero.as_ms(),
            dense_of: &dense_of,
            times: if follows { Times::Keep } else { Times::Drop },
            stats: &mut self.stats,
        };
        let products = dense_of.len();
        let outdated = self.outdated.iter().map(|&arrival| dense_of[arrival as usize]);
        let outdated = outdated.collect();
        // The catalogue is read by one thread and much of the laying done by one: each beside the other.
        let lay_all = || {
            let (orders, sessions) = (lay.orders(self.purchases), lay.sessions(self.views));
            let (carts, visits) = (lay.carts(self.carts), lay.visits(self.visits));
            let touched = touched([&orders, &sessions, &carts, &visits], follows, outdated);
            let journeys = if follows {
                Journeys::follow(&sessions, &orders, &self.windows, products)
            } else {
                Journeys::default()
            };
            let lay = |gathered: Gathered| Baskets::lay(gathered, products);
            let (purchases, carts, scenes) = (lay(orders), lay(carts), lay(visits));
            let views = Baskets::lay_sessions(sessions, products);
            (purchases, carts, scenes, views, touched, journeys)
        };
        let read_catalogue = || {
            let pages = catalogue::complete(self.catalogue, &self.ids, self.paid);
            Products::in_order(&pages, &order, known, self.frozen.as_ref())
        };
        let (laid, catalogue) = rayon::join(lay_all, read_catalogue);
        let (purchases, carts, scenes, views, touched, journeys) = laid;
        let sold = |arrival: usize| (self.sold[arrival], self.returned[arrival]);
        self.stats.baskets = purchases.len() as u64;
        self.stats.carts = carts.len() as u64;
        self.stats.sessions = views.len() as u64;
        self.stats.scenes = scenes.len() as u64;
        Facts {
            products: catalogue,
            windows: self.windows,
            wanted: self.wanted,
            day_zero: zero,
            purchases,
            carts,
            views,
            scenes,
            journeys,
            sold: order.iter().map(|&arrival| sold(arrival as usize)).collect(),
            touched,
            rows: 0..dense(products),
            stats: self.stats,
        }
    }
}

/// The acts as they bear on one basket.
fn with(
    acts: impl ExactSizeIterator<Item = (u32, Moment)>,
    effect: Effect,
) -> impl ExactSizeIterator<Item = (u32, Moment)> {
    acts.map(move |(product, moment)| (product, moment.with(effect)))
}

/// Products whose rows read a basket, or a visitor's journey, that later rows changed, and those that are `outdated`.
fn touched(all @ [orders, sessions, ..]: [&Gathered; 4], follows: bool, outdated: Vec<u32>) -> Vec<u32> {
    let changes = all.map(|gathered: &Gathered| &gathered.changes);
    let mut items = outdated;
    items.extend(changes.iter().flat_map(|changes: &&Changes| &changes.items));
    if follows {
        items.extend(change::followed(sessions, orders));
    }
    change::distinct(items)
}
