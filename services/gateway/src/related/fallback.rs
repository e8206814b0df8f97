//! The last step of the chain: bestsellers of the anchors' categories, then of the marketplace.

use std::collections::HashSet;

use tandem_domain::edge::Source;
use tandem_domain::id::{CategoryId, ProductId};
use tandem_domain::overlay::Offer;

use super::{Ask, Related, Relations};
use crate::read::{Edition, Result};

impl Related {
    /// Bestsellers for each group of categories, in one round trip; nothing when the chain does not end with them.
    pub(super) async fn bestsellers(
        &self,
        edition: Edition<'_>,
        ask: &Ask,
        groups: &[Vec<CategoryId>],
    ) -> Result<Vec<Vec<Offer>>> {
        if groups.is_empty() || !falls_back(ask) {
            return Ok(vec![Vec::new(); groups.len()]);
        }
        let mut categories: Vec<Option<CategoryId>> = vec![None];
        for category in groups.iter().flatten().cloned().map(Some) {
            if !categories.contains(&category) {
                categories.push(category);
            }
        }
        let read = self.reader.bestsellers(edition, categories.clone()).await?;
        let of = |wanted: Option<&CategoryId>| {
            let at = categories.iter().position(|category| category.as_ref() == wanted);
            at.and_then(|at| read.get(at)).map_or(&[][..], Vec::as_slice)
        };
        let line = |group: &Vec<CategoryId>| {
            let own: Vec<_> = group.iter().map(|category| of(Some(category))).collect();
            ranked(&own, of(None))
        };
        Ok(groups.iter().map(line).collect())
    }
}

fn falls_back(ask: &Ask) -> bool {
    ask.relations == Relations::OfSurface && ask.surface.fallback.contains(&Source::Bestseller)
}

/// Distinct categories, that of the most recent anchor (the last) first.
pub(super) fn categories_of<'a>(
    group: impl DoubleEndedIterator<Item = &'a Option<CategoryId>>,
) -> Vec<CategoryId> {
    let mut seen = HashSet::new();
    let categories = group.rev().flatten().cloned();
    categories
        .filter(|category| seen.insert(category.clone()))
        .collect()
}

/// The categories' bestsellers in turn, then the marketplace's. Their scores are counts that cannot be compared
/// between lists, so the place becomes the score.
fn ranked(categories: &[&[(ProductId, f32)]], marketplace: &[(ProductId, f32)]) -> Vec<Offer> {
    let longest = categories.iter().map(|list| list.len()).max().unwrap_or(0);
    let in_turn = (0..longest).flat_map(|place| categories.iter().filter_map(move |list| list.get(place)));
    in_turn
        .chain(marketplace)
        .enumerate()
        .map(|(place, (product, _))| offer(product, place))
        .collect()
}

fn offer(product: &ProductId, place: usize) -> Offer {
    #[expect(clippy::cast_precision_loss, reason = "places are small")]
    let score = 1.0 / (place + 1) as f32;
    Offer {
        product: product.clone(),
        relation: None,
        score,
        source: Source::Bestseller,
        generated: false,
    }
}
