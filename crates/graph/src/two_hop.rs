//! What was viewed beside an anchor's companions: P + ε·P², P the best rows with a sum of 1.

use rayon::prelude::*;

use crate::count::{Counter, Kernel, count_sessions};
use crate::facts::{Baskets, dense};
use crate::ground::{Ground, keep_best};
use tandem_domain::edge::STORED_COMPANIONS;

/// Rows whose values add up to 1, by product.
pub(crate) type Shares = Vec<Vec<(u32, f64)>>;

/// The best companions of every product with their shares of the row, best first.
pub(crate) fn shares(
    ground: &Ground<'_>,
    sessions: &Baskets,
    kernel: &Kernel,
    damping: &[f64],
    least: u32,
) -> Shares {
    let products = ground.products();
    (0..dense(products))
        .into_par_iter()
        .map_init(
            || Counter::new(products),
            |counter, anchor| {
                counter.clear();
                count_sessions(counter, anchor, sessions, kernel);
                normal(row(ground, counter, anchor, damping, least))
            },
        )
        .collect()
}

/// (companion, value) of whom enough sessions hold beside the anchor.
pub(crate) fn row(
    ground: &Ground<'_>,
    counter: &Counter,
    anchor: u32,
    damping: &[f64],
    least: u32,
) -> Vec<(u32, f64)> {
    let touched = counter.touched().iter().copied();
    touched
        .filter(|&item| ground.is_companion(anchor, item) && counter.support(item) >= least)
        .map(|item| (item, counter.weight(item) * damping[item as usize]))
        .collect()
}

fn normal(mut row: Vec<(u32, f64)>) -> Vec<(u32, f64)> {
    keep_best(&mut row, STORED_COMPANIONS, |one| (one.1, one.0));
    let mass: f64 = row.iter().map(|one| one.1).sum();
    row.iter_mut().for_each(|one| one.1 /= mass);
    row
}

/// Scratch of [`hop`].
pub(crate) struct HopBench {
    values: Vec<f64>,
    touched: Vec<u32>,
}

impl HopBench {
    pub(crate) fn new(products: usize) -> Self {
        Self {
            values: vec![0.0; products],
            touched: Vec::new(),
        }
    }
}

/// The anchor's row of P² without the anchor itself, in the order that it was met.
pub(crate) fn hop(shares: &Shares, anchor: u32, bench: &mut HopBench) -> Vec<(u32, f64)> {
    bench.touched.clear();
    for &(between, first) in &shares[anchor as usize] {
        for &(item, second) in &shares[between as usize] {
            let value = &mut bench.values[item as usize];
            if *value == 0.0 {
                bench.touched.push(item);
            }
            *value += first * second;
        }
    }
    let values = &mut bench.values;
    let taken = bench
        .touched
        .iter()
        .map(|&item| (item, std::mem::take(&mut values[item as usize])));
    taken.filter(|&(item, _)| item != anchor).collect()
}

/// P + ε·P² of one anchor, cut again: (companion, value, P² alone), best first.
pub(crate) fn reach(shares: &[(u32, f64)], hop: &[(u32, f64)], epsilon: f64) -> Vec<(u32, f64, f64)> {
    let mut direct = shares.to_vec();
    direct.sort_unstable_by_key(|one| one.0);
    let of = |item: u32| {
        let at = direct.binary_search_by_key(&item, |one| one.0).ok();
        at.map_or(0.0, |at| direct[at].1)
    };
    let mut row: Vec<(u32, f64, f64)> = hop
        .iter()
        .map(|&(item, far)| (item, of(item) + epsilon * far, far))
        .collect();
    let mut met: Vec<u32> = hop.iter().map(|one| one.0).collect();
    met.sort_unstable();
    let near = direct.iter().filter(|one| met.binary_search(&one.0).is_err());
    row.extend(near.map(|&(item, share)| (item, share, 0.0)));
    keep_best(&mut row, STORED_COMPANIONS, |one| (one.1, one.0));
    row
}
