//! Rows 1 to 4 and 25b: the inventory worker dies, or stands still, at every place of its path.

use std::time::Duration;

use tandem_testing::{Fault, wait_until};
use tokio::time::sleep;

use super::Step;
use crate::faults::dice::Dice;
use crate::faults::world::World;

/// Longer than a claim on the outbox and on a delivery lives.
const PAST_THE_LEASE: Duration = Duration::from_secs(3);

pub(super) fn two(world: &mut World) -> Step<'_> {
    Box::pin(async {
        while world.inventory.len() < 2 {
            world.add_inventory().await?;
        }
        Ok(())
    })
}

/// Killed wherever it stands, several times, and started again.
pub(super) fn killed<'a>(world: &'a mut World, dice: &'a mut Dice) -> Step<'a> {
    Box::pin(async {
        for _ in 0..3 {
            sleep(dice.within(Duration::from_millis(300))).await;
            world.inventory[0].kill().await?;
            world.inventory[0].start().await?;
        }
        Ok(())
    })
}

/// Nothing reaches Redis while it holds claimed rows; there it dies.
pub(super) fn killed_before_append<'a>(world: &'a mut World, dice: &'a mut Dice) -> Step<'a> {
    Box::pin(async {
        world.redis_of_workers.set(Fault::BlackHole);
        let held = "SELECT (SELECT count(*) FROM outbox) > \
                    (SELECT count(*) FROM (SELECT 1 FROM outbox FOR UPDATE SKIP LOCKED) AS free)";
        let claimed = async || world.sql(held).await.is_ok_and(|answer| answer == "t");
        wait_until(Duration::from_secs(60), "a claim on the outbox", claimed).await?;
        sleep(dice.within(Duration::from_millis(100))).await;
        world.inventory[0].kill().await?;
        // What was held back must not arrive after all: the worker is dead.
        world.redis_of_workers.set(Fault::Cut);
        world.redis_of_workers.set(Fault::Pass);
        world.inventory[0].start().await
    })
}

/// Answers of Redis are slow, so that it mostly dies after a write and before the acknowledgement.
pub(super) fn killed_before_ack<'a>(world: &'a mut World, dice: &'a mut Dice) -> Step<'a> {
    Box::pin(async {
        for _ in 0..3 {
            world
                .redis_of_workers
                .set(Fault::Delay(Duration::from_millis(15)));
            sleep(Duration::from_millis(200) + dice.within(Duration::from_millis(100))).await;
            world.inventory[0].kill().await?;
            world.redis_of_workers.set(Fault::Pass);
            world.inventory[0].start().await?;
        }
        Ok(())
    })
}

/// Another one takes its share over; what it writes when it wakes up is old.
pub(super) fn paused<'a>(world: &'a mut World, dice: &'a mut Dice) -> Step<'a> {
    Box::pin(async {
        let sleeper = dice.below(world.inventory.len());
        world.inventory[sleeper].process()?.signal("STOP")?;
        sleep(PAST_THE_LEASE + dice.within(Duration::from_secs(1))).await;
        world.inventory[sleeper].process()?.signal("CONT")?;
        sleep(Duration::from_millis(500)).await;
        Ok(())
    })
}

/// Dead for longer than gateways trust their view.
pub(super) fn dead<'a>(world: &'a mut World, _: &'a mut Dice) -> Step<'a> {
    Box::pin(async {
        for part in &mut world.inventory {
            part.kill().await?;
        }
        sleep(world.pace.outage).await;
        for part in &mut world.inventory {
            part.start().await?;
        }
        Ok(())
    })
}
