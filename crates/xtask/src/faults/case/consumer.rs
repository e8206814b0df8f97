//! Row 24: a gateway that reads nothing of the feed for a while, and callers that read nothing of the gateway.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use futures::future::join_all;
use prost::Message as _;
use tandem_domain::clock::{Clock as _, SystemClock};
use tandem_proto::v1 as pb;
use tandem_proto::v1::catalog_client::CatalogClient;
use tandem_proto::v1::links_client::LinksClient;
use tandem_proto::v1::related_products_client::RelatedProductsClient;
use tandem_proto::v1::stock_client::StockClient;
use tandem_testing::{Fault, FaultProxy, wait_for, wait_until};
use tokio::time::{Instant, sleep, timeout};
use tonic::Code;
use tonic::transport::Channel;

use super::{Step, gateway};
use crate::faults::dice::Dice;
use crate::faults::traffic::channel;
use crate::faults::usage::Usage;
use crate::faults::world::{Part, World};

/// Products besides those of the load, whose stock changes while the gateway sleeps, and how much is to be announced.
const ASIDE: usize = 200;
const ANNOUNCED: u64 = 2_000;
/// How many of them the list of the first shows.
const LISTED: u32 = 50;
/// How long that may take, and the gateway to read it.
const LONG: Duration = Duration::from_secs(60);
/// As the cache's documentation of its keys names it; the marketplace is the default one.
const FEED: &str = "td:{default}:feed";
/// Connections whose callers do not read, the calls that wait on each at a time, and how long each waits.
const DEAF: usize = 4;
const CALLS: usize = 16;
const GIVEN_UP_AFTER: Duration = Duration::from_millis(250);
/// How long calls come before memory is measured, and until it is measured again.
const WARM: Duration = Duration::from_secs(1);
const SPAN: Duration = Duration::from_secs(4);
/// What a gateway's memory may grow by, in kilobytes. Twice as much goes unread.
const NOISE_KB: u64 = 4 * 1024;

/// Two gateways, and products whose stock the load leaves alone.
pub(super) fn aside(world: &mut World) -> Step<'_> {
    Box::pin(async {
        gateway::two(world).await?;
        let mut catalog = CatalogClient::new(world.control_channel()?);
        let products = (0..ASIDE).map(|number| pb::Product {
            product_id: format!("aside-{number}"),
            title: format!("Product aside-{number} {}", "of a long title ".repeat(4)),
            ..Default::default()
        });
        let request = pb::BatchUpsertProductsRequest {
            products: products.collect(),
            request_id: String::new(),
        };
        catalog.batch_upsert_products(request).await?;
        let skus = (0..ASIDE).map(|number| pb::Sku {
            sku_id: format!("sku-aside-{number}"),
            product_id: format!("aside-{number}"),
            ..Default::default()
        });
        let request = pb::BatchUpsertSkusRequest {
            skus: skus.collect(),
            request_id: String::new(),
        };
        catalog.batch_upsert_skus(request).await?;
        let mut links = LinksClient::new(world.control_channel()?);
        for position in 1..=LISTED {
            let link = pb::Link {
                anchor_product_id: "aside-0".to_owned(),
                companion_product_id: format!("aside-{position}"),
                effect: pb::LinkEffect::Pin.into(),
                position,
                ..Default::default()
            };
            let request = pb::CreateLinkRequest {
                link: Some(link),
                request_id: String::new(),
            };
            match links.create_link(request).await {
                // By an earlier repeat.
                Err(status) if status.code() == Code::AlreadyExists => break,
                created => created?,
            };
        }
        Ok(())
    })
}

pub(super) fn never_reads<'a>(world: &'a mut World, _: &'a mut Dice) -> Step<'a> {
    Box::pin(async {
        asleep(world).await.context("a gateway that slept")?;
        deaf(world).await.context("callers that do not read")
    })
}

/// Once it has read what it slept through, it has the memory for that: another time takes no more.
async fn asleep(world: &World) -> Result<()> {
    sleep_through(world).await?;
    let (before, after) = sleep_through(world).await?;
    if after.usage.resident_kb > before.usage.resident_kb + NOISE_KB {
        bail!("the second time it grew from {} to {}", before.usage, after.usage);
    }
    Ok(())
}

/// It reads nothing of the feed for longer than it may trust its view, while thousands of changes are announced. Awake, it
/// reads on where it stood: every entry once, and without a snapshot.
async fn sleep_through(world: &World) -> Result<(Standing, Standing)> {
    let sleeper = &world.gateways[0];
    let before = Standing::of(world, sleeper).await?;
    sleeper.process()?.signal("STOP")?;
    let begun = Instant::now();
    let announced = announce(world, before.entries).await;
    sleep((world.pace.outage).saturating_sub(begun.elapsed())).await;
    sleeper.process()?.signal("CONT")?;
    announced?;
    let after = wait_for(LONG, "the gateway to read what it slept through", async || {
        let now = Standing::of(world, sleeper).await.ok()?;
        (now.ahead == before.ahead && now.entries >= before.entries + ANNOUNCED).then_some(now)
    })
    .await
    .with_context(|| format!("before it slept: {before:?}"))?;
    if after.snapshots > before.snapshots {
        bail!("it took a snapshot instead of reading on: {before:?}, then {after:?}");
    }
    Ok((before, after))
}

/// Where a gateway stands in the feed.
#[derive(Debug)]
struct Standing {
    /// Entries that were ever added.
    entries: u64,
    /// Entries that the gateway has read, less those that were ever added. It is the same at any two moments at which the
    /// gateway has read everything, unless it left an entry out or read one twice.
    ahead: f64,
    snapshots: f64,
    usage: Usage,
}

impl Standing {
    /// At a moment at which the gateway has read everything: the highest of many looks during which nothing was added.
    async fn of(world: &World, gateway: &Part) -> Result<Self> {
        let (mut entries, mut ahead) = (0, f64::NEG_INFINITY);
        let mut looks = 0;
        let enough = async || {
            let Ok(was) = added(world).await else {
                return false;
            };
            let Ok(read) = gateway.metric("tandem_gateway_feed_entries", "").await else {
                return false;
            };
            if added(world).await.is_ok_and(|now| now == was) {
                (entries, ahead) = (was, f64::max(ahead, read - was as f64));
                looks += 1;
            }
            looks == 20
        };
        wait_until(LONG, "moments at which nothing is announced", enough).await?;
        Ok(Self {
            entries,
            ahead,
            snapshots: gateway.metric("tandem_gateway_feed_snapshots", "").await?,
            usage: Usage::of(gateway.process()?.id())?,
        })
    }
}

/// How many entries were ever added to the feed.
async fn added(world: &World) -> Result<u64> {
    let answer = world.redis_command(&["XINFO", "STREAM", FEED]).await?;
    let (_, rest) = answer
        .split_once("entries-added\r\n:")
        .context("a count of entries")?;
    rest.lines().next().context("a count")?.parse().context("a count")
}

/// Changes the stock of the products aside until enough was announced.
async fn announce(world: &World, before: u64) -> Result<()> {
    let to = world.control_channel()?;
    let begun = Instant::now();
    while added(world).await? < before + ANNOUNCED {
        if begun.elapsed() > LONG {
            bail!("{ANNOUNCED} changes were not announced within {LONG:?}");
        }
        turn(to.clone()).await?;
    }
    Ok(())
}

/// One more or one less of each.
async fn turn(to: Channel) -> Result<()> {
    let version = u64::try_from(SystemClock.now().as_ms())?;
    let reports = (0..ASIDE).map(|number| pb::StockReport {
        sku_id: format!("sku-aside-{number}"),
        quantity: Some(pb::stock_report::Quantity::Set(pb::StockSet {
            available: (version % 200) as i64 + 1,
            source_version: version,
        })),
        ..Default::default()
    });
    let request = pb::ReportStockRequest {
        reports: reports.collect(),
        request_id: String::new(),
    };
    StockClient::new(to).report_stock(request).await?;
    Ok(())
}

/// Callers ask on and on and take nothing off their connections: what waits for them is bounded, and others are served.
async fn deaf(world: &World) -> Result<()> {
    let gateway = &world.gateways[0];
    let proxy = FaultProxy::start(gateway.listen()?).await?;
    let connections: Vec<Channel> = (0..DEAF)
        .map(|_| channel(&proxy.address()))
        .collect::<Result<_>>()?;
    let mut size = 0;
    for connection in &connections {
        size = ask(connection.clone()).await.context("before it went deaf")?;
    }
    proxy.set(Fault::Deaf);
    let begun = Instant::now();
    let caller = async |number: usize| {
        while begun.elapsed() < WARM + SPAN {
            let call = ask(connections[number % DEAF].clone());
            let _ = timeout(GIVEN_UP_AFTER, call).await;
        }
    };
    let measured = async {
        sleep(WARM).await;
        let process = gateway.process()?.id();
        let (before, so_far) = (Usage::of(process)?, answered(gateway).await?);
        sleep(SPAN).await;
        let unread = answered(gateway).await? - so_far;
        anyhow::Ok((before, Usage::of(process)?, unread * size as f64 / 1024.0))
    };
    let (measured, _) = tokio::join!(measured, join_all((0..DEAF * CALLS).map(caller)));
    let (before, after, unread_kb) = measured?;
    if after.resident_kb > before.resident_kb + NOISE_KB {
        bail!("the gateway grew from {before} to {after}");
    }
    if unread_kb < NOISE_KB as f64 && world.pace.strict {
        bail!("only {unread_kb:.0} KB of answers went unread");
    }
    proxy.set(Fault::Pass);
    let heard = channel(&proxy.address())?;
    let served = async || ask(heard.clone()).await.is_ok();
    wait_until(LONG, "an answer to somebody who reads", served).await
}

async fn answered(gateway: &Part) -> Result<f64> {
    let label = r#"outcome="answered""#;
    gateway.metric("tandem_gateway_answers", label).await
}

/// The length of the answer.
async fn ask(to: Channel) -> Result<usize> {
    let request = pb::ListRelatedProductsRequest {
        product_id: "aside-0".to_owned(),
        page_size: LISTED as i32,
        view: pb::View::Full.into(),
        ..Default::default()
    };
    let answer = RelatedProductsClient::new(to)
        .list_related_products(request)
        .await?;
    Ok(answer.into_inner().encoded_len())
}
