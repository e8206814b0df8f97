//! Rows 18, 19 and 25: the stream of changes is out of order, spoilt or silent.

use std::time::Duration;

use anyhow::{Context as _, Result};
use tandem_testing::{Fault, wait_until};
use tokio::time::sleep;

use super::Step;
use crate::faults::dice::Dice;
use crate::faults::world::World;

/// As the cache's documentation of its keys names it; the marketplace is the default one.
const CHANGES: &str = "td:{default}:changes";

/// Entries that are sent again, the newest first.
const REPEATED: &str = r"
    local entries = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 200)
    for _, entry in ipairs(entries) do redis.call('XADD', KEYS[1], '*', unpack(entry[2])) end
    return #entries";

/// Changes come twice and three times, in the wrong order, beside those that are new.
pub(super) fn shuffled<'a>(world: &'a mut World, dice: &'a mut Dice) -> Step<'a> {
    Box::pin(async {
        for _ in 0..5 {
            world.redis_command(&["EVAL", REPEATED, "1", CHANGES]).await?;
            sleep(dice.within(Duration::from_millis(300))).await;
        }
        Ok(())
    })
}

/// Everything lives and nothing is said: the worker hears nothing from Redis, the gateway does.
pub(super) fn silent<'a>(world: &'a mut World, _: &'a mut Dice) -> Step<'a> {
    Box::pin(async {
        world.redis_of_workers.set(Fault::BlackHole);
        sleep(world.pace.outage).await;
        world.redis_of_workers.set(Fault::Pass);
        Ok(())
    })
}

/// Garbage in the stream and in the outbox is set aside, and the others flow meanwhile.
pub(super) fn poisoned<'a>(world: &'a mut World, _: &'a mut Dice) -> Step<'a> {
    Box::pin(async {
        let before = letters(world).await?;
        let garbage = format!("garbage {before}");
        world
            .redis_command(&["XADD", CHANGES, "*", "e", &garbage])
            .await?;
        world
            .sql(&format!(
                "INSERT INTO outbox (marketplace_id, slot, traceparent, change)
                 VALUES ('default', NULL, '', '{garbage}')"
            ))
            .await?;
        let set_aside = async || letters(world).await.is_ok_and(|now| now >= before + 2);
        // Five deliveries, each taken over a second after the one before.
        wait_until(Duration::from_secs(60), "both to be set aside", set_aside).await
    })
}

async fn letters(world: &World) -> Result<u64> {
    let count = world.sql("SELECT count(*) FROM dead_letters").await?;
    count.parse().context("a count")
}
