//! One flip of a product that a single list and set hold, and of one that very many do.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use tandem_cache::port::Projects as _;
use tandem_cache::redis::RedisCache;
use tandem_client::Connection;
use tandem_domain::bundle::{BundleMember, LearnedBundle};
use tandem_domain::edge::{AnchorEdges, Edge, EdgeList, Evidence, GateCounts, Signal, Source};
use tandem_domain::relation::Relation;
use tandem_proto::v1 as pb;
use tandem_proto::v1::bundles_client::BundlesClient;
use tandem_proto::v1::related_products_client::RelatedProductsClient;
use tandem_testing::RedisServer;

use super::quantile;
use crate::load::LoadArgs;
use crate::load::figures::{Bar, Figures};
use crate::load::reads::{STORE_EPOCH, Server, beat, first_beat, id, marketplace, product, publish, units};

/// The product that every list and set holds, the one that only those of the first anchor do, and one more part.
const HUB: u64 = 1_000_000;
const LONE: u64 = 1_000_001;
const PART: u64 = 1_000_002;
const PATIENCE: Duration = Duration::from_secs(30);
/// By which factor the costs may differ: less is noise.
const SAME: f64 = 1.5;

/// Measures both, turn by turn, over a gateway and a Redis of their own.
pub(super) async fn measure(args: &LoadArgs, figures: &mut Figures) -> Result<()> {
    let redis = RedisServer::start().await?;
    let cache = RedisCache::connect(&redis.url()).await?;
    let products: Vec<u64> = (0..args.anchors).chain([HUB, LONE, PART]).collect();
    publish(&cache, &products, |no| (no < args.anchors).then(|| anchor(no))).await?;
    first_beat(&cache).await?;
    let server = Server::gateway(&redis.url(), "67108864")?;
    server.ready().await?;
    let connection = server.connection()?;
    let flips = async {
        let (mut lone, mut hub) = (Vec::new(), Vec::new());
        let mut version = 1;
        for _ in 0..args.flips {
            lone.push(flip(&cache, &connection, LONE, &mut version).await?);
            hub.push(flip(&cache, &connection, HUB, &mut version).await?);
        }
        Ok::<_, anyhow::Error>((lone, hub))
    };
    let (mut lone, mut hub) = tokio::select! {
        flips = flips => flips?,
        ended = beat(&cache) => bail!("the heartbeat ended: {ended:?}"),
    };
    lone.sort_unstable();
    hub.sort_unstable();
    let many = format!("{} lists and sets", args.anchors);
    let ms = |took: &[Duration], share| quantile(took, share).as_secs_f64() * 1e3;
    for (held, took) in [("1 list and set", &lone), (many.as_str(), &hub)] {
        for (name, share) in [("p50", 0.5), ("p99", 0.99)] {
            figures.add(
                &format!("stock: flip of a product in {held}, {name}"),
                ms(took, share),
                "ms",
            );
        }
    }
    let ratio = ms(&hub, 0.5) / ms(&lone, 0.5);
    figures.add(&format!("stock: cost in {many}, to that in 1"), ratio, "×");
    figures.bar(
        "stock: cost of a flip in many to that in 1",
        ratio,
        Bar::AtMost(SAME),
    );
    Ok(())
}

/// From the put to the first pair of answers without the product; then it is put back.
async fn flip(cache: &RedisCache, connection: &Connection, no: u64, version: &mut u64) -> Result<Duration> {
    let mut put = async |count: u32| {
        *version += 1;
        let change = units(no, count, *version);
        cache.put_stock(&marketplace(), STORE_EPOCH, &[change]).await
    };
    let began = Instant::now();
    put(0).await?;
    until(connection, no, false).await?;
    let took = began.elapsed();
    put(10).await?;
    until(connection, no, true).await?;
    Ok(took)
}

async fn until(connection: &Connection, no: u64, shown: bool) -> Result<()> {
    let (mut lists, mut sets) = (
        RelatedProductsClient::new(connection.clone()),
        BundlesClient::new(connection.clone()),
    );
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        let list = pb::ListRelatedProductsRequest {
            product_id: id(0),
            ..Default::default()
        };
        let items = lists.list_related_products(list).await?.into_inner().items;
        if items.iter().any(|item| item.product_id == id(no)) != shown {
            continue;
        }
        let set = pb::ListBundleSetsRequest {
            product_id: id(0),
            ..Default::default()
        };
        let sets = sets.list_bundle_sets(set).await?.into_inner().sets;
        let mut parts = sets.iter().flat_map(|set| &set.items);
        if parts.any(|item| item.product_id == id(no)) == shown {
            return Ok(());
        }
    }
    bail!("{} did not move within {PATIENCE:?}", id(no))
}

fn anchor(no: u64) -> AnchorEdges {
    let mut held = vec![HUB, PART];
    held.extend((no == 0).then_some(LONE));
    let member = |no: &u64| BundleMember {
        product: product(*no),
        role: id(*no),
        quantity: 1,
        support: 20,
        alternates: Vec::new(),
    };
    AnchorEdges {
        anchor: product(no),
        lists: vec![EdgeList {
            relation: Relation::Together,
            edges: held.iter().map(|no| edge(*no)).collect(),
            refused: GateCounts::default(),
        }],
        bundles: vec![LearnedBundle {
            members: held.iter().map(member).collect(),
            score: 1.0,
            support: 20,
            anchor_count: 200,
            generated: false,
        }],
        feedback: BTreeMap::new(),
        paces: BTreeMap::new(),
    }
}

fn edge(companion: u64) -> Edge {
    Edge {
        companion: product(companion),
        score: 1.0,
        basket_score: 1.0,
        source: Source::Learned,
        generated: false,
        evidence: Evidence {
            signal: Signal::CoPurchase,
            support: 20,
            anchor_count: 200,
            companion_count: 300,
            total: 1_000_000,
            lift: 12.0,
            llr: 99.0,
            window_days: 400,
        },
    }
}
