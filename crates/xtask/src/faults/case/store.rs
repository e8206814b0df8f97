//! Rows 15 to 17: the store's own troubles: deadlocks, many writers of one SQLite file, no room to write.

use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use futures::future::try_join_all;
use tandem_proto::v1 as pb;
use tandem_proto::v1::stock_client::StockClient;
use tandem_testing::{wait_for, wait_until};
use tonic::Status;
use tonic::transport::Channel;

use super::Step;
use crate::faults::dice::Dice;
use crate::faults::ledger::{Acknowledged, Ledger};
use crate::faults::shop::{self, SKUS, sku};
use crate::faults::traffic::{channel, lock};
use crate::faults::world::{Part, World, lost};

/// How long anything may take that only has to happen.
const LONG: Duration = Duration::from_secs(60);
/// Rows that a rival locks against the store's order, one pair after the other.
const DEADLOCKS: u64 = 3;
/// The SKUs of these rows, in the store's order: the load does not touch them.
const APART: [&str; 2] = ["apart-a", "apart-b"];
/// Writers of one SQLite file, and reports of each.
const WRITERS: usize = 16;
const REPORTS: u64 = 12;
/// What the files of a full disk may still grow.
const ROOM: u64 = 256 * 1024;
/// More reports than that room takes.
const TOO_MANY: u64 = 20_000;

/// Another session locks two rows against the order in which the store does; the store's transaction is the one that
/// the database ends, and is tried again.
pub(super) fn deadlocked<'a>(world: &'a mut World, _: &'a mut Dice) -> Step<'a> {
    Box::pin(async {
        let both = |version| APART.map(|sku| set(sku, version, 1)).to_vec();
        report(world.control_channel()?, both(1)).await?;
        for round in 0..DEADLOCKS {
            let before = deadlocks(world).await?;
            let [low, high] =
                APART.map(|sku| format!("PERFORM 1 FROM sku_stock WHERE sku_id = '{sku}' FOR UPDATE"));
            let rival = format!(
                "SET deadlock_timeout = '1min';
                 DO $rival$ BEGIN
                     {high};
                     FOR turn IN 1..400 LOOP
                         EXIT WHEN EXISTS (SELECT FROM pg_stat_activity WHERE pg_backend_pid() = ANY (pg_blocking_pids(pid)));
                         PERFORM pg_sleep(0.02);
                         -- Or else sessions that came after the first look would never be seen.
                         PERFORM pg_stat_clear_snapshot();
                     END LOOP;
                     {low};
                 END $rival$"
            );
            let (rival, report) = tokio::join!(world.sql(&rival), async {
                let asleep = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
                let holds = async || world.sql(asleep).await.is_ok_and(|count| count != "0");
                wait_until(LONG, "the rival's lock", holds).await?;
                anyhow::Ok(report(world.control_channel()?, both(round + 2)).await?)
            });
            rival.context("the rival was ended instead")?;
            report.context("a deadlock reached the caller")?;
            let counted = async || deadlocks(world).await.is_ok_and(|now| now > before);
            wait_until(LONG, "the database to count the deadlock", counted).await?;
        }
        Ok(())
    })
}

async fn deadlocks(world: &World) -> Result<u64> {
    let count = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
    world.sql(count).await?.parse().context("a count")
}

fn set(sku: &str, source_version: u64, available: i64) -> pb::StockReport {
    pb::StockReport {
        sku_id: sku.to_owned(),
        quantity: Some(pb::stock_report::Quantity::Set(pb::StockSet {
            available,
            source_version,
        })),
        ..Default::default()
    }
}

/// The levels that were acknowledged.
async fn report(control: Channel, reports: Vec<pb::StockReport>) -> Result<Vec<Acknowledged>, Status> {
    let request = pb::ReportStockRequest {
        reports,
        request_id: String::new(),
    };
    let answer = StockClient::new(control).report_stock(request).await?;
    let levels = answer
        .into_inner()
        .outcomes
        .into_iter()
        .filter_map(|outcome| outcome.level);
    let acknowledged = levels.map(|level| Acknowledged {
        store_version: level.store_version,
        available: level.available,
    });
    Ok(acknowledged.collect())
}

/// Two processes with eight writers each share a SQLite file: none of them is told that it is busy.
pub(super) fn sixteen_writers<'a>(world: &'a mut World, _: &'a mut Dice) -> Step<'a> {
    Box::pin(async {
        let folder = tempfile::tempdir()?;
        let mut controls = [
            world.side_control(folder.path()),
            world.side_control(folder.path()),
        ];
        for control in &mut controls {
            control.start().await?;
        }
        let channels = [channel(controls[0].listen()?)?, channel(controls[1].listen()?)?];
        shop::fill(channels[0].clone()).await?;
        let ledger = ledger_in(folder.path())?;
        let writer = async |number: usize| -> Result<()> {
            for version in 1..=REPORTS {
                note(&ledger, channels[number % 2].clone(), number, version)
                    .await
                    .with_context(|| format!("writer {number}, report {version}"))?;
            }
            Ok(())
        };
        try_join_all((0..WRITERS).map(writer)).await?;
        nothing_is_lost(&ledger, &controls[1]).await
    })
}

/// The files of a SQLite store cannot grow any more: reports are refused, reads go on, and once there is room again so do
/// writes. Nothing acknowledged is lost, not even when the process dies after that.
pub(super) fn disk_full<'a>(world: &'a mut World, _: &'a mut Dice) -> Step<'a> {
    Box::pin(async {
        let folder = tempfile::tempdir()?;
        let mut control = world.side_control(folder.path()).told_of_limits();
        control.start().await?;
        let to = channel(control.listen()?)?;
        shop::fill(to.clone()).await?;
        let ledger = ledger_in(folder.path())?;
        note(&ledger, to.clone(), 0, 1).await?;
        limit_files(
            &control,
            &format!("{}:unlimited", largest_file(folder.path())? + ROOM),
        )?;
        let mut version = 2;
        while note(&ledger, to.clone(), version as usize % SKUS, version)
            .await
            .is_ok()
        {
            version += 1;
            if version > TOO_MANY {
                bail!("{TOO_MANY} reports found room on a full disk");
            }
        }
        nothing_is_lost(&ledger, &control)
            .await
            .context("while the disk is full")?;
        limit_files(&control, "unlimited")?;
        wait_for(LONG, "a report to be taken again", async || {
            version += 1;
            note(&ledger, to.clone(), version as usize % SKUS, version)
                .await
                .ok()
        })
        .await?;
        nothing_is_lost(&ledger, &control)
            .await
            .context("after there was room again")?;
        control.kill().await?;
        control.start().await?;
        nothing_is_lost(&ledger, &control)
            .await
            .context("after a restart")
    })
}

fn ledger_in(folder: &Path) -> Result<Mutex<Ledger>> {
    Ok(Mutex::new(Ledger::create(&folder.join("acknowledged"))?))
}

/// Reports a SKU and notes the acknowledgement.
async fn note(ledger: &Mutex<Ledger>, control: Channel, number: usize, version: u64) -> Result<()> {
    let units = i64::try_from(version)?;
    for acknowledged in report(control, vec![set(&sku(number), version, units)]).await? {
        lock(ledger).note(number, acknowledged)?;
    }
    Ok(())
}

async fn nothing_is_lost(ledger: &Mutex<Ledger>, control: &Part) -> Result<()> {
    match lost(ledger, channel(control.listen()?)?).await?.first() {
        None => Ok(()),
        Some(first) => bail!("acknowledged reports are lost: {first}"),
    }
}

fn largest_file(folder: &Path) -> Result<u64> {
    let mut largest = 0;
    for entry in std::fs::read_dir(folder)? {
        largest = largest.max(entry?.metadata()?.len());
    }
    Ok(largest)
}

/// How large the files that a process writes may become.
fn limit_files(part: &Part, limit: &str) -> Result<()> {
    let process = part.process()?.id().to_string();
    let status = Command::new("prlimit")
        .args(["--pid", &process, &format!("--fsize={limit}")])
        .status()
        .context("prlimit cannot be started: install util-linux")?;
    if !status.success() {
        bail!("prlimit refuses --fsize={limit}");
    }
    Ok(())
}
