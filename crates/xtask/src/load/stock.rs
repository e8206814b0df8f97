//! How fast stock is: from the acknowledgement to the answers, under readers and writers; and what one flip costs,
//! however many lists and sets hold the product.

mod flip;
mod probe;
mod traffic;

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tandem_proto::v1::stock_client::StockClient;

use super::figures::{Bar, Figures};
use super::shape::Shape;
use super::{LoadArgs, display};
use crate::command::root;
use probe::Probe;
use traffic::{Background, Readers, batch};

/// Changes per second beside the flips.
const CHANGES: u32 = 500;
/// Which share of what the gateway can answer the readers ask for.
const SHARE: f64 = 0.2;
/// How long reports are sent as fast as they are taken.
const SUSTAINED: Duration = Duration::from_secs(10);
/// Reports of a batch, and batches in flight.
const BATCH: usize = 1_000;
const IN_FLIGHT: usize = 4;

/// Measures over the production shape, then over a gateway of its own.
///
/// # Errors
/// When a process does not start, or an answer does not come.
pub(super) async fn measure(args: &LoadArgs, figures: &mut Figures) -> Result<()> {
    let shape = tokio::task::block_in_place(Shape::up)?;
    let slice = root().join("crates/cli/data/online_retail_slice.csv.gz");
    let file = args.online_retail.as_deref().unwrap_or(&slice);
    tokio::task::block_in_place(|| -> Result<()> {
        shape.tandem(&["import", "online-retail", "--enrich", "--json", display(file)?])?;
        shape.settled()?;
        shape.tandem(&["build", "--json"])?;
        Ok(())
    })?;
    let skus = tokio::task::block_in_place(|| probe::skus(&shape))?;
    let mut probe = Probe::find(&shape, &skus).await?;
    gone(args, &shape, &mut probe, &skus, figures).await?;
    sustained(&shape, &mut probe, &skus, figures).await?;
    drop(shape);
    flip::measure(args, figures).await
}

/// Acknowledged → gone from list and set, under writers and readers.
async fn gone(
    args: &LoadArgs,
    shape: &Shape,
    probe: &mut Probe,
    skus: &[(String, String)],
    figures: &mut Figures,
) -> Result<()> {
    let capacity = Readers::capacity(shape, skus).await?;
    figures.add("stock: capacity of lists", capacity, "lists/s");
    let writers = Background::start(shape, probe.others(skus), CHANGES)?;
    let readers = Readers::start(shape, skus, capacity * SHARE)?;
    let (mut gone, mut reading) = (Vec::new(), Vec::new());
    for _ in 0..args.flips {
        reading.push(probe.read().await?);
        gone.push(probe.sell_out().await?);
        probe.restock().await?;
    }
    let changes = writers.stop().await?;
    let reads = readers.stop().await;
    figures.add("stock: changes beside the flips", changes, "changes/s");
    figures.add("stock: reads beside the flips", reads.per_second, "reads/s");
    figures.add("stock: reads that failed", reads.failed, "reads");
    figures.bar("stock: reads that failed", reads.failed, Bar::AtMost(0.0));
    let asked = sorted(gone.iter().map(|gone| gone.asked));
    let answered = sorted(gone.iter().map(|gone| gone.answered));
    let reading = sorted(reading.into_iter());
    for (name, share, most) in [("p50", 0.5, 2.0), ("p99", 0.99, 10.0)] {
        let mut add = |what: &str, of: &[Duration]| {
            let value = quantile(of, share).as_secs_f64() * 1e3;
            let name = format!("stock: {what}, {name}");
            figures.add(&name, value, "ms");
            (name, value)
        };
        add("a list and a set read beside the flips", &reading);
        add("acknowledged → first look without it was asked", &asked);
        let (name, value) = add("acknowledged → gone from list and set", &answered);
        figures.bar(&name, value, Bar::AtMost(most));
    }
    Ok(())
}

fn sorted(values: impl Iterator<Item = Duration>) -> Vec<Duration> {
    let mut sorted: Vec<Duration> = values.collect();
    sorted.sort_unstable();
    sorted
}

/// Batches of reports as fast as they are acknowledged, while a flip every now and then tells how far the view lags.
async fn sustained(
    shape: &Shape,
    probe: &mut Probe,
    skus: &[(String, String)],
    figures: &mut Figures,
) -> Result<()> {
    let others = probe.others(skus);
    let began = Instant::now();
    let send = async |first: usize| -> Result<u64> {
        let mut client = StockClient::new(traffic::control(shape)?);
        let mut sent = 0;
        for round in (first..).step_by(IN_FLIGHT) {
            if began.elapsed() > SUSTAINED {
                break;
            }
            let request = batch(&others, round, BATCH, "sustained", IN_FLIGHT);
            sent += request.reports.len() as u64;
            client
                .report_stock(request)
                .await
                .context("a batch was refused")?;
        }
        Ok(sent)
    };
    let senders = futures::future::try_join_all((0..IN_FLIGHT).map(send));
    let lags = async {
        let mut lags = Vec::new();
        while began.elapsed() < SUSTAINED {
            lags.push(probe.sell_out().await?.answered);
            probe.restock().await?;
        }
        Ok::<_, anyhow::Error>(lags)
    };
    let (sent, mut lags) = futures::try_join!(senders, lags)?;
    let rate = sent.into_iter().sum::<u64>() as f64 / began.elapsed().as_secs_f64();
    figures.add("stock: changes sustained", rate, "changes/s");
    figures.bar("stock: changes sustained", rate, Bar::AtLeast(10_000.0));
    lags.sort_unstable();
    let worst = lags.last().copied().unwrap_or_default().as_secs_f64() * 1e3;
    figures.add(
        "stock: lag meanwhile, p50",
        quantile(&lags, 0.5).as_secs_f64() * 1e3,
        "ms",
    );
    figures.add("stock: lag meanwhile, worst", worst, "ms");
    figures.bar("stock: lag meanwhile, worst", worst, Bar::AtMost(1_000.0));
    Ok(())
}

/// Of sorted values; zero of none.
fn quantile(sorted: &[Duration], share: f64) -> Duration {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a length"
    )]
    let at = (sorted.len() as f64 * share) as usize;
    sorted
        .get(at.min(sorted.len().saturating_sub(1)))
        .copied()
        .unwrap_or_default()
}
