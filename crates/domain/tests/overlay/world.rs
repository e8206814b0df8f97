//! Any world: what is proposed, linked, stocked, excluded and asked for.

use std::collections::{HashMap, HashSet};

use proptest::prelude::*;
use tandem_domain::edge::Source;
use tandem_domain::id::ProductId;
use tandem_domain::link::{AnchorLinks, LinkEffect, LinkInput};
use tandem_domain::overlay::{Marks, Offer, Overlaid, Rules, Window, overlay};
use tandem_domain::relation::Relation;
use tandem_domain::stock::{Availability, PolicySet, SellableCount, Standing, Supply};
use tandem_domain::surface::{CompanionRules, StockRules, Surface};

use crate::samples::{NOW, link, links, product, rules, surface};

/// A world of few products, so that they meet often.
#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) offers: Vec<Offer>,
    pub(crate) links: AnchorLinks,
    pub(crate) states: HashMap<ProductId, Availability>,
    pub(crate) excluded: HashSet<ProductId>,
    pub(crate) relations: Vec<Relation>,
    pub(crate) surface: Surface,
    pub(crate) lead: Option<Relation>,
}

pub(crate) fn any_product() -> impl Strategy<Value = ProductId> {
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
    pub(crate) fn any_world()(
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
    pub(crate) fn answer(&self, window: Window) -> Overlaid {
        let marks = Marks::of(&self.links, &self.surface.id, NOW);
        let excluded = |product: &ProductId| self.excluded.contains(product);
        overlay(&self.offers, &marks, &self.rules(window), excluded, |p| {
            self.state(p)
        })
    }

    pub(crate) fn rules(&self, window: Window) -> Rules<'_> {
        Rules {
            lead: self.lead,
            ..rules(&self.surface, &self.relations, window)
        }
    }

    pub(crate) fn state(&self, product: &ProductId) -> Availability {
        self.states
            .get(product)
            .copied()
            .unwrap_or(Availability::of(SellableCount::MANY))
    }

    pub(crate) fn shown(&self, product: &ProductId, relation: Option<Relation>) -> bool {
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
}
