use std::cmp::Ordering;

use super::pool::{Pool, count};
use crate::params::Bundles;

/// A set and what it is worth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Ranked {
    /// Bits of the members' places in the pool.
    pub(super) members: u32,
    /// F(S).
    pub(super) value: f64,
    /// Orders that hold the anchor and all members.
    pub(super) support: u32,
}

impl Ranked {
    fn of(pool: &Pool, members: u32, params: &Bundles) -> Self {
        Self {
            members,
            value: value(pool, members, params),
            support: support(pool, members),
        }
    }

    /// Sets seen in real orders first, then by value; of equals the one whose members rank better.
    fn order(&self, other: &Self) -> Ordering {
        (other.support > 0)
            .cmp(&(self.support > 0))
            .then(other.value.total_cmp(&self.value))
            .then(other.members.reverse_bits().cmp(&self.members.reverse_bits()))
    }
}

/// Places of a set's members, ascending.
pub(super) fn places(set: u32) -> impl Iterator<Item = usize> + Clone {
    (0..u32::BITS as usize).filter(move |place| set >> place & 1 == 1)
}

/// All feasible sets of the sizes asked for, best first.
pub(super) fn exact(pool: &Pool, params: &Bundles) -> Vec<Ranked> {
    let mut found = Vec::new();
    let mut level: Vec<u32> = vec![0];
    for size in 1..=params.most {
        // Only later places are added, so every set comes up once.
        level = level
            .iter()
            .flat_map(|&set| extended(pool, set, 32 - set.leading_zeros() as usize))
            .collect();
        if size >= params.fewest {
            found.extend(level.iter().map(|&set| Ranked::of(pool, set, params)));
        }
    }
    found.sort_unstable_by(Ranked::order);
    found
}

/// The sets that a beam finds, best first.
pub(super) fn beam(pool: &Pool, params: &Bundles) -> Vec<Ranked> {
    let mut found = Vec::new();
    let mut level: Vec<u32> = vec![0];
    for size in 1..=params.most {
        let mut wider: Vec<u32> = level.iter().flat_map(|&set| extended(pool, set, 0)).collect();
        wider.sort_unstable();
        wider.dedup();
        let mut ranked: Vec<Ranked> = wider
            .into_iter()
            .map(|set| Ranked::of(pool, set, params))
            .collect();
        ranked.sort_unstable_by(Ranked::order);
        ranked.truncate(params.beam);
        level = ranked.iter().map(|set| set.members).collect();
        if size >= params.fewest {
            found.extend(ranked);
        }
    }
    found.sort_unstable_by(Ranked::order);
    found
}

/// `set` and one more member, from place `first` on, that may stand beside all others.
fn extended(pool: &Pool, set: u32, first: usize) -> impl Iterator<Item = u32> {
    let free = (first..pool.members.len()).filter(move |&place| set & (pool.apart[place] | 1 << place) == 0);
    free.map(move |place| set | 1 << place)
}

/// `F(S) = Σ s(a,j) + cohesion · mean s(j,k) + roles · |roles| − price · |ln(Σp / target)|`.
pub(super) fn value(pool: &Pool, set: u32, params: &Bundles) -> f64 {
    let affinity: f64 = places(set).map(|place| pool.members[place].affinity).sum();
    // Feasible sets have one role per member.
    let roles = f64::from(set.count_ones());
    affinity + params.cohesion * cohesion(pool, set) + params.roles * roles
        - params.price * overspend(pool, set)
}

fn cohesion(pool: &Pool, set: u32) -> f64 {
    let size = set.count_ones();
    if size < 2 {
        return 0.0;
    }
    let pair = |j: usize, k: usize| pool.pairs[j * pool.members.len() + k];
    let sum: f64 = places(set)
        .map(|j| places(set).filter(|&k| k > j).map(|k| pair(j, k)).sum::<f64>())
        .sum();
    sum / f64::from(size * (size - 1) / 2)
}

/// |ln(Σp / target)|, the target being the anchor and as many companions at their usual price; 0 where a price is not
/// known.
fn overspend(pool: &Pool, set: u32) -> f64 {
    let Some((own, usual)) = pool.spending else {
        return 0.0;
    };
    let prices: Option<f64> = places(set).map(|place| pool.members[place].price).sum();
    let target = own + usual * f64::from(set.count_ones());
    prices.map_or(0.0, |prices| ((own + prices) / target).ln().abs())
}

fn support(pool: &Pool, set: u32) -> u32 {
    match set.count_ones() {
        1 => pool.members[set.trailing_zeros() as usize].support,
        _ => count(&pool.orders, set),
    }
}

#[cfg(test)]
mod tests;
