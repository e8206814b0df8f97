//! Mending bundles, against a naive recomputation and one rule at a time.

use std::collections::{BTreeSet, HashMap, HashSet};

use proptest::prelude::*;
use tandem_domain::bundle::{BundleMember, FixedBundle, FixedBundleInput, LearnedBundle};
use tandem_domain::clock::Timestamp;
use tandem_domain::id::{FixedBundleId, ProductId, ShopId};
use tandem_domain::mend::{FEWEST_COMPANIONS, MendedSet, Terms, mend, mend_all};
use tandem_domain::overlay::{DropReason, Vouched};
use tandem_domain::stock::{SellableCount, Supply};

fn product(name: &str) -> ProductId {
    ProductId::new(name).expect("a valid id")
}

fn member(name: &str, alternates: &[&str]) -> BundleMember {
    BundleMember {
        product: product(name),
        role: format!("role of {name}"),
        quantity: 1,
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

/// Two units or fewer are low.
fn judged(units: u64) -> Result<Vouched, DropReason> {
    if units == 0 {
        return Err(DropReason::OutOfStock);
    }
    Ok(Vouched {
        sellable: SellableCount::saturating(units),
        supply: Some(if units <= 2 { Supply::Low } else { Supply::Plenty }),
    })
}

fn stocked(counts: &[(&'static str, u64)]) -> impl Fn(&ProductId) -> Result<Vouched, DropReason> {
    let counts: HashMap<&str, u64> = counts.iter().copied().collect();
    move |product| judged(counts.get(product.as_str()).copied().unwrap_or(10))
}

fn anchor(product: &ProductId) -> Terms<'_> {
    Terms {
        anchor: product,
        sellable: Some(SellableCount::saturating(8)),
        replace: None,
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
    assert_eq!(
        mended.parts[0].replaces,
        Some((product("x"), DropReason::OutOfStock))
    );
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
    assert_eq!(shrunk.left_out, [(product("y"), DropReason::OutOfStock)]);
    assert_eq!(mend(&three, anchor(&a), stocked(&[("y", 0), ("z", 0)])), None);
}

#[test]
fn an_anchor_that_cannot_be_bought_has_no_sets() {
    let a = product("a");
    let gone = Terms {
        sellable: None,
        ..anchor(&a)
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
fn a_count_is_the_quotient_by_the_quantity_and_too_few_for_one_set_are_none() {
    let a = product("a");
    let three = BundleMember {
        quantity: 3,
        ..member("x", &["x1"])
    };
    let bundle = bundle(vec![three, member("y", &[])]);
    let set = mend(&bundle, anchor(&a), stocked(&[("x", 7)])).unwrap();
    assert_eq!((set.sellable.get(), set.parts[0].quantity), (2, 3));
    let set = mend(&bundle, anchor(&a), stocked(&[("x", 2), ("x1", 255)])).unwrap();
    assert_eq!(names(&set), ["x1", "y"]);
    assert_eq!(set.sellable.get(), 8, "255 or more is enough for any");
}

#[test]
fn a_part_that_runs_low_is_replaced_in_kind_and_stays_where_nothing_has_more() {
    let a = product("a");
    let bundle = bundle(vec![member("x", &["x1", "x2"]), member("y", &["y1"])]);
    let terms = Terms {
        replace: Some(Supply::Low),
        ..anchor(&a)
    };
    let stock = [("x", 2), ("x1", 1), ("x2", 9), ("y", 1), ("y1", 2)];
    let set = mend(&bundle, terms, stocked(&stock)).unwrap();
    assert_eq!(names(&set), ["x2", "y"]);
    assert_eq!(set.parts[0].replaces, Some((product("x"), DropReason::LowStock)));
    assert_eq!(set.parts[1].supply, Some(Supply::Low));
    assert_eq!(
        names(&mend(&bundle, anchor(&a), stocked(&stock)).unwrap()),
        ["x", "y"],
        "as asked for"
    );
    let gone = mend(&bundle, terms, stocked(&[("y", 0), ("y1", 2)])).unwrap();
    assert_eq!(names(&gone), ["x", "y1"], "little is better than nothing");
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
    assert_eq!(mend_all(&[], &bundles, anchor(&a), stocked(&[])).len(), 2);
    let sets = mend_all(&[], &bundles, anchor(&a), stocked(&[("z", 0)]));
    assert_eq!(sets.len(), 1);
    assert!(sets[0].is_as_learned(), "the better one stays");
}

fn fixed(members: Vec<BundleMember>) -> FixedBundle {
    FixedBundle {
        id: FixedBundleId::new("b1").expect("a valid id"),
        input: FixedBundleInput {
            anchor: product("a"),
            title: "Tea for two".into(),
            members,
        },
        shop: ShopId::new("s").expect("a valid id"),
        author: "someone".into(),
        created: Timestamp::from_ms(1),
    }
}

#[test]
fn a_merchants_set_stands_ahead_of_the_same_learned_one_shrinks_and_is_restored() {
    let a = product("a");
    let own = fixed(vec![member("x", &["x1"]), member("y", &[]), member("z", &[])]);
    let learned = [
        bundle(vec![member("z", &[]), member("y", &[]), member("x", &[])]),
        bundle(vec![member("u", &[]), member("v", &[])]),
    ];
    let shown = |stock: &[(&'static str, u64)]| {
        mend_all(std::slice::from_ref(&own), &learned, anchor(&a), stocked(stock))
    };
    let whole = shown(&[]);
    assert_eq!((whole.len(), names(&whole[0])), (2, vec!["x", "y", "z"]));
    assert_eq!(
        whole[0].fixed.as_ref().map(|(_, title)| title.as_str()),
        Some("Tea for two")
    );
    assert_eq!(whole[1].fixed, None);
    let shrunk = shown(&[("x", 0), ("y", 0)]);
    assert_eq!(names(&shrunk[0]), ["x1", "z"]);
    assert_eq!(shrunk[0].left_out, [(product("y"), DropReason::OutOfStock)]);
    let withdrawn = shown(&[("x", 0), ("x1", 0), ("y", 0)]);
    assert_eq!(names(&withdrawn[0]), ["u", "v"], "fewer than two are no set");
    assert_eq!(shown(&[]), whole);
}

fn any_product() -> impl Strategy<Value = ProductId> {
    (0..10_u8).prop_map(|no| product(&format!("p{no}")))
}

prop_compose! {
    fn any_bundle()(
        members in prop::collection::btree_set(any_product(), 2..=4),
        alternates in prop::collection::vec((prop::collection::vec(any_product(), 0..=5), 1..4_u32), 4),
    ) -> LearnedBundle {
        let members = members.into_iter().zip(alternates);
        bundle(members.map(|(product, (alternates, quantity))| BundleMember {
            role: product.to_string(), quantity, product, support: 1, alternates,
        }).collect())
    }
}

type Stock = HashMap<ProductId, u64>;

fn any_stock() -> impl Strategy<Value = Stock> {
    prop::collection::vec(prop_oneof![Just(0), 1..4_u64, 1..300_u64], 10)
        .prop_map(|units| (0..10).map(|no| product(&format!("p{no}"))).zip(units).collect())
}

fn on_shelf(stock: &Stock) -> impl Fn(&ProductId) -> Result<Vouched, DropReason> {
    |product| judged(stock.get(product).copied().unwrap_or_default())
}

/// The same set by brute force, over indexes and plain vectors.
fn naive(
    bundle: &LearnedBundle,
    anchor: &ProductId,
    stock: &Stock,
    replaced: bool,
) -> Option<Vec<ProductId>> {
    let units = |product: &ProductId| {
        if product == anchor {
            0
        } else {
            stock.get(product).copied().unwrap_or(0)
        }
    };
    // 255 stands for more than anybody counted.
    let sells = |product: &ProductId, quantity: u32| units(product).min(255) >= u64::from(quantity);
    let low = |product: &ProductId| replaced && units(product) <= 2;
    let mut slots: Vec<Option<ProductId>> = Vec::new();
    for member in &bundle.members {
        slots.push(sells(&member.product, member.quantity).then(|| member.product.clone()));
    }
    let first = slots.clone();
    for at in 0..slots.len() {
        let member = &bundle.members[at];
        let suits = |slots: &[Option<ProductId>], alternate: &ProductId| {
            let used = slots.iter().chain(&first).flatten().any(|used| used == alternate);
            !used && sells(alternate, member.quantity)
        };
        let better = member
            .alternates
            .iter()
            .find(|alternate| suits(&slots, alternate) && !low(alternate))
            .cloned();
        let any = member
            .alternates
            .iter()
            .find(|alternate| suits(&slots, alternate))
            .cloned();
        slots[at] = match slots[at].clone() {
            Some(own) if !low(&own) => Some(own),
            Some(own) => Some(better.unwrap_or(own)),
            None => better.or(any),
        };
    }
    let set: Vec<ProductId> = slots.into_iter().flatten().collect();
    (set.len() >= 2 && stock.get(anchor).is_some_and(|units| *units > 0)).then_some(set)
}

proptest! {
    #[test]
    fn the_mended_set_is_the_naive_one(
        bundle in any_bundle(), stock in any_stock(), a in any_product(), replaced in any::<bool>(),
    ) {
        let shelf = on_shelf(&stock);
        let sellable = shelf(&a).ok().map(|vouched| vouched.sellable);
        let terms = Terms { anchor: &a, sellable, replace: replaced.then_some(Supply::Low) };
        let mended = mend(&bundle, terms, &shelf);
        let parts = mended.as_ref().map(|set| set.parts.iter().map(|part| part.product.clone()).collect::<Vec<_>>());
        prop_assert_eq!(&parts, &naive(&bundle, &a, &stock, replaced));
        if let (Some(set), Some(parts)) = (mended, parts) {
            let sets = |part: &tandem_domain::mend::Part| match stock[&part.product] {
                255.. => 255,
                units => units / u64::from(part.quantity),
            };
            let scarcest = set.parts.iter().map(sets).chain([stock[&a].min(255)]).min();
            prop_assert_eq!(set.parts.len() + set.left_out.len(), bundle.members.len());
            prop_assert_eq!(scarcest, Some(u64::from(set.sellable.get())));
            prop_assert!(set.parts.len() >= FEWEST_COMPANIONS);
            prop_assert_eq!(parts.iter().collect::<HashSet<_>>().len(), parts.len());
        }
    }

    #[test]
    fn stock_that_comes_back_restores_the_set(bundle in any_bundle(), stock in any_stock()) {
        let a = product("anchor");
        let full = |_: &ProductId| judged(255);
        let original = mend(&bundle, anchor(&a), full);
        let _ = mend(&bundle, anchor(&a), on_shelf(&stock));
        prop_assert!(original.as_ref().is_some_and(MendedSet::is_as_learned));
        prop_assert_eq!(mend(&bundle, anchor(&a), full), original);
    }

    #[test]
    fn no_two_sets_of_an_answer_hold_as_many_of_the_same_products(
        bundles in prop::collection::vec(any_bundle(), 0..5),
        stock in any_stock(),
    ) {
        let a = product("anchor");
        let sets = mend_all(&[], &bundles, anchor(&a), on_shelf(&stock));
        let held = |set: &MendedSet| set.parts.iter().map(|part| (part.product.clone(), part.quantity)).collect();
        let distinct: HashSet<BTreeSet<(ProductId, u32)>> = sets.iter().map(held).collect();
        prop_assert_eq!(distinct.len(), sets.len());
    }
}
