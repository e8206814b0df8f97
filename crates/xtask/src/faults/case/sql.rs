//! Rows 13, 14 and 25c: PostgreSQL is gone, hangs, or comes back with an older state.

use std::time::Duration;

use anyhow::{Context as _, Result};
use tandem_testing::Fault;
use tokio::time::sleep;

use super::Step;
use crate::faults::dice::Dice;
use crate::faults::world::World;

/// By then a gateway has replaced its view.
const TOLD_WITHIN: Duration = Duration::from_secs(2);

pub(super) fn killed<'a>(world: &'a mut World, _: &'a mut Dice) -> Step<'a> {
    Box::pin(async {
        world.postgres.kill()?;
        sleep(world.pace.outage).await;
        world.postgres.restart().await?;
        world.control.ready().await
    })
}

pub(super) fn hanging<'a>(world: &'a mut World, _: &'a mut Dice) -> Step<'a> {
    Box::pin(async {
        world.sql_of_control.set(Fault::BlackHole);
        world.sql_of_workers.set(Fault::BlackHole);
        sleep(world.pace.outage).await;
        world.sql_of_control.set(Fault::Pass);
        world.sql_of_workers.set(Fault::Pass);
        world.control.ready().await
    })
}

/// A backup is taken, time goes on, the backup is put in the place of the database, and the epoch is raised as the
/// operator's page says.
pub(super) fn restored<'a>(world: &'a mut World, dice: &'a mut Dice) -> Step<'a> {
    Box::pin(async {
        stop_users(world).await?;
        let backup = copy(world).await?;
        start_users(world).await?;
        sleep(world.pace.before + dice.within(world.pace.before)).await;
        stop_users(world).await?;
        world.database = backup;
        world.follow_database()?;
        world
            .sql("UPDATE marketplaces SET store_epoch = store_epoch + 1")
            .await?;
        world.forget()?;
        start_users(world).await?;
        // Ready means that the projection is whole; gateways are told of it, and look once a second besides.
        sleep(TOLD_WITHIN).await;
        world.settle_past();
        Ok(())
    })
}

/// A copy of the database, which nobody may use meanwhile.
async fn copy(world: &World) -> Result<tandem_testing::TestDatabase> {
    let copied = world.postgres.create_database_from(world.database.name()).await;
    copied.context("the backup cannot be taken")
}

async fn stop_users(world: &mut World) -> Result<()> {
    world.control.kill().await?;
    for part in world.workers() {
        part.kill().await?;
    }
    // Sessions of the dead linger for a moment.
    world.sql_of_control.set(Fault::Cut);
    world.sql_of_workers.set(Fault::Cut);
    world.sql_of_control.set(Fault::Pass);
    world.sql_of_workers.set(Fault::Pass);
    let sessions = format!(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
         WHERE datname = '{}' AND pid <> pg_backend_pid()",
        world.database.name()
    );
    world.sql(&sessions).await?;
    Ok(())
}

async fn start_users(world: &mut World) -> Result<()> {
    world.control.start().await?;
    for part in world.workers() {
        part.start().await?;
    }
    Ok(())
}
