use std::collections::BTreeMap;
use std::hash::Hash;

use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};
use tandem_domain::id::{CategoryId, ProductId, SeriesId, ShopId};
use tandem_domain::money::Money;

use super::intern::{Texts, dense};
use super::{Commonplaces, fingerprint, title};

/// "Not known" in a column of dense numbers.
pub(crate) const NONE: u32 = u32::MAX;

/// What the catalogue says of a product.
#[derive(Debug, Clone, PartialEq)]
pub struct ProductFacts {
    /// Its id.
    pub id: ProductId,
    /// The owner.
    pub shop: ShopId,
    /// What it is called; its words stand in for tags where those are missing.
    pub title: Option<String>,
    /// Leaf category.
    pub category: Option<CategoryId>,
    /// From the root to the leaf.
    pub category_path: Vec<CategoryId>,
    /// Brand name.
    pub brand: Option<String>,
    /// Series of the brand.
    pub series: Option<SeriesId>,
    /// Usual price; where it is missing, the median price paid stands in.
    pub price: Option<Money>,
    /// Quality between 0 and 1.
    pub quality: Option<f64>,
    /// Attribute tags by kind.
    pub tags: BTreeMap<String, Vec<String>>,
    /// Whether its attributes were generated for a demonstration.
    pub generated: bool,
    /// On sale; a delisted product is nobody's companion.
    pub listed: bool,
}

/// A product as rows read it: what the catalogue says, as far as it says anything. The numbers of parents, brands, series,
/// tags and words mean nothing but that equal ones are the same.
#[derive(Debug, Clone, PartialEq)]
pub struct ProductRow {
    /// Its id.
    pub id: ProductId,
    /// The owner.
    pub shop: ShopId,
    /// Leaf category.
    pub category: Option<CategoryId>,
    /// The category above the leaf.
    pub parent: Option<u32>,
    /// Its brand, unless that is every fourth product's.
    pub brand: Option<u32>,
    /// Series of the brand.
    pub series: Option<u32>,
    /// Minor units, above 0: the usual price, or the median paid.
    pub price: Option<i64>,
    /// Between 0 and 1.
    pub quality: Option<f64>,
    /// Tags, ascending.
    pub tags: Vec<u32>,
    /// Words of the title, ascending, where some product has no tags.
    pub words: Vec<u32>,
    /// Whether its attributes were generated for a demonstration.
    pub generated: bool,
    /// On sale.
    pub listed: bool,
    /// Of all that the catalogue says beside price and `listed`: another one than the record's means that it has changed.
    pub fingerprint: u32,
}

/// Why no facts could have shown a row, in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Damaged(pub(super) &'static str);

/// The catalogue as columns, in the order of ids.
#[derive(Debug, Default)]
pub(crate) struct Products {
    pub(crate) ids: Vec<ProductId>,
    /// Dense owner.
    pub(crate) shop: Vec<u32>,
    /// Names of the shops, sorted.
    pub(crate) shops: Vec<ShopId>,
    /// Dense leaf category, or [`NONE`].
    pub(crate) leaf: Vec<u32>,
    /// Names of the leaf categories, sorted.
    pub(crate) leaves: Vec<CategoryId>,
    /// The category above the leaf, or [`NONE`].
    pub(crate) parent: Vec<u32>,
    pub(crate) brand: Vec<u32>,
    pub(crate) series: Vec<u32>,
    /// Minor units, above 0 where known.
    pub(crate) price: Vec<Option<i64>>,
    /// 0 to 1 where known.
    pub(crate) quality: Vec<Option<f64>>,
    /// Sorted numbers of `kind=value`.
    pub(crate) tags: Vec<Box<[u32]>>,
    /// Sorted numbers of the words of titles; empty where every product has tags.
    pub(crate) words: Vec<Box<[u32]>>,
    pub(crate) generated: Vec<bool>,
    pub(crate) listed: Vec<bool>,
    /// Of all that rows read of each, beside price and `listed`.
    pub(crate) fingerprints: Vec<u32>,
    pub(crate) commonplaces: Commonplaces,
}

/// What an epoch froze of its catalogue as a whole.
#[derive(Debug, Clone, Default)]
pub(crate) struct Frozen {
    pub(crate) commonplaces: Commonplaces,
    /// Leaf categories, which keep their numbers when their last product leaves them.
    pub(crate) leaves: Vec<CategoryId>,
}

impl Products {
    pub(crate) fn len(&self) -> usize {
        self.ids.len()
    }

    /// None, with room for so many.
    fn with_capacity(products: usize) -> Self {
        Self {
            ids: Vec::with_capacity(products),
            shop: Vec::with_capacity(products),
            leaf: Vec::with_capacity(products),
            parent: Vec::with_capacity(products),
            brand: Vec::with_capacity(products),
            series: Vec::with_capacity(products),
            price: Vec::with_capacity(products),
            quality: Vec::with_capacity(products),
            tags: Vec::with_capacity(products),
            words: Vec::with_capacity(products),
            generated: Vec::with_capacity(products),
            listed: Vec::with_capacity(products),
            fingerprints: Vec::with_capacity(products),
            ..Self::default()
        }
    }

    /// Of pages of products, each there once, the catalogue's first, of which there are so many; `order` is that of their
    /// ids.
    pub(super) fn in_order(
        pages: &[Vec<ProductFacts>],
        order: &[u32],
        catalogue: usize,
        frozen: Option<&Frozen>,
    ) -> Self {
        let rows: Vec<&ProductFacts> = pages.iter().flatten().collect();
        let by_id: Vec<&ProductFacts> = order.iter().map(|&arrival| rows[arrival as usize]).collect();
        let mut columns = Self {
            leaves: leaves(rows.iter().map(|row| &row.category), frozen),
            fingerprints: by_id
                .par_iter()
                .map_init(fingerprint::Printer::default, |printer, row| printer.of(row))
                .collect(),
            shops: distinct(rows.iter().map(|row| &row.shop)),
            ..Self::with_capacity(rows.len())
        };
        columns.read_titles(&by_id, catalogue, frozen);
        let mut names = Names::new(&columns.leaves);
        by_id.iter().for_each(|row| columns.push(row, &mut names));
        columns.drop_house_brands(&names.brands, catalogue, frozen);
        columns
    }

    /// The product at a place.
    pub(super) fn row(&self, at: usize) -> ProductRow {
        let known = |number: u32| (number != NONE).then_some(number);
        ProductRow {
            id: self.ids[at].clone(),
            shop: self.shops[self.shop[at] as usize].clone(),
            category: known(self.leaf[at]).map(|leaf| self.leaves[leaf as usize].clone()),
            parent: known(self.parent[at]),
            brand: known(self.brand[at]),
            series: known(self.series[at]),
            price: self.price[at],
            quality: self.quality[at],
            tags: self.tags[at].to_vec(),
            words: self.words[at].to_vec(),
            generated: self.generated[at],
            listed: self.listed[at],
            fingerprint: self.fingerprints[at],
        }
    }

    /// Puts together again what [`Self::row`] showed, place by place. `frozen` is what their epoch froze.
    pub(super) fn from_rows(rows: Vec<ProductRow>, frozen: &Frozen) -> Result<Self, Damaged> {
        let mut columns = Self {
            leaves: leaves(rows.iter().map(|row| &row.category), Some(frozen)),
            shops: distinct(rows.iter().map(|row| &row.shop)),
            ..Self::with_capacity(rows.len())
        };
        let most = dense(rows.len());
        for row in rows {
            columns.check(&row, most)?;
            let shop = columns.shops.binary_search(&row.shop);
            columns.shop.push(shop.map_or(NONE, dense));
            let leaf = row.category.and_then(|id| columns.leaves.binary_search(&id).ok());
            columns.leaf.push(leaf.map_or(NONE, dense));
            columns.parent.push(row.parent.unwrap_or(NONE));
            columns.brand.push(row.brand.unwrap_or(NONE));
            columns.series.push(row.series.unwrap_or(NONE));
            columns.price.push(row.price);
            columns.quality.push(row.quality);
            columns.tags.push(row.tags.into_boxed_slice());
            columns.words.push(row.words.into_boxed_slice());
            columns.generated.push(row.generated);
            columns.listed.push(row.listed);
            columns.fingerprints.push(row.fingerprint);
            columns.ids.push(row.id);
        }
        Ok(columns)
    }

    /// Whether a row may follow those that are there, among so many.
    fn check(&self, row: &ProductRow, most: u32) -> Result<(), Damaged> {
        let is_ascending = |numbers: &[u32]| numbers.is_sorted_by(|a, b| a < b);
        let numbers = [row.parent, row.brand, row.series].into_iter().flatten();
        let faults = [
            (
                self.ids.last().is_some_and(|last| *last >= row.id),
                "products that are not each there once, in the order of their ids",
            ),
            (
                numbers.max().is_some_and(|number| number >= most),
                "more parents, brands or series than products",
            ),
            (
                row.price.is_some_and(|price| !is_price(price)),
                "a price that is none",
            ),
            (
                row.quality.is_some_and(|quality| !(0.0..=1.0).contains(&quality)),
                "a quality that is not between 0 and 1",
            ),
            (
                !is_ascending(&row.tags) || !is_ascending(&row.words),
                "tags or words that are not each there once, in their order",
            ),
        ];
        match faults.into_iter().find(|(is_so, _)| *is_so) {
            Some((_, fault)) => Err(Damaged(fault)),
            None => Ok(()),
        }
    }

    fn drop_house_brands(&mut self, brands: &Texts, catalogue: usize, frozen: Option<&Frozen>) {
        let learn = || Commonplaces::learn(brands, self.brand.iter(), catalogue);
        let common = frozen.map_or_else(learn, |frozen| frozen.commonplaces.brands.clone());
        let dropped: Vec<u32> = common.iter().filter_map(|brand| brands.get(brand)).collect();
        for brand in &mut self.brand {
            if dropped.contains(brand) {
                *brand = NONE;
            }
        }
        self.commonplaces.brands = common;
    }

    /// The words of all titles, where any product needs them for want of tags.
    fn read_titles(&mut self, rows: &[&ProductFacts], catalogue: usize, frozen: Option<&Frozen>) {
        let lacks_tags = |row: &&ProductFacts| row.tags.is_empty() && row.title.is_some();
        if !rows.iter().any(lacks_tags) {
            self.words = vec![Box::default(); rows.len()];
            return;
        }
        let titles: Vec<Option<&str>> = rows.iter().map(|row| row.title.as_deref()).collect();
        let mut words = Texts::new();
        self.words = title::words(&titles)
            .into_iter()
            .map(|title| ascending(title.iter().map(|word| words.number(word)).collect()))
            .collect();
        let learn = || Commonplaces::learn(&words, self.words.iter().flatten(), catalogue);
        let common = frozen.map_or_else(learn, |frozen| frozen.commonplaces.words.clone());
        let mut telling = vec![true; words.len()];
        for word in common.iter().filter_map(|word| words.get(word)) {
            telling[word as usize] = false;
        }
        for title in &mut self.words {
            let kept = title.iter().copied().filter(|&word| telling[word as usize]);
            *title = kept.collect();
        }
        self.commonplaces.words = common;
    }

    fn push(&mut self, row: &ProductFacts, names: &mut Names) {
        let shop = self.shops.binary_search(&row.shop);
        self.shop.push(shop.map_or(NONE, dense));
        let leaf = row.category.as_ref();
        let found = leaf.and_then(|id| names.leaves.get(id));
        self.leaf.push(found.copied().unwrap_or(NONE));
        self.parent.push(names.parent(row));
        let brand = row.brand.as_deref().map(str::trim).filter(|b| !b.is_empty());
        self.brand.push(brand.map_or(NONE, |b| names.brands.number(b)));
        let series = row.series.as_ref();
        self.series
            .push(series.map_or(NONE, |s| names.series.number(s.as_str())));
        self.price
            .push(row.price.map(Money::minor).filter(|&p| is_price(p)));
        self.quality
            .push(row.quality.filter(|q| q.is_finite()).map(|q| q.clamp(0.0, 1.0)));
        self.tags.push(names.tags_of(&row.tags));
        self.generated.push(row.generated);
        self.listed.push(row.listed);
        self.ids.push(row.id.clone());
    }
}

/// A price that a ratio can be made of.
pub(super) fn is_price(minor: i64) -> bool {
    minor > 0 && minor <= Money::MAX_PRICE.minor()
}

/// The leaf categories of the rows, and those that are frozen.
fn leaves<'r>(
    rows: impl Iterator<Item = &'r Option<CategoryId>>,
    frozen: Option<&'r Frozen>,
) -> Vec<CategoryId> {
    let frozen = frozen.into_iter().flat_map(|frozen| &frozen.leaves);
    distinct(rows.flatten().chain(frozen))
}

/// Each of them once, sorted: there are few of many, so the many are not sorted, nor is one looked up that comes again at
/// once.
fn distinct<'a, T: Clone + Hash + Ord + 'a>(all: impl Iterator<Item = &'a T>) -> Vec<T> {
    let mut last = None;
    let is_another = |one: &&'a T| last.replace(*one) != Some(*one);
    let each: FxHashSet<&T> = all.filter(is_another).collect();
    let mut each: Vec<T> = each.into_iter().cloned().collect();
    each.sort_unstable();
    each
}

/// Numbers by order of ids, so that they do not depend on the order of rows.
struct Names {
    leaves: FxHashMap<CategoryId, u32>,
    brands: Texts,
    series: Texts,
    parents: Texts,
    tags: Texts,
}

impl Names {
    /// `leaves` are sorted.
    fn new(leaves: &[CategoryId]) -> Self {
        Self {
            leaves: leaves.iter().cloned().zip(0..).collect(),
            brands: Texts::new(),
            series: Texts::new(),
            parents: Texts::new(),
            tags: Texts::new(),
        }
    }

    fn parent(&mut self, row: &ProductFacts) -> u32 {
        let above = row
            .category_path
            .iter()
            .rev()
            .find(|id| Some(*id) != row.category.as_ref());
        above.map_or(NONE, |id| self.parents.number(id.as_str()))
    }

    fn tags_of(&mut self, tags: &BTreeMap<String, Vec<String>>) -> Box<[u32]> {
        let pairs = tags
            .iter()
            .flat_map(|(kind, values)| values.iter().map(move |v| format!("{kind}={v}")));
        ascending(pairs.map(|pair| self.tags.number(&pair)).collect())
    }
}

fn ascending(mut numbers: Vec<u32>) -> Box<[u32]> {
    numbers.sort_unstable();
    numbers.dedup();
    numbers.into_boxed_slice()
}
