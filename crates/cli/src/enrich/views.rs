//! Views, generated over real orders by a stated model. Nobody recorded how these shops browsed; the model says how they may have.
//!
//! 1. **One session before each order**, by the same customer (none where the order has none). It looks at up to 8 of the order's
//!    products, drawn at random and kept in the order of the invoice.
//! 2. **Before each of them, 0 to 3 alternatives** (25, 35, 25 and 15 %) of the same leaf category that the order does not hold and that
//!    the session has not seen. An alternative's weight is √(its orders) × price fit (4 within 25 % of the product's
//!    price, 2 within a factor of 2, 1 within 3, else 0) × 2 for the same series.
//! 3. **After every third order, one more session** of the same customer a day earlier that buys nothing: one product of the
//!    order, then 2 to 5 alternatives by the same weights.
//! 4. A view follows the one before it after 15 to 90 seconds; the session ends one minute before the order.
//!
//! So a product is viewed with what could replace it, and bought with what goes with it: the difference that tells substitutes from complements.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use tandem_domain::catalog::{ProductInput, Provenance};
use tandem_domain::clock::{DAY_MS, Timestamp};
use tandem_domain::event::{Event, EventKind};
use tandem_domain::id::{CategoryId, EventId, ProductId};

use super::baskets::{Basket, Baskets};
use super::by_leaf;
use super::dice::Dice;

const MOST_BOUGHT: usize = 8;
/// Per cent of 0, 1, 2 and 3 alternatives.
const ALTERNATIVES: [u64; 4] = [25, 35, 25, 15];
const BROWSE_EVERY: usize = 3;
const MINUTE: Duration = Duration::from_secs(60);

/// Products by leaf, with what the model needs of them.
#[derive(Debug)]
pub(super) struct Shelves<'a> {
    products: HashMap<&'a ProductId, &'a ProductInput>,
    leaves: HashMap<&'a CategoryId, Vec<(&'a ProductInput, u64)>>,
}

impl<'a> Shelves<'a> {
    pub(super) fn of(products: &'a [ProductInput], baskets: &Baskets<'_>) -> Self {
        let shelf = |members: Vec<usize>| {
            let weigh = |i: usize| (&products[i], (16 * baskets.popularity(&products[i].id)).isqrt());
            members.into_iter().map(weigh).collect()
        };
        Self {
            products: products.iter().map(|product| (&product.id, product)).collect(),
            leaves: by_leaf(products)
                .into_iter()
                .map(|(leaf, members)| (leaf, shelf(members)))
                .collect(),
        }
    }

    /// Draws a product that could stand in for `product` and is not `seen`.
    fn alternative(
        &self,
        product: &ProductId,
        seen: &HashSet<&ProductId>,
        dice: &mut Dice,
    ) -> Option<&'a ProductId> {
        let product = self.products.get(product)?;
        let shelf = self.leaves.get(product.category.as_ref()?)?;
        let weigh = |(other, popularity): &(&ProductInput, u64)| {
            let fresh = u64::from(!seen.contains(&other.id));
            let series = 1 + u64::from(other.series.is_some() && other.series == product.series);
            fresh * popularity * series * price_fit(product, other)
        };
        let weights: Vec<u64> = shelf.iter().map(weigh).collect();
        dice.weighted(&weights).map(|drawn| &shelf[drawn].0.id)
    }
}

/// 4 within 25 %, 2 within a factor of 2, 1 within 3, else 0.
fn price_fit(product: &ProductInput, other: &ProductInput) -> u64 {
    let pence = |product: &ProductInput| product.price.map_or(0, |price| price.minor());
    let (low, high) = (pence(product).min(pence(other)), pence(product).max(pence(other)));
    match () {
        () if 4 * high <= 5 * low => 4,
        () if high <= 2 * low => 2,
        () if high <= 3 * low => 1,
        () => 0,
    }
}

/// All sessions, in the order of the orders they belong to.
pub(super) fn sessions(shelves: &Shelves<'_>, baskets: &Baskets<'_>, seed: u64) -> Vec<Event> {
    let mut events = Vec::new();
    for (place, basket) in baskets.orders.iter().enumerate() {
        let mut dice = Dice::of(seed, "session", basket.order);
        let viewed = buying(shelves, basket, &mut dice);
        write(&mut events, basket, "session", &viewed, basket.time, &mut dice);
        if place % BROWSE_EVERY == 0 {
            let mut dice = Dice::of(seed, "browse", basket.order);
            let viewed = browsing(shelves, basket, &mut dice);
            let yesterday = Timestamp::from_ms(basket.time.as_ms() - DAY_MS);
            write(&mut events, basket, "browse", &viewed, yesterday, &mut dice);
        }
    }
    events
}

fn buying<'a>(shelves: &Shelves<'a>, basket: &Basket<'a>, dice: &mut Dice) -> Vec<&'a ProductId> {
    let mut seen: HashSet<&ProductId> = basket.products.iter().copied().collect();
    let mut viewed = Vec::new();
    for bought in dice.sample(basket.products.len(), MOST_BOUGHT) {
        let bought = basket.products[bought];
        for _ in 0..dice.weighted(&ALTERNATIVES).unwrap_or(0) {
            let Some(other) = shelves.alternative(bought, &seen, dice) else {
                break;
            };
            seen.insert(other);
            viewed.push(other);
        }
        viewed.push(bought);
    }
    viewed
}

fn browsing<'a>(shelves: &Shelves<'a>, basket: &Basket<'a>, dice: &mut Dice) -> Vec<&'a ProductId> {
    let first = basket.products[dice.below(basket.products.len() as u64) as usize];
    let mut seen: HashSet<&ProductId> = HashSet::from([first]);
    let mut viewed = vec![first];
    for _ in 0..dice.between(2, 5) {
        let Some(other) = shelves.alternative(first, &seen, dice) else {
            break;
        };
        seen.insert(other);
        viewed.push(other);
    }
    viewed
}

/// Writes the views so that the session ends a minute before `end`.
fn write(
    events: &mut Vec<Event>,
    basket: &Basket<'_>,
    kind: &str,
    viewed: &[&ProductId],
    end: Timestamp,
    dice: &mut Dice,
) {
    let waits: Vec<i64> = viewed
        .iter()
        .map(|_| 1000 * dice.between(15, 90) as i64)
        .collect();
    let mut time = end.as_ms() - MINUTE.as_millis() as i64 - waits.iter().sum::<i64>();
    let session = format!("{kind}/{}", basket.order);
    for (step, (product, wait)) in viewed.iter().zip(waits).enumerate() {
        events.push(Event {
            id: EventId::new(format!("{session}/{step}")).expect("order ids of the data set are short"),
            kind: EventKind::View,
            product: (*product).clone(),
            user: basket.user.map(str::to_owned),
            group: Some(session.clone()),
            scene: None,
            quantity: 1,
            unit_price: None,
            time: Timestamp::from_ms(time),
            provenance: Provenance::Generated,
            dwell_ms: None,
            attribution: None,
        });
        time += wait;
    }
}
