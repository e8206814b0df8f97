//! One livestream, generated.
//!
//! **Products**: of each series the most ordered product of each leaf category, the most ordered first, at most 10. The series with at
//! least 6 leaves and 50 orders whose buyers most often take 3 or more of these together is shown, then the 2
//! bestsellers outside it. Ten minutes each, from 18:00 UTC on the day of the last order.
//!
//! **Viewers**: 800, each with the taste of a real order that holds something shown. They come at a random product and stay for
//! 3 to 8. What their order holds they view (80 %), like (45 %) and put into the cart (40 %); the rest they view (35 %),
//! like (8 %) and put into the cart (4 %). Nobody buys: purchases stay real.

use std::collections::{BTreeMap, HashMap, HashSet};

use tandem_domain::catalog::{ProductInput, Provenance, Scene, SceneKind, Showing};
use tandem_domain::clock::{DAY_MS, Timestamp};
use tandem_domain::event::{Event, EventKind};
use tandem_domain::id::{EventId, ProductId, SceneId, SeriesId};

use super::baskets::{Basket, Baskets};
use super::dice::Dice;

const LEAST_LEAVES: usize = 6;
const LEAST_ORDERS: usize = 50;
const MOST_OF_SERIES: usize = 10;
const BESTSELLERS: usize = 2;
const VIEWERS: u64 = 800;
const TOGETHER: usize = 3;
const SLOT_MS: i64 = 10 * 60 * 1000;
const START_MS: i64 = 18 * 3_600_000;
/// Per cent of each action, for products of the viewer's order and for others.
const ACTIONS: [(EventKind, u64, u64); 3] = [
    (EventKind::View, 80, 35),
    (EventKind::Like, 45, 6),
    (EventKind::Cart, 40, 3),
];

/// The scene and what its viewers did; nothing where no series is rich enough.
pub(super) fn of(products: &[ProductInput], baskets: &Baskets<'_>, seed: u64) -> (Option<Scene>, Vec<Event>) {
    let by_id: HashMap<&ProductId, &ProductInput> =
        products.iter().map(|product| (&product.id, product)).collect();
    let heads = heads(&by_id, baskets);
    let (Some((series, heads)), Some(last)) = (closest(&heads, baskets), baskets.orders.last()) else {
        return (None, Vec::new());
    };
    let is_other = |id: &&ProductId| {
        by_id
            .get(*id)
            .is_none_or(|product| product.series.as_ref() != Some(series))
    };
    let others = baskets
        .bestsellers()
        .into_iter()
        .filter(is_other)
        .take(BESTSELLERS);
    let start = i64::from(last.time.day()) * DAY_MS + START_MS;
    let showing = |(slot, product): (usize, &ProductId)| Showing {
        product: product.clone(),
        time: Timestamp::from_ms(start + slot as i64 * SLOT_MS),
    };
    let scene = Scene {
        id: SceneId::new(format!("live-{series}")).expect("series ids are short"),
        kind: SceneKind::Livestream,
        title: format!("Live: an evening with {series}"),
        shown: heads
            .iter()
            .copied()
            .chain(others)
            .enumerate()
            .map(showing)
            .collect(),
        provenance: Provenance::Generated,
    };
    let actions = actions(&scene, baskets, seed);
    (Some(scene), actions)
}

/// Of each series the most ordered product of each leaf, the most ordered first.
fn heads<'a>(
    by_id: &HashMap<&ProductId, &'a ProductInput>,
    baskets: &Baskets<'_>,
) -> BTreeMap<&'a SeriesId, Vec<&'a ProductId>> {
    let mut heads: BTreeMap<&SeriesId, Vec<&ProductId>> = BTreeMap::new();
    let mut taken = HashSet::new();
    for product in baskets.bestsellers().into_iter().filter_map(|id| by_id.get(id)) {
        if let (Some(series), Some(leaf)) = (&product.series, &product.category)
            && taken.insert((series, leaf))
        {
            heads.entry(series).or_default().push(&product.id);
        }
    }
    heads
}

/// The series whose heads are most often bought together, with those that are shown.
fn closest<'a>(
    heads: &BTreeMap<&'a SeriesId, Vec<&'a ProductId>>,
    baskets: &Baskets<'_>,
) -> Option<(&'a SeriesId, Vec<&'a ProductId>)> {
    let rich = heads.iter().filter(|(_, heads)| heads.len() >= LEAST_LEAVES);
    let shown: BTreeMap<_, Vec<_>> = rich
        .map(|(series, heads)| (*series, heads.iter().copied().take(MOST_OF_SERIES).collect()))
        .collect();
    let series_of: HashMap<&ProductId, &SeriesId> = shown
        .iter()
        .flat_map(|(series, shown)| shown.iter().map(move |id| (*id, *series)))
        .collect();
    let mut orders: BTreeMap<&SeriesId, Orders> = BTreeMap::new();
    for basket in &baskets.orders {
        let mut held: BTreeMap<&SeriesId, usize> = BTreeMap::new();
        for series in basket.products.iter().filter_map(|id| series_of.get(id)) {
            *held.entry(series).or_default() += 1;
        }
        for (series, held) in held {
            let orders = orders.entry(series).or_default();
            orders.any += 1;
            orders.together += usize::from(held >= TOGETHER);
        }
    }
    orders.retain(|_, orders| orders.any >= LEAST_ORDERS);
    let share = |orders: &Orders| orders.together * 1_000_000 / orders.any;
    let best = orders
        .iter()
        .max_by_key(|(series, orders)| (share(orders), std::cmp::Reverse(**series)));
    best.map(|(series, _)| (*series, shown[*series].clone()))
}

/// Orders that hold something shown of a series, and those that hold several.
#[derive(Debug, Default)]
struct Orders {
    any: usize,
    together: usize,
}

fn actions(scene: &Scene, baskets: &Baskets<'_>, seed: u64) -> Vec<Event> {
    let shown: HashSet<&ProductId> = scene.shown.iter().map(|showing| &showing.product).collect();
    let holds_shown = |basket: &&Basket<'_>| basket.products.iter().any(|product| shown.contains(*product));
    let tastes: Vec<_> = baskets.orders.iter().filter(holds_shown).collect();
    let mut events = Vec::new();
    for viewer in 1..=VIEWERS {
        let name = format!("viewer-{viewer:04}");
        let mut dice = Dice::of(seed, "viewer", &name);
        let Some(taste) = tastes.get(dice.below(tastes.len() as u64) as usize) else {
            break;
        };
        let from = dice.below(scene.shown.len() as u64) as usize;
        let stay = dice.between(3, 8) as usize;
        for showing in scene.shown.iter().skip(from).take(stay) {
            let likes = taste.products.contains(&&showing.product);
            act(
                &mut events,
                scene,
                showing,
                &name,
                likes.then_some(Liked),
                &mut dice,
            );
        }
    }
    events
}

/// The viewer's order holds the product on show.
#[derive(Debug, Clone, Copy)]
struct Liked;

fn act(
    events: &mut Vec<Event>,
    scene: &Scene,
    showing: &Showing,
    viewer: &str,
    liked: Option<Liked>,
    dice: &mut Dice,
) {
    for (kind, if_liked, otherwise) in ACTIONS {
        let delay = dice.below(SLOT_MS as u64) as i64;
        if !dice.chance(liked.map_or(otherwise, |Liked| if_liked)) {
            continue;
        }
        let id = format!("{}/{viewer}/{}/{}", scene.id, showing.product, kind.as_str());
        events.push(Event {
            id: EventId::new(id).expect("ids of scene, viewer and product are short"),
            kind,
            product: showing.product.clone(),
            user: Some(viewer.to_owned()),
            group: Some(format!("{}/{viewer}", scene.id)),
            scene: Some(scene.id.clone()),
            quantity: 1,
            unit_price: None,
            time: Timestamp::from_ms(showing.time.as_ms() + delay),
            provenance: Provenance::Generated,
            dwell_ms: None,
            attribution: None,
        });
    }
}
