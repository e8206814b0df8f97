//! What operators and merchants say of two categories, and a naive oracle of the gate that heeds it.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use tandem_domain::event::EventKind::{self, Purchase};
use tandem_domain::id::{CategoryId, ProductId, ShopId};
use tandem_domain::pair::{Authority, BandSource, Kinship, PairCategories};
use tandem_domain::relation::Relation::Complement;
use tandem_domain::rule::{CategoryRule, CategoryVerdict, PriceRatio, RatioBand, RuleKey, Ruling};
use tandem_graph::{Build, EpochRecord, Params, ProductFacts, explain_pair};

use crate::market::{Happening, anchor, built_with, companions, facts, histories, list, priced, repeated};
use crate::oracle::{Baskets, llr, orders};

pub(crate) const RELATED: Ruling = Ruling::Related(None);

pub(crate) fn rule(shop: Option<&str>, anchor: &str, companion: &str, ruling: Ruling) -> CategoryRule {
    CategoryRule {
        key: RuleKey {
            shop: shop.map(|shop| ShopId::new(shop).unwrap()),
            anchor: CategoryId::new(anchor).unwrap(),
            companion: CategoryId::new(companion).unwrap(),
        },
        ruling,
    }
}

fn band(least: f64, most: f64) -> RatioBand {
    RatioBand::new(PriceRatio::new(least).unwrap(), PriceRatio::new(most).unwrap()).unwrap()
}

/// Rules over pairs of these leaves, of the marketplace and of these shops.
pub(crate) fn rulings(
    leaves: &'static [&'static str],
    shops: &'static [&'static str],
) -> impl Strategy<Value = Vec<CategoryRule>> {
    let ratios = proptest::sample::select(vec![0.05, 0.25, 0.5, 0.8, 1.0, 1.25, 2.0, 4.0, 20.0]);
    let band_of = (ratios.clone(), ratios).prop_map(|(a, b): (f64, f64)| band(a.min(b), a.max(b)));
    let ruling = prop_oneof![
        2 => proptest::option::of(band_of.clone()).prop_map(Ruling::Related),
        2 => Just(Ruling::Forbidden),
        1 => band_of.prop_map(Ruling::Priced),
    ];
    let leaf = || proptest::sample::select(leaves);
    let shop = proptest::option::of(proptest::sample::select(shops));
    let one = (shop, leaf(), leaf(), ruling)
        .prop_filter(
            "complements are of two categories",
            |(_, anchor, companion, _)| anchor != companion,
        )
        .prop_map(|(shop, anchor, companion, ruling)| rule(shop, anchor, companion, ruling));
    proptest::collection::vec(one, 0..8)
}

const LEAVES: [&str; 4] = ["a", "b", "c", "d"];

/// Ten products of four leaves and two shops at prices from 100 to 25,600; `p07` is not on sale.
fn catalogue() -> Vec<ProductFacts> {
    let one = |n: usize| ProductFacts {
        shop: ShopId::new(["s0", "s1"][n / 2 % 2]).unwrap(),
        listed: n != 7,
        ..priced(&format!("p{n:02}"), LEAVES[n % 4], 100 << (n * 7 % 9))
    };
    (0..10).map(one).collect()
}

/// The gate of complements in plain words: what orders relate, and what rules make of it.
struct Oracle<'a> {
    rules: &'a [CategoryRule],
    learned: BTreeSet<(String, String)>,
    products: BTreeMap<ProductId, ProductFacts>,
}

impl<'a> Oracle<'a> {
    fn new(rules: &'a [CategoryRule], all: &[Happening], fewest: usize) -> Self {
        let products: BTreeMap<_, _> = catalogue()
            .into_iter()
            .map(|product| (product.id.clone(), product))
            .collect();
        let leaf_of = |id: &String| {
            let product = products.get(&ProductId::new(id).unwrap());
            product.map(|product| product.category.clone().unwrap().to_string())
        };
        let orders: Baskets = orders(all);
        let baskets: Vec<BTreeSet<String>> = orders
            .values()
            .map(|basket| basket.keys().filter_map(leaf_of).collect())
            .collect();
        let count = |held: &[&str]| {
            let holds = |basket: &&BTreeSet<String>| held.iter().all(|leaf| basket.contains(*leaf));
            baskets.iter().filter(holds).count()
        };
        let mut learned = BTreeSet::new();
        for leaf in LEAVES {
            let mut found: Vec<(usize, &str)> = Vec::new();
            for other in LEAVES.into_iter().filter(|other| *other != leaf) {
                let (both, a, b, n) = (
                    count(&[leaf, other]),
                    count(&[leaf]),
                    count(&[other]),
                    baskets.len(),
                );
                let [x, y, z, w] = [both, a, b, n].map(|count| count as f64);
                if both >= 3 || (both * n > a * b && llr(x, y, z, w) > 3.84) {
                    found.push((both, other));
                }
            }
            found.sort_by_key(|&(both, other)| (std::cmp::Reverse(both), other));
            let (mut kept, mut deepest) = (found.len(), 0.0);
            for at in fewest..found.len() {
                let drop = found[at - 1].0 as f64 / found[at].0 as f64;
                if drop > deepest {
                    (kept, deepest) = (at, drop);
                }
            }
            learned.extend(
                found[..kept]
                    .iter()
                    .map(|(_, other)| (leaf.to_owned(), (*other).to_owned())),
            );
        }
        Self {
            rules,
            learned,
            products,
        }
    }

    /// The last word on a pair for a shop: its own, else the marketplace's.
    fn said<T>(
        &self,
        shop: &ShopId,
        pair: (&CategoryId, &CategoryId),
        of: impl Fn(Ruling) -> Option<T>,
    ) -> Option<T> {
        let by = |shop: Option<&ShopId>| {
            let speaks = |rule: &&CategoryRule| {
                rule.key.shop.as_ref() == shop && (&rule.key.anchor, &rule.key.companion) == pair
            };
            self.rules
                .iter()
                .rev()
                .find(speaks)
                .and_then(|rule| of(rule.ruling))
        };
        by(Some(shop)).or_else(|| by(None))
    }

    fn relates(&self, shop: &ShopId, anchor: &CategoryId, companion: &CategoryId) -> bool {
        match self.said(shop, (anchor, companion), Ruling::verdict) {
            Some(verdict) => verdict == CategoryVerdict::Related,
            None => self
                .learned
                .contains(&(anchor.to_string(), companion.to_string())),
        }
    }

    fn limits(&self, anchor: &ProductFacts, companion: &ProductFacts) -> (f64, f64) {
        let pair = (
            anchor.category.as_ref().unwrap(),
            companion.category.as_ref().unwrap(),
        );
        let band = self.said(&anchor.shop, pair, Ruling::band);
        band.map_or((0.01, 2.5), |band| (band.least().value(), band.most().value()))
    }

    /// ln between the price of the companion and the band, 0 inside.
    fn outside(&self, anchor: &ProductFacts, companion: &ProductFacts) -> f64 {
        let price = |product: &ProductFacts| product.price.unwrap().minor() as f64;
        let ratio = price(companion) / price(anchor);
        let (least, most) = self.limits(anchor, companion);
        (least / ratio).ln().max((ratio / most).ln()).max(0.0)
    }

    fn passes(&self, anchor: &ProductFacts, companion: &ProductFacts) -> bool {
        let outside = self.outside(anchor, companion);
        let (own, other) = (
            anchor.category.as_ref().unwrap(),
            companion.category.as_ref().unwrap(),
        );
        own != other
            && companion.listed
            && self.relates(&anchor.shop, own, other)
            && (-outside * outside / 0.5).exp() >= 0.1
    }

    fn complements(&self, anchor: &ProductFacts) -> BTreeSet<String> {
        let passing = self.products.values().filter(|other| self.passes(anchor, other));
        passing.map(|other| other.id.to_string()).collect()
    }

    fn may_share_a_set(&self, anchor: &ProductFacts, one: &ProductFacts, other: &ProductFacts) -> bool {
        let leaf = |product: &ProductFacts| product.category.clone().unwrap();
        let (one, other) = (leaf(one), leaf(other));
        [(&one, &other), (&other, &one)]
            .into_iter()
            .all(|pair| self.said(&anchor.shop, pair, Ruling::verdict) != Some(CategoryVerdict::Forbidden))
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Nobody looks at anything and orders teach no band, so that every companion that the gate lets pass is stored.
    #[test]
    fn complements_and_sets_are_what_orders_and_rules_let_pass(
        all in histories(200),
        rules in rulings(&LEAVES, &["s0", "s1"]),
        fewest in 1..4_usize,
    ) {
        let all: Vec<Happening> = all.into_iter().filter(|one| one.kind != EventKind::View).collect();
        let mut params = Params::default();
        params.categories.fewest = fewest;
        params.prices.observations = u32::MAX;
        let build = built_with(&params.with_rules(rules.clone()), catalogue(), &all);
        let oracle = Oracle::new(&rules, &all, fewest);
        for product in oracle.products.values() {
            let id = product.id.as_str();
            let found: BTreeSet<String> =
                companions(&build, id, Complement).into_iter().map(str::to_owned).collect();
            let expected = oracle.complements(product);
            prop_assert_eq!(&found, &expected, "complements of {}", id);
            for bundle in anchor(&build, id).into_iter().flat_map(|row| &row.bundles) {
                let members: Vec<&ProductFacts> =
                    bundle.members.iter().map(|member| &oracle.products[&member.product]).collect();
                for (place, member) in members.iter().enumerate() {
                    prop_assert!(expected.contains(member.id.as_str()));
                    prop_assert!(oracle.outside(product, member) < 1e-6, "{} beside {}", member.id, id);
                    for other in &members[place + 1..] {
                        prop_assert!(oracle.may_share_a_set(product, member, other));
                    }
                    for alternate in &bundle.members[place].alternates {
                        prop_assert!(expected.contains(alternate.as_str()));
                    }
                }
            }
        }
    }
}

fn shop() -> Vec<ProductFacts> {
    let of = |shop: &str, product: ProductFacts| ProductFacts {
        shop: ShopId::new(shop).unwrap(),
        ..product
    };
    vec![
        of("ours", priced("phone", "phone", 50_000)),
        of("theirs", priced("phone-2", "phone", 50_000)),
        priced("case", "case", 2_000),
        priced("cable", "cable", 1_000),
        priced("tea", "tea", 500),
    ]
}

/// Both phones with their case and cable.
fn history() -> Vec<Happening> {
    let mut all = repeated(Purchase, "one", 9, &["phone", "case", "cable"]);
    all.extend(repeated(Purchase, "two", 9, &["phone-2", "case", "cable"]));
    all.extend(repeated(Purchase, "tea", 30, &["tea"]));
    all
}

fn ruled(rules: &[CategoryRule]) -> Build {
    built_with(&Params::default().with_rules(rules.to_vec()), shop(), &history())
}

#[test]
fn a_forbidden_category_is_in_no_list_of_complements_and_in_no_set() {
    let learned = ruled(&[]);
    assert_eq!(companions(&learned, "phone", Complement), ["cable", "case"]);
    assert!(!anchor(&learned, "phone").unwrap().bundles.is_empty());
    let build = ruled(&[rule(None, "phone", "case", Ruling::Forbidden)]);
    for phone in ["phone", "phone-2"] {
        assert_eq!(companions(&build, phone, Complement), ["cable"]);
        assert!(list(&build, phone, Complement).unwrap().refused.category >= 1);
        assert!(
            anchor(&build, phone).unwrap().bundles.is_empty(),
            "one companion is no set"
        );
    }
    let way_back = told(&[rule(None, "phone", "case", Ruling::Forbidden)], "case", "phone").unwrap();
    assert_eq!(way_back.kinship, Kinship::Related, "the way back was not said");
}

#[test]
fn companions_that_a_rule_keeps_apart_share_no_set() {
    for (one, other) in [("case", "cable"), ("cable", "case")] {
        let build = ruled(&[rule(None, one, other, Ruling::Forbidden)]);
        assert_eq!(companions(&build, "phone", Complement), ["cable", "case"]);
        assert!(anchor(&build, "phone").unwrap().bundles.is_empty());
    }
}

#[test]
fn a_shop_speaks_for_its_own_anchors_and_outranks_the_marketplace() {
    let build = ruled(&[
        rule(None, "phone", "case", Ruling::Forbidden),
        rule(Some("ours"), "phone", "case", RELATED),
        rule(Some("ours"), "phone", "tea", RELATED),
        rule(Some("theirs"), "phone", "cable", Ruling::Forbidden),
        rule(Some("nobody"), "phone", "case", RELATED),
    ]);
    let sorted = |id| BTreeSet::from_iter(companions(&build, id, Complement));
    assert_eq!(sorted("phone"), BTreeSet::from(["cable", "case", "tea"]));
    assert_eq!(sorted("phone-2"), BTreeSet::new());
}

#[test]
fn a_band_of_a_rule_stands_in_for_the_learned_one() {
    let mut all = history();
    all.extend(repeated(Purchase, "more", 30, &["phone", "case"]));
    let params = |ruling| Params::default().with_rules(vec![rule(None, "phone", "case", ruling)]);
    let found = |ruling| {
        let build = built_with(&params(ruling), shop(), &all);
        let refused = list(&build, "phone", Complement).unwrap().refused.price;
        (companions(&build, "phone", Complement).contains(&"case"), refused)
    };
    // The case is a twenty-fifth of the phone.
    assert_eq!(found(RELATED), (true, 0));
    assert_eq!(found(Ruling::Priced(band(0.04, 0.04))), (true, 0));
    assert_eq!(found(Ruling::Priced(band(0.5, 2.0))), (false, 1));
    assert_eq!(found(Ruling::Related(Some(band(0.5, 2.0)))), (false, 1));
}

fn told(rules: &[CategoryRule], anchor: &str, companion: &str) -> Option<PairCategories> {
    let facts = facts(shop(), &history());
    let epoch = EpochRecord::freeze(&facts, &Params::default().with_rules(rules.to_vec()));
    let id = |text| ProductId::new(text).unwrap();
    explain_pair(&facts, &epoch, &id(anchor), &id(companion))
        .unwrap()
        .categories
}

#[test]
fn a_pair_is_told_with_the_rule_that_decided_it() {
    let rules = [
        rule(None, "phone", "case", Ruling::Forbidden),
        rule(
            Some("ours"),
            "phone",
            "case",
            Ruling::Related(Some(band(0.02, 0.5))),
        ),
        rule(None, "phone", "tea", RELATED),
    ];
    let kinship = |anchor, companion| told(&rules, anchor, companion).unwrap().kinship;
    assert_eq!(kinship("phone", "case"), Kinship::Curated(Authority::Shop));
    assert_eq!(
        kinship("phone-2", "case"),
        Kinship::Forbidden(Authority::Marketplace)
    );
    assert_eq!(kinship("phone", "tea"), Kinship::Curated(Authority::Marketplace));
    assert_eq!(kinship("phone", "cable"), Kinship::Related);
    assert_eq!(kinship("tea", "case"), Kinship::Unrelated);
    assert_eq!(kinship("phone", "phone-2"), Kinship::Same);
    let banded = told(&rules, "phone", "case").unwrap().band.unwrap();
    assert_eq!((banded.least, banded.most), (0.02, 0.5));
    assert_eq!(banded.source, BandSource::Rule(Authority::Shop));
    assert_eq!(told(&rules, "phone-2", "case").unwrap().band, None);
    let usual = told(&rules, "phone", "cable").unwrap().band.unwrap();
    assert_eq!(usual.source, BandSource::Usual);
}
