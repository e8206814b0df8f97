//! Proposals in the order in which they are looked at.

use super::{Marks, Named, Offer, Pin, Rules};
use crate::edge::Source;

/// A pin keeps what is known of the companion where it was learned.
pub(super) fn pinned<'a, P: Named<'a>>(pin: &'a Pin, offers: &[Offer<P>]) -> Offer<P> {
    let product = P::from(&pin.product);
    let known = offers
        .iter()
        .find(|offer| offer.product == product && pin.relation.is_none_or(|r| offer.relation == Some(r)));
    Offer {
        product,
        relation: pin.relation.or_else(|| known.and_then(|offer| offer.relation)),
        score: known.map_or(0.0, |offer| offer.score),
        source: Source::Manual,
        generated: known.is_some_and(|offer| offer.generated),
    }
}

pub(super) fn lined_up<'a, P: Named<'a>>(
    offers: Vec<Offer<P>>,
    marks: &'a Marks,
    rules: &Rules<'_>,
) -> Vec<Offer<P>> {
    let added: Vec<_> = additions(&offers, marks, rules).collect();
    let heeds_links = rules.heeds_links();
    let mut line: Vec<((usize, usize), Offer<P>)> = Vec::with_capacity(offers.len() + added.len());
    line.extend(offers.into_iter().filter_map(|mut offer| {
        let step = rules.step(offer.source)?;
        let key = match rules.leads(&offer) {
            true => (0, 0),
            false => (step + 1, rules.place(offer.relation)),
        };
        if heeds_links {
            offer.score *= marks.factor(offer.product.borrow(), offer.relation);
        }
        Some((key, offer))
    }));
    line.extend(added);
    line.sort_by(|(a, x), (b, y)| a.cmp(b).then_with(|| y.score.total_cmp(&x.score)));
    line.into_iter().map(|(_, offer)| offer).collect()
}

/// Boosted companions that nothing has learned: at the end of the learned step.
fn additions<'a, P: Named<'a>>(
    offers: &[Offer<P>],
    marks: &'a Marks,
    rules: &Rules<'_>,
) -> impl Iterator<Item = ((usize, usize), Offer<P>)> {
    let learned = |product: &P| {
        offers
            .iter()
            .any(|offer| offer.product == *product && offer.source != Source::Bestseller)
    };
    let manual = rules.step(Source::Manual);
    let step = rules.step(Source::Learned).or(manual);
    marks
        .boosts()
        .map(|(product, relation)| (P::from(product), relation))
        .filter(move |(product, relation)| manual.is_some() && rules.serves(*relation) && !learned(product))
        .filter_map(move |(product, relation)| {
            let offer = Offer {
                product,
                relation,
                score: 0.0,
                source: Source::Manual,
                generated: false,
            };
            Some(((step? + 1, usize::MAX), offer))
        })
}
