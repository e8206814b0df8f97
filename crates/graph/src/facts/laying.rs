//! From tables of rows to baskets in CSR.

use tandem_domain::clock::Timestamp;

use super::basket::{self, Netted, Order};
use super::incidence::Baskets;
use super::journey::Journeys;
use super::line::{BasketKey, Grouped, Line, Table, is_user};
use super::{FactStats, NONE, Windows};

/// The rows of a signal as baskets, and whether each holds a generated row, by the basket's key.
pub(super) type Gathered = (Vec<Netted>, Vec<bool>);

/// Makes baskets of tables under one set of windows.
pub(super) struct Laying<'a> {
    pub(super) windows: &'a Windows,
    pub(super) zero_ms: i64,
    /// Index of every product by arrival number.
    pub(super) dense_of: &'a [u32],
    pub(super) stats: &'a mut FactStats,
}

impl Laying<'_> {
    /// Orders, or stretches of orders of one customer.
    pub(super) fn orders(&mut self, table: Table) -> Gathered {
        let (days, cap) = (self.windows.purchase_days, self.windows.purchase_cap);
        match self.windows.same_user_days {
            None => self.gather(table, days, cap, Order::Product),
            Some(stretch) => {
                let orders = self.gather(table, days, usize::MAX, Order::Product);
                self.join(orders, stretch, cap)
            }
        }
    }

    /// Carts and visits of scenes.
    pub(super) fn visits(&mut self, table: Table) -> Gathered {
        self.gather(
            table,
            self.windows.view_days,
            self.windows.purchase_cap,
            Order::Product,
        )
    }

    /// Sessions of views.
    pub(super) fn sessions(&mut self, table: Table) -> Gathered {
        self.gather(table, self.windows.view_days, self.windows.view_cap, Order::Time)
    }

    /// CSR of what was gathered.
    pub(super) fn lay(&self, gathered: Gathered) -> Baskets {
        Baskets::lay(gathered.0, self.dense_of.len(), &gathered.1)
    }

    /// Who viewed what and bought what.
    pub(super) fn journeys(&self, sessions: &Gathered, orders: &Gathered) -> Journeys {
        let products = self.dense_of.len();
        Journeys::follow(
            (&sessions.0, &sessions.1),
            (&orders.0, &orders.1),
            self.windows,
            products,
        )
    }

    fn gather(&mut self, mut table: Table, days: u32, cap: usize, order: Order) -> Gathered {
        table.expire(self.zero_ms, days, self.stats);
        for line in &mut table.lines {
            line.product = self.dense_of[line.product as usize];
        }
        let netted = self.net(&table, cap, order);
        (netted, table.generated)
    }

    fn net(&mut self, table: &Table, cap: usize, order: Order) -> Vec<Netted> {
        let grouped = Grouped::by(&table.lines, table.keys.len(), |line| line.basket);
        let netted = grouped.map(|key, rows, out| out.push(basket::net(key, rows, cap, order)));
        for basket in &netted {
            self.stats.returned_lines += u64::from(basket.returned);
            self.stats.unmatched_returns += u64::from(basket.unmatched);
            self.stats.capped_baskets += u64::from(basket.capped);
        }
        netted
    }

    /// Joins a customer's orders of `stretch` days; orders of nobody known stay alone.
    fn join(&mut self, (orders, generated): Gathered, stretch: u32, cap: usize) -> Gathered {
        let mut table = Table::new();
        for order in orders {
            let key = stretch_key(&order, stretch);
            for (product, time_ms) in order.items {
                let line = Line {
                    basket: 0,
                    visitor: order.visitor,
                    product,
                    units: 1,
                    time_ms,
                };
                table.push(key, generated[order.key as usize], line);
            }
        }
        let joined = self.net(&table, cap, Order::Product);
        (joined, table.generated)
    }
}

fn stretch_key(order: &Netted, days: u32) -> BasketKey {
    if order.visitor == NONE || !is_user(order.visitor) {
        return BasketKey::Group(order.key);
    }
    let day = i64::from(Timestamp::from_ms(order.time_ms).day());
    BasketKey::UserStretch(order.visitor / 2, day.div_euclid(i64::from(days.max(1))))
}
