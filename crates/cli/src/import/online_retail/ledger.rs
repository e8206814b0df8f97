//! What each customer bought and has not sent back.

use std::collections::HashMap;

use tandem_domain::clock::Timestamp;
use tandem_domain::id::ProductId;

/// Units of a product that left one order again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Taken {
    pub(super) order: String,
    pub(super) units: u32,
}

#[derive(Debug)]
struct Bought {
    order: String,
    time: Timestamp,
    left: u32,
}

/// Purchases by customer and product, in the order of the file, which is that of time.
#[derive(Debug, Default)]
pub(super) struct Ledger(HashMap<String, HashMap<ProductId, Vec<Bought>>>);

impl Ledger {
    /// Takes down a purchase.
    pub(super) fn buy(
        &mut self,
        customer: &str,
        product: &ProductId,
        order: &str,
        time: Timestamp,
        units: u32,
    ) {
        let products = match self.0.get_mut(customer) {
            Some(products) => products,
            None => self.0.entry(customer.to_owned()).or_default(),
        };
        let bought = products.entry(product.clone()).or_default();
        match bought.last_mut().filter(|last| last.order == order) {
            Some(last) => last.left = last.left.saturating_add(units),
            None => bought.push(Bought {
                order: order.to_owned(),
                time,
                left: units,
            }),
        }
    }

    /// Takes `units` out of purchases up to `time`: of the latest one that has enough left, else of several, latest first.
    /// Fewer units come back where the purchases do not suffice.
    pub(super) fn take(
        &mut self,
        customer: &str,
        product: &ProductId,
        time: Timestamp,
        units: u32,
    ) -> Vec<Taken> {
        let Some(bought) = self
            .0
            .get_mut(customer)
            .and_then(|products| products.get_mut(product))
        else {
            return Vec::new();
        };
        let open = |purchase: &&mut Bought| purchase.time <= time && purchase.left > 0;
        if let Some(whole) = bought
            .iter_mut()
            .rev()
            .filter(open)
            .find(|purchase| purchase.left >= units)
        {
            whole.left -= units;
            return vec![Taken {
                order: whole.order.clone(),
                units,
            }];
        }
        let mut missing = units;
        let mut taken = Vec::new();
        for purchase in bought.iter_mut().rev().filter(open) {
            let part = purchase.left.min(missing);
            purchase.left -= part;
            missing -= part;
            taken.push(Taken {
                order: purchase.order.clone(),
                units: part,
            });
            if missing == 0 {
                break;
            }
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ledger(purchases: &[(&str, i64, u32)]) -> (Ledger, ProductId) {
        let product = ProductId::new("22556").unwrap();
        let mut ledger = Ledger::default();
        for (order, ms, units) in purchases {
            ledger.buy("c", &product, order, Timestamp::from_ms(*ms), *units);
        }
        (ledger, product)
    }

    fn take(ledger: &mut Ledger, product: &ProductId, ms: i64, units: u32) -> Vec<(String, u32)> {
        let taken = ledger.take("c", product, Timestamp::from_ms(ms), units);
        taken.into_iter().map(|t| (t.order, t.units)).collect()
    }

    #[test]
    fn the_latest_order_with_enough_units_gives_them() {
        let (mut ledger, product) = ledger(&[("1", 10, 12), ("2", 20, 6), ("3", 30, 2)]);
        assert_eq!(take(&mut ledger, &product, 40, 5), [("2".to_owned(), 5)]);
        assert_eq!(take(&mut ledger, &product, 40, 5), [("1".to_owned(), 5)]);
    }

    #[test]
    fn units_are_split_where_no_order_has_enough_and_the_rest_stays_open() {
        let (mut ledger, product) = ledger(&[("1", 10, 4), ("2", 20, 6)]);
        assert_eq!(
            take(&mut ledger, &product, 40, 13),
            [("2".to_owned(), 6), ("1".to_owned(), 4)]
        );
        assert!(take(&mut ledger, &product, 40, 1).is_empty());
    }

    #[test]
    fn later_orders_and_other_customers_give_nothing() {
        let (mut ledger, product) = ledger(&[("1", 50, 4)]);
        assert!(take(&mut ledger, &product, 40, 1).is_empty());
        assert!(ledger.take("d", &product, Timestamp::from_ms(60), 1).is_empty());
    }
}
