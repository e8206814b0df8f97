//! One repeat of a row, and many of all rows at random.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use tokio::time::sleep;

use super::Pace;
use super::case::{CASES, Case};
use super::dice::Dice;
use super::tally::Outcome;
use super::traffic::{T, Traffic};
use super::usage::Usage;
use super::world::World;

/// A path from a report to an answer has so many steps, each of which may be as late as the load was at worst, and a step
/// may be late without the load's being so.
const STEPS: u32 = 10;
const ONE_STEP: Duration = Duration::from_secs(1);
/// From here on the load itself is late, and up to how many reads of a late machine may fail, and of any machine.
const LATE: Duration = Duration::from_millis(100);
const FAILED_ON_A_LATE_MACHINE: f64 = 0.5;
const FAILED_ON_ANY: f64 = 0.05;

/// Load, fault, load, comparison.
pub(crate) async fn repeat(case: &Case, world: &mut World, dice: &mut Dice) -> Result<Outcome> {
    (case.prepare)(world)
        .await
        .context("the fault cannot be prepared")?;
    world.fresh_again(world.pace.recovered_within).await?;
    let books = Arc::clone(&world.books);
    let traffic = Traffic::start(world.gateway_channels()?, world.control_channel()?, books, dice);
    sleep(world.pace.before + dice.within(world.pace.before)).await;
    let injected = (case.inject)(world, dice).await;
    let recovery = world.fresh_again(world.pace.recovered_within).await;
    sleep(world.pace.after).await;
    let tally = traffic.stop().await;
    let mut outcome = Outcome {
        tally,
        ..Outcome::default()
    };
    let mut promise = |kept: Result<()>| {
        if let Err(error) = kept {
            outcome.broken.push(format!("{error:#}"));
        }
    };
    promise(injected);
    promise(recovery.map(|took| outcome.recovery = took));
    let lost = world.lost().await?;
    outcome.lost = lost.len() as u64;
    promise(none(&lost));
    promise(world.converged().await);
    case.judge(&mut outcome, world.pace.strict);
    Ok(outcome)
}

fn none(lost: &[String]) -> Result<()> {
    match lost.first() {
        None => Ok(()),
        Some(first) => bail!("{} acknowledged reports are lost: {first}", lost.len()),
    }
}

impl Case {
    /// What every row promises, and what this one does. Unless it is strict, what a machine that is late itself makes late
    /// is slow and not broken.
    fn judge(&self, outcome: &mut Outcome, strict: bool) {
        let tally = &outcome.tally;
        let answered = tally.given + tally.marked + tally.suppressed + tally.empty;
        let failed = tally.failed as f64 / (answered + tally.failed).max(1) as f64;
        let (mut broken, mut slow) = (Vec::new(), Vec::new());
        let mut late = |excused: bool, why: String| match excused && !strict {
            true => slow.push(why),
            false => broken.push(why),
        };
        if tally.unbuyable > 0 {
            let ms = T.as_millis();
            late(
                tally.worst_lag <= T + STEPS * tally.late + ONE_STEP,
                format!("{} unbuyable products served after {ms} ms", tally.unbuyable),
            );
        }
        if failed > self.may_fail {
            let excused = match tally.late > LATE {
                true => FAILED_ON_A_LATE_MACHINE,
                false => FAILED_ON_ANY,
            };
            late(
                failed <= excused,
                format!(
                    "{:.1} % of reads failed, {:.1} % may (the load itself was up to {} ms late): {}",
                    100.0 * failed,
                    100.0 * self.may_fail,
                    tally.late.as_millis(),
                    tally.first_failure.as_deref().unwrap_or_default()
                ),
            );
        }
        if tally.given == 0 || tally.writes_acknowledged == 0 {
            late(
                tally.marked > 0 && tally.late > LATE,
                "nothing was answered or acknowledged at all".to_owned(),
            );
        }
        if tally.regressions > 0 {
            broken.push(format!(
                "{} answers knew less than earlier ones",
                tally.regressions
            ));
        }
        if self.must_be_marked && (tally.marked == 0 || tally.suppressed == 0) {
            broken.push(format!(
                "past the limit lists are marked and bundles suppressed, but {} and {} were",
                tally.marked, tally.suppressed
            ));
        }
        outcome.broken.extend(broken);
        outcome.slow.extend(slow);
    }
}

/// Faults at random in one world until the time is over.
pub(crate) async fn soak(binaries: &Path, pace: Pace, seed: u64, span: Duration) -> Result<()> {
    let mut world = World::up(binaries, pace).await?;
    let begun = Instant::now();
    let mut dice = Dice::of(seed, "soak", 0);
    let (mut first, mut faults, mut broken) = (HashMap::new(), 0_u32, Vec::new());
    while begun.elapsed() < span {
        let case = &CASES[dice.below(CASES.len())];
        faults += 1;
        match repeat(case, &mut world, &mut dice).await {
            Ok(outcome) => broken.extend(
                outcome
                    .broken
                    .iter()
                    .map(|why| format!("row {}: {why}", case.number)),
            ),
            Err(error) => broken.push(format!("row {}: {error:#}", case.number)),
        }
        println!(
            "{:>6.0} s  row {:<4} {}, {} broken",
            begun.elapsed().as_secs_f64(),
            case.number,
            Usage::of(world.control.process()?.id())?,
            broken.len()
        );
        for part in world.parts() {
            // Started again by a fault, a process has another number, and growth counts from there.
            let Ok(process) = part.process() else {
                continue;
            };
            let process = process.id();
            let now = Usage::of(process)?;
            let first = *first.entry(process).or_insert(now);
            if now.outgrows(first) {
                broken.push(format!("{} grew from {first} to {now}", part.name()));
            }
        }
    }
    broken.iter().for_each(|why| println!("{why}"));
    let line = format!(
        "soak: {faults} faults, {} promises broken, seed {seed}",
        broken.len()
    );
    println!("{line}");
    if broken.is_empty() {
        Ok(())
    } else {
        bail!("{line}")
    }
}
