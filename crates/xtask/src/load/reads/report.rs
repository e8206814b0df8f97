//! Cases beside the echo.

use super::{Case, Sample};
use crate::load::figures::{Bar, Figures};

/// Adds the medians of each case, and of its ratios.
pub(super) fn report(cases: &[Case], rounds: &[Vec<Sample>], figures: &mut Figures) {
    use Bar::{AtLeast, AtMost};
    let at = |case: Case| cases.iter().position(|own| *own == case).unwrap_or(0);
    let of = |case: Case, pick: fn(&Sample) -> f64| {
        median(rounds.iter().map(|round| pick(&round[at(case)])).collect())
    };
    let ratio = |case: Case, to: Case, pick: fn(&Sample) -> f64| {
        median(
            rounds
                .iter()
                .map(|round| pick(&round[at(case)]) / pick(&round[at(to)]))
                .collect(),
        )
    };
    for case in cases.iter().copied() {
        let name = case.name();
        figures.add(
            &format!("{name}: calls/s"),
            of(case, |s| s.calls_per_second),
            "calls/s",
        );
        figures.add(&format!("{name}: CPU per call"), of(case, |s| s.cpu_us), "µs");
        figures.add(&format!("{name}: p50"), of(case, |s| s.p50_us) / 1e3, "ms");
        figures.add(&format!("{name}: p99"), of(case, |s| s.p99_us) / 1e3, "ms");
    }
    let rate: fn(&Sample) -> f64 = |s| s.calls_per_second;
    let cpu: fn(&Sample) -> f64 = |s| s.cpu_us;
    let p99: fn(&Sample) -> f64 = |s| s.p99_us;
    let rows = [
        (Case::Hit, Case::Echo, "calls/s ÷ echo", rate, Some(AtLeast(1.0))),
        (
            Case::Hit,
            Case::Echo,
            "CPU per call ÷ echo",
            cpu,
            Some(AtMost(1.0)),
        ),
        (Case::Hit, Case::Echo, "p99 ÷ echo", p99, Some(AtMost(1.1))),
        (Case::Through, Case::Echo, "calls/s ÷ echo", rate, None),
        (Case::Through, Case::Echo, "CPU per call ÷ echo", cpu, None),
        (
            Case::Miss,
            Case::Through,
            "CPU per call ÷ echo that reads",
            cpu,
            None,
        ),
        (Case::Miss, Case::Echo, "calls/s ÷ echo", rate, Some(AtLeast(0.7))),
        (
            Case::Miss,
            Case::Echo,
            "CPU per call ÷ echo",
            cpu,
            Some(AtMost(1.4)),
        ),
        (
            Case::Batch,
            Case::Echo,
            "CPU per call ÷ echo",
            cpu,
            Some(AtMost(5.0)),
        ),
        (
            Case::Basket,
            Case::Echo,
            "CPU per call ÷ echo",
            cpu,
            Some(AtMost(3.0)),
        ),
        (
            Case::Flips,
            Case::Hit,
            "calls/s ÷ without flips",
            rate,
            Some(AtLeast(0.85)),
        ),
        (
            Case::Flips,
            Case::Hit,
            "p99 ÷ without flips",
            p99,
            Some(AtMost(1.5)),
        ),
    ];
    let rows = rows
        .into_iter()
        .filter(|(case, to, ..)| cases.contains(case) && cases.contains(to));
    for (case, to, what, pick, bar) in rows {
        let (name, value) = (format!("{}: {what}", case.name()), ratio(case, to, pick));
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
