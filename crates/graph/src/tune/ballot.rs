use rayon::prelude::*;

use super::query::Query;

/// Votes of one anchor under `LANES` settings side by side: companions and, lane by lane, what each gets.
pub(super) struct Votes<const POWERS: usize, const LANES: usize> {
    pub(super) companions: Vec<u32>,
    /// By companion, by power.
    pub(super) powers: Vec<[f32; POWERS]>,
    /// The anchor's own factor; lane = α · `POWERS` + power.
    pub(super) factor: [f32; LANES],
}

/// Scratch of one worker.
struct Bench<const LANES: usize> {
    /// 1 + slot of a companion; [`ASKED`] for products of the query.
    slot: Vec<u32>,
    companions: Vec<u32>,
    sums: Vec<[f32; LANES]>,
}

const ASKED: u32 = u32::MAX;
/// Places that count.
const PLACES: u32 = 20;

/// Sums the votes for every query and measures where its target comes in: per query and lane HR@10 + NDCG@20.
/// `votes` are found by `place` of the anchor.
pub(super) fn ask<const POWERS: usize, const LANES: usize>(
    queries: &[&Query],
    place: &[u32],
    votes: &[Votes<POWERS, LANES>],
) -> Vec<[f64; LANES]> {
    queries
        .par_iter()
        .map_init(
            || Bench {
                slot: vec![0; place.len()],
                companions: Vec::new(),
                sums: Vec::new(),
            },
            |bench, query| bench.ask(query, place, votes),
        )
        .collect()
}

impl<const LANES: usize> Bench<LANES> {
    fn ask<const POWERS: usize>(
        &mut self,
        query: &Query,
        place: &[u32],
        votes: &[Votes<POWERS, LANES>],
    ) -> [f64; LANES] {
        let of = |anchor: u32| &votes[place[anchor as usize] as usize];
        // Most targets get no vote at all, and looking is cheaper than summing.
        let mut anchors = query.anchors.iter();
        if !anchors.any(|&anchor| of(anchor).companions.contains(&query.target)) {
            return [0.0; LANES];
        }
        self.companions.clear();
        self.sums.clear();
        for &anchor in &query.anchors {
            self.slot[anchor as usize] = ASKED;
        }
        for &anchor in &query.anchors {
            self.add(of(anchor));
        }
        let target = self.slot[query.target as usize];
        let measures = self.measure(target as usize - 1);
        for &item in self.companions.iter().chain(&query.anchors) {
            self.slot[item as usize] = 0;
        }
        measures
    }

    fn add<const POWERS: usize>(&mut self, votes: &Votes<POWERS, LANES>) {
        for (&companion, powers) in votes.companions.iter().zip(&votes.powers) {
            let slot = &mut self.slot[companion as usize];
            if *slot == ASKED {
                continue;
            }
            if *slot == 0 {
                self.companions.push(companion);
                self.sums.push([0.0; LANES]);
                *slot = crate::facts::dense(self.sums.len());
            }
            let sums = &mut self.sums[*slot as usize - 1];
            for lane in 0..LANES {
                sums[lane] += powers[lane % POWERS] * votes.factor[lane];
            }
        }
    }

    fn measure(&self, target: usize) -> [f64; LANES] {
        const TOGETHER: usize = 32;
        let own = self.sums[target];
        let (mut above, mut level) = ([0_u32; LANES], [0_u32; LANES]);
        for some in self.sums.chunks(TOGETHER) {
            for sums in some {
                for lane in 0..LANES {
                    above[lane] += u32::from(sums[lane] > own[lane]);
                    level[lane] += u32::from(sums[lane] == own[lane]);
                }
            }
            if above.iter().all(|&above| above >= PLACES) {
                return [0.0; LANES];
            }
        }
        std::array::from_fn(|lane| {
            if own[lane] > 0.0 {
                measure(1.0 + f64::from(above[lane]) + f64::from(level[lane] - 1) / 2.0)
            } else {
                0.0
            }
        })
    }
}

/// HR@10 + NDCG@20 of a rank from 1; whoever is level with others takes the middle.
fn measure(rank: f64) -> f64 {
    let hit = f64::from(u8::from(rank <= 10.0));
    if rank <= f64::from(PLACES) {
        hit + 1.0 / (rank + 1.0).log2()
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    const LANES: usize = 16;
    /// So many that most targets come in behind all places that count.
    const PRODUCTS: u32 = 70;

    /// By anchor, (companion, value).
    fn lists() -> impl Strategy<Value = Vec<BTreeMap<u32, u32>>> {
        let list = proptest::collection::btree_map(0..PRODUCTS, 1..30_u32, 0..PRODUCTS as usize);
        proptest::collection::vec(list, 8)
    }

    fn votes(list: &BTreeMap<u32, u32>, anchor: usize) -> Votes<4, LANES> {
        let value = |value: &u32| *value as f32;
        Votes {
            companions: list.keys().copied().collect(),
            powers: list
                .values()
                .map(|one| [1, 2, 3, 4].map(|power| value(one).powi(power)))
                .collect(),
            factor: std::array::from_fn(|lane| (1 + (lane + anchor) % 3) as f32),
        }
    }

    proptest! {
        #[test]
        fn every_lane_ranks_as_plain_sums_do(lists in lists(), asked in proptest::collection::btree_set(0..8_u32, 2..5)) {
            let mut anchors: Vec<u32> = asked.into_iter().collect();
            let target = anchors.pop().unwrap();
            let query = Query { anchors: anchors.clone(), target, seeds: Vec::new(), sampled: true };
            let all: Vec<Votes<4, LANES>> = lists.iter().enumerate().map(|(anchor, list)| votes(list, anchor)).collect();
            let place: Vec<u32> = (0..PRODUCTS).collect();
            let found = ask(&[&query], &place, &all)[0];
            for (lane, &found) in found.iter().enumerate() {
                let sum = |item: u32| -> u32 {
                    let of = |&anchor: &u32| {
                        let factor = 1 + (lane as u32 + anchor) % 3;
                        let power = lane as u32 % 4 + 1;
                        lists[anchor as usize].get(&item).map_or(0, |value| factor * value.pow(power))
                    };
                    anchors.iter().map(of).sum()
                };
                let own = sum(target);
                let others = || (0..PRODUCTS).filter(|item| !anchors.contains(item) && *item != target);
                let above = others().filter(|&item| sum(item) > own).count() as f64;
                let level = others().filter(|&item| sum(item) == own).count() as f64;
                let rank = 1.0 + above + level / 2.0;
                let expected = match rank {
                    _ if own == 0 => 0.0,
                    ..=10.0 => 1.0 + 1.0 / (rank + 1.0).log2(),
                    ..=20.0 => 1.0 / (rank + 1.0).log2(),
                    _ => 0.0,
                };
                prop_assert!((found - expected).abs() < 1e-9, "lane {}: {} not {}", lane, found, expected);
            }
        }
    }
}
