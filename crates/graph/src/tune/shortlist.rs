use rayon::prelude::*;
use tandem_domain::edge::STORED_COMPANIONS;

use crate::count::{self, Counter};
use crate::damping::damping;
use crate::facts::dense;
use crate::frame::Estimate;
use crate::ground::{Gate, Ground, keep_some};
use crate::params::BasketWeight;
use crate::rank::Best;

/// What decides the order inside a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Shape {
    pub(super) weight: BasketWeight,
    pub(super) slope: Slope,
}

/// How much the popularity of a companion damps it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Slope {
    pub(super) lambda: f64,
    pub(super) beta: f64,
}

impl Slope {
    /// (n + λ)^-β by baskets, as far as the counts go.
    pub(super) fn damping(&self, counts: &[u32]) -> Vec<f64> {
        let most = counts.iter().max().copied().unwrap_or(0);
        (0..=most)
            .map(|count| damping(count, self.lambda, self.beta))
            .collect()
    }
}

/// Companions and their common weights, in columns: there are millions.
#[derive(Debug)]
struct Row {
    items: Box<[u32]>,
    weights: Box<[f64]>,
}

/// Per anchor whoever stands among the best under some shape: rows are counted once for two basket weights, and every
/// shape is read off them.
pub(super) struct Shortlists {
    pub(super) anchors: Vec<u32>,
    /// Those of the shapes.
    weights: Vec<BasketWeight>,
    /// By place among the anchors, then by basket weight.
    rows: Vec<Vec<Row>>,
}

impl Shortlists {
    /// Rows of `anchors`, ascending, under every basket weight with every slope.
    pub(super) fn count(
        ground: &Ground<'_>,
        cap: usize,
        anchors: Vec<u32>,
        weights: Vec<BasketWeight>,
        slopes: &[Slope],
    ) -> Self {
        let sizes: Vec<Vec<u64>> = weights
            .iter()
            .map(|weight| count::weights(cap, |size| weight.of(size)))
            .collect();
        let slopes = Slopes::new(slopes, ground);
        let rows = anchors
            .par_iter()
            .map_init(
                || Bench::new(ground.products()),
                |bench, &anchor| {
                    let mut rows = Vec::with_capacity(weights.len());
                    for sizes in sizes.chunks(2) {
                        bench.counter.clear();
                        match sizes {
                            [first, second] => {
                                bench.counter.count_both(anchor, ground.baskets, first, second);
                            }
                            _ => bench.counter.count(anchor, ground.baskets, &sizes[0]),
                        }
                        bench.pass(&ground.gate(anchor), anchor, &slopes);
                        rows.push(bench.shortlist(&slopes, Counter::weight));
                        if sizes.len() > 1 {
                            rows.push(bench.shortlist(&slopes, Counter::single_weight));
                        }
                    }
                    rows
                },
            )
            .collect();
        Self {
            anchors,
            weights,
            rows,
        }
    }

    /// Where the list of an anchor stands that was counted.
    pub(super) fn place(&self, anchor: u32) -> usize {
        let place = self.anchors.binary_search(&anchor);
        place.expect("every anchor that is asked from was counted")
    }

    /// The stored companions of an anchor under a basket weight, with the weights that they have in common, damped; in any
    /// order. `damping` is by baskets, `counts` are those of products.
    pub(super) fn list(
        &self,
        place: usize,
        weight: BasketWeight,
        damping: &[f64],
        counts: &[u32],
    ) -> Vec<(u32, f64)> {
        let weight = self.weights.iter().position(|known| *known == weight);
        let row = weight.into_iter().map(|weight| &self.rows[place][weight]);
        let pairs = row.flat_map(|row| row.items.iter().zip(&row.weights));
        let damped = |(&item, &weight)| (item, weight * damping[counts[item as usize] as usize]);
        let mut list: Vec<(u32, f64)> = pairs.map(damped).collect();
        keep_some(&mut list, STORED_COMPANIONS, |one| (one.1, one.0));
        list
    }
}

/// Lanes that are computed together.
const LANES: usize = 4;

/// The dampings of all slopes side by side, nearly.
struct Slopes {
    /// How many vectors they fill.
    vectors: usize,
    /// The flattest slope and the steepest: the best under either bound what is left for all others.
    pivots: [usize; 2],
    products: Vec<Known>,
    dampings: Vec<[f32; LANES]>,
}

/// What is asked of everybody whom a counter saw.
#[derive(Debug, Clone, Copy)]
struct Known {
    /// Baskets.
    count: u32,
    /// Where its dampings begin, which products in as many baskets share; [`UNLISTED`] where it can stand in no list.
    start: u32,
}

const UNLISTED: u32 = u32::MAX;

impl Slopes {
    fn new(slopes: &[Slope], ground: &Ground<'_>) -> Self {
        let vectors = slopes.len().div_ceil(LANES);
        let mut counts: Vec<u32> = ground.counts.clone();
        counts.sort_unstable();
        counts.dedup();
        let lane = |count: u32, at: usize| {
            let slope = slopes.get(at).or(slopes.last());
            slope.map_or(0.0, |slope| damping(count, slope.lambda, slope.beta) as f32)
        };
        let of_count = |&count: &u32| {
            let vector = move |at: usize| std::array::from_fn(|one| lane(count, at * LANES + one));
            (0..vectors).map(vector)
        };
        let known = |item: u32| {
            let count = ground.counts[item as usize];
            let start = dense(counts.partition_point(|&one| one < count) * vectors);
            let is_listed = ground.is_listed(item);
            Known {
                count,
                start: if is_listed { start } else { UNLISTED },
            }
        };
        let steepness = |a: &usize, b: &usize| slopes[*a].beta.total_cmp(&slopes[*b].beta);
        let all = || 0..slopes.len();
        Self {
            vectors,
            pivots: [all().min_by(steepness), all().max_by(steepness)].map(Option::unwrap_or_default),
            products: (0..dense(ground.products())).map(known).collect(),
            dampings: counts.iter().flat_map(of_count).collect(),
        }
    }

    #[inline]
    fn at(&self, start: u32) -> &[[f32; LANES]] {
        &self.dampings[start as usize..][..self.vectors]
    }
}

/// Scratch of one worker.
struct Bench {
    counter: Counter,
    /// Whoever stands behind the gate, and where their dampings begin; the first `many` count.
    items: Vec<u32>,
    starts: Vec<u32>,
    many: usize,
    /// Their common weights.
    weights: Vec<f32>,
    best: Best,
    /// By slope, what nobody stays below who is among the best.
    floors: Vec<[f32; LANES]>,
    least: Vec<[f32; LANES]>,
    /// Those who may be.
    kept: Vec<u32>,
}

impl Bench {
    fn new(products: usize) -> Self {
        Self {
            counter: Counter::new(products),
            items: Vec::new(),
            starts: Vec::new(),
            many: 0,
            weights: Vec::new(),
            best: Best::of(STORED_COMPANIONS),
            floors: Vec::new(),
            least: Vec::new(),
            kept: Vec::new(),
        }
    }

    /// Whom the counter saw, behind the gate. Who passes is a coin that no branch foretells, so each is written and only
    /// those who pass are counted.
    fn pass(&mut self, gate: &Gate<'_>, anchor: u32, slopes: &Slopes) {
        let touched = self.counter.touched();
        for column in [&mut self.items, &mut self.starts, &mut self.kept] {
            column.resize(column.len().max(touched.len()), 0);
        }
        let (items, starts) = (
            &mut self.items[..touched.len()],
            &mut self.starts[..touched.len()],
        );
        let mut many = 0;
        for &item in touched {
            let Known { count, start } = slopes.products[item as usize];
            let stands = (item != anchor) & (start != UNLISTED);
            (items[many], starts[many]) = (item, start);
            many += usize::from(stands & gate.passes(self.counter.support(item), count));
        }
        self.many = many;
    }

    /// Who of them is among the best under one of the slopes, and perhaps others.
    fn shortlist(&mut self, slopes: &Slopes, weight: impl Fn(&Counter, u32) -> f64) -> Row {
        let (items, starts) = (&self.items[..self.many], &self.starts[..self.many]);
        let weight = |item| weight(&self.counter, item);
        let row = |items: &[u32]| Row {
            items: items.into(),
            weights: items.iter().map(|&item| weight(item)).collect(),
        };
        if items.len() <= STORED_COMPANIONS {
            return row(items);
        }
        self.weights.clear();
        self.weights.extend(items.iter().map(|&item| weight(item) as f32));
        self.floors.clear();
        self.floors.resize(slopes.vectors, [0.0; LANES]);
        for pivot in slopes.pivots {
            for ((at, &start), &weight) in (0_u32..).zip(starts).zip(&self.weights) {
                let value = weight * slopes.dampings[start as usize + pivot / LANES][pivot % LANES];
                if self.best.admits(value) {
                    self.best
                        .offer((u64::from(value.to_bits()) << 32) | u64::from(at));
                }
            }
            self.least.clear();
            self.least.resize(slopes.vectors, [f32::INFINITY; LANES]);
            for &key in self.best.best() {
                let at = key as u32 as usize;
                for (least, damping) in self.least.iter_mut().zip(slopes.at(starts[at])) {
                    for (least, damping) in least.iter_mut().zip(damping) {
                        *least = least.min(self.weights[at] * damping);
                    }
                }
            }
            self.best.clear();
            for (floor, least) in self.floors.iter_mut().zip(&self.least) {
                for (floor, &least) in floor.iter_mut().zip(least) {
                    *floor = floor.max(Estimate::least(least));
                }
            }
        }
        let kept = &mut self.kept[..items.len()];
        let mut many = 0;
        for ((&item, &start), &weight) in items.iter().zip(starts).zip(&self.weights) {
            let mut reaches = [false; LANES];
            for (damping, floor) in slopes.at(start).iter().zip(&self.floors) {
                for lane in 0..LANES {
                    reaches[lane] |= weight * damping[lane] >= floor[lane];
                }
            }
            kept[many] = item;
            many += usize::from(reaches.iter().fold(false, |any, &one| any | one));
        }
        row(&kept[..many])
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::facts::Baskets;
    use crate::params::Gates;

    /// More than a list stores.
    const PRODUCTS: usize = 90;

    proptest! {
        #[test]
        fn a_list_holds_the_best_under_its_shape(
            baskets in proptest::collection::vec(
                proptest::collection::btree_set(0..PRODUCTS as u32, 20..70), 3..30),
            off_sale in 0..PRODUCTS,
            given in (0.01..1e6_f64, 0.0..4.0_f64),
        ) {
            let baskets: Vec<Vec<u32>> = baskets.into_iter().map(|basket| basket.into_iter().collect()).collect();
            let laid = Baskets::plain(baskets.iter().cloned(), PRODUCTS);
            let (mut listed, gates) = ([true; PRODUCTS], Gates { least_support: 2, chance: 0.0, ..Gates::default() });
            listed[off_sale] = false;
            let ground = Ground::new(&laid, &listed, &gates);
            let slope = |(lambda, beta)| Slope { lambda, beta };
            let slopes = [(20.0, 0.2), (80.0, 0.7), given, (20.0, 0.5), (80.0, 0.2)].map(slope);
            let weights = [BasketWeight::Log, BasketWeight::Power(0.5), BasketWeight::Power(1.0)];
            let anchors: Vec<u32> = (0..PRODUCTS as u32).step_by(7).collect();
            let lists = Shortlists::count(&ground, 60, anchors.clone(), weights.to_vec(), &slopes);
            for &anchor in &anchors {
                let common = |item: u32| baskets.iter().filter(move |basket| basket.contains(&anchor) && basket.contains(&item));
                let gate = ground.gate(anchor);
                let passing: Vec<u32> = (0..PRODUCTS as u32)
                    .filter(|&item| ground.is_companion(anchor, item))
                    .filter(|&item| gate.passes(dense(common(item).count()), ground.counts[item as usize]))
                    .collect();
                for weight in weights {
                    let sizes = count::weights(60, |size| weight.of(size));
                    for slope in &slopes {
                        let damping = slope.damping(&ground.counts);
                        let mut expected: Vec<(u32, f64)> = passing.iter().map(|&item| {
                            let parts: u64 = common(item).map(|basket| sizes[basket.len().min(60)]).sum();
                            (item, parts as f64 / count::ONE as f64 * damping[ground.counts[item as usize] as usize])
                        }).collect();
                        keep_some(&mut expected, STORED_COMPANIONS, |one| (one.1, one.0));
                        let mut found = lists.list(lists.place(anchor), weight, &damping, &ground.counts);
                        expected.sort_unstable_by_key(|one| one.0);
                        found.sort_unstable_by_key(|one| one.0);
                        prop_assert_eq!(found, expected);
                    }
                }
            }
        }
    }
}
