//! Rows 5 and 6: a gateway goes, clients carry on with another.

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
