//! Proposals in the order in which they are looked at.

use super::{Marks, Offer, Pin, Rules};
use crate::edge::Source;
use crate::id::ProductId;

/// A pin keeps what is known of the companion where it was learned.
pub(super) fn pinned(pin: &Pin, offers: &[Offer]) -> Offer {
    let known = offers
        .iter()
        .find(|offer| offer.product == pin.product && pin.relation.is_none_or(|r| offer.relation == Some(r)));
    Offer {
        product: pin.product.clone(),
        relation: pin.relation.or_else(|| known.and_then(|offer| offer.relation)),
        score: known.map_or(0.0, |offer| offer.score),
        source: Source::Manual,
        generated: known.is_some_and(|offer| offer.generated),
    }
}

pub(super) fn lined_up(offers: Vec<Offer>, marks: &Marks, rules: &Rules<'_>) -> Vec<Offer> {
    let added: Vec<_> = additions(&offers, marks, rules).collect();
    let heeds_links = rules.heeds_links();
    let mut line: Vec<((usize, usize), Offer)> = Vec::with_capacity(offers.len() + added.len());
    line.extend(offers.into_iter().filter_map(|mut offer| {
        let step = rules.step(offer.source)?;
        let key = match rules.leads(&offer) {
            true => (0, 0),
            false => (step + 1, rules.place(offer.relation)),
        };
        if heeds_links {
            offer.score *= marks.factor(&offer.product, offer.relation);
        }
        Some((key, offer))
    }));
    line.extend(added);
    line.sort_by(|(a, x), (b, y)| a.cmp(b).then_with(|| y.score.total_cmp(&x.score)));
    line.into_iter().map(|(_, offer)| offer).collect()
}

/// Boosted companions that nothing has learned: at the end of the learned step.
fn additions<'a>(
    offers: &'a [Offer],
    marks: &'a Marks,
    rules: &'a Rules<'_>,
) -> impl Iterator<Item = ((usize, usize), Offer)> + 'a {
    let learned = |product: &ProductId| {
        offers
            .iter()
            .any(|offer| offer.product == *product && offer.source != Source::Bestseller)
    };
    let manual = rules.step(Source::Manual);
    let step = rules.step(Source::Learned).or(manual);
    marks
        .boosts()
        .filter(move |(product, relation)| manual.is_some() && rules.serves(*relation) && !learned(product))
        .filter_map(move |(product, relation)| {
            let offer = Offer {
                product: product.clone(),
                relation,
                score: 0.0,
                source: Source::Manual,
                generated: false,
            };
            Some(((step? + 1, usize::MAX), offer))
        })
}
