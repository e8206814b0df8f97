//! Cases beside the echo.

use super::{Case, Sample};
use crate::load::figures::Bar::{self, AtLeast, AtMost};
use crate::load::figures::Figures;

/// What of a case is compared.
#[derive(Debug, Clone, Copy)]
enum Measure {
    Rate,
    Cpu,
    P99,
}

use Measure::{Cpu, P99, Rate};

impl Measure {
    const fn name(self) -> &'static str {
        match self {
            Rate => "calls/s",
            Cpu => "CPU per call",
            P99 => "p99",
        }
    }

    const fn of(self, sample: &Sample) -> f64 {
        match self {
            Rate => sample.calls_per_second,
            Cpu => sample.cpu_us,
            P99 => sample.p99_us,
        }
    }
}

/// Which case is compared with which, and what is wanted of it.
const RATIOS: [(Case, Case, Measure, Option<Bar>); 15] = [
    (Case::Hit, Case::Echo, Rate, Some(AtLeast(1.0))),
    (Case::Hit, Case::Echo, Cpu, Some(AtMost(1.0))),
    (Case::Hit, Case::Echo, P99, Some(AtMost(1.1))),
    (Case::Hit, Case::Gathered, Cpu, None),
    (Case::Through, Case::Echo, Rate, None),
    (Case::Through, Case::Echo, Cpu, None),
    (Case::Miss, Case::Through, Cpu, None),
    (Case::Miss, Case::Gathered, Cpu, None),
    (Case::Miss, Case::Echo, Rate, Some(AtLeast(0.7))),
    (Case::Miss, Case::Echo, Cpu, Some(AtMost(1.4))),
    (Case::Batch, Case::Echo, Cpu, Some(AtMost(5.0))),
    (Case::Basket, Case::Echo, Cpu, Some(AtMost(3.0))),
    (Case::Gathered, Case::Echo, Cpu, None),
    (Case::Flips, Case::Hit, Rate, Some(AtLeast(0.85))),
    (Case::Flips, Case::Hit, P99, Some(AtMost(1.5))),
];

/// Adds the medians of each case, and of its ratios.
pub(super) fn report(cases: &[Case], rounds: &[Vec<Sample>], figures: &mut Figures) {
    let place = |case: Case| cases.iter().position(|own| *own == case);
    for (at, case) in cases.iter().enumerate() {
        let mut add = |what: &str, unit: &str, pick: fn(&Sample) -> f64| {
            let value = median(rounds.iter().map(|round| pick(&round[at])).collect());
            figures.add(&format!("{}: {what}", case.name()), value, unit);
        };
        add("calls/s", "calls/s", |sample| sample.calls_per_second);
        add("CPU per call", "µs", |sample| sample.cpu_us);
        add("p50", "ms", |sample| sample.p50_us / 1e3);
        add("p99", "ms", |sample| sample.p99_us / 1e3);
    }
    for (case, to, measure, bar) in RATIOS {
        let Some((at, beside)) = place(case).zip(place(to)) else {
            continue;
        };
        let ratio = |round: &Vec<Sample>| measure.of(&round[at]) / measure.of(&round[beside]);
        let value = median(rounds.iter().map(ratio).collect());
        let name = format!("{}: {} ÷ {}", case.name(), measure.name(), to.name());
        figures.add(&name, value, "×");
        if let Some(bar) = bar {
            figures.bar(&name, value, bar);
        }
    }
}

pub(super) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
