//! Offers, links and stock of few words.

use tandem_domain::clock::Timestamp;
use tandem_domain::edge::Source;
use tandem_domain::id::{LinkId, ProductId, ShopId, SurfaceId};
use tandem_domain::link::{AnchorLinks, Link, LinkEffect, LinkInput};
use tandem_domain::overlay::{DropReason, Item, Marks, Offer, Order, Overlaid, Rules, Window};
use tandem_domain::relation::Relation;
use tandem_domain::stock::{Availability, SellableCount};
use tandem_domain::surface::Surface;

pub(crate) const NOW: Timestamp = Timestamp::from_ms(1_000);
pub(crate) const ALL: Window = Window {
    offset: 0,
    size: 1_000,
};

pub(crate) fn product(name: &str) -> ProductId {
    ProductId::new(name).expect("a valid id")
}

pub(crate) fn surface() -> Surface {
    Surface::with_defaults(SurfaceId::new("detail_page").expect("a valid id"))
}

pub(crate) fn offer(name: &str, relation: Relation, score: f32) -> Offer {
    Offer {
        product: product(name),
        relation: Some(relation),
        score,
        source: Source::Learned,
        generated: false,
    }
}

pub(crate) fn bestseller(name: &str, score: f32) -> Offer {
    Offer {
        relation: None,
        source: Source::Bestseller,
        ..offer(name, Relation::Together, score)
    }
}

pub(crate) fn link(companion: &str, effect: LinkEffect) -> LinkInput {
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

pub(crate) fn links(inputs: Vec<LinkInput>) -> AnchorLinks {
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

pub(crate) fn marks(inputs: Vec<LinkInput>) -> Marks {
    Marks::of(&links(inputs), &surface().id, NOW)
}

pub(crate) fn plenty(_: &ProductId) -> Availability {
    Availability::of(SellableCount::MANY)
}

pub(crate) fn nobody(_: &ProductId) -> bool {
    false
}

pub(crate) fn sold_out<'a>(names: &'a [&'a str]) -> impl Fn(&ProductId) -> Availability + 'a {
    |product| match names.contains(&product.as_str()) {
        true => Availability::of(SellableCount::NONE),
        false => Availability::of(SellableCount::saturating(7)),
    }
}

pub(crate) fn rules<'a>(surface: &'a Surface, relations: &'a [Relation], window: Window) -> Rules<'a> {
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

pub(crate) fn ids(answer: &Overlaid) -> Vec<&str> {
    answer
        .items
        .iter()
        .map(|item| item.offer.product.as_str())
        .collect()
}

pub(crate) fn reason(answer: &Overlaid, name: &str) -> Option<DropReason> {
    let dropped = answer
        .dropped
        .iter()
        .find(|dropped| dropped.product.as_str() == name);
    dropped.map(|dropped| dropped.reason)
}

pub(crate) const RELATIONS: [Relation; 2] = [Relation::Complement, Relation::Together];

pub(crate) fn lists() -> Vec<Offer> {
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

pub(crate) fn names(items: &[Item]) -> Vec<&str> {
    items.iter().map(|item| item.offer.product.as_str()).collect()
}
