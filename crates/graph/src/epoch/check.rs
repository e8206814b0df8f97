//! Whether a record is one that a build could have written.
//!
//! Rows index and sum what the record holds without looking twice. So a record that comes from a file or a database is
//! checked once, as a whole, before anything is computed under it.

use tandem_domain::clock::Timestamp;
use tandem_domain::event::is_plausible_time;
use tandem_domain::money::Money;

use super::{CategoryStats, EpochRecord, LENT_ONE, Lent, Marginals, RECENT_ONE};
use crate::facts::Windows;

/// Why no build could have written a record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {why}")]
pub struct InvalidRecord {
    /// Path of the field.
    pub field: String,
    /// What is wrong with it, in words.
    pub why: String,
}

type Checked = Result<(), InvalidRecord>;

/// The largest weight of a regression, as the record keeps it.
const MOST_WEIGHT: f64 = 4.0;
/// The largest share that is two steps away: all, and what was rounded.
const MOST_FAR: f64 = 1.001;

impl EpochRecord {
    /// Whether a build could have written this record: columns of one length, counts that fit their totals, numbers in the
    /// ranges that they are computed in.
    ///
    /// # Errors
    /// [`InvalidRecord`] names the first field that is not as any build writes it.
    pub fn check(&self) -> Checked {
        let params = self.params.check();
        params.map_err(|error| {
            let (value, least, most) = (error.value, error.least, error.most);
            let why = format!("{value} is not between {least} and {most}");
            invalid(&format!("params.{}", error.name), why)
        })?;
        self.windows.check()?;
        self.check_times()?;
        let ids = &self.products;
        holds(
            "products",
            ids.is_sorted_by(|a, b| a < b),
            "ids that are not ascending",
        )?;
        self.check_counts()?;
        self.check_prices()?;
        self.catalogue.check(ids.len(), self.categories.len())?;
        self.check_categories()?;
        self.check_lent()
    }

    fn check_times(&self) -> Checked {
        let is_time = self.day_zero == Timestamp::default() || is_plausible_time(self.day_zero);
        holds("day_zero", is_time, "a time before 2000 or after 2100")?;
        // From 2000 to 2100, and from 1970 where nothing happened.
        at_most("span_days", self.span_days.into(), 48_000)
    }

    fn check_counts(&self) -> Checked {
        let signals = [
            ("purchases", &self.purchases),
            ("carts", &self.carts),
            ("views", &self.views),
            ("scenes", &self.scenes),
            ("buyers", &self.buyers),
        ];
        for (name, marginals) in signals {
            marginals.check(name, self.products.len())?;
        }
        self.column("recent", self.recent.len())?;
        self.column("sold", self.sold.len())?;
        let bought = || self.purchases.counts.iter().map(|&count| u64::from(count));
        let all = |(sum, most): (&u64, u64)| *sum <= most * RECENT_ONE;
        let recent = self.recent.iter().zip(bought()).all(all);
        holds("recent", recent, "more than purchases.counts")?;
        let season = self.season.as_ref();
        season.map_or(Ok(()), |season| season.check(&self.purchases.counts))
    }

    fn check_prices(&self) -> Checked {
        self.column("prices", self.prices.len())?;
        let is_price = |&minor: &i64| minor > 0 && minor <= Money::MAX_PRICE.minor();
        holds(
            "prices",
            self.prices.iter().flatten().all(is_price),
            "a price that is not above 0, or beyond the highest accepted one",
        )
    }

    fn check_categories(&self) -> Checked {
        let ids = self.categories.is_sorted_by(|a, b| a.id < b.id);
        holds("categories", ids, "ids that are not ascending")?;
        let total = self.purchases.total;
        let mut sold = self.catalogue.sold(&self.purchases.counts, self.categories.len());
        self.categories.iter().try_for_each(|category| {
            category.check(total)?;
            let field = format!("categories.{}.sold", category.id);
            let is_sum = sold.next() == Some(category.sold);
            holds(&field, is_sum, "not what purchases.counts make it")
        })
    }

    fn check_lent(&self) -> Checked {
        let products = self.products.len();
        if let Some(ridge) = &self.ridge {
            let unit = f64::from_bits(ridge.unit);
            holds(
                "ridge.unit",
                unit.is_finite() && unit >= 0.0,
                "no positive number",
            )?;
            ridge.targets.check("ridge.targets", 1, products, 0)?;
            ridge
                .weights
                .check("ridge.weights", products, products, fixed(MOST_WEIGHT))?;
        }
        if !self.two_hop.is_empty() {
            self.two_hop
                .check("two_hop", products, products, fixed(MOST_FAR))?;
        }
        if !self.feedback.is_empty() {
            let most = fixed(self.params.feedback.most);
            self.feedback.check("feedback", products, products, most)?;
        }
        self.pace.as_ref().map_or(Ok(()), |pace| pace.check(products))
    }

    fn column(&self, field: &str, length: usize) -> Checked {
        same_length(field, length, self.products.len())
    }
}

impl Windows {
    /// The most days that a window may reach back.
    const MOST_DAYS: u32 = 36_600;
    /// The largest `purchase_cap` that tables are made for.
    const MOST_PURCHASES: usize = 1_000_000;

    fn check(&self) -> Checked {
        let days = [
            ("windows.view_days", self.view_days),
            ("windows.cart_days", self.cart_days),
            ("windows.scene_days", self.scene_days),
            ("windows.purchase_days", self.purchase_days),
            ("windows.viewed_then_bought_days", self.viewed_then_bought_days),
            ("windows.same_user_days", self.same_user_days.unwrap_or(0)),
        ];
        for (field, days) in days {
            at_most(field, days.into(), Self::MOST_DAYS.into())?;
        }
        let (views, purchases) = (self.view_cap as u64, self.purchase_cap as u64);
        at_most("windows.view_cap", views, Self::LONGEST_SESSION as u64)?;
        at_most("windows.purchase_cap", purchases, Self::MOST_PURCHASES as u64)
    }
}

impl Marginals {
    fn check(&self, name: &str, products: usize) -> Checked {
        let counts = format!("{name}.counts");
        same_length(&counts, self.counts.len(), products)?;
        let most = self.counts.iter().max().copied().unwrap_or(0);
        at_most(&counts, most.into(), self.total.into())?;
        // Baskets are numbered together with what they hold.
        let all = self.counts.iter().map(|&count| u64::from(count)).sum();
        at_most(&counts, all, u32::MAX.into())?;
        let generated = &self.generated;
        let is_ascending = generated.is_sorted_by(|a, b| a < b);
        let are_products = generated.last().is_none_or(|&last| (last as usize) < products);
        holds(
            &format!("{name}.generated"),
            is_ascending && are_products,
            "not ascending, or beyond the products",
        )
    }
}

impl CategoryStats {
    fn check(&self, total: u32) -> Checked {
        let field = format!("categories.{}", self.id);
        at_most(&format!("{field}.baskets"), self.baskets.into(), total.into())?;
        for related in &self.related {
            let field = format!("{field}.related.{}", related.id);
            holds(&field, related.id != self.id, "itself")?;
            at_most(&format!("{field}.both"), related.both.into(), self.baskets.into())?;
            let band = related.band.is_none_or(|band| band.lowest <= band.highest);
            holds(&format!("{field}.band"), band, "it ends before it begins")?;
        }
        let field = format!("{field}.related");
        let are_ruled_last = self.related.is_sorted_by_key(|related| !related.learned);
        holds(
            &field,
            are_ruled_last,
            "one that orders tell behind one that they do not",
        )?;
        let mut ids: Vec<_> = self.related.iter().map(|related| &related.id).collect();
        ids.sort_unstable();
        let is_once = ids.is_sorted_by(|a, b| a < b);
        holds(&field, is_once, "a category comes twice")
    }
}

impl Lent {
    /// Whether there are so many rows and no bytes behind them, each with companions below `products`, ascending, and values
    /// up to `most`.
    pub(super) fn check(&self, field: &str, rows: usize, products: usize, most: u32) -> Checked {
        let mut read = self.rows();
        let mut found = 0;
        for row in read.by_ref() {
            found += 1;
            let is_ascending = row.is_sorted_by(|a, b| a.0 < b.0);
            let are_products = row.last().is_none_or(|last| (last.0 as usize) < products);
            holds(
                field,
                is_ascending && are_products,
                "companions that are not ascending, or beyond the products",
            )?;
            let largest = row.iter().map(|one| one.1).max().unwrap_or(0);
            at_most(field, largest.into(), most.into())?;
        }
        same_length(field, found, rows)?;
        holds(field, read.is_at_end(), "damaged bytes")
    }
}

/// A value as [`Lent`] keeps it.
fn fixed(value: f64) -> u32 {
    (value * LENT_ONE).round() as u32
}

pub(super) fn same_length(field: &str, length: usize, expected: usize) -> Checked {
    if length == expected {
        return Ok(());
    }
    Err(invalid(
        field,
        format!("it has {length} rows instead of {expected}"),
    ))
}

fn at_most(field: &str, value: u64, most: u64) -> Checked {
    if value <= most {
        return Ok(());
    }
    Err(invalid(field, format!("{value} is more than {most}")))
}

pub(super) fn holds(field: &str, is_so: bool, why: &str) -> Checked {
    if is_so { Ok(()) } else { Err(invalid(field, why)) }
}

fn invalid(field: &str, why: impl ToString) -> InvalidRecord {
    InvalidRecord {
        field: field.to_owned(),
        why: why.to_string(),
    }
}
