//! More batches than a gateway can answer, at a pace that does not wait for answers: how many are answered in time.

use std::time::Duration;

use anyhow::{Result, bail};
use prost::Message;
use tandem_cache::redis::RedisCache;
use tandem_proto::v1::BatchListRelatedProductsRequest;
use tandem_testing::RedisServer;

use super::client::{self, Pace};
use super::server::{CLIENT_CORE, Server, pin};
use super::{BATCH_OF, SERVICE, shop};
use crate::load::LoadArgs;
use crate::load::figures::{Bar, Figures};

const ANCHORS: u64 = 5_000;
const METHOD: &str = "BatchListRelatedProducts";
/// A caller that waits longer has gone on without an answer.
const DEADLINE: Duration = Duration::from_millis(100);
const LOADS: [u32; 3] = [1, 2, 3];
/// Calls that find out what the gateway can do.
const CALIBRATION: usize = 10_000;
/// Share of the goodput at once the load that three times the load must keep.
const HELD: f64 = 0.8;

/// Measures goodput at once, twice and three times the gateway's capacity.
pub(in crate::load) async fn measure(args: &LoadArgs, figures: &mut Figures) -> Result<()> {
    pin(std::process::id(), CLIENT_CORE)?;
    eprintln!("▸ overload: filling Redis with {ANCHORS} anchors");
    let redis = RedisServer::start().await?;
    let cache = RedisCache::connect(&redis.url()).await?;
    shop::fill(&cache, ANCHORS).await?;
    let gateway = Server::gateway(&redis.url(), "1073741824")?;
    shop::first_beat(&cache).await?;
    gateway.ready().await?;
    tokio::select! {
        beaten = shop::beat(&cache) => beaten.and_then(|()| bail!("the heart stopped")),
        measured = loads(args, &gateway, figures) => measured,
    }
}

async fn loads(args: &LoadArgs, gateway: &Server, figures: &mut Figures) -> Result<()> {
    let aim = gateway.aim(format!("{SERVICE}{METHOD}"));
    let requests: Vec<Vec<u8>> = (0..ANCHORS).map(batch).collect();
    client::run(&aim, &requests).await?;
    let calibration: Vec<Vec<u8>> = requests.iter().cycle().take(CALIBRATION).cloned().collect();
    let began = std::time::Instant::now();
    client::run(&aim, &calibration).await?;
    let capacity = CALIBRATION as f64 / began.elapsed().as_secs_f64();
    figures.add("overload: capacity", capacity, "calls/s");

    let mut at_once = 0.0;
    for load in LOADS {
        let offered = capacity * f64::from(load);
        let calls = (offered * f64::from(args.seconds)) as usize;
        let requests: Vec<&[u8]> = requests.iter().map(Vec::as_slice).cycle().take(calls).collect();
        let pace = Pace {
            per_second: offered,
            deadline: DEADLINE,
        };
        let outcome = client::offer(&aim, &requests, pace).await?;
        let goodput = outcome.in_time as f64 / outcome.took.as_secs_f64();
        let name = |what: &str| format!("overload: {load} × the capacity, {what}");
        figures.add(&name("answered in time"), goodput, "calls/s");
        figures.add(&name("share of the capacity"), goodput / capacity, "×");
        figures.add(&name("refused"), outcome.refused as f64, &format!("of {calls}"));
        figures.add(&name("too late"), outcome.late as f64, &format!("of {calls}"));
        figures.add(&name("never sent"), outcome.unsent as f64, &format!("of {calls}"));
        let limit = gateway.metric("tandem_server_in_flight_limit").await?;
        figures.add(&name("calls let in at once"), limit, "calls");
        if load == LOADS[0] {
            at_once = goodput;
        } else {
            figures.bar(&name("goodput kept"), goodput / at_once, Bar::AtLeast(HELD));
        }
    }
    Ok(())
}

fn batch(no: u64) -> Vec<u8> {
    let anchors = (0..BATCH_OF).map(|at| shop::id((no * 31 + at * 97) % ANCHORS));
    BatchListRelatedProductsRequest {
        product_ids: anchors.collect(),
        ..Default::default()
    }
    .encode_to_vec()
}
