//! Open-loop load: what is due is sent, however long the answers take, up to a bound in flight.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;
use tandem_proto::v1 as pb;
use tandem_proto::v1::bundles_client::BundlesClient;
use tandem_proto::v1::related_products_client::RelatedProductsClient;
use tandem_proto::v1::stock_client::StockClient;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};

use super::dice::Dice;
use super::judge::Judge;
use super::ledger::{Acknowledged, Ledger};
use super::shop::{ANCHORS, SKUS, anchor, number_of, sku};
use super::tally::Tally;

/// Between two reads, and between two reports.
const READ_EVERY: Duration = Duration::from_millis(8);
const WRITE_EVERY: Duration = Duration::from_millis(20);
/// One read in so many asks for bundles.
const BUNDLES_EVERY: usize = 5;
/// Reads and reports in flight; what is due beyond that has failed.
const IN_FLIGHT: usize = 512;
/// How long a client waits for an answer, and for a connection. Generous: on a busy machine what counts is that it comes.
const PATIENCE: Duration = Duration::from_secs(3);
const CONNECT_WITHIN: Duration = Duration::from_secs(1);
/// From here on an unmarked answer must know what was acknowledged: the limit of the surface (2 s), a heartbeat (250 ms),
/// and what a worker that hangs may keep of the outbox (500 ms) and of the stream (1 s) while heartbeats go on.
pub(crate) const T: Duration = Duration::from_millis(3_750);

/// What outlives a repeat.
#[derive(Debug)]
pub(crate) struct Books {
    pub(crate) judge: Mutex<Judge>,
    pub(crate) ledger: Mutex<Ledger>,
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A connection that is made when it is needed, and made again.
pub(crate) fn channel(address: &str) -> Result<Channel> {
    Ok(Endpoint::from_shared(format!("http://{address}"))?
        .connect_timeout(CONNECT_WITHIN)
        .timeout(PATIENCE)
        .tcp_nodelay(true)
        .connect_lazy())
}

/// Load that runs.
pub(crate) struct Traffic {
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    loops: JoinSet<()>,
}

struct Shared {
    gateways: Vec<Channel>,
    control: Channel,
    books: Arc<Books>,
    tally: Mutex<Tally>,
    busy: Mutex<[bool; SKUS]>,
    in_flight: AtomicUsize,
}

impl Traffic {
    /// Begins. Clients ask the first gateway, and the next one where it is away.
    pub(crate) fn start(gateways: Vec<Channel>, control: Channel, books: Arc<Books>, dice: &Dice) -> Self {
        let shared = Arc::new(Shared::of(gateways, control, books));
        let stop = watch::Sender::new(false);
        let mut loops = JoinSet::new();
        loops.spawn(read_on(Arc::clone(&shared), dice.clone(), stop.subscribe()));
        loops.spawn(write_on(Arc::clone(&shared), dice.clone(), stop.subscribe()));
        Self { shared, stop, loops }
    }

    /// Reports every SKU once, so that the first answers have something to show.
    pub(crate) async fn stock_up(control: Channel, books: Arc<Books>) {
        let shared = Shared::of(Vec::new(), control, books);
        for number in 0..SKUS {
            shared.write(number).await;
        }
    }

    /// Ends, and waits for what is in flight.
    pub(crate) async fn stop(mut self) -> Tally {
        self.stop.send_replace(true);
        while self.loops.join_next().await.is_some() {}
        std::mem::take(&mut *lock(&self.shared.tally))
    }
}

async fn read_on(shared: Arc<Shared>, mut dice: Dice, stop: watch::Receiver<bool>) {
    let mut ticks = interval(READ_EVERY);
    // What was missed is made up for: the load does not wait for the machine.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut calls = JoinSet::new();
    for number in 0.. {
        let due = ticks.tick().await.into_std();
        if *stop.borrow() {
            break;
        }
        {
            let mut tally = lock(&shared.tally);
            tally.late = tally.late.max(due.elapsed());
        }
        if shared.in_flight.load(Ordering::Relaxed) >= IN_FLIGHT {
            lock(&shared.tally).failed += 1;
            continue;
        }
        let asked = anchor(dice.below(ANCHORS));
        let shared = Arc::clone(&shared);
        calls.spawn(async move {
            shared.in_flight.fetch_add(1, Ordering::Relaxed);
            if number % BUNDLES_EVERY == 0 {
                shared.read_bundles(asked).await;
            } else {
                shared.read_list(asked, due).await;
            }
            shared.in_flight.fetch_sub(1, Ordering::Relaxed);
        });
        while calls.try_join_next().is_some() {}
    }
    while calls.join_next().await.is_some() {}
}

async fn write_on(shared: Arc<Shared>, mut dice: Dice, stop: watch::Receiver<bool>) {
    let mut ticks = interval(WRITE_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut calls = JoinSet::new();
    loop {
        ticks.tick().await;
        if *stop.borrow() {
            break;
        }
        let number = dice.below(SKUS);
        // One report of a SKU at a time, so that what is acknowledged has an order.
        if std::mem::replace(&mut lock(&shared.busy)[number], true) {
            continue;
        }
        let shared = Arc::clone(&shared);
        calls.spawn(async move {
            shared.write(number).await;
            lock(&shared.busy)[number] = false;
        });
        while calls.try_join_next().is_some() {}
    }
    while calls.join_next().await.is_some() {}
}

impl Shared {
    fn of(gateways: Vec<Channel>, control: Channel, books: Arc<Books>) -> Self {
        Self {
            gateways,
            control,
            books,
            tally: Mutex::default(),
            busy: Mutex::new([false; SKUS]),
            in_flight: AtomicUsize::new(0),
        }
    }

    async fn read_list(&self, product_id: String, due: Instant) {
        let request = pb::ListRelatedProductsRequest {
            product_id,
            page_size: 50,
            ..Default::default()
        };
        let mut answer = Err(Status::unavailable("no gateway"));
        let (mut start, mut gateway) = (Instant::now(), 0);
        for (number, channel) in self.gateways.iter().enumerate() {
            (start, gateway) = (Instant::now(), number);
            let mut client = RelatedProductsClient::new(channel.clone());
            answer = client.list_related_products(request.clone()).await;
            if !matches!(&answer, Err(status) if is_away(status)) {
                break;
            }
        }
        let end = Instant::now();
        let mut tally = lock(&self.tally);
        tally.latencies.push(end - due);
        match answer {
            Ok(answer) => self.count(&mut tally, gateway, &answer.into_inner(), (start, end)),
            Err(status) => {
                tally.failed += 1;
                let told = || format!("{:?}: {}", status.code(), status.message());
                tally.first_failure.get_or_insert_with(told);
            }
        }
    }

    fn count(
        &self,
        tally: &mut Tally,
        gateway: usize,
        answer: &pb::ListRelatedProductsResponse,
        span: (Instant, Instant),
    ) {
        let freshness = answer.freshness.unwrap_or_default();
        match (freshness.suppressed, freshness.stale, answer.items.is_empty()) {
            (true, _, _) => tally.suppressed += 1,
            (_, true, _) => tally.marked += 1,
            (_, _, true) => tally.empty += 1,
            _ => tally.given += 1,
        }
        if freshness.stale || freshness.suppressed {
            return;
        }
        let mut judge = lock(&self.books.judge);
        for item in &answer.items {
            let Some(sku) = number_of(&item.product_id) else {
                continue;
            };
            let verdict = judge.look(gateway, sku, item.sellable_count, span);
            if let Some(lag) = verdict.unbuyable {
                tally.worst_lag = tally.worst_lag.max(lag);
                tally.unbuyable += u64::from(lag > T);
            }
            tally.regressions += u64::from(verdict.regressed);
        }
    }

    /// Sets are few without a graph; what counts is whether they are withheld.
    async fn read_bundles(&self, product_id: String) {
        let request = pb::ListBundleSetsRequest {
            product_id,
            ..Default::default()
        };
        let mut client = match self.gateways.first() {
            Some(channel) => BundlesClient::new(channel.clone()),
            None => return,
        };
        if let Ok(answer) = client.list_bundle_sets(request).await {
            let freshness = answer.into_inner().freshness.unwrap_or_default();
            lock(&self.tally).suppressed += u64::from(freshness.suppressed);
        }
    }

    async fn write(&self, number: usize) {
        let (report, units) = lock(&self.books.judge).send(number, Instant::now());
        let request = pb::ReportStockRequest {
            reports: vec![pb::StockReport {
                sku_id: sku(number),
                quantity: Some(pb::stock_report::Quantity::Set(pb::StockSet {
                    available: units,
                    source_version: report as u64 + 1,
                })),
                ..Default::default()
            }],
            request_id: String::new(),
        };
        let mut client = StockClient::new(self.control.clone());
        let level = match client.report_stock(request).await {
            Ok(answer) => answer
                .into_inner()
                .outcomes
                .into_iter()
                .next()
                .and_then(|outcome| outcome.level),
            Err(_) => None,
        };
        let Some(level) = level else {
            lock(&self.tally).writes_failed += 1;
            return;
        };
        let now = Instant::now();
        let acknowledged = Acknowledged {
            store_version: level.store_version,
            available: level.available,
        };
        let noted = tokio::task::block_in_place(|| lock(&self.books.ledger).note(number, acknowledged));
        let mut tally = lock(&self.tally);
        match noted {
            Ok(()) => tally.writes_acknowledged += 1,
            Err(error) => {
                eprintln!("the ledger cannot be written: {error:#}");
                tally.writes_failed += 1;
            }
        }
        drop(tally);
        lock(&self.books.judge).acknowledge(number, report, now);
    }
}

/// Whether another gateway may do better.
fn is_away(status: &Status) -> bool {
    matches!(
        status.code(),
        Code::Unavailable | Code::Cancelled | Code::Unknown | Code::DeadlineExceeded
    )
}
