//! Servers that take no writes.

use std::time::Duration;

use bytes::Bytes;
use tandem_cache::error::CacheError;
use tandem_cache::lease::Leases as _;
use tandem_cache::port::{Changes as _, Projects as _, Publishes as _, Reads as _, RecordKey, Result};
use tandem_domain::change::{Change, Envelope};
use tandem_domain::generation::{GenerationNo, Manifest};
use tandem_testing::free_port;

use crate::server::{LONG, connected, product, put_stock, raw, uk};

fn refused<T: std::fmt::Debug>(outcome: Result<T>) {
    assert!(matches!(outcome, Err(CacheError::Refused(_))), "{outcome:?}");
}

fn beats(count: u64) -> Vec<Envelope> {
    let beat = |counter| Envelope {
        marketplace: uk(),
        store_epoch: 1,
        traceparent: String::new(),
        change: Change::Heartbeat { counter },
    };
    (0..count).map(beat).collect()
}

fn manifest() -> Manifest {
    Manifest {
        generation: GenerationNo(1),
        segments: Vec::new(),
        codec: 1,
    }
}

#[tokio::test]
async fn a_full_server_refuses_writes_while_reads_and_clearing_go_on() {
    let (server, cache) = connected().await;
    put_stock(&cache, 1, 5).await.unwrap();
    cache.append(&uk(), &beats(3)).await.unwrap();
    let lists = RecordKey::Lists(product("a"));
    cache
        .put_records(&uk(), 1, &[(lists.clone(), Bytes::from_static(b"a"))])
        .await
        .unwrap();
    let got = cache.receive(&uk(), "w1", 2, LONG).await.unwrap();
    raw(&server, "CONFIG SET maxmemory 1").await;

    refused(put_stock(&cache, 2, 6).await);
    refused(cache.beat(&uk(), 1, 1).await);
    refused(cache.mark_rebuilt(&uk(), "1").await);
    refused(cache.append(&uk(), &beats(3)).await);
    refused(
        cache
            .put_records(&uk(), 2, &[(lists, Bytes::from_static(b"b"))])
            .await,
    );
    refused(cache.publish_manifest(&uk(), 1, &manifest()).await);
    refused(cache.hold(&uk(), "rebuild", "w1", LONG).await.map(|_| ()));

    assert_eq!(
        cache.stock(&uk(), &[product("a")]).await.unwrap()[0][0].available,
        5
    );
    assert_eq!(cache.epoch(&uk()).await.unwrap(), None);
    assert_eq!(cache.receive(&uk(), "w1", 10, LONG).await.unwrap().len(), 1);
    assert_eq!(
        cache
            .reclaim(&uk(), "w2", Duration::ZERO, 10)
            .await
            .unwrap()
            .len(),
        3
    );
    cache
        .ack(&uk(), &[got[0].id.clone(), got[1].id.clone()])
        .await
        .unwrap();
    assert_eq!(cache.backlog(&uk()).await.unwrap(), 1);
    assert_eq!(cache.trim_changes(&uk()).await.unwrap(), 2);
    cache.trim_feed(&uk(), Duration::ZERO).await.unwrap();
    assert_eq!(cache.drop_segment(&uk(), 1).await.unwrap(), 1);

    raw(&server, "CONFIG SET maxmemory 0").await;
    assert_eq!(
        put_stock(&cache, 2, 6).await.unwrap(),
        [true],
        "nothing of the refused write remained"
    );
    cache.beat(&uk(), 1, 1).await.unwrap();
}

#[tokio::test]
async fn a_replica_refuses_writes_while_reads_go_on() {
    let (server, cache) = connected().await;
    put_stock(&cache, 1, 5).await.unwrap();
    raw(&server, &format!("REPLICAOF 127.0.0.1 {}", free_port())).await;
    refused(put_stock(&cache, 2, 6).await);
    refused(cache.append(&uk(), &beats(1)).await);
    assert_eq!(
        cache.stock(&uk(), &[product("a")]).await.unwrap()[0][0].available,
        5
    );
    raw(&server, "REPLICAOF NO ONE").await;
    assert_eq!(put_stock(&cache, 2, 6).await.unwrap(), [true]);
}
