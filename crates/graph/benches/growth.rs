//! How the cost of the kernel grows with the pair work, Σ min(|b|, M)² over the orders b: processor time from baskets to
//! lists of fifty, over one catalogue and ever more orders. `LINES=1000000,5000000,20000000 cargo bench -p tandem-graph
//! --bench growth`; small ones without it.

#[path = "support/synthetic.rs"]
mod synthetic;

use std::hint::black_box;

use synthetic::{LINES_PER_ORDER, lines, orders, timed};
use tandem_domain::relation::Relation;
use tandem_graph::{EdgeRef, EpochRecord, FactsBuilder, Params, Progress, Sheet, Wanted, build_parts};

const PRODUCTS: u64 = 50_000;
const REPEATS: usize = 3;
const SMALL: &str = "50000,100000,200000";

/// Edges that go nowhere.
struct Tally(u64);

impl Sheet for Tally {
    fn edges(&mut self, edges: &[EdgeRef]) {
        self.0 += edges.iter().map(|edge| u64::from(edge.rank)).sum::<u64>();
    }
}

fn main() {
    println!("{PRODUCTS} products; medians of {REPEATS}");
    println!("| lines | pair increments | processor time, s | per pair increment, ns |\n|---|---|---|---|");
    for lines in lines(SMALL) {
        let (pairs, seconds) = kernel(lines);
        println!(
            "| {lines} | {pairs} | {seconds:.2} | {:.2} |",
            seconds * 1e9 / pairs as f64
        );
    }
}

/// Pair increments of so many lines, and what they take.
fn kernel(lines: u64) -> (u64, f64) {
    let params = Params::default();
    let wanted = Wanted::lists(&[Relation::Together], &params);
    let mut builder = FactsBuilder::new(Vec::new()).wanted(wanted);
    let all = lines / LINES_PER_ORDER;
    orders(&mut builder, 0..all, all, PRODUCTS);
    let facts = builder.finish();
    let epoch = EpochRecord::freeze(&facts, &params);
    let take = |_, sheet: Tally, _: Progress| {
        black_box(sheet.0);
        Ok::<(), ()>(())
    };
    let build = || build_parts(&facts, &epoch, || Tally(0), take).expect("nothing fails");
    let mut seconds: Vec<f64> = (0..REPEATS).map(|_| timed(build).1).collect();
    seconds.sort_by(f64::total_cmp);
    (facts.pairs(), seconds[REPEATS / 2])
}
