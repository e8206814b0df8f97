//! A gateway over a cell of ten million products: how long it takes to serve, and what it and its Redis hold.

mod cell;

use std::collections::HashSet;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use futures::{StreamExt as _, stream};
use tandem_cache::port::Projects as _;
use tandem_client::{Connection, Settings};
use tandem_proto::v1::related_products_client::RelatedProductsClient;
use tandem_proto::v1::{ListRelatedProductsRequest, ListRelatedProductsResponse};
use tandem_testing::wait_until;

use super::LoadArgs;
use super::figures::{Bar, Figures};
use super::reads;
use super::shape::binaries;
use crate::faults::{Part, Usage};
use cell::{Cell, edges, is_sold_out, lists_bytes, progress};

/// The longest that a gateway may take, on a machine that does other things.
const PATIENCE: Duration = Duration::from_secs(600);
/// What a gateway may hold of a product's availability: eight bytes, in a table that has just doubled and did so early.
const MOST_BYTES: f64 = 40.0;
/// What the record that a list is served from may take.
const MOST_RECORD_BYTES: f64 = 4_096.0;
/// Companions of an answer that asks for no number.
const PAGE: usize = 20;
/// Calls in progress while the gateway fills what it keeps.
const CALLERS: usize = 32;

/// What came of asking for a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Came {
    Right,
    Wrong,
    Stale,
    Nothing,
}

/// Fills a Redis, starts a gateway over it, and fills what that keeps.
pub(super) async fn measure(args: &LoadArgs, figures: &mut Figures) -> Result<()> {
    let bare = bare().await?;
    figures.add("scale: gateway without a product, resident", bare / 1e6, "MB");
    eprintln!("▸ scale: filling Redis with {} products", args.products);
    let cell = Cell::filled(args.products, figures).await?;
    record(&cell, figures);
    reads::first_beat(&cell.cache).await?;
    tokio::select! {
        beaten = reads::beat(&cell.cache) => beaten.and_then(|()| bail!("the heart stopped")),
        measured = served(&cell, bare, figures) => measured,
    }
}

/// Bytes of a gateway over a whole cache without a product.
async fn bare() -> Result<f64> {
    let cell = Cell::empty().await?;
    cell.cache.mark_rebuilt(&reads::marketplace(), "load").await?;
    let gateway = started(&cell)?;
    ready(&gateway).await?;
    resident(&gateway)
}

/// The record that the list of an anchor is served from; all are alike.
fn record(cell: &Cell, figures: &mut Figures) {
    let record = lists_bytes(cell.anchor(0), cell.products) as f64;
    figures.add("scale: record of lists, as served", record, "bytes");
    figures.bar("scale: record of lists", record, Bar::AtMost(MOST_RECORD_BYTES));
}

async fn served(cell: &Cell, bare: f64, figures: &mut Figures) -> Result<()> {
    eprintln!("▸ scale: starting a gateway");
    let began = Instant::now();
    let gateway = started(cell)?;
    ready(&gateway).await?;
    figures.add("scale: start → ready", began.elapsed().as_secs_f64(), "s");
    let client = client(&gateway)?;
    let right = async || {
        let answer = answer(cell, &client, 0).await;
        answer.is_some_and(|answer| is_fresh(&answer) && is_right(cell, 0, &answer))
    };
    wait_until(PATIENCE, "a right answer", right).await?;
    figures.add(
        "scale: start → first right answer",
        began.elapsed().as_secs_f64(),
        "s",
    );
    availability(cell, &gateway, bare, figures).await?;
    near(cell, &gateway, &client, figures).await
}

/// What the view of stock takes, as the gateway counts it and as the kernel does.
async fn availability(cell: &Cell, gateway: &Part, bare: f64, figures: &mut Figures) -> Result<()> {
    let products = gateway.metric("tandem_gateway_stock_products", "").await?;
    if products != cell.products as f64 {
        bail!(
            "the gateway knows the stock of {products} products of {}",
            cell.products
        );
    }
    let resident = resident(gateway)?;
    figures.add("scale: gateway when ready, resident", resident / 1e6, "MB");
    let table = gateway.metric("tandem_gateway_stock_memory", "").await?;
    let name = "scale: availability per product";
    figures.add(name, table / products, "bytes");
    figures.bar(name, table / products, Bar::AtMost(MOST_BYTES));
    // What a snapshot leaves behind in the allocator counts here; of few products it is most of it.
    figures.add(
        "scale: all that a product adds to the gateway",
        (resident - bare) / products,
        "bytes",
    );
    Ok(())
}

/// Asks for every anchor that has records, more than a gateway keeps unless it is told to keep more.
async fn near(
    cell: &Cell,
    gateway: &Part,
    client: &RelatedProductsClient<Connection>,
    figures: &mut Figures,
) -> Result<()> {
    eprintln!("▸ scale: filling what the gateway keeps");
    let bar = progress(cell.anchors(), "lists");
    let asked = stream::iter(0..cell.anchors()).map(async |at| {
        let answer = answer(cell, client, at).await;
        bar.inc(1);
        match answer {
            None => Came::Nothing,
            // Nobody vouches for its stock, and it says so.
            Some(answer) if !is_fresh(&answer) => Came::Stale,
            Some(answer) if is_right(cell, at, &answer) => Came::Right,
            Some(_) => Came::Wrong,
        }
    });
    let answers: Vec<Came> = asked.buffer_unordered(CALLERS).collect().await;
    bar.finish_and_clear();
    let count = |of| answers.iter().filter(|answer| **answer == of).count() as f64;
    let asked = format!("of {}", answers.len());
    figures.add("scale: lists without an answer", count(Came::Nothing), &asked);
    figures.add("scale: lists marked as stale", count(Came::Stale), &asked);
    figures.add("scale: wrong lists", count(Came::Wrong), &asked);
    figures.bar("scale: wrong lists", count(Came::Wrong), Bar::AtMost(0.0));
    let kept = gateway.metric("tandem_gateway_near_memory", "").await?;
    let entries = gateway.metric("tandem_gateway_near_entries", "").await?;
    figures.add("scale: kept answers", entries, "lists");
    figures.add("scale: kept answers, as counted", kept / 1e6, "MB");
    figures.add(
        "scale: gateway with them, resident",
        resident(gateway)? / 1e6,
        "MB",
    );
    Ok(())
}

fn started(cell: &Cell) -> Result<Part> {
    let redis = ("TANDEM_REDIS_URL", cell.redis.url());
    let mut gateway = Part::new(&binaries(), "tandem-gateway", &["--insecure"], true).with(redis.0, redis.1);
    gateway.launch()?;
    Ok(gateway)
}

async fn ready(gateway: &Part) -> Result<()> {
    wait_until(PATIENCE, "a gateway to be ready", async || {
        gateway.is_ready().await
    })
    .await
}

fn resident(gateway: &Part) -> Result<f64> {
    Ok(Usage::of(gateway.process()?.id())?.resident_kb as f64 * 1024.0)
}

fn client(gateway: &Part) -> Result<RelatedProductsClient<Connection>> {
    let address = format!("http://{}", gateway.listen()?);
    Ok(RelatedProductsClient::new(Connection::lazy(
        &address,
        &Settings::default(),
    )?))
}

/// The list of an anchor, if there is an answer.
async fn answer(
    cell: &Cell,
    client: &RelatedProductsClient<Connection>,
    at: u64,
) -> Option<ListRelatedProductsResponse> {
    let request = ListRelatedProductsRequest {
        product_id: reads::id(cell.anchor(at)),
        ..Default::default()
    };
    let answer = client.clone().list_related_products(request).await;
    Some(answer.ok()?.into_inner())
}

fn is_fresh(answer: &ListRelatedProductsResponse) -> bool {
    answer.freshness.is_some_and(|freshness| !freshness.stale)
}

/// Whether it is a page of companions of the anchor that can be bought, filled up with bestsellers where those are too few.
fn is_right(cell: &Cell, at: u64, answer: &ListRelatedProductsResponse) -> bool {
    let lists = edges(cell.anchor(at), cell.products).lists;
    let companions: HashSet<&str> = lists
        .iter()
        .flat_map(|list| list.edges.iter().map(|edge| edge.companion.as_str()))
        .filter(|id| !is_sold_out(id))
        .collect();
    let shown = || answer.items.iter().map(|item| item.product_id.as_str());
    let own = shown().filter(|id| companions.contains(id)).count();
    answer.items.len() == PAGE && own == PAGE.min(companions.len()) && !shown().any(is_sold_out)
}
