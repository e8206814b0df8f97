//! Rows 5, 6 and 24: a gateway goes, or stands still, and clients carry on with another.

use super::Step;
use crate::faults::dice::Dice;
use crate::faults::world::World;

pub(super) fn two(world: &mut World) -> Step<'_> {
    Box::pin(async {
        while world.gateways.len() < 2 {
            world.add_gateway().await?;
        }
        Ok(())
    })
}

pub(super) fn killed<'a>(world: &'a mut World, _: &'a mut Dice) -> Step<'a> {
    Box::pin(async {
        world.gateways[0].kill().await?;
        tokio::time::sleep(world.pace.before).await;
        world.gateways[0].start().await
    })
}

pub(super) fn terminated<'a>(world: &'a mut World, _: &'a mut Dice) -> Step<'a> {
    Box::pin(async {
        world.gateways[0].terminate().await?;
        tokio::time::sleep(world.pace.before).await;
        world.gateways[0].start().await
    })
}

/// It reads nothing of the feed for longer than it may trust its view, while stock goes on changing; then everything that
/// waited for it is there at once, signs of life of long ago among it.
pub(super) fn asleep<'a>(world: &'a mut World, dice: &'a mut Dice) -> Step<'a> {
    Box::pin(async {
        world.gateways[0].process()?.signal("STOP")?;
        tokio::time::sleep(world.pace.outage + dice.within(world.pace.before)).await;
        world.gateways[0].process()?.signal("CONT")?;
        Ok(())
    })
}
