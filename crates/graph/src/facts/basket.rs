//! From rows to baskets: returns leave, duplicates go, long baskets are cut.

use super::NONE;
use super::line::{Line, is_user};

/// The order of products inside a basket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// By product: the order carries no meaning.
    Product,
    /// By time, then product: what was looked at first stands first.
    Time,
}

/// A basket after netting: one line per product that stayed, at its last time.
#[derive(Debug)]
pub(super) struct Netted {
    pub(super) key: u32,
    pub(super) visitor: u32,
    pub(super) time_ms: i64,
    /// (product, last time) in the order asked for.
    pub(super) items: Vec<(u32, i64)>,
    pub(super) returned: u32,
    pub(super) unmatched: u32,
    pub(super) capped: bool,
}

/// Nets purchases against returns, keeps the `cap` most recent products by (time desc, id asc), and orders them.
pub(super) fn net(key: u32, rows: &[Line], cap: usize, order: Order) -> Netted {
    let mut rows = rows.to_vec();
    rows.sort_unstable_by_key(|row| (row.product, row.time_ms, row.units, row.visitor));
    let mut basket = Netted {
        key,
        visitor: visitor_of(&rows),
        time_ms: i64::MIN,
        items: Vec::with_capacity(rows.len()),
        returned: 0,
        unmatched: 0,
        capped: false,
    };
    for same in rows.chunk_by(|a, b| a.product == b.product) {
        basket.take(same);
    }
    basket.cut(cap);
    if order == Order::Time {
        basket
            .items
            .sort_unstable_by_key(|&(product, time)| (time, product));
    }
    basket
}

/// The one user of the rows; where none is known, the group. Two users in one basket are nobody.
fn visitor_of(rows: &[Line]) -> u32 {
    let mut users = rows
        .iter()
        .map(|row| row.visitor)
        .filter(|visitor| is_user(*visitor));
    match users.next() {
        Some(user) if users.all(|other| other == user) => user,
        Some(_) => NONE,
        None => rows.iter().map(|row| row.visitor).min().unwrap_or(NONE),
    }
}

impl Netted {
    fn take(&mut self, rows: &[Line]) {
        let last = rows
            .iter()
            .filter(|row| row.units > 0)
            .map(|row| row.time_ms)
            .max();
        let Some(last) = last else {
            self.unmatched += 1;
            return;
        };
        if rows.iter().map(|row| i64::from(row.units)).sum::<i64>() <= 0 {
            self.returned += 1;
            return;
        }
        self.time_ms = self.time_ms.max(last);
        self.items.push((rows[0].product, last));
    }

    fn cut(&mut self, cap: usize) {
        if self.items.len() > cap {
            self.items
                .sort_unstable_by_key(|&(product, time)| (std::cmp::Reverse(time), product));
            self.items.truncate(cap);
            self.items.sort_unstable();
            self.capped = true;
        }
    }
}
