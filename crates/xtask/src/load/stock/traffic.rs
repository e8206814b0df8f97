//! What goes on beside the flips: readers and writers that send what is due, however long the answers take.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;
use tandem_proto::v1 as pb;
use tandem_proto::v1::related_products_client::RelatedProductsClient;
use tandem_proto::v1::stock_client::StockClient;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};
use tonic::transport::{Channel, Endpoint};

use crate::load::reads::Dice;
use crate::load::shape::Shape;

/// Between two batches of changes.
const BATCH_EVERY: Duration = Duration::from_millis(10);
/// Between two looks at which reads are due: so short that they come one by one, as those of many callers do.
const READ_EVERY: Duration = Duration::from_millis(1);
/// Calls in flight; what is due beyond that has failed.
const IN_FLIGHT: usize = 512;
/// How long capacity is measured, and with how many callers.
const WHILE: Duration = Duration::from_secs(5);
const CALLERS: usize = 64;

pub(super) fn gateway(shape: &Shape) -> Result<Channel> {
    channel(shape.variable("TANDEM_GATEWAY")?)
}

pub(super) fn control(shape: &Shape) -> Result<Channel> {
    channel(shape.variable("TANDEM_CONTROL")?)
}

fn channel(url: &str) -> Result<Channel> {
    let endpoint = Endpoint::from_shared(url.to_owned())?.tcp_nodelay(true);
    Ok(endpoint.timeout(Duration::from_secs(30)).connect_lazy())
}

/// Reports of a batch: every pass over the SKUs gives another quantity, so that all are changes. Rounds that are sent one
/// after the other (every `senders`th) have a source of their own.
pub(super) fn batch(
    skus: &[String],
    round: usize,
    size: usize,
    name: &str,
    senders: usize,
) -> pb::ReportStockRequest {
    let report = |at: usize| pb::StockReport {
        sku_id: skus[(round * size + at) % skus.len()].clone(),
        source: format!("{name}-{}", round % senders),
        quantity: Some(pb::stock_report::Quantity::Set(pb::StockSet {
            available: 10 + i64::try_from((round * size + at) / skus.len() % 200).unwrap_or(0),
            source_version: round as u64 + 1,
        })),
        ..Default::default()
    };
    pb::ReportStockRequest {
        reports: (0..size.min(skus.len())).map(report).collect(),
        request_id: String::new(),
    }
}

/// Writers at a steady rate.
pub(super) struct Background {
    began: Instant,
    sent: Arc<AtomicU64>,
    task: JoinSet<Result<()>>,
}

impl Background {
    pub(super) fn start(shape: &Shape, skus: Vec<String>, per_second: u32) -> Result<Self> {
        let mut client = StockClient::new(control(shape)?);
        let sent = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&sent);
        let per_tick = per_second as usize * BATCH_EVERY.as_millis() as usize / 1_000;
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut ticks = interval(BATCH_EVERY);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
            for round in 0.. {
                ticks.tick().await;
                client
                    .report_stock(batch(&skus, round, per_tick, "beside", 1))
                    .await?;
                counted.fetch_add(per_tick as u64, Ordering::Relaxed);
            }
            Ok(())
        });
        Ok(Self {
            began: Instant::now(),
            sent,
            task,
        })
    }

    /// Changes per second.
    pub(super) async fn stop(mut self) -> Result<f64> {
        match self.task.try_join_next() {
            Some(ended) => ended??,
            None => self.task.shutdown().await,
        }
        Ok(self.sent.load(Ordering::Relaxed) as f64 / self.began.elapsed().as_secs_f64())
    }
}

/// What readers did.
pub(super) struct Reads {
    pub(super) per_second: f64,
    pub(super) failed: f64,
}

#[derive(Default)]
struct Counts {
    answered: AtomicU64,
    failed: AtomicU64,
    in_flight: AtomicUsize,
}

/// Readers at a steady rate.
pub(super) struct Readers {
    began: Instant,
    counts: Arc<Counts>,
    task: JoinSet<()>,
}

impl Readers {
    /// Lists per second that the gateway answers to callers who ask again as soon as they are answered.
    pub(super) async fn capacity(shape: &Shape, skus: &[(String, String)]) -> Result<f64> {
        let began = Instant::now();
        let call = async |caller: usize| -> Result<u64> {
            let mut client = RelatedProductsClient::new(gateway(shape)?);
            let mut dice = Dice::new(caller as u64);
            let mut answered = 0;
            while began.elapsed() < WHILE {
                client.list_related_products(any(skus, &mut dice)).await?;
                answered += 1;
            }
            Ok(answered)
        };
        let answered = futures::future::try_join_all((0..CALLERS).map(call)).await?;
        Ok(answered.into_iter().sum::<u64>() as f64 / began.elapsed().as_secs_f64())
    }

    pub(super) fn start(shape: &Shape, skus: &[(String, String)], per_second: f64) -> Result<Self> {
        let client = RelatedProductsClient::new(gateway(shape)?);
        let counts = Arc::new(Counts::default());
        let mut task = JoinSet::new();
        task.spawn(read_on(client, skus.to_vec(), per_second, Arc::clone(&counts)));
        Ok(Self {
            began: Instant::now(),
            counts,
            task,
        })
    }

    pub(super) async fn stop(mut self) -> Reads {
        self.task.shutdown().await;
        Reads {
            per_second: self.counts.answered.load(Ordering::Relaxed) as f64
                / self.began.elapsed().as_secs_f64(),
            failed: self.counts.failed.load(Ordering::Relaxed) as f64,
        }
    }
}

async fn read_on(
    client: RelatedProductsClient<Channel>,
    skus: Vec<(String, String)>,
    per_second: f64,
    counts: Arc<Counts>,
) {
    let mut ticks = interval(READ_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut dice = Dice::new(7);
    let mut due = 0.0;
    let mut calls = JoinSet::new();
    loop {
        ticks.tick().await;
        while calls.try_join_next().is_some() {}
        due += per_second * READ_EVERY.as_secs_f64();
        while due >= 1.0 {
            due -= 1.0;
            if counts.in_flight.load(Ordering::Relaxed) >= IN_FLIGHT {
                counts.failed.fetch_add(1, Ordering::Relaxed);
                continue;
            }
            let (mut client, counts) = (client.clone(), Arc::clone(&counts));
            let request = any(&skus, &mut dice);
            counts.in_flight.fetch_add(1, Ordering::Relaxed);
            calls.spawn(async move {
                let answer = client.list_related_products(request).await;
                let count = match answer {
                    Ok(_) => &counts.answered,
                    Err(_) => &counts.failed,
                };
                count.fetch_add(1, Ordering::Relaxed);
                counts.in_flight.fetch_sub(1, Ordering::Relaxed);
            });
        }
    }
}

fn any(skus: &[(String, String)], dice: &mut Dice) -> pb::ListRelatedProductsRequest {
    let at = usize::try_from(dice.below(skus.len() as u64)).unwrap_or(0);
    pb::ListRelatedProductsRequest {
        product_id: skus[at].0.clone(),
        ..Default::default()
    }
}
