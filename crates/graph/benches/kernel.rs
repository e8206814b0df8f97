//! The kernel alone, baskets in and lists of fifty out, beside what the machine's memory allows: nanoseconds per pair
//! increment, per read of a random cell of a table as large as the counters, and per basket's worth of bytes from
//! memory. `LINES=5000000 cargo bench -p tandem-graph --bench kernel`; a hundred thousand lines without it.

#[path = "support/synthetic.rs"]
mod synthetic;

use std::hint::black_box;
use std::time::Instant;

use synthetic::{Dice, LINES_PER_ORDER, lines, orders, timed};
use tandem_domain::relation::Relation;
use tandem_graph::{EdgeRef, EpochRecord, FactsBuilder, Params, Progress, Sheet, Wanted, build_parts};

/// Edges that go nowhere.
struct Tally(u64);

impl Sheet for Tally {
    fn edges(&mut self, edges: &[EdgeRef]) {
        self.0 += edges.iter().map(|edge| u64::from(edge.rank)).sum::<u64>();
    }
}

fn seconds(work: impl FnOnce()) -> f64 {
    let started = Instant::now();
    work();
    started.elapsed().as_secs_f64()
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// Nanoseconds per addition to random cells of a table of `cells`, one independent of the other.
fn random_cell(cells: usize) -> f64 {
    const ADDS: usize = 20_000_000;
    let mut table = vec![0_u64; cells];
    let mut dice = Dice(7);
    let places: Vec<u32> = (0..1 << 20).map(|_| dice.below(cells as u64) as u32).collect();
    let spent = seconds(|| {
        for &place in places.iter().cycle().take(ADDS) {
            table[place as usize] += 1;
        }
        black_box(&table);
    });
    spent * 1e9 / ADDS as f64
}

/// Nanoseconds per basket that is fetched from a place in memory that nothing foretells, one after the other.
fn random_basket(lines: usize) -> f64 {
    const FETCHES: usize = 4_000_000;
    let table = vec![1_u32; lines];
    let mut dice = Dice(9);
    let mut sum = 0_u64;
    let spent = seconds(|| {
        for _ in 0..FETCHES {
            let at = dice.below((lines - LINES_PER_ORDER as usize) as u64 + 1) as usize;
            sum += u64::from(table[at]);
        }
        black_box(sum);
    });
    spent * 1e9 / FETCHES as f64
}

fn main() {
    lines("100000").into_iter().for_each(measure);
}

fn measure(lines: u64) {
    const REPEATS: usize = 5;
    let (all, products) = (lines / LINES_PER_ORDER, (lines / 50).clamp(1_000, 100_000));
    let params = Params::default();
    let wanted = Wanted::lists(&[Relation::Together], &params);
    let mut builder = FactsBuilder::new(Vec::new()).wanted(wanted);
    orders(&mut builder, 0..all, all, products);
    let facts = builder.finish();
    let epoch = EpochRecord::freeze(&facts, &params);
    let build = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let pool = pool.expect("a pool of few threads");
        let take = |_, sheet: Tally, _: Progress| {
            black_box(sheet.0);
            Ok::<(), ()>(())
        };
        seconds(|| {
            pool.install(|| build_parts(&facts, &epoch, || Tally(0), take))
                .expect("nothing fails")
        })
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let (mut one, mut every, mut busy) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..REPEATS {
        let (wall, processor) = timed(|| build(1));
        one.push(wall);
        busy.push(processor);
        every.push(build(cores));
    }
    let (one, every, busy, pairs) = (median(one), median(every), median(busy), facts.pairs() as f64);
    println!("{lines} lines, {products} products, {pairs} pair increments; medians of {REPEATS}");
    println!("| what | figure |\n|---|---|");
    let per_pair = |seconds: f64| seconds * 1e9 / pairs;
    println!(
        "| kernel, one thread | {one:.3} s, {:.2} ns per pair increment |",
        per_pair(one)
    );
    println!(
        "| of these, of processor | {busy:.2} s, {:.2} ns per pair increment |",
        per_pair(busy)
    );
    println!(
        "| kernel, {cores} threads | {every:.3} s, {:.2} × as fast |",
        one / every
    );
    println!(
        "| adding to a random cell of {products} | {:.2} ns |",
        random_cell(products as usize)
    );
    let fetch = random_basket(lines as usize);
    println!(
        "| fetching from a random place of {lines} | {fetch:.2} ns, {:.2} a pair |",
        fetch / LINES_PER_ORDER as f64
    );
}
