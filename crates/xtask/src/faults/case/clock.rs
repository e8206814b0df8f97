//! Row 23: the wall clock jumps, an hour ahead and an hour back, under every process that writes or serves.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tandem_domain::clock::{Clock as _, SystemClock};
use tandem_proto::v1 as pb;
use tandem_proto::v1::operations_client::OperationsClient;
use tandem_proto::v1::stock_client::StockClient;
use tandem_testing::{Fault, wait_until};
use tokio::time::sleep;

use super::{Step, graph, worker};
use crate::faults::dice::Dice;
use crate::faults::world::{Part, World};
use crate::needs;

/// Seconds against the true clock, one after the other.
const JUMPS: [i64; 4] = [3_600, -3_600, 3_600, 0];
/// What lies between a clock that is read and the answer that tells of it, at most, in seconds.
const READING: i64 = 60;
/// A SKU that no load touches.
const APART: &str = "apart-clock";
/// Far more than a lease of a job (3 s) and the look for jobs after it, far less than an hour.
const TAKEN_OVER_WITHIN: Duration = Duration::from_secs(60);

/// Two of each that holds leases, and everybody started again with a clock that can be set.
pub(super) fn adjustable(world: &mut World) -> Step<'_> {
    Box::pin(async {
        worker::two(world).await?;
        graph::two(world).await?;
        needs::ensure(&needs::CLOCK)?;
        set(world, 0)?;
        let library = needs::clock().context("libfaketime is not there")?;
        let clock = world.clock().display().to_string();
        for part in world.parts_mut() {
            // Other rows may have started some of them anew.
            if follows(part)? {
                continue;
            }
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

/// Whether the clock of a process can be set.
fn follows(part: &Part) -> Result<bool> {
    let maps = std::fs::read_to_string(format!("/proc/{}/maps", part.process()?.id()))?;
    Ok(maps.contains("libfaketime"))
}

pub(super) fn jumps<'a>(world: &'a mut World, dice: &'a mut Dice) -> Step<'a> {
    Box::pin(async {
        for part in world.parts() {
            if !follows(part)? {
                bail!("{} does not follow the clock that is set", part.name());
            }
        }
        let before = doubted(world).await?;
        for seconds in JUMPS {
            set(world, seconds)?;
            sleep(world.pace.before + dice.within(world.pace.before)).await;
            control_is_off_by(world, seconds).await?;
        }
        let doubted = doubted(world).await? - before;
        if doubted > 0.0 && world.pace.strict {
            bail!("{doubted} answers were marked, suppressed or failed while the clock jumped");
        }
        leased_an_hour_ahead(world).await
    })
}

fn set(world: &World, seconds: i64) -> Result<()> {
    world.set_clock(&format!("{seconds:+}"))
}

/// Answers so far that were not given as on any other day.
async fn doubted(world: &World) -> Result<f64> {
    let mut sum = 0.0;
    for gateway in &world.gateways {
        for outcome in ["marked", "suppressed", "failed"] {
            let label = format!(r#"outcome="{outcome}""#);
            sum += gateway.metric("tandem_gateway_answers", &label).await?;
        }
    }
    Ok(sum)
}

/// A jump that nobody saw would prove nothing.
async fn control_is_off_by(world: &World, seconds: i64) -> Result<()> {
    let now = SystemClock.now().as_ms();
    let request = pb::ReportStockRequest {
        reports: vec![pb::StockReport {
            sku_id: APART.to_owned(),
            quantity: Some(pb::stock_report::Quantity::Set(pb::StockSet {
                // Another one each time: a report that changes nothing leaves the time of the level as it was.
                available: now % 1_000_000_000,
                source_version: u64::try_from(now)?,
            })),
            ..Default::default()
        }],
        request_id: String::new(),
    };
    let answer = StockClient::new(world.control_channel()?)
        .report_stock(request)
        .await?;
    let level = answer
        .into_inner()
        .outcomes
        .into_iter()
        .find_map(|outcome| outcome.level);
    let said = level
        .and_then(|level| level.update_time)
        .context("a level with its time")?;
    let off = said.seconds - now / 1_000;
    if (off - seconds).abs() > READING {
        bail!("control's clock was {off} s off instead of {seconds}");
    }
    Ok(())
}

/// Who took a job while the clock was an hour ahead dies with it. The clock is right again, and somebody else takes the
/// job as soon as ever: the end of the lease does not lie an hour away.
async fn leased_an_hour_ahead(world: &mut World) -> Result<()> {
    set(world, 3_600)?;
    let mut operations = OperationsClient::new(world.control_channel()?);
    let request = pb::TriggerBuildRequest {
        accept_collapse: true,
        reason: "the clock is wrong".to_owned(),
        ..Default::default()
    };
    // Nothing can be published, so that the job is still held when its holder dies.
    world.redis_of_workers.set(Fault::BlackHole);
    let job = operations.trigger_build(request).await?.into_inner();
    let running = format!(
        "SELECT count(*) FROM jobs WHERE job_id = '{}' AND state = 'running'",
        job.job_id
    );
    let held = async || world.sql(&running).await.is_ok_and(|count| count == "1");
    wait_until(TAKEN_OVER_WITHIN, "somebody to take the job", held).await?;
    for part in &mut world.graph {
        part.kill().await?;
    }
    world.redis_of_workers.set(Fault::Cut);
    world.redis_of_workers.set(Fault::Pass);
    set(world, 0)?;
    for part in &mut world.graph {
        part.start().await?;
    }
    let done = graph::finished(&mut operations, &job.job_id)
        .await
        .context("nobody took a job over whose holder died while the clock was an hour ahead")?;
    match done.state() {
        pb::job::State::Succeeded => Ok(()),
        state => bail!("the build ended as {state:?}: {}", done.message),
    }
}
