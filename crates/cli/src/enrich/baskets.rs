//! The real orders.

use std::collections::{BTreeMap, HashMap, HashSet};

use tandem_domain::clock::Timestamp;
use tandem_domain::event::{Event, EventKind};
use tandem_domain::id::ProductId;

/// An order: its products in the order of its lines, each once.
#[derive(Debug)]
pub(super) struct Basket<'a> {
    pub(super) order: &'a str,
    pub(super) user: Option<&'a str>,
    pub(super) time: Timestamp,
    pub(super) products: Vec<&'a ProductId>,
}

/// All orders, by time and id, and in how many each product is.
#[derive(Debug)]
pub(super) struct Baskets<'a> {
    pub(super) orders: Vec<Basket<'a>>,
    popularity: HashMap<&'a ProductId, u64>,
}

impl<'a> Baskets<'a> {
    pub(super) fn of(events: &'a [Event]) -> Self {
        let mut orders: BTreeMap<&str, (Basket<'a>, HashSet<&ProductId>)> = BTreeMap::new();
        for event in events.iter().filter(|event| event.kind == EventKind::Purchase) {
            let Some(order) = event.group.as_deref() else {
                continue;
            };
            let new = || Basket {
                order,
                user: event.user.as_deref(),
                time: event.time,
                products: Vec::new(),
            };
            let (basket, known) = orders.entry(order).or_insert_with(|| (new(), HashSet::new()));
            if known.insert(&event.product) {
                basket.products.push(&event.product);
            }
        }
        let mut orders: Vec<_> = orders.into_values().map(|(basket, _)| basket).collect();
        orders.sort_by_key(|basket| (basket.time, basket.order));
        let mut popularity = HashMap::new();
        for product in orders.iter().flat_map(|basket| &basket.products) {
            *popularity.entry(*product).or_default() += 1;
        }
        Self { orders, popularity }
    }

    /// In how many orders `product` is.
    pub(super) fn popularity(&self, product: &ProductId) -> u64 {
        self.popularity.get(product).copied().unwrap_or(0)
    }

    /// Products by popularity, then id.
    pub(super) fn bestsellers(&self) -> Vec<&'a ProductId> {
        let mut products: Vec<_> = self.popularity.keys().copied().collect();
        products.sort_by(|a, b| self.popularity(b).cmp(&self.popularity(a)).then_with(|| a.cmp(b)));
        products
    }
}
