use std::cmp::Ordering;

use super::pool::Pool;
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
    /// Sets seen in real orders first, then by value; of equals the one whose members rank better.
    fn order(&self, other: &Self) -> Ordering {
        (other.support > 0)
            .cmp(&(self.support > 0))
            .then(other.value.total_cmp(&self.value))
            .then(other.members.reverse_bits().cmp(&self.members.reverse_bits()))
    }
}

/// Places of a set's members, ascending.
#[derive(Debug, Clone, Copy)]
pub(super) struct Places(u32);

pub(super) fn places(set: u32) -> Places {
    Places(set)
}

impl Iterator for Places {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let place = self.0.trailing_zeros();
        // Clears the lowest bit; nothing is left to clear once the set is empty.
        self.0 &= self.0.wrapping_sub(1);
        (place < u32::BITS).then_some(place as usize)
    }
}

/// A set on the way, with the orders that hold all of it: its extensions are counted in one pass over them.
struct Partial {
    members: u32,
    orders: Vec<(u32, u32)>,
}

impl Partial {
    fn empty(pool: &Pool) -> Self {
        Self {
            members: 0,
            orders: pool.orders.clone(),
        }
    }

    fn of(set: u32, orders: &[(u32, u32)]) -> Self {
        Self {
            members: set,
            orders: orders
                .iter()
                .copied()
                .filter(|(held, _)| held & set == set)
                .collect(),
        }
    }

    /// This set and one more member, from place `first` on, that may stand beside all others.
    fn extended(&self, pool: &Pool, first: usize, params: &Bundles) -> Vec<Ranked> {
        let mut support = [0_u32; u32::BITS as usize];
        for (held, times) in &self.orders {
            places(*held).for_each(|place| support[place] += times);
        }
        let is_free = |place: &usize| self.members & (pool.apart[*place] | 1 << place) == 0;
        let ranked = |place: usize| {
            let members = self.members | 1 << place;
            Ranked {
                members,
                value: value(pool, members, params),
                support: if self.members == 0 {
                    pool.members[place].support
                } else {
                    support[place]
                },
            }
        };
        (first..pool.members.len()).filter(is_free).map(ranked).collect()
    }
}

/// All feasible sets of the sizes asked for, best first.
pub(super) fn exact(pool: &Pool, params: &Bundles) -> Vec<Ranked> {
    let mut found = Vec::new();
    let mut level = vec![Partial::empty(pool)];
    for size in 1..=params.most {
        let mut wider = Vec::new();
        for partial in &level {
            // Only later places are added, so every set comes up once.
            let later = (u32::BITS - partial.members.leading_zeros()) as usize;
            let extended = partial.extended(pool, later, params);
            if size < params.most {
                wider.extend(
                    extended
                        .iter()
                        .map(|set| Partial::of(set.members, &partial.orders)),
                );
            }
            if size >= params.fewest {
                found.extend(extended);
            }
        }
        level = wider;
    }
    found.sort_unstable_by(Ranked::order);
    found
}

/// The sets that a beam finds, best first.
pub(super) fn beam(pool: &Pool, params: &Bundles) -> Vec<Ranked> {
    let mut found = Vec::new();
    let mut level = vec![Partial::empty(pool)];
    for size in 1..=params.most {
        let mut wider: Vec<Ranked> = level
            .iter()
            .flat_map(|partial| partial.extended(pool, 0, params))
            .collect();
        wider.sort_unstable_by(Ranked::order);
        wider.dedup_by_key(|set| set.members);
        wider.truncate(params.beam);
        level = wider
            .iter()
            .map(|set| Partial::of(set.members, &pool.orders))
            .collect();
        if size >= params.fewest {
            found.extend(wider);
        }
    }
    found.sort_unstable_by(Ranked::order);
    found
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

#[cfg(test)]
mod tests;
