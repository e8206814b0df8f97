//! Orders that no shop took, the same in every run.

use std::time::Duration;

use tandem_domain::clock::{DAY_MS, Timestamp};
use tandem_domain::event::EventKind;
use tandem_graph::{EventRow, FactsBuilder};

/// Lines of an order on average.
pub(crate) const LINES_PER_ORDER: u64 = 9;
/// Sizes of orders are log-normal: the median, the deviation of their logarithm, and the most.
const USUAL_LINES: f64 = 6.0;
const SPREAD: f64 = 0.9;
const MOST_LINES: f64 = 120.0;
/// Half of an order comes from one of so many themes of so many products, which overlap.
const THEMES: f64 = 2_000.0;
const THEME: f64 = 60.0;
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

    /// At least 0 and below 1.
    fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A rank below `ranks`, drawn by Zipf's law with this exponent below 1 over ranks shifted by `shift`.
    fn rank(&mut self, ranks: f64, shift: f64, exponent: f64) -> f64 {
        let rest = 1.0 - exponent;
        let (least, most) = (shift.powf(rest), (ranks + shift).powf(rest));
        let rank = (least + self.share() * (most - least)).powf(1.0 / rest) - shift;
        rank.floor().clamp(0.0, ranks - 1.0)
    }

    /// A product: the smaller, the more popular.
    fn product(&mut self, products: u64) -> u64 {
        self.rank(products as f64, 20.0, 0.9) as u64
    }

    /// A theme: the smaller, the more popular.
    fn theme(&mut self) -> u64 {
        self.rank(THEMES, 10.0, 0.99) as u64
    }

    /// Lines of an order.
    fn size(&mut self) -> u64 {
        let (distance, angle) = (1.0 - self.share(), std::f64::consts::TAU * self.share());
        let normal = (-2.0 * distance.ln()).sqrt() * angle.cos();
        (USUAL_LINES * (SPREAD * normal).exp())
            .round()
            .clamp(1.0, MOST_LINES) as u64
    }
}

/// A product of a theme: those that most orders of it have come first.
fn themed(theme: u64, place: f64, products: u64) -> u64 {
    let at = (THEME * place.powf(1.5)) as u64;
    let mut dice = Dice(theme.wrapping_mul(0x9fb2_1c65_1e98_df25) ^ at);
    dice.next();
    dice.product(products)
}

/// Orders `range`, each the same whoever asks for it. Names say nothing of popularity.
pub(crate) fn orders(builder: &mut FactsBuilder, range: std::ops::Range<u64>, all: u64, products: u64) {
    for order in range {
        let mut dice = Dice(order.wrapping_mul(0x2545_f491_4f6c_dd1d));
        let group = format!("o{order}");
        let time = 1_700_000_000_000 + (order * DAYS / all) as i64 * DAY_MS;
        let theme = dice.theme();
        for _ in 0..dice.size() {
            let product = match dice.below(2) {
                0 => dice.product(products),
                _ => themed(theme, dice.share(), products),
            };
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
                dwell_ms: None,
            });
        }
    }
}

/// Numbers of lines to measure, from the environment or these.
pub(crate) fn lines(otherwise: &str) -> Vec<u64> {
    let lines = std::env::var("LINES").unwrap_or_else(|_| otherwise.to_owned());
    lines.split(',').filter_map(|lines| lines.parse().ok()).collect()
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
