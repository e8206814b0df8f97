//! The table of faults: rows of the matrix, each with what it breaks and what must hold nevertheless.
//!
//! What every row promises is not said here: no acknowledged report is lost, nothing is served as buyable in an unmarked
//! answer later than T after the acknowledgement that it is not, no answer knows less than an earlier one, answers are
//! fresh again within half a minute, and the gateway then shows what SQL says.

mod clock;
mod consumer;
mod demand;
mod feed;
mod gateway;
mod graph;
mod redis;
mod sql;
mod store;
mod worker;

use std::pin::Pin;

use anyhow::Result;

use super::dice::Dice;
use super::world::World;

/// What a step of a fault comes to.
pub(crate) type Step<'a> = Pin<Box<dyn Future<Output = Result<()>> + 'a>>;

/// A row.
pub(crate) struct Case {
    /// Its number in the matrix.
    pub(crate) number: &'static str,
    /// What breaks.
    pub(crate) fault: &'static str,
    /// Brings the world into the shape that the fault needs; done before every repeat.
    pub(crate) prepare: fn(&mut World) -> Step<'_>,
    /// Breaks it under load, and heals it.
    pub(crate) inject: for<'a> fn(&'a mut World, &'a mut Dice) -> Step<'a>,
    /// The share of reads that may fail.
    pub(crate) may_fail: f64,
    /// Whether the fault outlasts the limit, so that lists must be marked and bundles suppressed.
    pub(crate) must_be_marked: bool,
}

impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Case")
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

/// Reads that a fault elsewhere must not touch: a client's patience may still run out on a busy machine.
const UNTOUCHED: f64 = 0.005;
/// Reads during an outage of what they need, over a repeat with the load before and after it.
const OUTAGE: f64 = 0.95;

/// A row that is prepared by nothing and marks nothing.
const fn row(
    number: &'static str,
    fault: &'static str,
    inject: for<'a> fn(&'a mut World, &'a mut Dice) -> Step<'a>,
) -> Case {
    Case {
        number,
        fault,
        prepare: as_it_is,
        inject,
        may_fail: UNTOUCHED,
        must_be_marked: false,
    }
}

impl Case {
    const fn after(mut self, prepare: fn(&mut World) -> Step<'_>) -> Self {
        self.prepare = prepare;
        self
    }

    const fn marked(mut self) -> Self {
        self.must_be_marked = true;
        self
    }

    const fn reads_may_fail(mut self) -> Self {
        self.may_fail = OUTAGE;
        self
    }
}

fn as_it_is(_: &mut World) -> Step<'_> {
    Box::pin(async { Ok(()) })
}

/// Every row that is run, those that break most first.
pub(crate) static CASES: [Case; 27] = [
    row("1", "worker killed mid-event", worker::killed),
    row(
        "2",
        "worker killed between SQL commit and append",
        worker::killed_before_append,
    ),
    row(
        "3",
        "worker killed between Redis write and acknowledgement",
        worker::killed_before_ack,
    ),
    row(
        "4",
        "worker paused past its lease, then continued",
        worker::paused,
    )
    .after(worker::two),
    row("7", "Redis killed and restarted empty", redis::killed)
        .marked()
        .reads_may_fail(),
    row("8", "Redis flushed while running", redis::flushed).reads_may_fail(),
    row("9", "Redis paused", redis::paused).marked().reads_may_fail(),
    row("10", "Redis black-holed", redis::black_holed)
        .marked()
        .reads_may_fail(),
    row("13", "PostgreSQL killed", sql::killed).marked(),
    row("18", "changes reordered and doubled", feed::shuffled),
    row(
        "22",
        "two recomputers, one killed mid-publish",
        graph::publisher_killed,
    )
    .after(graph::two),
    row("25", "stock feed silent", feed::silent).marked(),
    row("25b", "inventory worker dead, Redis alive", worker::dead).marked(),
    row("25c", "SQL restored from an older backup", sql::restored).reads_may_fail(),
    row("5", "gateway killed", gateway::killed).after(gateway::two),
    row("6", "SIGTERM under load", gateway::terminated).after(gateway::two),
    row("11", "slow and sliced connections", redis::sliced).reads_may_fail(),
    row("12", "Redis out of memory", redis::full).marked(),
    row("14", "PostgreSQL hanging", sql::hanging).marked(),
    row("19", "poison change and poison outbox row", feed::poisoned),
    row("15", "deadlocks", store::deadlocked),
    row("16", "16 concurrent SQLite writers", store::sixteen_writers),
    row("17", "disk full", store::disk_full),
    row("20", "hot key expires under 500 waiters", demand::hot_key),
    row("21", "three times the capacity offered", demand::overloaded),
    row("23", "the clock jumps an hour", clock::jumps).after(clock::adjustable),
    row("24", "consumers that do not read", consumer::never_reads)
        .after(consumer::aside)
        .reads_may_fail(),
];
