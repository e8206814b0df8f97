use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::OnceLock;

use tandem_domain::catalog::{ProductInput, Provenance};
use tandem_domain::event::{Event, EventKind};
use tandem_domain::stock::Reported;

use super::{Enrichment, enrich};
use crate::import::generic::Faults;
use crate::import::online_retail::clean;
use crate::import::source::unpack;

const SLICE: &[u8] = include_bytes!("../../data/online_retail_slice.csv.gz");
const SEED: u64 = 20_110_502;

struct Slice {
    products: Vec<ProductInput>,
    events: Vec<Event>,
    enrichment: Enrichment,
}

fn slice() -> &'static Slice {
    static ONCE: OnceLock<Slice> = OnceLock::new();
    ONCE.get_or_init(|| {
        let mut cleaner = clean(unpack(SLICE).unwrap(), Faults::Stop).unwrap();
        let events: Vec<Event> = cleaner.by_ref().flat_map(Result::unwrap).collect();
        let products = cleaner.finish().products;
        let enrichment = enrich(&products, &events, SEED);
        Slice {
            products,
            events,
            enrichment,
        }
    })
}

fn titles(of: impl Fn(&ProductInput) -> bool) -> Vec<&'static str> {
    slice()
        .enrichment
        .products
        .iter()
        .filter(|p| of(p))
        .map(|p| p.title.as_str())
        .collect()
}

#[test]
fn nine_in_ten_lines_have_a_leaf_category() {
    let coverage = slice().enrichment.coverage;
    assert!(coverage.purchases > 50_000);
    assert!(
        coverage.in_a_leaf * 100 >= coverage.purchases * 90,
        "{coverage:?}"
    );
}

#[test]
fn the_same_input_and_seed_give_the_same_layer_in_any_order_of_the_input() {
    let mut events = slice().events.clone();
    events.sort_by_key(|event| std::cmp::Reverse(event.time));
    let mut products = slice().products.clone();
    products.reverse();
    assert!(enrich(&products, &slice().events, SEED) == slice().enrichment);
    assert_eq!(enrich(&products, &events, SEED).stock, slice().enrichment.stock);
    assert!(enrich(&slice().products, &slice().events, SEED + 1).stock != slice().enrichment.stock);
}

#[test]
fn the_layer_is_as_it_was() {
    let Enrichment {
        categories,
        series,
        products,
        skus,
        stock,
        events,
        scenes,
        coverage,
    } = &slice().enrichment;
    let kinds = EventKind::ALL.map(|kind| (kind.as_str(), events.iter().filter(|e| e.kind == kind).count()));
    let kinds: BTreeMap<_, _> = kinds.into_iter().filter(|(_, count)| *count > 0).collect();
    let brands: HashSet<_> = products.iter().filter_map(|p| p.brand.as_ref()).collect();
    insta::assert_json_snapshot!(serde_json::json!({
        "leaves": categories.iter().filter(|c| c.parent.is_some()).count(),
        "parents": categories.iter().filter(|c| c.parent.is_none()).count(),
        "series": series.len(),
        "brands": brands.len(),
        "products_in_series": products.iter().filter(|p| p.series.is_some()).count(),
        "products_without_leaf": titles(|p| p.category.is_none()),
        "skus": skus.len(),
        "stock_reports": stock.len(),
        "events": kinds,
        "coverage": coverage,
        "show": scenes[0].shown.iter().map(|s| s.product.as_str()).collect::<Vec<_>>(),
    }));
}

#[test]
fn examples_of_products_read_well() {
    let wanted = [
        "22423", "22699", "20725", "85123A", "22697", "21915", "22382", "84945",
    ];
    let products: Vec<_> = slice()
        .enrichment
        .products
        .iter()
        .filter(|p| wanted.contains(&p.id.as_str()))
        .collect();
    insta::assert_json_snapshot!(products);
}

#[test]
fn everything_points_at_something_that_exists() {
    let Enrichment {
        categories,
        series,
        products,
        skus,
        stock,
        events,
        scenes,
        ..
    } = &slice().enrichment;
    let leaves: HashSet<_> = categories
        .iter()
        .filter(|c| c.parent.is_some())
        .map(|c| &c.id)
        .collect();
    let all: HashSet<_> = categories.iter().map(|c| &c.id).collect();
    assert_eq!(all.len(), categories.len(), "category ids are unique");
    assert!(
        categories
            .iter()
            .filter_map(|c| c.parent.as_ref())
            .all(|parent| all.contains(parent))
    );
    let series: HashSet<_> = series.iter().map(|s| &s.id).collect();
    let ids: HashSet<_> = products.iter().map(|p| &p.id).collect();
    assert!(
        products
            .iter()
            .filter_map(|p| p.category.as_ref())
            .all(|leaf| leaves.contains(leaf))
    );
    assert!(
        products
            .iter()
            .filter_map(|p| p.series.as_ref())
            .all(|id| series.contains(id))
    );
    assert!(
        products
            .iter()
            .all(|p| p.category.is_none() || (p.brand.is_some() && p.quality.is_some()))
    );
    assert!(skus.iter().all(|sku| ids.contains(&sku.product)));
    assert_eq!(
        skus.iter().map(|s| &s.id).collect::<HashSet<_>>().len(),
        skus.len()
    );
    assert_eq!(
        stock.iter().map(|report| &report.sku).collect::<HashSet<_>>(),
        skus.iter().map(|sku| &sku.id).collect::<HashSet<_>>()
    );
    let scenes: HashSet<_> = scenes.iter().map(|s| &s.id).collect();
    assert!(
        events
            .iter()
            .all(|e| ids.contains(&e.product) && e.group.is_some())
    );
    assert!(
        events
            .iter()
            .filter_map(|e| e.scene.as_ref())
            .all(|scene| scenes.contains(scene))
    );
    assert_eq!(
        events.iter().map(|e| &e.id).collect::<HashSet<_>>().len(),
        events.len()
    );
}

#[test]
fn titles_and_prices_stay_real_and_the_rest_is_labelled() {
    let slice = slice();
    for (real, enriched) in slice.products.iter().zip(&slice.enrichment.products) {
        assert_eq!(
            (&real.id, &real.title, real.price),
            (&enriched.id, &enriched.title, enriched.price)
        );
        assert_eq!(enriched.provenance, Provenance::Generated);
    }
    assert!(slice.events.iter().all(|e| e.provenance == Provenance::Real));
    assert!(
        slice
            .enrichment
            .events
            .iter()
            .all(|e| e.provenance == Provenance::Generated)
    );
    assert!(
        slice
            .enrichment
            .events
            .iter()
            .all(|e| e.kind != EventKind::Purchase)
    );
}

#[test]
fn one_to_three_skus_per_product_and_a_little_stock_is_gone() {
    let Enrichment {
        products,
        skus,
        stock,
        ..
    } = &slice().enrichment;
    let mut per_product: HashMap<_, usize> = HashMap::new();
    for sku in skus {
        *per_product.entry(&sku.product).or_default() += 1;
    }
    assert_eq!(per_product.len(), products.len());
    assert!(per_product.values().all(|n| (1..=3).contains(n)));
    assert!(per_product.values().any(|n| *n == 2) && per_product.values().any(|n| *n == 3));
    let gone = stock
        .iter()
        .filter(|r| matches!(r.quantity, Reported::Set { available: 0, .. }))
        .count();
    assert!(
        (stock.len() / 50..stock.len() / 15).contains(&gone),
        "{gone} of {}",
        stock.len()
    );
}

#[test]
fn a_session_ends_with_an_order_and_shows_alternatives_of_the_same_leaf() {
    let slice = slice();
    let leaf: HashMap<_, _> = slice
        .enrichment
        .products
        .iter()
        .map(|p| (&p.id, p.category.as_ref()))
        .collect();
    let mut orders: HashMap<&str, (HashSet<_>, i64)> = HashMap::new();
    for event in slice.events.iter().filter(|e| e.kind == EventKind::Purchase) {
        let order = event.group.as_deref().unwrap();
        let (products, time) = orders.entry(order).or_insert_with(|| (HashSet::new(), i64::MAX));
        products.insert(&event.product);
        *time = event.time.as_ms().min(*time);
    }
    let mut sessions: BTreeMap<&str, Vec<&Event>> = BTreeMap::new();
    for event in slice
        .enrichment
        .events
        .iter()
        .filter(|e| e.kind == EventKind::View && e.scene.is_none())
    {
        sessions
            .entry(event.group.as_deref().unwrap())
            .or_default()
            .push(event);
    }
    let (mut bought, mut alternatives) = (0, 0);
    for (session, views) in &sessions {
        assert!(views.is_sorted_by_key(|view| view.time));
        let Some(order) = session.strip_prefix("session/") else {
            continue;
        };
        let (products, time) = &orders[order];
        assert!(views.iter().all(|view| view.time.as_ms() < *time));
        let leaves: HashSet<_> = products.iter().map(|product| leaf[*product]).collect();
        for view in views {
            bought += usize::from(products.contains(&view.product));
            alternatives += usize::from(!products.contains(&view.product));
            assert!(
                leaves.contains(&leaf[&view.product]),
                "{session}: {}",
                view.product
            );
        }
    }
    assert!(sessions.keys().filter(|s| s.starts_with("session/")).count() == orders.len());
    assert!(bought > 10_000 && alternatives > bought / 2 && alternatives < 2 * bought);
}

#[test]
fn the_livestream_shows_one_product_per_leaf_of_one_series_first() {
    let Enrichment {
        products,
        scenes,
        events,
        ..
    } = &slice().enrichment;
    let by_id: HashMap<_, _> = products.iter().map(|p| (&p.id, p)).collect();
    let scene = &scenes[0];
    let shown: Vec<_> = scene.shown.iter().map(|s| by_id[&s.product]).collect();
    assert!(scene.shown.is_sorted_by_key(|s| s.time) && (8..=12).contains(&shown.len()));
    let of_series = &shown[..shown.len() - 2];
    assert_eq!(
        of_series.iter().map(|p| &p.series).collect::<HashSet<_>>().len(),
        1
    );
    assert_eq!(
        of_series
            .iter()
            .map(|p| &p.category)
            .collect::<HashSet<_>>()
            .len(),
        of_series.len()
    );
    let viewers: HashSet<_> = events
        .iter()
        .filter(|e| e.scene.is_some())
        .map(|e| e.user.as_ref())
        .collect();
    assert!(viewers.len() > 300);
}

#[test]
fn nothing_comes_of_nothing() {
    let empty = enrich(&[], &[], SEED);
    assert!(empty.products.is_empty() && empty.events.is_empty() && empty.scenes.is_empty());
    assert_eq!(empty.categories, []);
}
