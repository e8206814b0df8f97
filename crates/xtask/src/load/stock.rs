//! How fast stock is: from the acknowledgement to the answers, under readers and writers; and what one flip costs,
//! however many lists and sets hold the product.

mod flip;
mod probe;
mod traffic;

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tandem_proto::v1::stock_client::StockClient;
use tokio::runtime::Handle;

use super::figures::{Bar, Figures};
use super::shape::Shape;
use super::{LoadArgs, display};
use crate::command::root;
use probe::{Gone, Probe};
use traffic::{Background, Readers, batch};

/// Changes per second, the flips among them.
const CHANGES: u32 = 500;
/// Between two flips that are timed, each of which sells out and restocks: two changes.
const FLIP_EVERY: Duration = Duration::from_millis(20);
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
    tokio::task::block_in_place(|| over_the_shape(args, figures))?;
    flip::measure(args, figures).await
}

/// The production shape under a viewer who blocks this thread; the load goes on beside it.
fn over_the_shape(args: &LoadArgs, figures: &mut Figures) -> Result<()> {
    let shape = Shape::up()?;
    let slice = root().join("crates/cli/data/online_retail_slice.csv.gz");
    let file = args.online_retail.as_deref().unwrap_or(&slice);
    shape.tandem(&["import", "online-retail", "--enrich", "--json", display(file)?])?;
    shape.settled()?;
    shape.tandem(&["build", "--json"])?;
    let skus = probe::skus(&shape)?;
    let mut probe = Probe::find(&shape, &skus)?;
    gone(args, &shape, &mut probe, &skus, figures)?;
    sustained(&shape, &mut probe, &skus, figures)
}

/// Acknowledged → gone from list and set, under writers and readers.
fn gone(
    args: &LoadArgs,
    shape: &Shape,
    probe: &mut Probe,
    skus: &[(String, String)],
    figures: &mut Figures,
) -> Result<()> {
    let runtime = Handle::current();
    let capacity = runtime.block_on(Readers::capacity(shape, skus))?;
    figures.add("stock: capacity of lists", capacity, "lists/s");
    let of_flips = (2.0 / FLIP_EVERY.as_secs_f64()) as u32;
    let writers = Background::start(shape, probe.others(skus), CHANGES - of_flips)?;
    let readers = Readers::start(shape, skus, capacity * SHARE)?;
    let began = Instant::now();
    let flips = flips(probe, |flipped| flipped < args.flips as usize)?;
    let flipped = 2.0 * flips.len() as f64 / began.elapsed().as_secs_f64();
    let changes = runtime.block_on(writers.stop())? + flipped;
    let reads = runtime.block_on(readers.stop());
    figures.add("stock: changes, the flips among them", changes, "changes/s");
    figures.add("stock: reads beside the flips", reads.per_second, "reads/s");
    figures.add("stock: reads that failed", reads.failed, "reads");
    figures.bar("stock: reads that failed", reads.failed, Bar::AtMost(0.0));
    let asked = sorted(flips.iter().map(|flip| flip.gone.asked));
    let answered = sorted(flips.iter().map(|flip| flip.gone.answered));
    let reading = sorted(flips.iter().map(|flip| flip.read));
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

/// One flip, and how long a look took just before it.
struct Flip {
    read: Duration,
    gone: Gone,
}

/// Sells out and restocks at a pace, for as long as `goes_on` with the number of flips so far.
fn flips(probe: &mut Probe, goes_on: impl Fn(usize) -> bool) -> Result<Vec<Flip>> {
    let mut flips = Vec::new();
    let mut due = Instant::now();
    while goes_on(flips.len()) {
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        due = (due + FLIP_EVERY).max(Instant::now());
        flips.push(Flip {
            read: probe.read()?,
            gone: probe.sell_out()?,
        });
        probe.restock()?;
    }
    Ok(flips)
}

fn sorted(values: impl Iterator<Item = Duration>) -> Vec<Duration> {
    let mut sorted: Vec<Duration> = values.collect();
    sorted.sort_unstable();
    sorted
}

/// Batches of reports as fast as they are acknowledged, while flips tell how far the view lags.
fn sustained(
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
    let runtime = Handle::current();
    let (sent, flips) = std::thread::scope(|scope| {
        let flips = scope.spawn(|| flips(probe, |_| began.elapsed() < SUSTAINED));
        let sent = runtime.block_on(senders);
        (sent, flips.join().expect("no look panics"))
    });
    let (sent, flips) = (sent?, flips?);
    let rate = sent.into_iter().sum::<u64>() as f64 / began.elapsed().as_secs_f64();
    figures.add("stock: changes sustained", rate, "changes/s");
    figures.bar("stock: changes sustained", rate, Bar::AtLeast(10_000.0));
    let lags = sorted(flips.iter().map(|flip| flip.gone.answered));
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
