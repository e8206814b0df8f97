//! Writers change links and cards while readers fill what the process keeps, over a real Redis whose answers are late.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use futures::future::join_all;
use futures::{StreamExt as _, stream};
use tandem_cache::port::Cache;
use tandem_cache::redis::RedisCache;
use tandem_domain::catalog::{Listing, ProductCard, Provenance};
use tandem_domain::id::{CategoryId, ShopId};
use tandem_domain::link::LinkEffect;
use tandem_domain::stock::Pool;
use tandem_proto::v1::ListRelatedProductsRequest;
use tandem_runtime::config::RuntimeConfig;
use tandem_testing::{RedisServer, wait_until};
use tonic::{Code, Status};

use crate::shop::{self, STORE_EPOCH, marketplace, product};
use crate::slowed::Slowed;
use crate::world::{LONG, Place, World};

/// Anchors that change all the time.
const KEYS: usize = 2_000;
/// Rounds, after each of which every key is looked at.
const ROUNDS: usize = 4;
/// The companion at the first place tells the version: of the links, of the card there is one bit, whether it exists.
const COMPANIONS: u64 = 40;
const READERS: usize = 24;
const WRITERS: usize = 4;

fn key(no: usize) -> String {
    format!("key-{no}")
}

fn companion(version: u64) -> String {
    format!("companion-{}", version % COMPANIONS)
}

fn card(id: &str, version: u64) -> ProductCard {
    ProductCard {
        id: product(id),
        shop: ShopId::new("default").expect("an id"),
        title: format!("{id} at {version}"),
        ancestors: Vec::new(),
        category: CategoryId::new("keys").ok(),
        brand: None,
        series: None,
        price: None,
        image_uri: None,
        listing: Listing::Listed,
        skus: Vec::new(),
        provenance: Provenance::Real,
        version,
    }
}

/// The companion at the first place, or why there is no answer.
async fn first(world: &World, id: &str) -> Result<Option<String>, Status> {
    let request = ListRelatedProductsRequest {
        product_id: id.into(),
        page_size: 1,
        ..Default::default()
    };
    let answer = world.related.clone().list_related_products(request).await?;
    let items = answer.into_inner().items;
    Ok(items.into_iter().next().map(|item| item.product_id))
}

/// The same, asked again while the gateway is too busy to answer: no answer is not a stale one.
async fn looked_up(world: &World, id: &str) -> Option<String> {
    loop {
        match first(world, id).await {
            Ok(shown) => return shown,
            Err(status) if matches!(status.code(), Code::Unavailable | Code::DeadlineExceeded) => {}
            Err(status) => panic!("{id}: {status:?}"),
        }
    }
}

async fn prepared() -> World {
    let server = RedisServer::start().await.expect("a Redis");
    let cache: Arc<dyn Cache> = Arc::new(
        RedisCache::connect(&server.url())
            .await
            .expect("a Redis that suits"),
    );
    for version in 0..COMPANIONS {
        let id = companion(version);
        let stock = shop::stock(&id, &format!("{id}-sku"), Pool::Normal, 10, 1);
        cache
            .put_stock(&marketplace(), STORE_EPOCH, &[stock])
            .await
            .expect("the cache answers");
    }
    let slowed = Slowed::new(Arc::clone(&cache) as _, Duration::from_millis(8));
    let limits = RuntimeConfig::default().server;
    let world = World::seeing(Arc::new(slowed), Place::Redis(Box::new(server)), cache, limits).await;
    world.filled().await
}

/// Writes the next links, or now and then the card, of every key in turn; returns at the end of the round.
async fn write(world: &World, versions: &[AtomicU64], writer: usize) {
    for no in (writer..KEYS).step_by(WRITERS) {
        let version = versions[no].fetch_add(1, Ordering::SeqCst) + 1;
        if no % 5 == 0 {
            let card = card(&key(no), world.next_version());
            let put = world.cache.put_cards(&marketplace(), STORE_EPOCH, &[card]).await;
            put.expect("the cache answers");
        }
        let pin = LinkEffect::Pin { position: 1 };
        world.set_links(&key(no), &[(&companion(version), pin)]).await;
    }
}

async fn read(world: &World, over: &AtomicBool, reads: &AtomicU64, reader: usize) {
    let mut no = reader * 7919;
    while !over.load(Ordering::SeqCst) {
        no = (no * 31 + 17) % KEYS;
        let _ = first(world, &key(no)).await;
        reads.fetch_add(1, Ordering::SeqCst);
    }
}

/// Announcements come in the order of the writes: when this one is heard, all earlier ones are.
async fn until_heard(world: &World, round: usize) {
    let sentinel = companion(u64::try_from(round).expect("few") + 1);
    world
        .set_links("phone", &[(&sentinel, LinkEffect::Pin { position: 1 })])
        .await;
    let heard = async || {
        first(world, "phone")
            .await
            .is_ok_and(|shown| shown.as_ref() == Some(&sentinel))
    };
    wait_until(LONG, "the last announcement", heard)
        .await
        .expect("the feed lives");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_stale_is_left_when_writers_race_with_fills() {
    let world = prepared().await;
    let cards: Vec<ProductCard> = (0..KEYS).map(|no| card(&key(no), 1)).collect();
    world
        .cache
        .put_cards(&marketplace(), STORE_EPOCH, &cards)
        .await
        .expect("the cache answers");
    let versions: Vec<AtomicU64> = (0..KEYS).map(|_| AtomicU64::new(0)).collect();
    let reads = AtomicU64::new(0);
    let (mut looked_at, mut stale) = (0, Vec::new());
    for round in 0..ROUNDS {
        let over = AtomicBool::new(false);
        let readers = join_all((0..READERS).map(|reader| read(&world, &over, &reads, reader)));
        let writers = async {
            join_all((0..WRITERS).map(|writer| write(&world, &versions, writer))).await;
            over.store(true, Ordering::SeqCst);
        };
        futures::join!(readers, writers);
        until_heard(&world, round).await;
        let look = async |no: usize| {
            let expected = companion(versions[no].load(Ordering::SeqCst));
            let shown = looked_up(&world, &key(no)).await;
            (shown.as_ref() != Some(&expected)).then(|| (round, key(no), expected, shown))
        };
        let looks: Vec<_> = stream::iter((0..KEYS).map(look))
            .buffer_unordered(64)
            .collect()
            .await;
        looked_at += looks.len();
        stale.extend(looks.into_iter().flatten());
    }
    let reads = reads.into_inner();
    eprintln!(
        "{KEYS} keys, {looked_at} looked at, {reads} racing reads, stale left: {}",
        stale.len()
    );
    assert!(
        reads > KEYS as u64 / 2,
        "only {reads} reads raced with the writers"
    );
    assert!(stale.is_empty(), "{} stale, such as {:?}", stale.len(), &stale[0]);
}
