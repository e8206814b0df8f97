//! Companions that are lent places of a bestseller's list.

use std::collections::BTreeMap;

use proptest::prelude::*;
use tandem_domain::clock::Timestamp;
use tandem_domain::edge::Source;
use tandem_domain::id::{LinkId, ProductId, ShopId, SurfaceId};
use tandem_domain::link::{AnchorLinks, Link, LinkEffect, LinkInput};
use tandem_domain::overlay::{
    Adjustment, Attach, Deal, DropReason, Explore, Item, Marks, Offer, Order, Overlaid, Rules, Window,
    overlay,
};
use tandem_domain::pace::{Attached, Pace};
use tandem_domain::relation::Relation;
use tandem_domain::stock::{Availability, PolicySet, SellableCount, Standing, Supply};
use tandem_domain::surface::{AttachRules, Surface};

const TODAY: i32 = 20_000;
const ALL: Window = Window {
    offset: 0,
    size: 1_000,
};
const RELATIONS: [Relation; 2] = [Relation::Complement, Relation::Together];

fn product(name: &str) -> ProductId {
    ProductId::new(name).expect("a valid id")
}

fn surface() -> Surface {
    Surface::with_defaults(SurfaceId::new("detail_page").expect("a valid id"))
}

fn offer(name: &str, relation: Relation, score: f32) -> Offer {
    Offer {
        product: product(name),
        relation: Some(relation),
        score,
        source: Source::Learned,
        generated: false,
    }
}

fn bestseller(name: &str) -> Offer {
    Offer {
        relation: None,
        source: Source::Bestseller,
        ..offer(name, Relation::Together, 1.0)
    }
}

/// Eight companions, the best first, and a bestseller.
fn list() -> Vec<Offer> {
    let companions = ["a", "b", "c", "d", "e", "f", "g", "h"].into_iter().zip(0_u8..);
    let mut offers: Vec<Offer> = companions
        .map(|(name, at)| offer(name, Relation::Complement, 1.0 - 0.1 * f32::from(at)))
        .collect();
    offers.push(bestseller("z"));
    offers
}

const fn slow(units: u32) -> Pace {
    Pace {
        since: TODAY - 400,
        sold: Some(units),
        clearance: false,
    }
}

fn paces(slow_ones: &[&str]) -> BTreeMap<ProductId, Pace> {
    slow_ones.iter().map(|name| (product(name), slow(1))).collect()
}

/// A quarter of a list, for what sells fewer than 5 and has at least three tenths of the best score.
const QUARTER: AttachRules = AttachRules {
    share_percent: 25,
    min_score_percent: 30,
    slow_below: Some(5),
    new_days: None,
    clearance: false,
};

struct Case<'a> {
    offers: &'a [Offer],
    marks: &'a Marks,
    attach: Option<Attach<'a>>,
    explore: Option<Explore<'a>>,
    window: Window,
}

fn laid(case: &Case<'_>, stock: impl Fn(&ProductId) -> Availability) -> Overlaid {
    let surface = surface();
    let rules = Rules {
        surface: &surface,
        relations: &RELATIONS,
        order: Order::Relations,
        lead: None,
        window: case.window,
        attach: case.attach,
        explore: case.explore,
        terms: None,
    };
    overlay(case.offers, case.marks, &rules, |_| false, stock)
}

fn plenty(_: &ProductId) -> Availability {
    Availability::of(SellableCount::MANY)
}

fn of<'a>(rules: &'a AttachRules, paces: &'a BTreeMap<ProductId, Pace>) -> Attach<'a> {
    Attach {
        rules,
        paces,
        today: TODAY,
    }
}

fn ids(answer: &Overlaid) -> Vec<&str> {
    let items = answer.items.iter();
    items.map(|item| item.offer.product.as_str()).collect()
}

fn attached(item: &Item) -> Option<Attached> {
    match item.adjusted {
        Some(Adjustment::Attached(kind)) => Some(kind),
        _ => None,
    }
}

fn attached_ids(answer: &Overlaid) -> Vec<&str> {
    let items = answer.items.iter().filter(|item| attached(item).is_some());
    items.map(|item| item.offer.product.as_str()).collect()
}

/// With `list`, under rules and a stock.
fn of_list(
    rules: &AttachRules,
    paces: &BTreeMap<ProductId, Pace>,
    inputs: &[(&str, LinkEffect)],
    stock: impl Fn(&ProductId) -> Availability,
) -> Overlaid {
    let case = Case {
        offers: &list(),
        marks: &marks(inputs),
        attach: Some(of(rules, paces)),
        explore: None,
        window: ALL,
    };
    laid(&case, stock)
}

fn marks(inputs: &[(&str, LinkEffect)]) -> Marks {
    let links = inputs.iter().enumerate().map(|(no, (companion, effect))| Link {
        id: LinkId::new(format!("l{no}")).expect("a valid id"),
        input: LinkInput {
            anchor: product("anchor"),
            companion: product(companion),
            effect: *effect,
            relation: None,
            surface: None,
            valid_from: None,
            valid_until: None,
            reason: String::new(),
        },
        shop: ShopId::new("s").expect("a valid id"),
        author: "someone".into(),
        created: Timestamp::from_ms(0),
        deleted: None,
        version: 1,
    });
    let links = AnchorLinks {
        anchor: product("anchor"),
        version: 1,
        links: links.collect(),
    };
    Marks::of(&links, &surface().id, Timestamp::from_ms(0))
}

#[test]
fn every_fourth_place_goes_to_the_best_slow_mover_behind_it() {
    let answer = of_list(&QUARTER, &paces(&["e", "g", "h"]), &[], plenty);
    // "h" stands at the second one by its own score.
    assert_eq!(ids(&answer), ["a", "b", "c", "e", "d", "f", "g", "h", "z"]);
    assert_eq!(attached_ids(&answer), ["e"]);
    assert_eq!(attached(&answer.items[3]), Some(Attached::Slow));
}

#[test]
fn nothing_is_attached_by_default_or_to_what_is_no_bestseller() {
    let off = of_list(&AttachRules::default(), &paces(&["e"]), &[], plenty);
    let unknown = of_list(&QUARTER, &BTreeMap::new(), &[], plenty);
    for answer in [off, unknown] {
        assert_eq!(ids(&answer), ["a", "b", "c", "d", "e", "f", "g", "h", "z"]);
        assert!(attached_ids(&answer).is_empty());
    }
}

#[test]
fn what_is_hardly_related_or_sells_well_or_has_no_edge_stays_where_it_is() {
    let strict = AttachRules {
        min_score_percent: 60,
        ..QUARTER
    };
    let mut paces = paces(&["f", "g", "z"]);
    paces.insert(product("e"), slow(5));
    let answer = of_list(&strict, &paces, &[], plenty);
    assert!(attached_ids(&answer).is_empty(), "{answer:?}");
}

#[test]
fn what_runs_low_or_is_gone_is_not_attached_and_the_next_one_is() {
    let stock = |product: &ProductId| match product.as_str() {
        "e" => Availability::of(SellableCount::NONE),
        "f" => Availability::Known(Standing::new(
            SellableCount::saturating(3),
            Supply::Low,
            PolicySet::NONE,
        )),
        _ => Availability::of(SellableCount::MANY),
    };
    let answer = of_list(&QUARTER, &paces(&["e", "f", "g"]), &[], stock);
    assert_eq!(ids(&answer)[..5], ["a", "b", "c", "g", "d"]);
    assert_eq!(attached_ids(&answer), ["g"]);
}

#[test]
fn who_earned_a_lent_place_keeps_it() {
    let answer = of_list(&QUARTER, &paces(&["d", "e"]), &[], plenty);
    assert_eq!(ids(&answer)[..5], ["a", "b", "c", "d", "e"]);
    assert!(attached_ids(&answer).is_empty());
}

#[test]
fn merchants_pins_stand_and_what_they_bury_is_not_attached() {
    let links = [
        ("e", LinkEffect::Bury { factor: 0.9 }),
        ("h", LinkEffect::Pin { position: 4 }),
    ];
    let answer = of_list(&QUARTER, &paces(&["e", "g", "h"]), &links, plenty);
    assert_eq!(ids(&answer)[..6], ["a", "b", "c", "h", "g", "d"]);
    assert_eq!(attached_ids(&answer), ["g"]);
}

#[test]
fn what_is_attached_is_not_tried_as_well() {
    let (offers, paces, anchor) = (list(), paces(&["h"]), product("anchor"));
    for shopper in 0..40 {
        let shopper = shopper.to_string();
        let deal = Deal {
            shopper: &shopper,
            day: TODAY,
            anchor: &anchor,
        };
        let case = Case {
            offers: &offers,
            marks: &Marks::default(),
            attach: Some(of(&QUARTER, &paces)),
            explore: Some(Explore { at: 2, deal }),
            window: ALL,
        };
        let answer = laid(&case, plenty);
        let place = ids(&answer).iter().position(|id| *id == "h");
        assert!(place.is_some_and(|place| place >= 3), "{answer:?}");
    }
}

fn any_offers() -> impl Strategy<Value = Vec<Offer>> {
    let source = prop::sample::select(vec![Source::Learned, Source::Attribute, Source::Bestseller]);
    let relation = prop::sample::select(RELATIONS.to_vec());
    let one = ("[a-p]", relation, 0_u8..20, source).prop_map(|(name, relation, score, source)| Offer {
        source,
        relation: (source != Source::Bestseller).then_some(relation),
        ..offer(&name, relation, f32::from(score))
    });
    // A list names a companion once.
    prop::collection::vec(one, 0..40).prop_map(|offers| {
        let once = offers
            .into_iter()
            .map(|offer| ((offer.product.clone(), offer.relation), offer));
        once.collect::<BTreeMap<_, _>>().into_values().collect()
    })
}

fn any_rules() -> impl Strategy<Value = AttachRules> {
    let slow = prop::option::of(1..=20_u32);
    let new = prop::option::of(1..=90_u32);
    (0..=50_u32, 1..=100_u32, slow, new, any::<bool>()).prop_map(
        |(share_percent, min_score_percent, slow_below, new_days, clearance)| AttachRules {
            share_percent,
            min_score_percent,
            slow_below,
            new_days,
            clearance,
        },
    )
}

fn any_paces() -> impl Strategy<Value = BTreeMap<ProductId, Pace>> {
    let pace =
        (0..200_i32, prop::option::of(0..30_u32), any::<bool>()).prop_map(|(age, sold, clearance)| Pace {
            since: TODAY - age,
            sold,
            clearance,
        });
    let one = ("[a-p]".prop_map(|name| product(&name)), pace);
    prop::collection::vec(one, 0..16).prop_map(|paces| paces.into_iter().collect())
}

fn any_stock() -> impl Strategy<Value = BTreeMap<ProductId, Supply>> {
    let one = (
        "[a-p]".prop_map(|name| product(&name)),
        prop::sample::select(Supply::ALL.to_vec()),
    );
    prop::collection::vec(one, 0..12).prop_map(|supplies| supplies.into_iter().collect())
}

fn any_links() -> impl Strategy<Value = Vec<(String, LinkEffect)>> {
    let effect = prop_oneof![
        (1..9_u32).prop_map(|position| LinkEffect::Pin { position }),
        Just(LinkEffect::Exclude),
        Just(LinkEffect::Bury { factor: 0.5 }),
        Just(LinkEffect::Boost { factor: 2.0 }),
    ];
    prop::collection::vec(("[a-p]", effect), 0..4)
}

/// The best score of a relation and that of one companion in it, by edges alone.
fn edges(offers: &[Offer], item: &Item) -> Option<(f32, f32)> {
    let of_relation = offers
        .iter()
        .filter(|offer| offer.source != Source::Bestseller && offer.relation == item.offer.relation);
    let best = of_relation.clone().map(|offer| offer.score).fold(0.0, f32::max);
    let mut own = of_relation.filter(|offer| offer.product == item.offer.product);
    own.next().map(|offer| (best, offer.score))
}

proptest! {
    #[test]
    fn the_bounds_hold_for_any_list(
        offers in any_offers(), rules in any_rules(), paces in any_paces(), supplies in any_stock(),
        links in any_links(), size in 1..9_usize,
    ) {
        let links: Vec<(&str, LinkEffect)> = links.iter().map(|(name, effect)| (name.as_str(), *effect)).collect();
        let marks = marks(&links);
        let stock = |product: &ProductId| match supplies.get(product) {
            Some(Supply::Out) => Availability::of(SellableCount::NONE),
            Some(supply) => Availability::Known(Standing::new(SellableCount::saturating(9), *supply, PolicySet::NONE)),
            None => plenty(product),
        };
        let case = |attach, window| laid(&Case { offers: &offers, marks: &marks, attach, explore: None, window }, stock);
        let usual = case(None, ALL);
        let answer = case(Some(of(&rules, &paces)), ALL);

        // Nobody comes or goes, pins keep their places, and who is neither pinned nor attached its order.
        let mut sorted = [ids(&usual), ids(&answer)];
        sorted.iter_mut().for_each(|ids| ids.sort_unstable());
        prop_assert_eq!(&sorted[0], &sorted[1]);
        let lent = attached_ids(&answer);
        let is_pinned = |id: &str| marks.pins().iter().any(|pin| pin.product.as_str() == id);
        let rest = |answer: &Overlaid| -> Vec<String> {
            let rest = ids(answer).into_iter().filter(|id| !lent.contains(id) && !is_pinned(id));
            rest.map(str::to_owned).collect()
        };
        prop_assert_eq!(rest(&usual), rest(&answer));
        for (at, id) in ids(&usual).into_iter().enumerate().filter(|(_, id)| is_pinned(id)) {
            prop_assert_eq!(ids(&answer)[at], id);
        }

        // The share, of every beginning of the list.
        let share = usize::try_from(rules.share_percent).expect("small");
        let mut count = 0;
        for (at, item) in answer.items.iter().enumerate() {
            count += usize::from(attached(item).is_some());
            prop_assert!(count * 100 <= share * (at + 1), "{count} of {}", at + 1);
        }

        // Relevance, stock and reason.
        for item in &answer.items {
            let Some(kind) = attached(item) else { continue };
            let (best, own) = edges(&offers, item).expect("an edge leads there");
            #[expect(clippy::cast_precision_loss, reason = "percents are small")]
            let least = best * (rules.min_score_percent as f32 / 100.0);
            prop_assert!(own >= least && own > 0.0, "{own} of {best}");
            prop_assert_eq!(item.vouched.supply, Some(Supply::Plenty));
            let pace = paces[&item.offer.product];
            prop_assert_eq!(rules.kind(&pace, TODAY), Some(kind));
        }

        // The same again, and page by page.
        prop_assert_eq!(&case(Some(of(&rules, &paces)), ALL), &answer);
        let mut paged = Vec::new();
        for offset in (0..answer.items.len()).step_by(size) {
            paged.extend(case(Some(of(&rules, &paces)), Window { offset, size }).items);
        }
        prop_assert_eq!(&paged, &answer.items);
        prop_assert!(answer.dropped.iter().all(|dropped| dropped.reason != DropReason::BelowLimit));
    }
}
