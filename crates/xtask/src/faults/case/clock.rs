//! Row 23: the wall clock jumps, an hour ahead and an hour back, under every process that writes or serves.

use anyhow::{Context as _, Result};
use tokio::time::sleep;

use super::Step;
use crate::faults::dice::Dice;
use crate::faults::world::World;

/// Seconds against the true clock, one after the other.
const JUMPS: [&str; 4] = ["+3600", "-3600", "+3600", "+0"];

/// Starts everybody again with a clock that can be set.
pub(super) fn adjustable(world: &mut World) -> Step<'_> {
    Box::pin(async {
        if world.has_clock() {
            return Ok(());
        }
        world.set_clock("+0")?;
        let library = crate::needs::clock().context("libfaketime is not there")?;
        let clock = world.clock().display().to_string();
        for part in world.parts_mut() {
            part.set("LD_PRELOAD", library.display().to_string());
            part.set("FAKETIME_TIMESTAMP_FILE", clock.clone());
            // The file is read at every look at the clock, and only the wall clock follows it.
            part.set("FAKETIME_NO_CACHE", "1".to_owned());
            part.set("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned());
            part.terminate().await?;
            part.start().await?;
        }
        Ok(())
    })
}

pub(super) fn jumps<'a>(world: &'a mut World, dice: &'a mut Dice) -> Step<'a> {
    Box::pin(async {
        for jump in JUMPS {
            world.set_clock(jump)?;
            sleep(world.pace.before + dice.within(world.pace.before)).await;
        }
        Result::Ok(())
    })
}
