//! What increments cost beside a full build, on synthetic orders: the share of the pair work that they touch, and the
//! processor time of their rows beside that of all rows. `LINES=5000000 cargo bench -p tandem-graph --bench increment`;
//! a hundred thousand lines without it.

#[path = "support/synthetic.rs"]
mod synthetic;

use synthetic::{LINES_PER_ORDER, lines, orders, timed};
use tandem_graph::{EpochRecord, FactsBuilder, Params, build, increment};

fn main() {
    lines("100000").into_iter().for_each(measure);
}

fn measure(lines: u64) {
    let (all, products) = (lines / LINES_PER_ORDER, (lines / 100).clamp(1_000, 50_000));
    let gather = |later: u64, epoch: Option<&EpochRecord>| {
        let mut builder = FactsBuilder::new(Vec::new());
        if let Some(epoch) = epoch {
            builder = builder.under(epoch);
        }
        orders(&mut builder, 0..all - later, all, products);
        builder.later();
        orders(&mut builder, all - later..all, all, products);
        builder.finish()
    };
    let facts = gather(0, None);
    let epoch = EpochRecord::freeze(&facts, &Params::default());
    let (whole, seconds) = timed(|| build(&facts, &epoch, &|_| ()));
    let pairs = whole.stats.pairs;
    println!(
        "{lines} lines, {all} orders, {products} products: {pairs} pair increments, {seconds:.2} s of processor"
    );
    println!("| new orders | rows | share of the pair work, % | of the processor time, % | ratio |");
    println!("|---|---|---|---|---|");
    for part in [100, 1_000, 10_000, 100_000] {
        let later = (all / part).max(1);
        let facts = gather(later, Some(&epoch));
        let (some, spent) = timed(|| increment(&facts, &epoch, &|_| ()));
        let work = some.touched_pairs as f64 / some.stats.pairs as f64;
        println!(
            "| {later} | {} | {:.3} | {:.3} | {:.3} |",
            some.rows.len(),
            work * 100.0,
            spent / seconds * 100.0,
            spent / seconds / work
        );
    }
}
