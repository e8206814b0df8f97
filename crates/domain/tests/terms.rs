//! What is asked of cards: filters, price bands, caps and quotas, and the shopper's taste.

use std::collections::HashSet;

use proptest::prelude::*;
use tandem_domain::catalog::{Listing, ProductCard, Provenance};
use tandem_domain::edge::Source;
use tandem_domain::id::{CategoryId, ProductId, ShopId, SurfaceId};
use tandem_domain::money::Money;
use tandem_domain::overlay::{
    Cards, DropReason, Filter, Marks, Offer, Order, Overlaid, Recent, Rules, Segment, Taste, Terms, Window,
    overlay, personalise,
};
use tandem_domain::relation::Relation;
use tandem_domain::stock::{Availability, SellableCount};
use tandem_domain::surface::{Caps, PriceBand, ShopScope, Surface};

fn product(name: &str) -> ProductId {
    ProductId::new(name).expect("a valid id")
}

fn category(name: &str) -> CategoryId {
    CategoryId::new(name).expect("a valid id")
}

fn surface() -> Surface {
    Surface::with_defaults(SurfaceId::new("detail_page").expect("a valid id"))
}

/// A card of shop, brand, leaf and price; `-` stands for a brand that is not known, 0 for no price.
fn card(name: &str, shop: &str, brand: &str, leaf: &str, price: i64) -> ProductCard {
    ProductCard {
        id: product(name),
        shop: ShopId::new(shop).expect("a valid id"),
        title: name.to_owned(),
        category: Some(category(leaf)),
        ancestors: vec![category("home"), category("all")],
        brand: Some(brand.to_owned()).filter(|brand| brand != "-"),
        series: None,
        price: Some(Money::from_minor(price)).filter(|price| price.minor() > 0),
        image_uri: None,
        listing: Listing::Listed,
        skus: Vec::new(),
        provenance: Provenance::Real,
        version: 1,
    }
}

fn offer(name: &str, source: Source, score: f32) -> Offer {
    Offer {
        product: product(name),
        relation: match source {
            Source::Bestseller => None,
            _ => Some(Relation::Complement),
        },
        score,
        source,
        generated: false,
    }
}

/// Cups, saucers and spoons of two shops and two brands; the last two stand in the fallback.
fn shop() -> (Cards, Vec<Offer>) {
    let cards = [
        card("cup", "s1", "acme", "cups", 400),
        card("saucer", "s1", "acme", "saucers", 300),
        card("spoon", "s2", "bolt", "spoons", 200),
        card("fork", "s2", "acme", "spoons", 900),
        card("free", "s1", "-", "cups", 0),
        card("knife", "s1", "bolt", "spoons", 250),
    ];
    let learned = ["cup", "saucer", "spoon", "fork"];
    let mut offers: Vec<Offer> = learned
        .iter()
        .zip([0.9, 0.8, 0.7, 0.6])
        .map(|(name, score)| offer(name, Source::Learned, score))
        .collect();
    offers.extend([
        offer("free", Source::Bestseller, 2.0),
        offer("knife", Source::Bestseller, 1.0),
    ]);
    let cards = cards.into_iter().map(|card| (card.id.clone(), card));
    (cards.collect(), offers)
}

fn answer(surface: &Surface, filter: &Filter, size: usize) -> Overlaid {
    let (cards, offers) = shop();
    let anchor = card("anchor", "s1", "acme", "pots", 400);
    let rules = Rules {
        lead: None,
        surface,
        relations: &surface.relations,
        order: Order::Relations,
        window: Window { offset: 0, size },
        attach: None,
        explore: None,
        terms: Some(Terms {
            filter,
            anchors: &[&anchor],
            cards: &cards,
        }),
    };
    let stock = |product: &ProductId| match product.as_str() {
        "saucer" => Availability::Unknown,
        _ => Availability::of(SellableCount::MANY),
    };
    overlay(&offers, &Marks::default(), &rules, |_| false, stock)
}

fn ids(answer: &Overlaid) -> Vec<&str> {
    let items = answer.items.iter();
    items.map(|item| item.offer.product.as_str()).collect()
}

fn dropped(answer: &Overlaid) -> Vec<(&str, DropReason)> {
    let dropped = answer.dropped.iter();
    dropped
        .map(|dropped| (dropped.product.as_str(), dropped.reason))
        .collect()
}

fn lenient() -> Surface {
    Surface {
        show_unknown_stock: true,
        ..surface()
    }
}

#[test]
fn a_filter_holds_at_every_step_and_the_list_is_refilled() {
    let filter = Filter {
        brands: vec!["bolt".to_owned()],
        ..Filter::default()
    };
    let answer = answer(&lenient(), &filter, 2);
    assert_eq!(
        ids(&answer),
        ["spoon", "knife"],
        "the second comes from the fallback"
    );
    use DropReason::FilteredBrand;
    let expected = ["cup", "saucer", "fork", "free"].map(|name| (name, FilteredBrand));
    assert_eq!(dropped(&answer), expected);
}

#[test]
fn a_category_means_what_stands_below_it_too() {
    let of = |name: &str| Filter {
        categories: vec![category(name)],
        ..Filter::default()
    };
    assert_eq!(
        ids(&answer(&lenient(), &of("spoons"), 9)),
        ["spoon", "fork", "knife"]
    );
    assert_eq!(ids(&answer(&lenient(), &of("home"), 9)).len(), 6);
    assert_eq!(ids(&answer(&lenient(), &of("garden"), 9)).len(), 0);
}

#[test]
fn what_has_no_price_suits_no_range() {
    let filter = Filter {
        min_price: Some(Money::from_minor(200)),
        max_price: Some(Money::from_minor(300)),
        ..Filter::default()
    };
    let answer = answer(&lenient(), &filter, 9);
    assert_eq!(
        ids(&answer),
        ["saucer", "spoon", "knife"],
        "both ends are in the range"
    );
    assert!(
        dropped(&answer)
            .iter()
            .all(|(_, reason)| *reason == DropReason::FilteredPrice)
    );
}

#[test]
fn shops_can_be_named_or_follow_the_anchor() {
    let named = Filter {
        shops: vec![ShopId::new("s2").expect("a valid id")],
        ..Filter::default()
    };
    assert_eq!(ids(&answer(&lenient(), &named, 9)), ["spoon", "fork"]);
    let scoped = Surface {
        shops: ShopScope::SameShop,
        ..lenient()
    };
    let scoped = answer(&scoped, &Filter::NONE, 9);
    assert_eq!(ids(&scoped), ["cup", "saucer", "free", "knife"]);
    assert_eq!(dropped(&scoped)[0], ("spoon", DropReason::ShopScope));
}

#[test]
fn in_stock_only_outranks_a_surface_that_shows_unknown_stock() {
    let filter = Filter {
        in_stock_only: true,
        ..Filter::default()
    };
    let answer = answer(&lenient(), &filter, 9);
    assert_eq!(dropped(&answer), [("saucer", DropReason::UnknownStock)]);
}

#[test]
fn a_price_band_is_drawn_around_the_anchor() {
    let banded = Surface {
        price_band: PriceBand {
            min_percent: Some(60),
            max_percent: Some(100),
        },
        ..lenient()
    };
    let answer = answer(&banded, &Filter::NONE, 9);
    assert_eq!(ids(&answer), ["cup", "saucer", "knife"]);
    use DropReason::PriceBand as Band;
    assert_eq!(
        dropped(&answer),
        [("spoon", Band), ("fork", Band), ("free", Band)]
    );
}

#[test]
fn caps_and_quotas_are_filled_by_the_best() {
    let capped = |caps: Caps| Surface { caps, ..lenient() };
    let brands = answer(
        &capped(Caps {
            per_brand: Some(1),
            ..Caps::default()
        }),
        &Filter::NONE,
        9,
    );
    assert_eq!(
        ids(&brands),
        ["cup", "spoon", "free"],
        "what has no brand is under no cap"
    );
    let leaves = answer(
        &capped(Caps {
            per_category: Some(1),
            ..Caps::default()
        }),
        &Filter::NONE,
        9,
    );
    assert_eq!(ids(&leaves), ["cup", "saucer", "spoon"]);
    assert_eq!(dropped(&leaves)[0], ("fork", DropReason::CategoryCap));
    let shops = answer(
        &capped(Caps {
            per_shop: Some(2),
            ..Caps::default()
        }),
        &Filter::NONE,
        9,
    );
    assert_eq!(ids(&shops), ["cup", "saucer", "spoon", "fork"]);
    let quota = Surface {
        quotas: [(Relation::Complement, 1)].into(),
        ..lenient()
    };
    let quota = answer(&quota, &Filter::NONE, 9);
    assert_eq!(
        ids(&quota),
        ["cup", "free", "knife"],
        "bestsellers are of no relation"
    );
    assert_eq!(dropped(&quota)[0], ("saucer", DropReason::RelationQuota));
}

fn taste() -> Taste {
    let recent = |name: &str, brand: &str, companions: &[&str]| Recent {
        card: Some(card(name, "s1", brand, "spoons", 210)),
        companions: companions.iter().map(|name| product(name)).collect(),
    };
    Taste {
        recent: vec![recent("r1", "bolt", &["fork"]), recent("r2", "acme", &["saucer"])],
        bought: HashSet::from([product("cup")]),
        segment: Segment::default(),
    }
}

#[test]
fn a_factor_is_what_the_formula_says() {
    let (cards, _) = shop();
    let factor = |name: &str| taste().factor(&product(name), cards.get(&product(name)));
    let close = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-9, "{found} {expected}");
    close(factor("fork"), 1.0 + 0.5 + 0.2 + 0.2 * 0.9);
    close(factor("saucer"), 1.0 + 0.5 * 0.9 + 0.2 * 0.9 + 0.1);
    close(factor("spoon"), 1.0 + 0.2 + 0.2 + 0.1);
    close(factor("cup"), (1.0 + 0.2 * 0.9 + 0.1) * 0.25);
    close(factor("nowhere"), 1.0);
    let segment = Segment {
        brands: HashSet::from(["bolt".to_owned()]),
        ..Segment::default()
    };
    let of_kind = Taste {
        segment,
        ..Taste::default()
    };
    close(
        of_kind.factor(&product("spoon"), cards.get(&product("spoon"))),
        1.2,
    );
}

#[test]
fn a_taste_moves_companions_inside_their_step_alone() {
    let (cards, mut offers) = shop();
    personalise(&mut offers, &taste(), &cards);
    let surface = lenient();
    let rules = Rules {
        lead: None,
        surface: &surface,
        relations: &surface.relations,
        order: Order::Relations,
        window: Window { offset: 0, size: 9 },
        attach: None,
        explore: None,
        terms: None,
    };
    let stock = |_: &ProductId| Availability::of(SellableCount::MANY);
    let answer = overlay(&offers, &Marks::default(), &rules, |_| false, stock);
    assert_eq!(ids(&answer), ["saucer", "fork", "spoon", "cup", "free", "knife"]);
}

proptest! {
    #[test]
    fn a_factor_is_bounded_whatever_the_taste(
        picks in proptest::collection::vec((0..6_usize, 0..6_usize), 0..20),
        bought in proptest::collection::hash_set(0..6_usize, 0..4),
        price in proptest::option::of(1..2_000_i64),
    ) {
        let (cards, offers) = shop();
        let name = |at: usize| offers[at].product.clone();
        let taste = Taste {
            recent: picks.iter().map(|(card, companion)| Recent {
                card: cards.get(&name(*card)).cloned(),
                companions: HashSet::from([name(*companion)]),
            }).collect(),
            bought: bought.iter().map(|at| name(*at)).collect(),
            segment: Segment { price: price.map(Money::from_minor), ..Segment::default() },
        };
        for offer in &offers {
            let factor = taste.factor(&offer.product, cards.get(&offer.product));
            prop_assert!((0.25..=2.0 + 1e-9).contains(&factor), "{}", factor);
        }
        let (mut once, mut again) = (offers.clone(), offers.clone());
        personalise(&mut once, &taste, &cards);
        personalise(&mut again, &taste, &cards);
        prop_assert_eq!(once, again);
    }
}
