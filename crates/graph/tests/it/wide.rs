//! Rows with many more companions than go through the gates together: whoever is passed over because nobody asks why must
//! have been sure to find no place.

use tandem_domain::edge::{AnchorEdges, EdgeList, Evidence, GateCounts, Source};
use tandem_domain::event::EventKind;
use tandem_domain::id::{CategoryId, ShopId};
use tandem_domain::relation::Relation;
use tandem_domain::rule::Ruling;
use tandem_graph::params::{BasketWeight, RidgeMix};
use tandem_graph::signals::{Input, Recipe};
use tandem_graph::{EdgeRef, EpochRecord, Facts, Params, ProductFacts, Sheet, build, build_parts};

use crate::market::{Happening, TODAY, die, facts, happening, of_series, priced};
use crate::rules::{RELATED, rule};
use crate::tuning::lending;

/// 3,000 orders and sessions over 100 days, of 700 products of which the first are in most.
fn crowd() -> Vec<Happening> {
    let mut dice = die(11);
    let mut all = Vec::new();
    for number in 0..3000_i64 {
        for step in 0..2 + dice(14) {
            let item = dice(700) * dice(700) / 700;
            for (kind, prefix) in [(EventKind::Purchase, "o"), (EventKind::View, "s")] {
                let mut one = happening(kind, &format!("{prefix}{number}"), &format!("p{item:03}"));
                one.time_ms = (TODAY - 100 + number / 30) * 86_400_000 + number * 1000 + step as i64;
                all.push(one);
            }
        }
    }
    all
}

/// An edge: where it stands, the bits of its scores, and what it rests on.
type Line = (String, String, Relation, u32, [u32; 2], (Source, Evidence));

struct Lines<'a>(&'a Facts, Vec<Line>);

impl Sheet for Lines<'_> {
    fn edges(&mut self, edges: &[EdgeRef]) {
        let name = |item: u32| self.0.ids()[item as usize].to_string();
        self.1.extend(edges.iter().map(|edge| {
            let scores = [edge.score, edge.basket_score].map(f32::to_bits);
            (
                name(edge.anchor),
                name(edge.companion),
                edge.relation,
                edge.rank,
                scores,
                (edge.source, edge.evidence),
            )
        }));
    }
}

fn lines(anchors: &[AnchorEdges]) -> Vec<Line> {
    let mut lines = Vec::new();
    for anchor in anchors {
        for list in &anchor.lists {
            for (edge, rank) in list.edges.iter().zip(1..) {
                let scores = [edge.score, edge.basket_score].map(f32::to_bits);
                let (anchor, companion) = (anchor.anchor.to_string(), edge.companion.to_string());
                let rests_on = (edge.source, edge.evidence);
                lines.push((anchor, companion, list.relation, rank, scores, rests_on));
            }
        }
    }
    lines
}

fn with(change: impl FnOnce(&mut Params)) -> Params {
    let mut params = Params::default();
    change(&mut params);
    params
}

/// Votes by regression alone: a weight counts however little the closed form makes of the pair.
fn lending_alone() -> Params {
    let mut params = lending();
    let ridge = params.together.ridge.as_mut().unwrap();
    (ridge.mix, ridge.penalty) = (RidgeMix::Alone, 1.0);
    params
}

/// What a file gets of a build.
fn sheets(facts: &Facts, epoch: &EpochRecord) -> Vec<Line> {
    let parts = std::sync::Mutex::new(std::collections::BTreeMap::new());
    let take = |number: usize, sheet: Lines<'_>, _| {
        parts.lock().unwrap().insert(number, sheet.1);
        Ok::<(), ()>(())
    };
    build_parts(facts, epoch, || Lines(facts, Vec::new()), take).unwrap();
    parts.into_inner().unwrap().into_values().flatten().collect()
}

#[test]
fn a_sheet_takes_the_edges_of_a_build_though_it_asks_for_no_refusals() {
    let facts = facts(Vec::new(), &crowd());
    let settings = [
        Params::default(),
        lending(),
        lending_alone(),
        with(|params| params.together.significant = false),
        with(|params| params.together.single_mu = 20.0),
        with(|params| params.together.single_weight = Some(BasketWeight::Power(1.0))),
        with(|params| (params.together.beta, params.together.single_beta) = (-0.5, -0.5)),
        with(|params| (params.together.trend, params.together.power) = (1.0, 2.0)),
    ];
    for params in settings {
        let epoch = EpochRecord::freeze(&facts, &params);
        let whole = build(&facts, &epoch, &|_| ()).anchors;
        let many = |anchor: &AnchorEdges| anchor.lists.iter().any(|list| list.refused.rank > 256);
        assert!(whole.iter().filter(|anchor| many(anchor)).count() > 20);
        assert!(sheets(&facts, &epoch) == lines(&whole), "{params:?}");
    }
}

/// The products of [`crowd`]: nine leaves of two shops at all prices, some off sale, some of no known leaf.
fn stalls() -> Vec<ProductFacts> {
    let mut dice = die(5);
    let stall = |item: u64| {
        let (id, price) = (format!("p{item:03}"), 100 + 50 * i64::try_from(dice(60)).unwrap());
        let brand = format!("b{}", dice(20));
        let one = of_series(priced(&id, &format!("l{}", item % 9), price), &brand, None);
        ProductFacts {
            category: one.category.filter(|_| !item.is_multiple_of(11)),
            quality: item.is_multiple_of(3).then_some(dice(100) as f64 / 100.0),
            listed: !item.is_multiple_of(13),
            shop: ShopId::new(if item.is_multiple_of(2) { "left" } else { "right" }).unwrap(),
            ..one
        }
    };
    (0..700).map(stall).collect()
}

#[test]
fn in_gated_lists_too_whoever_is_passed_over_was_sure_to_find_no_place() {
    let mut all = crowd();
    // Fewer looked than bought, else views would refuse whom orders name.
    let mut dice = die(3);
    all.retain(|one| one.kind == EventKind::Purchase || dice(4) == 0);
    // Some put into carts what others bought, and some of that in a scene.
    let bought = all.iter().filter(|one| one.kind == EventKind::Purchase);
    let mut carts: Vec<Happening> = bought.step_by(3).cloned().collect();
    for (number, one) in carts.iter_mut().enumerate() {
        one.kind = EventKind::Cart;
        one.user = Some(format!("u{}", number / 12));
        one.scene = (number / 12 % 2 == 0).then(|| format!("live{}", number / 600));
    }
    all.extend(carts);
    let unviewed: Vec<Happening> = all
        .iter()
        .filter(|one| one.kind != EventKind::View)
        .cloned()
        .collect();
    let complement = |change: fn(&mut Recipe)| {
        with(|params| {
            let recipes = params.recipes.iter_mut();
            let mut complements = recipes.filter(|recipe| recipe.relation == Relation::Complement);
            change(complements.next().unwrap());
        })
    };
    let settings = [
        Params::default(),
        lending(),
        lending_alone(),
        complement(|recipe| recipe.weights[3].1 = 5.0),
        complement(|recipe| (recipe.base, recipe.significant) = (0.3, Vec::new())),
        complement(|recipe| recipe.weights.push((Input::Attributes, 0.5))),
        with(|params| {
            let related = rule(Some("left"), "l1", "l2", RELATED);
            params.categories.rules = vec![related, rule(Some("right"), "l3", "l4", Ruling::Forbidden)];
            params.categories.curated_share = 0.9;
        }),
        with(|params| params.cold_start.mu = 1e4),
        with(|params| params.together.single_mu = 20.0),
        with(|params| params.together.single_weight = Some(BasketWeight::Power(1.0))),
        with(|params| (params.together.trend, params.together.power) = (1.0, 2.0)),
        with(|params| (params.together.beta, params.together.single_beta) = (-0.5, -0.5)),
    ];
    for (all, least) in [(all, 20), (unviewed, 100)] {
        // A record of its day, and one that knows neither the last products nor the last orders.
        let known = &all[..all.len() * 2 / 3];
        let older = facts(stalls().split_off(60), known);
        let facts = facts(stalls(), &all);
        let records = settings
            .iter()
            .flat_map(|params| [(params, &facts), (params, &older)]);
        for (params, frozen) in records {
            let epoch = EpochRecord::freeze(frozen, params);
            let whole = build(&facts, &epoch, &|_| ()).anchors;
            let complements = whole.iter().flat_map(|anchor| &anchor.lists);
            let complements = complements.filter(|list| list.relation == Relation::Complement);
            let long = complements.clone().filter(|list| list.refused.rank > 32).count();
            assert!(long > least, "{long} {params:?}");
            assert!(
                complements.filter(|list| fitting(list) > MANY).count() > 20,
                "{params:?}"
            );
            assert!(sheets(&facts, &epoch) == lines(&whole), "{params:?}");
        }
    }
}

/// More candidates than are looked at first, and at one time after that.
const MANY: u32 = 256 + 64;

/// How many candidates of a list had a category that is where it must be, at least.
fn fitting(list: &EdgeList) -> u32 {
    let GateCounts {
        support,
        significance,
        relation,
        price,
        rank,
        ..
    } = list.refused;
    list.edges.len() as u32 + support + significance + relation + price + rank
}

#[test]
fn of_one_leaf_too_whoever_is_passed_over_was_sure_to_find_no_place() {
    let mut all = crowd();
    // Viewers, so that some of them buy what others looked at.
    for (number, one) in all.iter_mut().enumerate() {
        one.user = Some(format!("u{}", number / 16 % 400));
    }
    let of_one_leaf = |one: ProductFacts| ProductFacts {
        category: Some(CategoryId::new("l0").unwrap()),
        ..one
    };
    let facts = facts(stalls().into_iter().map(of_one_leaf).collect(), &all);
    let settings = [
        Params::default(),
        with(|params| (params.viewed.beta, params.together.single_beta) = (-0.5, -0.5)),
        with(|params| params.cold_start.per_family = 700),
    ];
    for params in settings {
        let epoch = EpochRecord::freeze(&facts, &params);
        let whole = build(&facts, &epoch, &|_| ()).anchors;
        for relation in [Relation::Substitute, Relation::Upsell] {
            let lists = whole.iter().flat_map(|anchor| &anchor.lists);
            let wide = lists.filter(|list| list.relation == relation && fitting(list) > MANY);
            assert!(wide.count() > 20, "{relation:?} {params:?}");
        }
        assert!(sheets(&facts, &epoch) == lines(&whole), "{params:?}");
    }
}

#[test]
fn a_category_that_goes_with_another_next_to_never_bounds_nobody() {
    // What a kettle goes with is known by a rule alone.
    let of_leaf = |one: ProductFacts| ProductFacts {
        category: Some(CategoryId::new("l1").unwrap()),
        ..one
    };
    let mut products: Vec<ProductFacts> = stalls().into_iter().map(of_leaf).collect();
    products.push(priced("kettle", "l0", 5000));
    let mut all = crowd();
    all.retain(|one| one.kind == EventKind::Purchase);
    let facts = facts(products, &all);
    let params = with(|params| {
        params.categories.rules = vec![rule(None, "l0", "l1", RELATED)];
        params.categories.curated_share = 1e-40;
        params.cold_start.per_category = 700;
    });
    let epoch = EpochRecord::freeze(&facts, &params);
    let whole = build(&facts, &epoch, &|_| ()).anchors;
    let kettle = whole.iter().find(|anchor| anchor.anchor.as_str() == "kettle");
    let lists = kettle.unwrap().lists.iter();
    assert!(
        lists
            .filter(|list| fitting(list) > MANY && !list.edges.is_empty())
            .count()
            == 1
    );
    assert!(sheets(&facts, &epoch) == lines(&whole));
}

#[test]
fn whom_a_regression_lends_to_need_not_share_as_many_baskets_as_the_others() {
    let mut all = crowd();
    all.retain(|one| one.kind == EventKind::Purchase);
    // Every tenth order holds the hub, too; the last ones hold it with the rare product and nothing else.
    let orders = all.iter().filter(|one| one.time_ms / 1000 % 10 == 0);
    let mut hub: Vec<Happening> = orders.cloned().collect();
    hub.iter_mut().for_each(|one| one.product = "hub".into());
    all.extend(hub);
    for number in 0..4 {
        for product in ["hub", "rare"] {
            let mut one = happening(EventKind::Purchase, &format!("r{number}"), product);
            one.time_ms = TODAY * 86_400_000 + number;
            all.push(one);
        }
    }
    let facts = facts(Vec::new(), &all);
    let mut params = lending();
    let together = &mut params.together;
    // Votes and scores are common baskets, so that what is bounded by them is bounded sharply.
    (
        together.beta,
        together.single_beta,
        together.single_mu,
        together.trend,
    ) = (0.0, 0.0, 0.0, 0.0);
    (together.power, together.weight, together.single_weight) = (1.0, BasketWeight::Power(0.0), None);
    let epoch = EpochRecord::freeze(&facts, &params);
    let whole = build(&facts, &epoch, &|_| ()).anchors;
    let of_hub = whole
        .iter()
        .find(|anchor| anchor.anchor.as_str() == "hub")
        .unwrap();
    let list = &of_hub
        .lists
        .iter()
        .find(|list| list.relation == Relation::Together)
        .unwrap();
    let support = |is_it: &dyn Fn(&str) -> bool| {
        let of = list.edges.iter().filter(|edge| is_it(edge.companion.as_str()));
        of.map(|edge| edge.evidence.support).collect::<Vec<u32>>()
    };
    assert_eq!(support(&|id| id == "rare"), [4], "{list:?}");
    assert!(list.refused.rank > 100, "{}", list.refused.rank);
    assert!(
        support(&|id| id != "rare")
            .iter()
            .filter(|&&support| support > 4)
            .count()
            > 45
    );
    assert!(sheets(&facts, &epoch) == lines(&whole));
}

#[test]
fn whoever_comes_late_to_a_long_row_finds_the_place_that_is_theirs() {
    let mut params = lending();
    params.together.trend = 0.0;
    // Companions of fewer orders keep the closed form, whole.
    params.together.ridge.as_mut().unwrap().least_baskets = 60;
    let together = |all: &[Happening]| {
        let facts = facts(Vec::new(), all);
        let epoch = EpochRecord::freeze(&facts, &params);
        let mut lines = lines(&build(&facts, &epoch, &|_| ()).anchors);
        lines.retain(|line| line.2 == Relation::Together);
        lines
    };
    // Views go by a window that the turn would move.
    let mut all = crowd();
    all.retain(|one| one.kind == EventKind::Purchase);
    let last = all.iter().map(|one| one.time_ms).max().unwrap();
    let first = all.iter().map(|one| one.time_ms).min().unwrap();
    // The same orders from the last to the first: what a row has seen when it begins to pass companions over is another.
    let mut turned = all.clone();
    turned
        .iter_mut()
        .for_each(|one| one.time_ms = first + last - one.time_ms);
    let (told, turned) = (together(&all), together(&turned));
    let other = told.iter().zip(&turned).find(|(a, b)| a != b);
    assert_eq!(other, None);
    assert_eq!(told.len(), turned.len());
}

#[test]
fn of_any_number_of_companions_worth_the_same_the_first_by_id_are_listed() {
    let mut all = Vec::new();
    for item in 0..800 {
        let order = format!("o{:02}", item / 20);
        all.push(happening(EventKind::Purchase, &order, &format!("p{item:03}")));
        all.push(happening(EventKind::Purchase, &order, "hub"));
    }
    let facts = facts(Vec::new(), &all);
    let params = with(|params| (params.together.significant, params.together.trend) = (false, 0.0));
    let epoch = EpochRecord::freeze(&facts, &params);
    let whole = build(&facts, &epoch, &|_| ()).anchors;
    let hub = whole.iter().find(|anchor| anchor.anchor.as_str() == "hub");
    let lists = hub.map_or(&[][..], |hub| &hub.lists[..]);
    let together = lists
        .iter()
        .find(|list| list.relation == Relation::Together)
        .unwrap();
    let listed: Vec<&str> = together
        .edges
        .iter()
        .map(|edge| edge.companion.as_str())
        .collect();
    let first: Vec<String> = (0..50).map(|item| format!("p{item:03}")).collect();
    assert_eq!(listed, first);
    assert_eq!(together.refused.rank, 750);
    assert!(sheets(&facts, &epoch) == lines(&whole));
}
