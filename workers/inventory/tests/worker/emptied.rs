//! The cache emptied, restarted, or behind a store restored from a backup.

use bytes::Bytes;
use futures::TryStreamExt as _;
use tandem_cache::codec::CODEC;
use tandem_cache::port::RecordKey;
use tandem_cache::segment::write_segment;
use tandem_domain::bundle::AnchorBundles;
use tandem_domain::change::ThresholdsChange;
use tandem_domain::generation::{BuildStats, GenerationKind, Manifest};
use tandem_domain::link::{LinkEffect, LinkInput};
use tandem_domain::stock::{Availability, Pool, ShopThresholds, Supply, Thresholds};
use tandem_inventory_worker::rebuild::{Marker, Progress, rebuild};
use tandem_inventory_worker::{PassError, Settings};
use tandem_store::{BuildScope, JobKind, JobOutcome};
use tandem_testing::wait_until;

use crate::ground::{Ground, LONG, on_both, product};

on_both! {
    an_emptied_cache_is_filled_by_itself_while_stock_keeps_coming;
    a_cache_that_is_whole_is_left_alone;
    a_raised_store_epoch_fills_the_cache_anew_and_withdraws_what_is_gone;
    a_damaged_segment_leaves_the_marker_unset;
    one_of_two_workers_rebuilds;
}

/// Puts a generation with one record on serve, in SQL and on storage only.
async fn generation(ground: &Ground) -> Manifest {
    let (store, place) = (&ground.deps.store, &ground.marketplace);
    let now = ground.deps.clock.now();
    store
        .enqueue_job(&ground.context(), JobKind::build(BuildScope::Full))
        .await
        .unwrap();
    let job = store
        .claim_job("test", &["build"], LONG, now)
        .await
        .unwrap()
        .expect("the job waits");
    let no = store
        .start_generation(place, GenerationKind::Epoch, 0, &job.lease, now)
        .await
        .unwrap();
    let records = [(RecordKey::Lists(product(0)), Bytes::from_static(b"\x01a list"))];
    let path = format!("{place}/{no}.segment");
    let segment = write_segment(&*ground.deps.segments, no.0, &path, records)
        .await
        .unwrap();
    let manifest = Manifest {
        generation: no,
        segments: vec![segment],
        codec: CODEC,
    };
    let epoch = serde_json::json!({});
    store
        .publish_generation(
            place,
            no,
            &job.lease,
            &manifest,
            &BuildStats::default(),
            &epoch,
            now,
        )
        .await
        .unwrap();
    store
        .finish_job(&job.lease, JobOutcome::Succeeded(no))
        .await
        .unwrap();
    manifest
}

pub(crate) async fn link(ground: &Ground) {
    let input = LinkInput {
        anchor: product(0),
        companion: product(1),
        effect: LinkEffect::Pin { position: 1 },
        relation: None,
        surface: None,
        valid_from: None,
        valid_until: None,
        reason: "test".to_owned(),
    };
    ground
        .deps
        .store
        .create_link(&ground.context(), &input)
        .await
        .unwrap();
}

/// Waits until everything that gateways read is in the cache.
async fn all_is_served(ground: &Ground, manifest: &Manifest) {
    let (cache, place) = (&ground.deps.cache, &ground.marketplace);
    let all = async || {
        if cache.manifest(place).await.ok().flatten().as_ref() != Some(manifest) {
            return false;
        }
        let records = cache
            .records(place, manifest, &[RecordKey::Lists(product(0))])
            .await;
        let cards = cache.cards(place, &[product(1)]).await;
        let links = cache.links(place, &[product(0)]).await;
        let surfaces = cache.surfaces(place).await;
        let bundles = ground.cached_bundles(0).await;
        records.is_ok_and(|records| records[0].as_deref() == Some(b"\x01a list".as_slice()))
            && cards.is_ok_and(|cards| cards[0].is_some())
            && links.is_ok_and(|links| links[0].as_ref().is_some_and(|links| links.links.len() == 1))
            && bundles.is_some_and(|bundles| bundles.len() == 1)
            && surfaces.is_ok_and(|surfaces| !surfaces.is_empty())
            && cache.epoch(place).await.is_ok_and(|epoch| epoch.is_some())
    };
    wait_until(LONG, "everything to be served", all).await.unwrap();
}

async fn prepared(ground: &Ground) -> Manifest {
    ground.catalogue(3).await;
    ground.fixed_bundle().await;
    ground.report(0, 5, 1).await;
    ground.report(1, 6, 1).await;
    link(ground).await;
    generation(ground).await
}

async fn an_emptied_cache_is_filled_by_itself_while_stock_keeps_coming(ground: Ground) {
    let manifest = prepared(&ground).await;
    let worker = ground.start(Settings::default());
    worker.ready().await;
    all_is_served(&ground, &manifest).await;
    for round in 2..5 {
        ground.flush().await;
        ground.report(0, round, u64::try_from(round).unwrap()).await;
        all_is_served(&ground, &manifest).await;
        ground.cached_becomes(0, round).await;
        ground.cached_becomes(1, 6).await;
    }
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_restarted_empty_is_filled_by_itself() {
    let mut ground = Ground::servers().await;
    let manifest = prepared(&ground).await;
    let worker = ground.start(Settings::default());
    all_is_served(&ground, &manifest).await;

    ground.redis().kill();
    wait_until(LONG, "the worker to notice", async || {
        !worker.readiness.report().is_ready()
    })
    .await
    .unwrap();
    ground.report(0, 1, 2).await;
    ground.redis().restart_empty().await.unwrap();

    all_is_served(&ground, &manifest).await;
    ground.cached_becomes(0, 1).await;
    ground.cached_becomes(1, 6).await;
    worker.ready().await;
    worker.stop().await;
}

async fn a_cache_that_is_whole_is_left_alone(ground: Ground) {
    let manifest = prepared(&ground).await;
    let first = ground.start(Settings::default());
    first.ready().await;
    all_is_served(&ground, &manifest).await;
    first.stop().await;
    let marker = ground.deps.cache.epoch(&ground.marketplace).await.unwrap();

    let second = ground.start(Settings::default());
    second.ready().await;
    assert_eq!(
        ground.deps.cache.epoch(&ground.marketplace).await.unwrap(),
        marker,
        "no second rebuild"
    );
    second.stop().await;
}

async fn a_raised_store_epoch_fills_the_cache_anew_and_withdraws_what_is_gone(ground: Ground) {
    let manifest = prepared(&ground).await;
    let (cache, place) = (ground.deps.cache.clone(), ground.marketplace.clone());
    rebuild(&ground.deps, &place, &|_| {}).await.unwrap();
    // As if a later state of SQL had been projected, which the restored backup does not hold.
    let later = tandem_domain::stock::StockChange {
        product: product(9),
        sku: crate::ground::sku(9),
        pool: tandem_domain::stock::Pool::Normal,
        store_version: 40,
        available: 4,
        sellable: 4,
        policy: tandem_domain::catalog::StockPolicy::Tracked,
        shop: None,
    };
    let ahead = tandem_domain::stock::StockChange {
        product: product(0),
        sku: crate::ground::sku(0),
        store_version: 40,
        available: 99,
        sellable: 99,
        ..later.clone()
    };
    let traced = |change| tandem_cache::port::Traced {
        change,
        traceparent: String::new(),
    };
    cache
        .put_stock(&place, 1, &[traced(later), traced(ahead)])
        .await
        .unwrap();
    // A shop that said nothing yet, by whose thresholds five units are few.
    let strict = ThresholdsChange {
        of: ShopThresholds {
            shop: crate::ground::shop(),
            thresholds: Thresholds {
                low: 200,
                ..Thresholds::default()
            },
            version: 7,
        },
        products: vec![product(0)],
    };
    assert!(
        cache
            .put_thresholds(&place, 1, &traced_thresholds(strict))
            .await
            .unwrap()
    );
    assert_eq!(supply(&ground).await, Supply::Low);
    let stranger = AnchorBundles {
        anchor: product(9),
        version: 3,
        bundles: ground.cached_bundles(0).await.unwrap(),
    };
    assert!(cache.put_bundles(&place, 1, &stranger).await.unwrap());
    assert_eq!(
        (ground.cached(9).await, ground.cached(0).await),
        (Some(4), Some(99))
    );

    let store_epoch = ground.deps.store.bump_store_epoch(&place).await.unwrap();
    let worker = ground.start(Settings::default());
    let marked = async || {
        let marker = cache.epoch(&place).await.unwrap();
        marker.is_some_and(|text| {
            text.parse::<Marker>()
                .is_ok_and(|marker| marker.store_epoch == store_epoch)
        })
    };
    wait_until(LONG, "a rebuild under the new epoch", marked)
        .await
        .unwrap();
    assert_eq!(ground.cached(9).await, Some(0), "SQL knows nothing of it");
    assert_eq!(
        ground.cached(0).await,
        Some(5),
        "SQL's older version counts under the new epoch"
    );
    assert_eq!(ground.cached_bundles(9).await, Some(Vec::new()));
    let limits = cache.thresholds(&place, &[crate::ground::shop()]).await.unwrap();
    assert_eq!(limits, [Thresholds::default()], "SQL knows none");
    assert_eq!(supply(&ground).await, Supply::Plenty, "judged again");
    all_is_served(&ground, &manifest).await;
    worker.stop().await;
}

fn traced_thresholds(change: ThresholdsChange) -> tandem_cache::port::Traced<ThresholdsChange> {
    tandem_cache::port::Traced {
        change,
        traceparent: String::new(),
    }
}

/// How the stock of `product(0)` is judged.
async fn supply(ground: &Ground) -> Supply {
    let states = ground.deps.cache.availability(&ground.marketplace).await.unwrap();
    let states: Vec<_> = states.try_collect().await.unwrap();
    let state = states
        .into_iter()
        .find(|(id, pool, _)| *id == product(0) && *pool == Pool::Normal);
    match state {
        Some((.., Availability::Known(standing))) => standing.supply(),
        other => panic!("{other:?}"),
    }
}

async fn a_damaged_segment_leaves_the_marker_unset(ground: Ground) {
    let manifest = prepared(&ground).await;
    let file = ground
        .folder
        .path()
        .join("segments")
        .join(&manifest.segments[0].path);
    let whole = std::fs::read(&file).unwrap();
    std::fs::write(&file, b"garbage").unwrap();
    let failed = rebuild(&ground.deps, &ground.marketplace, &|_| {}).await;
    assert!(matches!(failed, Err(PassError::Cache(_))), "{failed:?}");
    assert_eq!(ground.deps.cache.epoch(&ground.marketplace).await.unwrap(), None);

    std::fs::write(&file, whole).unwrap();
    let seen = std::sync::Mutex::new(Vec::new());
    let report = rebuild(&ground.deps, &ground.marketplace, &|step| {
        seen.lock().unwrap().push(step)
    })
    .await
    .unwrap();
    assert_eq!(
        (report.graph_records, report.generation),
        (1, Some(manifest.generation.0))
    );
    assert_eq!(report.newer, 0, "the first try put all but the graph: {report:?}");
    let seen = seen.into_inner().unwrap();
    assert_eq!(seen.last(), Some(&Progress::Graph { done: 1, total: 1 }));
    assert!(seen.contains(&Progress::Records(report.records)), "{seen:?}");
    all_is_served(&ground, &manifest).await;
}

async fn one_of_two_workers_rebuilds(ground: Ground) {
    let manifest = prepared(&ground).await;
    let workers = [
        ground.start(Settings::default()),
        ground.start(Settings::default()),
    ];
    for worker in &workers {
        worker.ready().await;
    }
    all_is_served(&ground, &manifest).await;
    ground.flush().await;
    all_is_served(&ground, &manifest).await;
    let marker = ground.deps.cache.epoch(&ground.marketplace).await.unwrap();
    for worker in &workers {
        worker.ready().await;
    }
    assert_eq!(
        ground.deps.cache.epoch(&ground.marketplace).await.unwrap(),
        marker,
        "one rebuild, not two"
    );
    for worker in workers {
        worker.stop().await;
    }
}
