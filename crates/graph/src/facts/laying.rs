//! From tables of rows to baskets in CSR.

use tandem_domain::clock::{DAY_MS, Timestamp};

use super::basket::{self, Netted, Order, Rules, Times};
use super::change::{Changes, Version};
use super::table::{BasketKey, Moment, Table, is_user};
use super::{FactStats, NONE, Windows};

/// The rows of a signal as baskets.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    pub(super) netted: Netted,
    /// Whether a generated row is in it, by the basket's key.
    pub(super) generated: Vec<bool>,
    /// Whose it is, by the basket's key.
    pub(super) visitors: Vec<u32>,
    /// What later rows changed.
    pub(super) changes: Changes,
}

impl Gathered {
    /// Every basket that something stayed in, in the order of `netted`.
    pub(super) fn versions(&self) -> impl Iterator<Item = Version> {
        let baskets = self.netted.keys.iter().zip(&self.netted.times_ms);
        baskets.map(|(&key, &time_ms)| Version {
            key,
            visitor: self.visitors[key as usize],
            time_ms,
        })
    }
}

/// Makes baskets of tables under one set of windows.
pub(super) struct Laying<'a> {
    pub(super) windows: &'a Windows,
    pub(super) zero_ms: i64,
    /// Index of every product by arrival number.
    pub(super) dense_of: &'a [u32],
    /// Whether journeys will ask for the times of single products.
    pub(super) times: Times,
    pub(super) stats: &'a mut FactStats,
}

impl Laying<'_> {
    /// Orders, or stretches of orders of one customer.
    pub(super) fn orders(&mut self, table: Table) -> Gathered {
        let (days, cap, times) = (self.windows.purchase_days, self.windows.purchase_cap, self.times);
        let stretch = self.windows.same_user_days;
        let (own_cap, own_times) = stretch.map_or((cap, times), |_| (usize::MAX, Times::Keep));
        let orders = self.gather(table, days, own_cap, Order::Product, own_times);
        self.stats.returned_lines += orders.netted.returned;
        self.stats.unmatched_returns += orders.netted.unmatched;
        match stretch {
            None => orders,
            Some(stretch) => self.join(&orders, stretch, cap),
        }
    }

    pub(super) fn carts(&mut self, table: Table) -> Gathered {
        let (days, cap) = (self.windows.cart_days, self.windows.purchase_cap);
        self.gather(table, days, cap, Order::Product, Times::Drop)
    }

    /// What visitors did in scenes.
    pub(super) fn visits(&mut self, table: Table) -> Gathered {
        let (days, cap) = (self.windows.scene_days, self.windows.purchase_cap);
        self.gather(table, days, cap, Order::Product, Times::Drop)
    }

    /// Sessions of views.
    pub(super) fn sessions(&mut self, table: Table) -> Gathered {
        let (days, cap) = (self.windows.view_days, self.windows.view_cap);
        let sessions = self.gather(table, days, cap, Order::Time, self.times);
        self.stats.bounced_views += sessions.netted.returned;
        sessions
    }

    fn gather(&mut self, table: Table, days: u32, cap: usize, order: Order, times: Times) -> Gathered {
        let rules = Rules {
            dense_of: Some(self.dense_of),
            oldest_ms: self
                .zero_ms
                .saturating_sub(i64::from(days).saturating_mul(DAY_MS)),
            cap,
            order,
        };
        self.net(table, rules, times)
    }

    fn net(&mut self, table: Table, rules: Rules<'_>, times: Times) -> Gathered {
        let mut grouped = table.group();
        let parts = basket::net(&grouped, rules, times);
        let netted_before = basket::net_before(&grouped, rules, times);
        let generated = std::mem::take(&mut grouped.generated);
        let visitors = std::mem::take(&mut grouped.visitors);
        let before = std::mem::take(&mut grouped.before);
        let touched = std::mem::take(&mut grouped.touched);
        let products = std::mem::take(&mut grouped.products);
        // The rows go before the parts are strung together: this is where a build is largest.
        drop(grouped);
        let netted = Netted::join(parts, products);
        self.stats.capped_baskets += netted.capped;
        self.stats.expired_rows += netted.expired;
        let mut gathered = Gathered {
            netted,
            generated,
            visitors,
            changes: Changes::default(),
        };
        gathered.changes = Changes::between(&touched, &netted_before, &before, &gathered);
        gathered
    }

    /// Joins a customer's orders of `stretch` days; orders of nobody known stay alone.
    fn join(&mut self, orders: &Gathered, stretch: u32, cap: usize) -> Gathered {
        let mut table = Table::default();
        for (order, version) in orders.versions().enumerate() {
            let (visitor, generated) = (version.visitor, orders.generated[version.key as usize]);
            let joined = stretch_key(version, stretch);
            let lines = orders.netted.lines(order).map(|(product, last, halvings)| {
                (product, Moment::new(Timestamp::from_ms(last), 1, halvings))
            });
            table.extend(joined, (visitor, generated), lines);
        }
        let rules = Rules {
            dense_of: None,
            oldest_ms: i64::MIN,
            cap,
            order: Order::Product,
        };
        Gathered {
            changes: Changes::joined(orders, |version| stretch_key(version, stretch)),
            ..self.net(table, rules, self.times)
        }
    }
}

fn stretch_key(order: Version, days: u32) -> BasketKey {
    if order.visitor == NONE || !is_user(order.visitor) {
        return BasketKey::Group(order.key);
    }
    let day = Timestamp::from_ms(order.time_ms).day();
    BasketKey::UserStretch(
        order.visitor / 2,
        i64::from(day).div_euclid(i64::from(days.max(1))),
    )
}
