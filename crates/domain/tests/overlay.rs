//! What a list shows, against a naive recomputation and one rule at a time.

use std::collections::{HashMap, HashSet};

use proptest::prelude::*;
use tandem_domain::catalog::StockPolicy;
use tandem_domain::clock::Timestamp;
use tandem_domain::edge::Source;
use tandem_domain::id::{LinkId, ProductId, ShopId, SurfaceId};
use tandem_domain::link::{AnchorLinks, Link, LinkEffect, LinkInput};
use tandem_domain::overlay::{
    Adjustment, Deal, DropReason, Explore, Footing, Item, Line, Marks, Offer, Order, Overlaid, Rules,
    Vouched, Window, arrange, overlay, vouch,
};
use tandem_domain::relation::Relation;
use tandem_domain::stock::{Availability, PolicySet, SellableCount, Standing, Supply};
use tandem_domain::surface::{AnchorRules, CompanionRules, StockRules, Surface};

const NOW: Timestamp = Timestamp::from_ms(1_000);
const ALL: Window = Window {
    offset: 0,
    size: 1_000,
};

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

fn bestseller(name: &str, score: f32) -> Offer {
    Offer {
        relation: None,
        source: Source::Bestseller,
        ..offer(name, Relation::Together, score)
    }
}

fn link(companion: &str, effect: LinkEffect) -> LinkInput {
    LinkInput {
        anchor: product("a"),
        companion: product(companion),
        effect,
        relation: None,
        surface: None,
        valid_from: None,
        valid_until: None,
        reason: String::new(),
    }
}

fn links(inputs: Vec<LinkInput>) -> AnchorLinks {
    let links = inputs.into_iter().enumerate().map(|(no, input)| Link {
        id: LinkId::new(format!("l{no}")).expect("a valid id"),
        input,
        shop: ShopId::new("s").expect("a valid id"),
        author: "someone".into(),
        created: NOW,
        deleted: None,
        version: 1,
    });
    AnchorLinks {
        anchor: product("a"),
        version: 1,
        links: links.collect(),
    }
}

fn marks(inputs: Vec<LinkInput>) -> Marks {
    Marks::of(&links(inputs), &surface().id, NOW)
}

fn plenty(_: &ProductId) -> Availability {
    Availability::of(SellableCount::MANY)
}

fn nobody(_: &ProductId) -> bool {
    false
}

fn sold_out<'a>(names: &'a [&'a str]) -> impl Fn(&ProductId) -> Availability + 'a {
    |product| match names.contains(&product.as_str()) {
        true => Availability::of(SellableCount::NONE),
        false => Availability::of(SellableCount::saturating(7)),
    }
}

fn rules<'a>(surface: &'a Surface, relations: &'a [Relation], window: Window) -> Rules<'a> {
    Rules {
        surface,
        relations,
        order: Order::Relations,
        lead: None,
        window,
        attach: None,
        explore: None,
        terms: None,
    }
}

fn ids(answer: &Overlaid) -> Vec<&str> {
    answer
        .items
        .iter()
        .map(|item| item.offer.product.as_str())
        .collect()
}

fn reason(answer: &Overlaid, name: &str) -> Option<DropReason> {
    let dropped = answer
        .dropped
        .iter()
        .find(|dropped| dropped.product.as_str() == name);
    dropped.map(|dropped| dropped.reason)
}

const RELATIONS: [Relation; 2] = [Relation::Complement, Relation::Together];

fn lists() -> Vec<Offer> {
    vec![
        offer("t1", Relation::Together, 90.0),
        offer("c1", Relation::Together, 80.0),
        offer("c1", Relation::Complement, 0.9),
        offer("c2", Relation::Complement, 0.8),
        offer("c3", Relation::Complement, 0.7),
        bestseller("b1", 5.0),
        bestseller("t1", 4.0),
    ]
}

#[test]
fn relations_follow_each_other_as_asked_and_the_fallback_follows_them() {
    let surface = surface();
    let answer = overlay(
        &lists(),
        &Marks::default(),
        &rules(&surface, &RELATIONS, ALL),
        nobody,
        plenty,
    );
    assert_eq!(ids(&answer), ["c1", "c2", "c3", "t1", "b1"]);
    assert_eq!(
        reason(&answer, "t1"),
        Some(DropReason::Duplicate),
        "as a bestseller"
    );
    assert!(!answer.more);
    let swapped = [Relation::Together, Relation::Complement];
    let answer = overlay(
        &lists(),
        &Marks::default(),
        &rules(&surface, &swapped, ALL),
        nobody,
        plenty,
    );
    assert_eq!(ids(&answer), ["t1", "c1", "c2", "c3", "b1"]);
}

#[test]
fn a_sold_out_companion_is_replaced_by_the_next_and_returns_with_its_stock() {
    let surface = surface();
    let rules = rules(&surface, &RELATIONS, Window { offset: 0, size: 2 });
    let before = overlay(&lists(), &Marks::default(), &rules, nobody, plenty);
    assert_eq!(ids(&before), ["c1", "c2"]);
    assert!(before.more);
    assert_eq!(reason(&before, "c3"), Some(DropReason::BelowLimit));
    let without = overlay(&lists(), &Marks::default(), &rules, nobody, sold_out(&["c1"]));
    assert_eq!(ids(&without), ["c2", "c3"]);
    assert_eq!(reason(&without, "c1"), Some(DropReason::OutOfStock));
    assert_eq!(
        overlay(&lists(), &Marks::default(), &rules, nobody, plenty),
        before
    );
}

#[test]
fn a_withheld_answer_says_so_of_every_item() {
    let surface = surface();
    let rules = rules(&surface, &RELATIONS, Window { offset: 0, size: 2 });
    let answer = overlay(&lists(), &Marks::default(), &rules, nobody, plenty).withheld();
    assert!(answer.items.is_empty() && !answer.more);
    assert_eq!(reason(&answer, "c2"), Some(DropReason::StaleStock));
    assert_eq!(reason(&answer, "c3"), Some(DropReason::BelowLimit));
}

#[test]
fn every_hard_filter_names_itself() {
    let surface = surface();
    let states = |product: &ProductId| match product.as_str() {
        "c1" => Availability::Unknown,
        "c2" => Availability::Delisted,
        _ => Availability::of(SellableCount::MANY),
    };
    let unwanted = |product: &ProductId| product.as_str() == "c3";
    let marks = marks(vec![link("b1", LinkEffect::Exclude)]);
    let answer = overlay(
        &lists(),
        &marks,
        &rules(&surface, &RELATIONS, ALL),
        unwanted,
        states,
    );
    assert_eq!(ids(&answer), ["t1"]);
    assert_eq!(reason(&answer, "c1"), Some(DropReason::UnknownStock));
    assert_eq!(reason(&answer, "c2"), Some(DropReason::Delisted));
    assert_eq!(reason(&answer, "c3"), Some(DropReason::ExcludedByRequest));
    assert_eq!(reason(&answer, "b1"), Some(DropReason::ExcludedByMerchant));
}

#[test]
fn a_surface_may_show_unknown_stock_but_no_count_of_it() {
    let mut surface = surface();
    assert_eq!(
        vouch(Availability::Unknown, &surface),
        Err(DropReason::UnknownStock)
    );
    surface.show_unknown_stock = true;
    assert_eq!(
        vouch(Availability::Unknown, &surface),
        Ok(Vouched {
            sellable: SellableCount::NONE,
            supply: None
        })
    );
    let none_left = Availability::of(SellableCount::NONE);
    assert_eq!(vouch(none_left, &surface), Err(DropReason::OutOfStock));
}

#[test]
fn a_pin_stands_at_its_place_ahead_of_what_was_learned() {
    let surface = surface();
    let marks = marks(vec![
        link("c3", LinkEffect::Pin { position: 1 }),
        link("new", LinkEffect::Pin { position: 3 }),
    ]);
    let rules = rules(&surface, &RELATIONS, ALL);
    let answer = overlay(&lists(), &marks, &rules, nobody, plenty);
    assert_eq!(ids(&answer), ["c3", "c1", "new", "c2", "t1", "b1"]);
    let pinned = &answer.items[0].offer;
    assert_eq!(
        (pinned.source, pinned.relation),
        (Source::Manual, Some(Relation::Complement))
    );
    let answer = overlay(&lists(), &marks, &rules, nobody, sold_out(&["c3"]));
    assert_eq!(
        ids(&answer),
        ["c1", "c2", "new", "t1", "b1"],
        "a pin is no promise of stock"
    );
}

#[test]
fn pins_at_one_position_follow_each_other_and_a_far_one_stands_last() {
    let surface = surface();
    let marks = marks(vec![
        link("x", LinkEffect::Pin { position: 2 }),
        link("y", LinkEffect::Pin { position: 2 }),
        link("z", LinkEffect::Pin { position: 99 }),
    ]);
    let answer = overlay(
        &lists(),
        &marks,
        &rules(&surface, &RELATIONS, ALL),
        nobody,
        plenty,
    );
    assert_eq!(ids(&answer), ["c1", "x", "y", "c2", "c3", "t1", "b1", "z"]);
}

#[test]
fn an_exclusion_outranks_a_pin_and_a_boost() {
    let surface = surface();
    let marks = marks(vec![
        link("c1", LinkEffect::Pin { position: 1 }),
        link("c1", LinkEffect::Boost { factor: 100.0 }),
        link("c1", LinkEffect::Exclude),
    ]);
    let answer = overlay(
        &lists(),
        &marks,
        &rules(&surface, &RELATIONS, ALL),
        nobody,
        plenty,
    );
    assert_eq!(ids(&answer), ["c2", "c3", "t1", "b1"]);
}

#[test]
fn boost_and_bury_move_inside_a_relation_and_a_boost_adds_at_the_end_of_the_learned() {
    let surface = surface();
    let marks = marks(vec![
        link("c3", LinkEffect::Boost { factor: 2.0 }),
        link("c1", LinkEffect::Bury { factor: 0.1 }),
        link("new", LinkEffect::Boost { factor: 2.0 }),
        link("never", LinkEffect::Bury { factor: 0.5 }),
    ]);
    let answer = overlay(
        &lists(),
        &marks,
        &rules(&surface, &RELATIONS, ALL),
        nobody,
        plenty,
    );
    assert_eq!(ids(&answer), ["c3", "c2", "c1", "t1", "new", "b1"]);
    let added = answer
        .items
        .iter()
        .find(|item| item.offer.product.as_str() == "new")
        .unwrap();
    assert_eq!(added.offer.source, Source::Manual);
}

#[test]
fn a_link_holds_in_its_relation_on_its_surface_in_its_window_and_while_it_lives() {
    let holds = |change: fn(&mut Link)| {
        let mut links = links(vec![link("c1", LinkEffect::Exclude)]);
        change(&mut links.links[0]);
        let marks = Marks::of(&links, &surface().id, NOW);
        marks.excludes(&product("c1"), Some(Relation::Complement))
    };
    assert!(holds(|_| {}));
    assert!(holds(|link| link.input.relation = Some(Relation::Complement)));
    assert!(!holds(|link| link.input.relation = Some(Relation::Together)));
    assert!(holds(
        |link| link.input.surface = Some(SurfaceId::new("detail_page").unwrap())
    ));
    assert!(!holds(
        |link| link.input.surface = Some(SurfaceId::new("cart").unwrap())
    ));
    assert!(holds(|link| link.input.valid_from = Some(NOW)));
    assert!(!holds(
        |link| link.input.valid_from = Some(Timestamp::from_ms(1_001))
    ));
    assert!(holds(
        |link| link.input.valid_until = Some(Timestamp::from_ms(1_001))
    ));
    assert!(
        !holds(|link| link.input.valid_until = Some(NOW)),
        "the end is exclusive"
    );
    assert!(!holds(|link| link.deleted = Some(NOW)));
}

#[test]
fn a_chain_without_a_manual_step_obeys_exclusions_alone() {
    let mut surface = surface();
    surface.fallback = vec![Source::Learned];
    let marks = marks(vec![
        link("c3", LinkEffect::Pin { position: 1 }),
        link("c2", LinkEffect::Boost { factor: 9.0 }),
        link("t1", LinkEffect::Exclude),
    ]);
    let answer = overlay(
        &lists(),
        &marks,
        &rules(&surface, &RELATIONS, ALL),
        nobody,
        plenty,
    );
    assert_eq!(
        ids(&answer),
        ["c1", "c2", "c3"],
        "and bestsellers are no step of it"
    );
}

/// A world of few products, so that they meet often.
#[derive(Debug, Clone)]
struct World {
    offers: Vec<Offer>,
    links: AnchorLinks,
    states: HashMap<ProductId, Availability>,
    excluded: HashSet<ProductId>,
    relations: Vec<Relation>,
    surface: Surface,
    lead: Option<Relation>,
}

fn names(items: &[Item]) -> Vec<&str> {
    items.iter().map(|item| item.offer.product.as_str()).collect()
}

#[test]
fn one_place_is_dealt_among_the_learned_companions_from_there_on() {
    let surface = surface();
    let offers = [
        offer("a", Relation::Together, 5.0),
        offer("b", Relation::Together, 4.0),
        offer("gone", Relation::Together, 3.0),
        offer("c", Relation::Together, 2.0),
        offer("d", Relation::Together, 1.0),
        bestseller("z", 1.0),
    ];
    let (relations, anchor) = ([Relation::Together], product("anchor"));
    let list = |at: u32, shopper: &str, marks: &Marks| {
        let deal = Deal {
            shopper,
            day: 20_000,
            anchor: &anchor,
        };
        let rules = Rules {
            attach: None,
            explore: Some(Explore { at, deal }),
            ..rules(&surface, &relations, ALL)
        };
        overlay(&offers, marks, &rules, nobody, sold_out(&["gone"]))
    };
    let none = Marks::default();
    let mut dealt = HashSet::new();
    for shopper in 0..40 {
        let answer = list(2, &shopper.to_string(), &none);
        let shown = names(&answer.items);
        assert_eq!((shown[0], shown[4]), ("a", "z"));
        let explored: Vec<_> = answer.items.iter().map(|item| item.explored).collect();
        assert_eq!(explored, [None, Some(3), None, None, None]);
        let others: Vec<&str> = shown[2..4].to_vec();
        assert!(others.is_sorted(), "the others keep their order: {shown:?}");
        dealt.insert(shown[1].to_owned());
    }
    assert_eq!(dealt, ["b", "c", "d"].map(str::to_owned).into());
    let nothing = |answer: &Overlaid| answer.items.iter().all(|item| item.explored.is_none());
    assert!(
        nothing(&list(4, "somebody", &none)),
        "nobody else could stand there"
    );
    assert!(nothing(&list(5, "somebody", &none)), "a bestseller's place");
    assert!(nothing(&list(50, "somebody", &none)), "behind the list");
    let pinned = marks(vec![link("d", LinkEffect::Pin { position: 2 })]);
    let answer = list(2, "somebody", &pinned);
    assert_eq!(names(&answer.items), ["a", "d", "b", "c", "z"]);
    assert!(nothing(&answer), "a merchant's place");
}

fn low(units: u64) -> Availability {
    let units = SellableCount::saturating(units);
    Availability::Known(Standing::new(units, Supply::Low, PolicySet::NONE))
}

fn when_low(stock: StockRules) -> Surface {
    Surface { stock, ..surface() }
}

#[test]
fn a_companion_that_runs_low_stands_behind_all_others_and_says_so() {
    let demote = CompanionRules {
        demote: Some(Supply::Low),
        ..CompanionRules::default()
    };
    let surface = when_low(StockRules {
        companion: demote,
        ..StockRules::default()
    });
    let offers = [
        offer("x", Relation::Together, 3.0),
        offer("y", Relation::Together, 2.0),
        bestseller("z", 1.0),
    ];
    let stock = |product: &ProductId| {
        if product.as_str() == "x" {
            low(2)
        } else {
            plenty(product)
        }
    };
    let relations = [Relation::Together];
    let rules = rules(&surface, &relations, ALL);
    let answer = overlay(&offers, &Marks::default(), &rules, nobody, stock);
    assert_eq!(names(&answer.items), ["y", "z", "x"]);
    let last = &answer.items[2];
    assert_eq!(
        (last.adjusted, last.vouched.supply),
        (Some(Adjustment::Demoted), Some(Supply::Low))
    );
    let pinned = marks(vec![link("x", LinkEffect::Pin { position: 1 })]);
    let answer = overlay(&offers, &pinned, &rules, nobody, stock);
    assert_eq!(names(&answer.items), ["x", "y", "z"], "a merchant's pin stays");
    assert_eq!(answer.items[0].adjusted, None);
}

#[test]
fn a_companion_that_runs_low_is_dropped_with_its_reason() {
    let drop = CompanionRules {
        drop: Some(Supply::Low),
        ..CompanionRules::default()
    };
    let surface = when_low(StockRules {
        companion: drop,
        ..StockRules::default()
    });
    let offers = [
        offer("x", Relation::Together, 3.0),
        offer("y", Relation::Together, 2.0),
    ];
    let stock = |product: &ProductId| {
        if product.as_str() == "x" {
            low(2)
        } else {
            plenty(product)
        }
    };
    let relations = [Relation::Together];
    let answer = overlay(
        &offers,
        &Marks::default(),
        &rules(&surface, &relations, ALL),
        nobody,
        stock,
    );
    assert_eq!(names(&answer.items), ["y"]);
    assert_eq!(answer.dropped[0].reason, DropReason::LowStock);
}

#[test]
fn substitutes_lead_whatever_step_they_come_from_when_the_anchor_runs_low() {
    let anchor = AnchorRules {
        lead_with_substitutes: Some(Supply::Low),
        hide: Some(Supply::Out),
        ..AnchorRules::default()
    };
    let surface = when_low(StockRules {
        anchor,
        ..StockRules::default()
    });
    let footing = Footing::of(low(3), &surface);
    assert_eq!(
        (footing.lead, footing.hidden),
        (Some(Relation::Substitute), false)
    );
    assert_eq!(
        Footing::of(Availability::of(SellableCount::MANY), &surface).lead,
        None
    );
    assert_eq!(
        Footing::of(Availability::Unknown, &surface).lead,
        None,
        "nothing is known"
    );
    assert!(Footing::of(Availability::of(SellableCount::NONE), &surface).hidden);
    let cold = Offer {
        source: Source::Attribute,
        ..offer("s", Relation::Substitute, 0.1)
    };
    let offers = [offer("x", Relation::Together, 3.0), cold];
    let relations = [Relation::Together];
    let rules = Rules {
        lead: footing.lead,
        ..rules(&surface, &relations, ALL)
    };
    let answer = overlay(&offers, &Marks::default(), &rules, nobody, plenty);
    assert_eq!(names(&answer.items), ["s", "x"]);
    assert_eq!(answer.items[0].adjusted, Some(Adjustment::Leads));
    let held = answer.held_back(DropReason::AnchorLow);
    assert!(
        held.items.is_empty()
            && held
                .dropped
                .iter()
                .all(|dropped| dropped.reason == DropReason::AnchorLow)
    );
}

#[test]
fn a_surface_shows_what_it_counts() {
    let only_now = PolicySet::of(StockPolicy::Tracked);
    let surface = when_low(StockRules {
        counts: only_now,
        ..StockRules::default()
    });
    let later = Standing::new(
        SellableCount::NONE,
        Supply::Out,
        PolicySet::of(StockPolicy::PreOrder),
    );
    let later = Availability::Known(later);
    assert_eq!(vouch(later, &surface), Err(DropReason::OutOfStock));
    let everywhere = vouch(later, &when_low(StockRules::default())).expect("a pre-order");
    assert_eq!(everywhere.sellable, SellableCount::MANY);
}

fn any_product() -> impl Strategy<Value = ProductId> {
    (0..12_u8).prop_map(|no| product(&format!("p{no}")))
}

fn any_state() -> impl Strategy<Value = Availability> {
    let supply = prop::sample::select(vec![
        Supply::Plenty,
        Supply::Plenty,
        Supply::Low,
        Supply::Critical,
    ]);
    let known = (1..300_u64, supply, 0..16_u8).prop_map(|(units, supply, policies)| {
        // Most products are counted and nothing else.
        let uncounted =
            PolicySet::from_bits(if policies < 12 { 0 } else { policies }).expect("four policies");
        Availability::Known(Standing::new(SellableCount::saturating(units), supply, uncounted))
    });
    prop_oneof![
        1 => Just(Availability::Unknown),
        1 => Just(Availability::Delisted),
        2 => Just(Availability::of(SellableCount::NONE)),
        6 => known,
    ]
}

fn any_rule() -> impl Strategy<Value = Option<Supply>> {
    prop::option::weighted(0.3, prop::sample::select(vec![Supply::Low, Supply::Critical]))
}

prop_compose! {
    fn any_stock_rules()(demote in any_rule(), drop in any_rule(), counts in 1..16_u8) -> StockRules {
        StockRules {
            // Mostly all of them, so that there is something to sell.
            counts: PolicySet::from_bits(if counts < 10 { 15 } else { counts }).expect("four policies"),
            companion: CompanionRules { demote, replace: None, drop },
            ..StockRules::default()
        }
    }
}

fn any_offer() -> impl Strategy<Value = Offer> {
    let source = prop_oneof![
        Just(Source::Learned),
        Just(Source::Attribute),
        Just(Source::Bestseller)
    ];
    let relation = prop::sample::select(Relation::ALL.to_vec());
    (any_product(), relation, 0..6_u8, source).prop_map(|(product, relation, score, source)| Offer {
        product,
        relation: (source != Source::Bestseller).then_some(relation),
        score: f32::from(score),
        source,
        generated: false,
    })
}

fn any_link() -> impl Strategy<Value = LinkInput> {
    let effect = prop_oneof![
        (1..6_u32).prop_map(|position| LinkEffect::Pin { position }),
        Just(LinkEffect::Boost { factor: 2.5 }),
        Just(LinkEffect::Bury { factor: 0.4 }),
        Just(LinkEffect::Exclude),
    ];
    let relation = prop::option::of(prop::sample::select(Relation::ALL.to_vec()));
    (any_product(), effect, relation).prop_map(|(companion, effect, relation)| LinkInput {
        companion,
        relation,
        ..link("x", effect)
    })
}

prop_compose! {
    fn any_world()(
        offers in prop::collection::vec(any_offer(), 0..40),
        inputs in prop::collection::vec(any_link(), 0..5),
        states in prop::collection::hash_map(any_product(), any_state(), 0..12),
        excluded in prop::collection::hash_set(any_product(), 0..3),
        relations in prop::sample::subsequence(Relation::ALL.to_vec(), 1..6).prop_shuffle(),
        chain in prop::sample::subsequence(vec![Source::Manual, Source::Learned, Source::Attribute, Source::Bestseller], 1..=4),
        show_unknown_stock in any::<bool>(),
        stock in any_stock_rules(),
        lead in prop::option::weighted(0.3, Just(Relation::Substitute)),
    ) -> World {
        let surface = Surface { fallback: chain, show_unknown_stock, stock, ..surface() };
        World { offers, links: links(inputs), states, excluded, relations, surface, lead }
    }
}

impl World {
    fn answer(&self, window: Window) -> Overlaid {
        let marks = Marks::of(&self.links, &self.surface.id, NOW);
        let excluded = |product: &ProductId| self.excluded.contains(product);
        overlay(&self.offers, &marks, &self.rules(window), excluded, |p| {
            self.state(p)
        })
    }

    fn rules(&self, window: Window) -> Rules<'_> {
        Rules {
            lead: self.lead,
            ..rules(&self.surface, &self.relations, window)
        }
    }

    fn state(&self, product: &ProductId) -> Availability {
        self.states
            .get(product)
            .copied()
            .unwrap_or(Availability::of(SellableCount::MANY))
    }

    fn shown(&self, product: &ProductId, relation: Option<Relation>) -> bool {
        let unlinked = self.links.links.iter().any(|link| {
            link.input.effect == LinkEffect::Exclude
                && link.input.companion == *product
                && (link.input.relation.is_none() || link.input.relation == relation)
        });
        let stocked = match self.state(product) {
            Availability::Known(standing) => {
                let (units, supply) = standing.under(self.surface.stock.counts);
                let dropped = self.surface.stock.companion.drop;
                units.can_be_bought() && dropped.is_none_or(|from| supply < from)
            }
            Availability::Unknown => self.surface.show_unknown_stock,
            Availability::Delisted => false,
        };
        !self.excluded.contains(product) && !unlinked && stocked
    }

    /// The same page from a line that was worked out without stock, looking no further than the page and one more.
    fn laid(&self, window: Window) -> (Vec<Item>, bool) {
        let marks = Marks::of(&self.links, &self.surface.id, NOW);
        let rules = self.rules(ALL);
        let line = Line::of(&self.offers, &marks, &rules, nobody);
        let pass = |offer: &Offer| {
            let vouched = vouch(self.state(&offer.product), &self.surface).ok()?;
            let wanted = !self.excluded.contains(&offer.product);
            let adjusted = vouched.adjustment(&self.surface, rules.leads(offer));
            let offer = offer.clone();
            wanted.then_some(Item {
                offer,
                vouched,
                adjusted,
                explored: None,
            })
        };
        let end = window.offset + window.size;
        let passed = || line.offers.iter().filter_map(pass);
        let is_demoted = |item: &Item| item.adjusted == Some(Adjustment::Demoted);
        let mut items: Vec<Item> = passed().filter(|item| !is_demoted(item)).take(end + 1).collect();
        if items.len() <= end {
            items.extend(passed().filter(is_demoted));
        }
        let pinned = |offer: &Offer| {
            Some(Item {
                adjusted: None,
                explored: None,
                ..pass(offer)?
            })
        };
        let pins = line.pins.iter();
        arrange(
            &mut items,
            pins.filter_map(|(position, offer)| Some((*position, pinned(offer)?))),
        );
        let more = items.len() > end;
        items.truncate(end);
        items.drain(..window.offset.min(items.len()));
        (items, more)
    }

    /// The same answer by brute force: walks the steps and picks the best of what is left, one at a time.
    fn naive(&self) -> Vec<ProductId> {
        let manual = self.surface.fallback.contains(&Source::Manual);
        let mut line: Vec<(ProductId, Option<Relation>)> = Vec::new();
        let leads = |offer: &Offer| self.lead.is_some() && offer.relation == self.lead;
        let mut leading: Vec<Offer> = self.offers.iter().filter(|offer| leads(offer)).cloned().collect();
        leading.retain(|offer| self.surface.fallback.contains(&offer.source));
        while !leading.is_empty() {
            let score = |offer: &Offer| self.weighed(offer, manual).score;
            let mut best = 0;
            for at in 1..leading.len() {
                if score(&leading[at]) > score(&leading[best]) {
                    best = at;
                }
            }
            let offer = leading.remove(best);
            line.push((offer.product, offer.relation));
        }
        for step in &self.surface.fallback {
            let mut places: Vec<Vec<Offer>> = vec![Vec::new(); self.relations.len() + 1];
            for offer in self
                .offers
                .iter()
                .filter(|offer| offer.source == *step && !leads(offer))
            {
                let place = self.relations.iter().position(|r| Some(*r) == offer.relation);
                places[place.unwrap_or(self.relations.len())].push(self.weighed(offer, manual));
            }
            for mut place in places {
                while !place.is_empty() {
                    let mut best = 0;
                    for at in 1..place.len() {
                        if place[at].score > place[best].score {
                            best = at;
                        }
                    }
                    let offer = place.remove(best);
                    line.push((offer.product, offer.relation));
                }
            }
            let end_of_learned = *step == Source::Learned
                || (*step == Source::Manual && !self.surface.fallback.contains(&Source::Learned));
            if manual && end_of_learned {
                line.extend(self.added());
            }
        }
        let mut pins: Vec<(u32, ProductId, Option<Relation>)> = self.pins(manual);
        pins.sort_by_key(|(position, ..)| *position);
        let mut seen = HashSet::new();
        pins.retain(|(_, product, relation)| self.shown(product, *relation) && seen.insert(product.clone()));
        let (mut answer, mut behind): (Vec<ProductId>, Vec<ProductId>) = (Vec::new(), Vec::new());
        for (product, relation) in line {
            if self.shown(&product, relation) && seen.insert(product.clone()) {
                let low = match self.state(&product) {
                    Availability::Known(standing) => {
                        let demote = self.surface.stock.companion.demote;
                        demote.is_some_and(|from| standing.under(self.surface.stock.counts).1 >= from)
                    }
                    _ => false,
                };
                if low {
                    behind.push(product)
                } else {
                    answer.push(product)
                }
            }
        }
        answer.append(&mut behind);
        let mut next = 0;
        for (position, product, _) in pins {
            let at = (position as usize - 1).max(next).min(answer.len());
            answer.insert(at, product);
            next = at + 1;
        }
        answer
    }

    fn weighed(&self, offer: &Offer, manual: bool) -> Offer {
        let mut offer = offer.clone();
        for link in self.links.links.iter().filter(|_| manual) {
            let covers = link.input.relation.is_none() || link.input.relation == offer.relation;
            if link.input.companion == offer.product && covers {
                offer.score *= match link.input.effect {
                    LinkEffect::Boost { factor } | LinkEffect::Bury { factor } => factor,
                    _ => 1.0,
                };
            }
        }
        offer
    }

    fn added(&self) -> Vec<(ProductId, Option<Relation>)> {
        let links = self.links.links.iter().map(|link| &link.input);
        links
            .filter(|input| matches!(input.effect, LinkEffect::Boost { .. }))
            .filter(|input| input.relation.is_none_or(|r| self.relations.contains(&r)))
            .filter(|input| {
                !self
                    .offers
                    .iter()
                    .any(|o| o.product == input.companion && o.source != Source::Bestseller)
            })
            .map(|input| (input.companion.clone(), input.relation))
            .collect()
    }

    fn pins(&self, manual: bool) -> Vec<(u32, ProductId, Option<Relation>)> {
        let links = self.links.links.iter().map(|link| &link.input).filter(|_| manual);
        links
            .filter(|input| input.relation.is_none_or(|r| self.relations.contains(&r)))
            .filter_map(|input| match input.effect {
                LinkEffect::Pin { position } => {
                    let learned = self.offers.iter().find(|o| {
                        o.product == input.companion && input.relation.is_none_or(|r| o.relation == Some(r))
                    });
                    let relation = input.relation.or_else(|| learned.and_then(|o| o.relation));
                    Some((position, input.companion.clone(), relation))
                }
                _ => None,
            })
            .collect()
    }
}

fn products(items: &[Item]) -> Vec<ProductId> {
    items.iter().map(|item| item.offer.product.clone()).collect()
}

proptest! {
    #[test]
    fn the_answer_is_the_naive_one(world in any_world()) {
        prop_assert_eq!(products(&world.answer(ALL).items), world.naive());
    }

    #[test]
    fn pages_join_into_the_whole_and_only_the_last_has_no_next(world in any_world(), size in 1..5_usize) {
        let whole = products(&world.answer(ALL).items);
        let mut joined = Vec::new();
        loop {
            let page = world.answer(Window { offset: joined.len(), size });
            prop_assert!(page.items.len() <= size);
            joined.extend(products(&page.items));
            prop_assert_eq!(page.more, joined.len() < whole.len());
            if !page.more {
                break;
            }
        }
        prop_assert_eq!(joined, whole);
    }

    #[test]
    fn stock_laid_over_a_line_gives_the_same_page(world in any_world(), offset in 0..6_usize, size in 0..6_usize) {
        let window = Window { offset, size };
        let answer = world.answer(window);
        prop_assert_eq!(world.laid(window), (answer.items, answer.more));
    }

    #[test]
    fn links_hold_the_same_for_a_whole_span(
        edges in prop::collection::vec((prop::option::of(0..9_i64), prop::option::of(0..9_i64)), 0..4),
        now in 0..9_i64,
        other in 0..9_i64,
    ) {
        let inputs = edges.iter().enumerate().map(|(no, (from, until))| LinkInput {
            valid_from: from.map(Timestamp::from_ms),
            valid_until: until.map(Timestamp::from_ms),
            ..link(&format!("p{no}"), LinkEffect::Exclude)
        });
        let links = links(inputs.collect());
        let [now, other] = [now, other].map(Timestamp::from_ms);
        let of = |moment| Marks::of(&links, &surface().id, moment);
        let span = Marks::span(&links, &surface().id, now);
        prop_assert!(span.holds(now));
        prop_assert!(!span.holds(other) || of(now) == of(other));
    }

    #[test]
    fn nothing_unbuyable_unwanted_or_doubled_is_shown_and_nothing_vanishes(world in any_world(), size in 0..9_usize) {
        let answer = world.answer(Window { offset: 0, size });
        let mut seen = HashSet::new();
        for item in &answer.items {
            prop_assert!(seen.insert(item.offer.product.clone()));
            prop_assert!(world.shown(&item.offer.product, item.offer.relation));
        }
        let chain = &world.surface.fallback;
        let proposed = world.offers.iter().filter(|offer| chain.contains(&offer.source));
        for offer in proposed {
            let kept = seen.contains(&offer.product);
            let dropped = answer.dropped.iter().any(|dropped| dropped.product == offer.product);
            prop_assert!(kept || dropped, "{:?} has no verdict", offer.product);
        }
        if answer.items.len() < size {
            prop_assert!(answer.dropped.iter().all(|dropped| dropped.reason != DropReason::BelowLimit));
        }
    }

    #[test]
    fn a_flip_and_its_restore_leave_no_trace(world in any_world(), victim in any_product()) {
        let before = world.answer(ALL);
        let mut flipped = world.clone();
        flipped.states.insert(victim.clone(), Availability::of(SellableCount::NONE));
        prop_assert!(!products(&flipped.answer(ALL).items).contains(&victim));
        match world.states.get(&victim) {
            Some(state) => flipped.states.insert(victim, *state),
            None => flipped.states.remove(&victim),
        };
        prop_assert_eq!(flipped.answer(ALL), before);
    }
}
