//! Small catalogues and histories.

use std::collections::BTreeMap;

use proptest::prelude::*;
use tandem_domain::clock::{DAY_MS, Timestamp};
use tandem_domain::edge::{AnchorEdges, Edge, EdgeList};
use tandem_domain::event::EventKind;
use tandem_domain::id::{CategoryId, ProductId, SeriesId, ShopId};
use tandem_domain::money::Money;
use tandem_domain::relation::Relation;
use tandem_graph::{Build, EpochRecord, EventRow, Facts, FactsBuilder, Params, ProductFacts, build};

/// A day in 2024.
pub(crate) const TODAY: i64 = 19_800;

#[derive(Debug, Clone)]
pub(crate) struct Happening {
    pub(crate) kind: EventKind,
    pub(crate) product: String,
    pub(crate) user: Option<String>,
    pub(crate) group: Option<String>,
    pub(crate) scene: Option<String>,
    pub(crate) quantity: u32,
    pub(crate) price: Option<i64>,
    pub(crate) time_ms: i64,
    pub(crate) generated: bool,
    pub(crate) attributed: bool,
    pub(crate) dwell_ms: Option<u32>,
}

impl Happening {
    pub(crate) fn row(&self) -> EventRow<'_> {
        EventRow {
            kind: self.kind,
            product: &self.product,
            user: self.user.as_deref(),
            group: self.group.as_deref(),
            scene: self.scene.as_deref(),
            quantity: self.quantity,
            unit_price: self.price.map(Money::from_minor),
            time: Timestamp::from_ms(self.time_ms),
            generated: self.generated,
            attributed: self.attributed,
            dwell_ms: self.dwell_ms,
        }
    }
}

/// Something that happened today in a basket.
pub(crate) fn happening(kind: EventKind, group: &str, product: &str) -> Happening {
    Happening {
        kind,
        product: product.to_owned(),
        user: None,
        group: Some(group.to_owned()),
        scene: None,
        quantity: 1,
        price: None,
        time_ms: TODAY * DAY_MS,
        generated: false,
        attributed: false,
        dwell_ms: None,
    }
}

/// A die with as many sides as are asked for, that falls the same way whenever it begins with the same seed.
pub(crate) fn die(seed: u64) -> impl FnMut(u64) -> u64 {
    let mut state = seed;
    move |sides| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) % sides
    }
}

/// One basket per group of products, in the order of time.
pub(crate) fn baskets(kind: EventKind, prefix: &str, baskets: &[&[&str]]) -> Vec<Happening> {
    let mut all = Vec::new();
    for (number, products) in baskets.iter().enumerate() {
        for (step, product) in products.iter().enumerate() {
            let mut one = happening(kind, &format!("{prefix}{number}"), product);
            one.time_ms += i64::try_from(step).unwrap() * 1000;
            all.push(one);
        }
    }
    all
}

/// The same basket `times` over.
pub(crate) fn repeated(kind: EventKind, prefix: &str, times: usize, products: &[&str]) -> Vec<Happening> {
    baskets(kind, prefix, &vec![products; times])
}

pub(crate) fn product(id: &str) -> ProductFacts {
    ProductFacts {
        id: ProductId::new(id).unwrap(),
        shop: ShopId::new("shop").unwrap(),
        title: None,
        category: None,
        category_path: Vec::new(),
        brand: None,
        series: None,
        price: None,
        quality: None,
        tags: BTreeMap::new(),
        generated: false,
        listed: true,
    }
}

/// A product of a leaf category at a price.
pub(crate) fn priced(id: &str, leaf: &str, price: i64) -> ProductFacts {
    ProductFacts {
        category: Some(CategoryId::new(leaf).unwrap()),
        category_path: vec![CategoryId::new("all").unwrap(), CategoryId::new(leaf).unwrap()],
        price: Some(Money::from_minor(price)),
        ..product(id)
    }
}

pub(crate) fn of_series(product: ProductFacts, brand: &str, series: Option<&str>) -> ProductFacts {
    ProductFacts {
        brand: Some(brand.to_owned()),
        series: series.map(|series| SeriesId::new(series).unwrap()),
        ..product
    }
}

pub(crate) fn facts(products: Vec<ProductFacts>, happenings: &[Happening]) -> Facts {
    let mut builder = FactsBuilder::new(products);
    happenings.iter().for_each(|one| builder.push(one.row()));
    builder.finish()
}

pub(crate) fn built(products: Vec<ProductFacts>, happenings: &[Happening]) -> Build {
    built_with(&Params::default(), products, happenings)
}

pub(crate) fn built_with(params: &Params, products: Vec<ProductFacts>, happenings: &[Happening]) -> Build {
    let facts = facts(products, happenings);
    build(&facts, &EpochRecord::freeze(&facts, params), &|_| ())
}

pub(crate) fn anchor<'a>(build: &'a Build, id: &str) -> Option<&'a AnchorEdges> {
    build.anchors.iter().find(|anchor| anchor.anchor.as_str() == id)
}

pub(crate) fn list<'a>(build: &'a Build, id: &str, relation: Relation) -> Option<&'a EdgeList> {
    anchor(build, id)?
        .lists
        .iter()
        .find(|list| list.relation == relation)
}

pub(crate) fn edge<'a>(build: &'a Build, id: &str, relation: Relation, companion: &str) -> Option<&'a Edge> {
    list(build, id, relation)?
        .edges
        .iter()
        .find(|edge| edge.companion.as_str() == companion)
}

/// Ids of a list, best first; none where there is no list.
pub(crate) fn companions<'a>(build: &'a Build, id: &str, relation: Relation) -> Vec<&'a str> {
    let list = list(build, id, relation);
    list.map_or(Vec::new(), |list| {
        list.edges.iter().map(|edge| edge.companion.as_str()).collect()
    })
}

/// Up to `most` things that happened to up to twelve products, over 500 days, of all kinds.
pub(crate) fn histories(most: usize) -> impl Strategy<Value = Vec<Happening>> {
    let kind = prop_oneof![
        6 => Just(EventKind::Purchase),
        6 => Just(EventKind::View),
        1 => Just(EventKind::Return),
        2 => Just(EventKind::Cart),
        1 => Just(EventKind::Like),
        1 => Just(EventKind::Click),
        1 => Just(EventKind::Bounce),
        1 => Just(EventKind::Search),
    ];
    let who = proptest::option::of(0..5_u8);
    let when = prop_oneof![4 => 0..60_i64, 1 => 0..500_i64];
    let one = (
        kind,
        0..12_u8,
        who,
        proptest::option::weighted(0.9, 0..12_u8),
        when,
        0..4_i64,
        1..3_u32,
        0..10_u8,
    );
    let happening = one.prop_map(
        |(kind, product, user, group, days, hour, quantity, dice)| Happening {
            kind,
            product: format!("p{product:02}"),
            user: user.map(|user| format!("u{user}")),
            group: group.map(|group| format!("g{group}")),
            scene: (dice == 0).then(|| "live".to_owned()),
            quantity,
            price: (dice > 5).then_some(i64::from(dice) * 100),
            time_ms: (TODAY - days) * DAY_MS + hour * 3_600_000,
            generated: dice == 1,
            attributed: dice % 4 == 2,
            dwell_ms: [None, None, Some(1_000), Some(5_000), Some(60_000)][usize::from(dice) % 5],
        },
    );
    proptest::collection::vec(happening, 0..most)
}

/// Ten products with some attributes; `p10` and `p11` of [`histories`] are unknown.
pub(crate) fn catalogue() -> Vec<ProductFacts> {
    let one = |n: usize| {
        let leaf = ["phone", "case", "cable"][n % 3];
        let mut product = priced(&format!("p{n:02}"), leaf, 1000 + 300 * i64::try_from(n).unwrap());
        product.quality = (!n.is_multiple_of(4)).then(|| n as f64 / 10.0);
        product.generated = n == 8;
        product.listed = n != 9;
        of_series(product, ["acme", "zeta"][n % 2], (n < 4).then_some("s1"))
    };
    (0..10).map(one).collect()
}
