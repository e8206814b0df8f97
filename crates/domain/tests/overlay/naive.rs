//! Answers of a [`World`] by other ways.

use std::collections::HashSet;

use tandem_domain::edge::Source;
use tandem_domain::id::ProductId;
use tandem_domain::link::LinkEffect;
use tandem_domain::overlay::{Adjustment, Item, Line, Marks, Offer, Window, arrange, vouch};
use tandem_domain::relation::Relation;
use tandem_domain::stock::Availability;

use crate::samples::{ALL, NOW};
use crate::world::World;

impl World {
    /// The same page from a line that was worked out without stock, looking no further than the page and one more.
    pub(crate) fn laid(&self, window: Window) -> (Vec<Item>, bool) {
        let marks = Marks::of(&self.links, &self.surface.id, NOW);
        let rules = self.rules(ALL);
        let line = Line::of(self.offers.clone(), &marks, &rules, |_| false);
        // How products are named decides nothing.
        let named = Line::of(
            self.offers.iter().map(Offer::named).collect(),
            &marks,
            &rules,
            |_| false,
        );
        assert!(
            named
                .offers
                .iter()
                .map(|offer| offer.identified())
                .eq(line.offers.iter().cloned())
        );
        assert_eq!(named.refused, line.refused);
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
    pub(crate) fn naive(&self) -> Vec<ProductId> {
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
