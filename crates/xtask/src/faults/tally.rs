//! What a row's repeats came to.

use std::fmt;
use std::time::Duration;

use super::case::Case;

/// How reads and writes ended, over one repeat or several. An empty answer is no success.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    pub(crate) given: u64,
    pub(crate) marked: u64,
    pub(crate) suppressed: u64,
    pub(crate) empty: u64,
    pub(crate) failed: u64,
    /// What the first failed read was told.
    pub(crate) first_failure: Option<String>,
    pub(crate) writes_acknowledged: u64,
    pub(crate) writes_failed: u64,
    pub(crate) unbuyable: u64,
    /// The longest that an unmarked answer lagged behind an acknowledgement.
    pub(crate) worst_lag: Duration,
    pub(crate) regressions: u64,
    /// The longest that the load itself was behind its schedule: what the machine is to blame for.
    pub(crate) late: Duration,
    /// From the moment in which a read was due to its answer.
    pub(crate) latencies: Vec<Duration>,
}

impl Tally {
    pub(crate) fn add(&mut self, other: Self) {
        self.given += other.given;
        self.marked += other.marked;
        self.suppressed += other.suppressed;
        self.empty += other.empty;
        self.failed += other.failed;
        self.first_failure = self.first_failure.take().or(other.first_failure);
        self.writes_acknowledged += other.writes_acknowledged;
        self.writes_failed += other.writes_failed;
        self.unbuyable += other.unbuyable;
        self.worst_lag = self.worst_lag.max(other.worst_lag);
        self.regressions += other.regressions;
        self.late = self.late.max(other.late);
        self.latencies.extend(other.latencies);
    }

    /// The share `at` of the sorted latencies.
    fn percentile(sorted: &[Duration], at: f64) -> Duration {
        let place = (sorted.len().saturating_sub(1) as f64 * at) as usize;
        sorted.get(place).copied().unwrap_or_default()
    }
}

/// One repeat.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outcome {
    pub(crate) tally: Tally,
    /// Acknowledged reports that SQL does not hold.
    pub(crate) lost: u64,
    /// From the moment in which the fault was healed to the first fresh answer.
    pub(crate) recovery: Duration,
    /// Promises that did not hold.
    pub(crate) broken: Vec<String>,
    /// Promises of how soon something is done, where the machine did not do it sooner.
    pub(crate) slow: Vec<String>,
}

/// One line of the table.
#[derive(Debug)]
pub(crate) struct Row {
    case: &'static Case,
    tally: Tally,
    lost: u64,
    recoveries: Vec<Duration>,
    pub(crate) broken: Vec<String>,
    pub(crate) slow: Vec<String>,
}

impl Row {
    pub(crate) fn of(case: &'static Case) -> Self {
        Self {
            case,
            tally: Tally::default(),
            lost: 0,
            recoveries: Vec::new(),
            broken: Vec::new(),
            slow: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, outcome: Outcome) {
        self.tally.add(outcome.tally);
        self.lost += outcome.lost;
        let number = self.recoveries.len();
        self.recoveries.push(outcome.recovery);
        for why in outcome.broken {
            let why = format!("repeat {number}: {why}");
            eprintln!("  row {} {why}", self.case.number);
            self.broken.push(why);
        }
        self.slow.extend(outcome.slow);
    }

    /// Whether all that did not hold came late.
    pub(crate) fn is_slow(&self) -> bool {
        self.broken.is_empty() && !self.slow.is_empty()
    }

    pub(crate) fn number(&self) -> &'static str {
        self.case.number
    }

    pub(crate) fn repeats(&self) -> u32 {
        u32::try_from(self.recoveries.len()).unwrap_or(u32::MAX)
    }
}

/// The columns of a [`Row`].
pub(crate) fn print_header() {
    println!(
        "| # | fault | repeats | given | marked | suppressed | empty | failed | writes ok / failed | lost | unbuyable | T worst ms | regressions | p50 / p99 / max ms | recovery worst ms | holds |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|");
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tally = &self.tally;
        let mut sorted = tally.latencies.clone();
        sorted.sort_unstable();
        let ms = |span: Duration| span.as_secs_f64() * 1e3;
        let [p50, p99, max] = [0.5, 0.99, 1.0].map(|at| ms(Tally::percentile(&sorted, at)));
        let recovery = self.recoveries.iter().max().copied().unwrap_or_default();
        write!(
            f,
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} / {} | {} | {} | {:.0} | {} | {p50:.1} / {p99:.1} / {max:.1} | {:.0} | {} |",
            self.case.number,
            self.case.fault,
            self.recoveries.len(),
            tally.given,
            tally.marked,
            tally.suppressed,
            tally.empty,
            tally.failed,
            tally.writes_acknowledged,
            tally.writes_failed,
            self.lost,
            tally.unbuyable,
            ms(tally.worst_lag),
            tally.regressions,
            ms(recovery),
            match (self.broken.is_empty(), self.slow.is_empty()) {
                (true, true) => "yes",
                (true, false) => "slow",
                (false, _) => "NO",
            },
        )
    }
}
