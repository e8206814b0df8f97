//! Mending bundles, against a naive recomputation and one rule at a time.

use std::collections::{BTreeSet, HashMap, HashSet};

use proptest::prelude::*;
use tandem_domain::bundle::{BundleMember, LearnedBundle};
use tandem_domain::id::ProductId;
use tandem_domain::mend::{Anchor, FEWEST_COMPANIONS, MendedSet, mend, mend_all};
use tandem_domain::stock::SellableCount;

fn product(name: &str) -> ProductId {
    ProductId::new(name).expect("a valid id")
}

fn member(name: &str, alternates: &[&str]) -> BundleMember {
    BundleMember {
        product: product(name),
        role: format!("role of {name}"),
        support: 9,
        alternates: alternates.iter().map(|name| product(name)).collect(),
    }
}

fn bundle(members: Vec<BundleMember>) -> LearnedBundle {
    LearnedBundle {
        members,
        score: 1.0,
        support: 4,
        anchor_count: 20,
        generated: false,
    }
}

fn stocked(counts: &[(&'static str, u64)]) -> impl Fn(&ProductId) -> Option<SellableCount> {
    let counts: HashMap<&str, u64> = counts.iter().copied().collect();
    move |product| {
        let units = counts.get(product.as_str()).copied().unwrap_or(10);
        (units > 0).then(|| SellableCount::saturating(units))
    }
}

fn anchor(product: &ProductId) -> Anchor<'_> {
    Anchor {
        product,
        sellable: Some(SellableCount::saturating(8)),
    }
}

fn names(set: &MendedSet) -> Vec<&str> {
    set.parts.iter().map(|part| part.product.as_str()).collect()
}

#[test]
fn a_sold_out_part_is_replaced_by_its_first_sellable_stand_in_and_comes_back() {
    let a = product("a");
    let bundle = bundle(vec![member("x", &["x1", "x2"]), member("y", &[])]);
    let whole = mend(&bundle, anchor(&a), stocked(&[])).unwrap();
    assert!(whole.is_as_learned());
    let mended = mend(&bundle, anchor(&a), stocked(&[("x", 0), ("x1", 0), ("x2", 3)])).unwrap();
    assert_eq!(names(&mended), ["x2", "y"]);
    assert_eq!(mended.parts[0].replaces, Some(product("x")));
    assert_eq!(
        (mended.parts[0].role.as_str(), mended.parts[0].support),
        ("role of x", 0)
    );
    assert!(!mended.is_as_learned());
    assert_eq!(mended.sellable, SellableCount::saturating(3));
    assert_eq!(mend(&bundle, anchor(&a), stocked(&[])).unwrap(), whole);
}

#[test]
fn a_part_without_stand_in_is_left_out_down_to_two_companions() {
    let a = product("a");
    let three = bundle(vec![member("x", &[]), member("y", &[]), member("z", &[])]);
    let shrunk = mend(&three, anchor(&a), stocked(&[("y", 0)])).unwrap();
    assert_eq!(names(&shrunk), ["x", "z"]);
    assert!(!shrunk.is_as_learned());
    assert_eq!(mend(&three, anchor(&a), stocked(&[("y", 0), ("z", 0)])), None);
}

#[test]
fn an_anchor_that_cannot_be_bought_has_no_sets() {
    let a = product("a");
    let gone = Anchor {
        product: &a,
        sellable: None,
    };
    assert_eq!(
        mend(
            &bundle(vec![member("x", &[]), member("y", &[])]),
            gone,
            stocked(&[])
        ),
        None
    );
}

#[test]
fn the_count_is_that_of_the_scarcest_part_the_anchor_included() {
    let a = product("a");
    let bundle = bundle(vec![member("x", &[]), member("y", &[])]);
    assert_eq!(mend(&bundle, anchor(&a), stocked(&[])).unwrap().sellable.get(), 8);
    assert_eq!(
        mend(&bundle, anchor(&a), stocked(&[("y", 5)]))
            .unwrap()
            .sellable
            .get(),
        5
    );
}

#[test]
fn a_stand_in_never_doubles_a_part_further_down_nor_the_anchor() {
    let a = product("a");
    let bundle = bundle(vec![member("x", &["y", "a", "w"]), member("y", &[])]);
    assert_eq!(
        names(&mend(&bundle, anchor(&a), stocked(&[("x", 0)])).unwrap()),
        ["w", "y"]
    );
}

#[test]
fn sets_that_became_the_same_are_shown_once() {
    let a = product("a");
    let bundles = [
        bundle(vec![member("x", &[]), member("y", &[])]),
        bundle(vec![member("z", &["y"]), member("x", &[])]),
    ];
    assert_eq!(mend_all(&bundles, anchor(&a), stocked(&[])).len(), 2);
    let sets = mend_all(&bundles, anchor(&a), stocked(&[("z", 0)]));
    assert_eq!(sets.len(), 1);
    assert!(sets[0].is_as_learned(), "the better one stays");
}

fn any_product() -> impl Strategy<Value = ProductId> {
    (0..10_u8).prop_map(|no| product(&format!("p{no}")))
}

prop_compose! {
    fn any_bundle()(
        members in prop::collection::btree_set(any_product(), 2..=4),
        alternates in prop::collection::vec(prop::collection::vec(any_product(), 0..=5), 4),
    ) -> LearnedBundle {
        let members = members.into_iter().zip(alternates);
        bundle(members.map(|(product, alternates)| BundleMember { role: product.to_string(), product, support: 1, alternates }).collect())
    }
}

type Stock = HashMap<ProductId, u64>;

fn any_stock() -> impl Strategy<Value = Stock> {
    prop::collection::vec(prop_oneof![Just(0), 1..300_u64], 10)
        .prop_map(|units| (0..10).map(|no| product(&format!("p{no}"))).zip(units).collect())
}

fn on_shelf(stock: &Stock) -> impl Fn(&ProductId) -> Option<SellableCount> {
    |product| match stock.get(product) {
        Some(0) | None => None,
        Some(units) => Some(SellableCount::saturating(*units)),
    }
}

/// The same set by brute force, over indexes and plain vectors.
fn naive(bundle: &LearnedBundle, anchor: &ProductId, stock: &Stock) -> Option<Vec<ProductId>> {
    let sells = |product: &ProductId| product != anchor && stock.get(product).is_some_and(|units| *units > 0);
    let mut slots: Vec<Option<ProductId>> = Vec::new();
    for member in &bundle.members {
        slots.push(sells(&member.product).then(|| member.product.clone()));
    }
    for at in 0..slots.len() {
        if slots[at].is_some() {
            continue;
        }
        for alternate in &bundle.members[at].alternates {
            let used = slots.iter().flatten().any(|used| used == alternate);
            if !used && sells(alternate) {
                slots[at] = Some(alternate.clone());
                break;
            }
        }
    }
    let set: Vec<ProductId> = slots.into_iter().flatten().collect();
    (set.len() >= 2 && stock.get(anchor).is_some_and(|units| *units > 0)).then_some(set)
}

proptest! {
    #[test]
    fn the_mended_set_is_the_naive_one(bundle in any_bundle(), stock in any_stock(), a in any_product()) {
        let shelf = on_shelf(&stock);
        let mended = mend(&bundle, Anchor { product: &a, sellable: shelf(&a) }, &shelf);
        let parts = mended.as_ref().map(|set| set.parts.iter().map(|part| part.product.clone()).collect::<Vec<_>>());
        prop_assert_eq!(&parts, &naive(&bundle, &a, &stock));
        if let (Some(set), Some(parts)) = (mended, parts) {
            let scarcest = parts.iter().chain([&a]).map(|part| stock[part].min(255)).min();
            prop_assert_eq!(scarcest, Some(u64::from(set.sellable.get())));
            prop_assert!(set.parts.len() >= FEWEST_COMPANIONS);
            prop_assert_eq!(parts.iter().collect::<HashSet<_>>().len(), parts.len());
        }
    }

    #[test]
    fn stock_that_comes_back_restores_the_set(bundle in any_bundle(), stock in any_stock()) {
        let a = product("anchor");
        let full = |_: &ProductId| Some(SellableCount::MANY);
        let original = mend(&bundle, anchor(&a), full);
        let _ = mend(&bundle, anchor(&a), on_shelf(&stock));
        prop_assert!(original.as_ref().is_some_and(MendedSet::is_as_learned));
        prop_assert_eq!(mend(&bundle, anchor(&a), full), original);
    }

    #[test]
    fn no_two_sets_of_an_answer_hold_the_same_products(
        bundles in prop::collection::vec(any_bundle(), 0..5),
        stock in any_stock(),
    ) {
        let a = product("anchor");
        let sets = mend_all(&bundles, anchor(&a), on_shelf(&stock));
        let distinct: HashSet<BTreeSet<&ProductId>> =
            sets.iter().map(|set| set.parts.iter().map(|part| &part.product).collect()).collect();
        prop_assert_eq!(distinct.len(), sets.len());
    }
}
