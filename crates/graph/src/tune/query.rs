use super::split::{Draw, Parts, draw};
use crate::facts::Baskets;

/// The share of queries that a grid is tried on, and the fewest and most.
const SAMPLE_PERCENT: usize = 15;
const FEWEST_SAMPLED: usize = 3000;
const MOST_SAMPLED: usize = 6000;
/// The most seeds that one basket asks from.
pub(super) const MOST_SEEDS: usize = 4;
/// The most queries of all.
const MOST: usize = 20_000;

/// A basket of the validation part, of products that the training part knows.
#[derive(Debug, Clone)]
pub(super) struct Query {
    /// Its products but the held-out one.
    pub(super) anchors: Vec<u32>,
    /// The held-out one.
    pub(super) target: u32,
    /// Some of all its products, drawn apart from the target, for questions from one seed.
    pub(super) seeds: Vec<u32>,
    /// Whether it takes part in grids.
    pub(super) sampled: bool,
}

impl Query {
    /// All products but the seed.
    pub(super) fn relevant(&self, seed: u32) -> impl Iterator<Item = u32> {
        let all = self.anchors.iter().copied().chain([self.target]);
        all.filter(move |&item| item != seed)
    }
}

/// One query per held basket with two known products.
pub(super) fn queries(all: &Baskets, parts: &Parts, counts: &[u32]) -> Vec<Query> {
    let mut drawn: Vec<(u64, Query)> = Vec::new();
    for &basket in &parts.held {
        let items = all.items(basket).iter().copied();
        let known: Vec<u32> = items.filter(|&item| counts[item as usize] > 0).collect();
        if known.len() < 2 {
            continue;
        }
        let pick = |purpose| (draw(basket, purpose) % known.len() as u64) as usize;
        let (target, first) = (pick(Draw::Target), pick(Draw::Seed));
        let seeds = (0..known.len().min(MOST_SEEDS)).map(|step| known[(first + step) % known.len()]);
        let seeds: Vec<u32> = seeds.collect();
        let mut anchors = known;
        let target = anchors.remove(target);
        drawn.push((
            draw(basket, Draw::Sample),
            Query {
                anchors,
                target,
                seeds,
                sampled: false,
            },
        ));
    }
    drawn.sort_by_key(|one| one.0);
    drawn.truncate(MOST);
    let sampled = (drawn.len() * SAMPLE_PERCENT / 100).clamp(FEWEST_SAMPLED, MOST_SAMPLED);
    let mut queries: Vec<Query> = drawn.into_iter().map(|one| one.1).collect();
    for query in queries.iter_mut().take(sampled) {
        query.sampled = true;
    }
    queries
}
