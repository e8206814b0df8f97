//! Orders that no shop took, the same in every run.

use std::time::Duration;

use tandem_domain::clock::{DAY_MS, Timestamp};
use tandem_domain::event::EventKind;
use tandem_graph::{EventRow, FactsBuilder};

/// Lines of an order on average.
pub(crate) const LINES_PER_ORDER: u64 = 10;
/// Orders come in so many days.
const DAYS: u64 = 100;

/// A generator that needs no crate: numbers of SplitMix64.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, most: u64) -> u64 {
        self.next() % most
    }

    /// A product: the smaller, the more popular, about as 1 / rank.
    fn product(&mut self, products: u64) -> u64 {
        let part = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        ((products as f64).powf(part) as u64).min(products - 1)
    }
}

/// Orders `range`, each the same whoever asks for it. Names say nothing of popularity.
pub(crate) fn orders(builder: &mut FactsBuilder, range: std::ops::Range<u64>, all: u64, products: u64) {
    for order in range {
        let mut dice = Dice(order.wrapping_mul(0x2545_f491_4f6c_dd1d));
        let group = format!("o{order}");
        let time = 1_700_000_000_000 + (order * DAYS / all) as i64 * DAY_MS;
        for _ in 0..=dice.below(2 * LINES_PER_ORDER - 1) {
            let product = dice.product(products);
            let product = format!("p{:016x}", Dice(product).next());
            builder.push(EventRow {
                kind: EventKind::Purchase,
                product: &product,
                user: None,
                group: Some(&group),
                scene: None,
                quantity: 1,
                unit_price: None,
                time: Timestamp::from_ms(time),
                generated: false,
                attributed: false,
            });
        }
    }
}

/// Lines to make, from the environment.
pub(crate) fn lines() -> u64 {
    let lines = std::env::var("LINES").ok();
    lines.and_then(|lines| lines.parse().ok()).unwrap_or(100_000)
}

/// Processor time of the process.
fn processor_time() -> Duration {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = text.rsplit(')').next().unwrap_or_default();
    let ticks = after_name.split_whitespace().skip(11).take(2);
    let ticks: u64 = ticks.filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

/// Does `work`, and says how many seconds of processor it took.
pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let before = processor_time();
    let done = work();
    (done, (processor_time() - before).as_secs_f64())
}
