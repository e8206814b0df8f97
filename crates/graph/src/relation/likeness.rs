use crate::facts::NONE;
use crate::frame::{Card, Cards};

/// How alike two products are by what the catalogue says, 0 to 1: leaf (its parent counts half), brand, series, price
/// and tags, each as far as both are known; where tags are not, the words of titles.
pub(super) fn likeness(cards: &Cards, a: &Card, b: &Card) -> f64 {
    let leaf = same(a.leaf, b.leaf).map(|alike| alike.max(0.5 * same(a.parent, b.parent).unwrap_or(0.0)));
    let price = a.ln_ratio(b).map(|ratio| (-2.0 * ratio * ratio).exp());
    let tags = jaccard(cards.tags(a), cards.tags(b)).or_else(|| jaccard(cards.words(a), cards.words(b)));
    let parts = [
        (leaf, 1.0),
        (same(a.brand, b.brand), 1.0),
        (same(a.series, b.series), 1.0),
        (price, 1.0),
        (tags, 2.0),
    ];
    let known = parts
        .iter()
        .filter_map(|(part, weight)| part.map(|alike| (alike * weight, *weight)));
    let (sum, weight) = known.fold((0.0, 0.0), |(sum, all), (alike, weight)| {
        (sum + alike, all + weight)
    });
    if weight > 0.0 { sum / weight } else { 0.0 }
}

/// How much one product repeats another in a list, 0 to 1, by leaf and brand of both.
pub(super) fn sameness(a: (u32, u32), b: (u32, u32)) -> f64 {
    let leaf = same(a.0, b.0).unwrap_or(0.0);
    let brand = same(a.1, b.1).unwrap_or(0.0);
    0.6 * leaf + 0.4 * brand
}

fn same(a: u32, b: u32) -> Option<f64> {
    (a != NONE && b != NONE).then_some(if a == b { 1.0 } else { 0.0 })
}

/// Of two ascending lists; `None` where either is empty.
fn jaccard(a: &[u32], b: &[u32]) -> Option<f64> {
    if a.is_empty() || b.is_empty() {
        return None;
    }
    // Lists are short: to look at all of one takes less than to search it.
    let is_in_b = |tag: &&u32| b.iter().fold(false, |found, other| found | (other == *tag));
    let common = a.iter().filter(is_in_b).count();
    Some(common as f64 / (a.len() + b.len() - common) as f64)
}
