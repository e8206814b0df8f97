//! From the wire into the domain. All mistakes of a request are named at once.

mod taste;

use std::collections::HashSet;
use std::fmt::Display;
use std::str::FromStr;

use tandem_domain::id::{ProductId, SkuId, SurfaceId};
use tandem_domain::relation::Relation;
use tandem_domain::stock::Pool;
use tandem_proto::v1;
use tandem_runtime::status::{Refusal, Violations};
use tonic::Code;

use crate::related::{Depth, Relations};

/// The most items per list.
pub(super) const MAX_ITEMS: usize = 50;
/// The most products that a request may exclude.
pub(super) const MAX_EXCLUDED: usize = 500;

/// Collects what is wrong with a request.
#[derive(Debug, Default)]
pub(super) struct Fields {
    violations: Violations,
    limit: Option<usize>,
}

/// What a list of ids must keep to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Batch {
    /// The fewest.
    pub(super) least: usize,
    /// The most.
    pub(super) most: usize,
}

impl Fields {
    /// Everything parsed was right, or a refusal that names every mistake.
    pub(super) fn finish(self) -> Result<(), Refusal> {
        if self.violations.found() == 0 {
            return Ok(());
        }
        let refusal = Refusal::from(self.violations);
        Err(match self.limit {
            Some(limit) => refusal.with("limit", limit),
            None => refusal,
        })
    }

    pub(super) fn wrong(&mut self, field: impl Into<String>, why: impl Display) {
        self.violations.add(field.into(), why);
    }

    fn parsed<T: FromStr<Err: Display>>(&mut self, field: impl Into<String>, text: &str) -> Option<T> {
        match text.parse() {
            Ok(value) => Some(value),
            Err(why) => {
                self.wrong(field, why);
                None
            }
        }
    }

    pub(super) fn product(&mut self, field: &str, id: &str) -> Option<ProductId> {
        self.parsed(field, id)
    }

    /// An id that may be left out.
    pub(super) fn sku(&mut self, field: String, id: &str) -> Option<SkuId> {
        if id.is_empty() {
            None
        } else {
            self.parsed(field, id)
        }
    }

    /// A pool besides the normal one; empty for none.
    pub(super) fn pool(&mut self, field: &str, name: &str) -> Option<Pool> {
        if name.is_empty() {
            return None;
        }
        let pool = self.parsed(field, name)?;
        if pool == Pool::Held {
            self.wrong(field, "is held back: nobody may buy from it");
        }
        Some(pool)
    }

    pub(super) fn surface(&mut self, id: &str, default: &str) -> Option<SurfaceId> {
        self.parsed("surface_id", if id.is_empty() { default } else { id })
    }

    /// Ids by position; of those given twice the last place is kept.
    pub(super) fn products(&mut self, field: &str, ids: &[String]) -> Vec<ProductId> {
        let parsed = ids
            .iter()
            .enumerate()
            .filter_map(|(at, id)| self.parsed(format!("{field}[{at}]"), id));
        parsed.collect()
    }

    /// Ids that may each stand once.
    pub(super) fn distinct_products(&mut self, field: &str, ids: &[String]) -> Vec<ProductId> {
        let products = self.products(field, ids);
        let mut seen = HashSet::new();
        for (at, id) in ids.iter().enumerate() {
            if !seen.insert(id) {
                self.wrong(format!("{field}[{at}]"), format!("{id:?} stands here twice"));
            }
        }
        products
    }

    pub(super) fn excluded(&mut self, ids: &[String]) -> HashSet<ProductId> {
        const FIELD: &str = "exclude_product_ids";
        if ids.len() > MAX_EXCLUDED {
            self.wrong(
                FIELD,
                format!("holds {} ids, {MAX_EXCLUDED} is the limit", ids.len()),
            );
            self.limit = Some(MAX_EXCLUDED);
            return HashSet::new();
        }
        self.products(FIELD, ids).into_iter().collect()
    }

    pub(super) fn page_size(&mut self, size: i32, default: usize, most: usize) -> usize {
        match usize::try_from(size) {
            Ok(0) => default.min(most),
            Ok(size) => size.min(most),
            Err(_) => {
                self.wrong("page_size", "must not be negative");
                default
            }
        }
    }

    pub(super) fn depth(&mut self, view: i32) -> Depth {
        match v1::View::try_from(view) {
            Ok(v1::View::Unspecified | v1::View::Basic) => Depth::Basic,
            Ok(v1::View::Full) => Depth::Full,
            Err(_) => {
                self.wrong("view", format!("{view} is no view"));
                Depth::Basic
            }
        }
    }

    pub(super) fn relations(&mut self, numbers: &[i32]) -> Relations {
        let mut relations = Vec::with_capacity(numbers.len().min(Relation::ALL.len()));
        for (at, number) in numbers.iter().enumerate() {
            let known = u8::try_from(*number).ok().and_then(Relation::from_code);
            match known {
                Some(relation) if relations.contains(&relation) => {
                    self.wrong(
                        format!("relations[{at}]"),
                        format!("{} stands here twice", relation.as_str()),
                    );
                }
                Some(relation) => relations.push(relation),
                None => self.wrong(format!("relations[{at}]"), format!("{number} is no relation")),
            }
        }
        if relations.is_empty() {
            Relations::OfSurface
        } else {
            Relations::Named(relations)
        }
    }
}

impl Batch {
    /// Checks the length of a batch before anything else is looked at.
    pub(super) fn check(self, field: &str, length: usize) -> Result<(), Refusal> {
        if length > self.most {
            let why = format!("holds {length}, {} is the limit", self.most);
            let refusal = Refusal::new(Code::InvalidArgument, "BATCH_TOO_LARGE", format!("{field} {why}"));
            return Err(refusal.field(field, why).with("limit", self.most));
        }
        if length < self.least {
            let why = format!("holds {length}, at least {} needed", self.least);
            return Err(Refusal::invalid(vec![(field.to_owned(), why)]));
        }
        Ok(())
    }
}

/// What `finish` has vouched for.
pub(super) fn checked<T>(value: Option<T>) -> T {
    value.expect("a field that could not be parsed is a violation")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_as_large_as_they_may_be() {
        let mut fields = Fields::default();
        let sizes = [0, 1, 50, 51, i32::MAX].map(|size| fields.page_size(size, 20, MAX_ITEMS));
        assert_eq!(sizes, [20, 1, 50, 50, 50]);
        assert!(fields.finish().is_ok());
    }

    #[test]
    fn what_is_wrong_a_quarter_million_times_is_told_in_short() {
        let mut fields = Fields::default();
        fields.relations(&vec![99; 250_000]);
        let refusal = fields.finish().unwrap_err();
        let details = tonic::Status::from(refusal);
        assert!(details.message().len() < 2_000, "{}", details.message().len());
    }
}
