//! Rows 7 to 12: Redis is gone, empty, stuck, slow or full.

use std::time::Duration;

use tandem_testing::Fault;
use tokio::time::sleep;

use super::Step;
use crate::faults::dice::Dice;
use crate::faults::world::World;

pub(super) fn killed<'a>(world: &'a mut World, _: &'a mut Dice) -> Step<'a> {
    Box::pin(async {
        world.redis.kill();
        sleep(world.pace.outage).await;
        world.redis.restart_empty().await
    })
}

pub(super) fn flushed<'a>(world: &'a mut World, _: &'a mut Dice) -> Step<'a> {
    Box::pin(async {
        world.redis_command(&["FLUSHALL"]).await?;
        sleep(Duration::from_millis(500)).await;
        Ok(())
    })
}

pub(super) fn paused<'a>(world: &'a mut World, _: &'a mut Dice) -> Step<'a> {
    Box::pin(async {
        world.redis.pause()?;
        sleep(world.pace.standstill).await;
        world.redis.resume()
    })
}

/// The network swallows everything; connections stay open.
pub(super) fn black_holed<'a>(world: &'a mut World, _: &'a mut Dice) -> Step<'a> {
    Box::pin(async {
        world.redis_of_gateways.set(Fault::BlackHole);
        world.redis_of_workers.set(Fault::BlackHole);
        sleep(world.pace.outage).await;
        world.redis_of_gateways.set(Fault::Pass);
        world.redis_of_workers.set(Fault::Pass);
        Ok(())
    })
}

/// Slow for a while, in small pieces for a while, cut in the end.
pub(super) fn sliced<'a>(world: &'a mut World, _: &'a mut Dice) -> Step<'a> {
    Box::pin(async {
        let slice = Fault::Slice {
            bytes: 512,
            pause: Duration::from_millis(2),
        };
        for fault in [
            Fault::Delay(Duration::from_millis(20)),
            slice,
            Fault::Cut,
            Fault::Pass,
        ] {
            world.redis_of_gateways.set(fault);
            world.redis_of_workers.set(fault);
            sleep(Duration::from_secs(1)).await;
        }
        Ok(())
    })
}

/// Writes are refused, reads are answered.
pub(super) fn full<'a>(world: &'a mut World, _: &'a mut Dice) -> Step<'a> {
    Box::pin(async {
        world
            .redis_command(&["CONFIG", "SET", "maxmemory", "100kb"])
            .await?;
        sleep(world.pace.outage).await;
        world.redis_command(&["CONFIG", "SET", "maxmemory", "0"]).await?;
        Ok(())
    })
}
