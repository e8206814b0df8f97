//! Records of generations, and the pointer.

use bytes::Bytes;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore as _, ObjectStoreExt as _};
use tandem_cache::error::CacheError;
use tandem_cache::port::{Fetch, Fetched, RecordKey};
use tandem_cache::segment::{load_segment, write_segment};
use tandem_domain::feed::FeedEvent;
use tandem_domain::generation::{GenerationNo, Manifest};
use tandem_domain::id::{CategoryId, MarketplaceId};

use crate::sample::{card, fixed_bundles, links, manifest, product, uk};
use crate::subject::{Subject, events};

fn lists(id: &str) -> RecordKey {
    RecordKey::Lists(product(id))
}

fn record(key: RecordKey, text: &str) -> (RecordKey, Bytes) {
    (key, Bytes::copy_from_slice(text.as_bytes()))
}

async fn put(subject: &Subject, segment: u64, records: &[(RecordKey, Bytes)]) {
    subject
        .cache()
        .put_records(&uk(), segment, records)
        .await
        .unwrap();
}

async fn read(subject: &Subject, manifest: &Manifest, keys: &[RecordKey]) -> Vec<Option<String>> {
    let records = subject.cache().records(&uk(), manifest, keys).await.unwrap();
    let text = |bytes: Bytes| String::from_utf8(bytes.to_vec()).unwrap();
    records.into_iter().map(|record| record.map(text)).collect()
}

fn some(texts: &[&str]) -> Vec<Option<String>> {
    texts
        .iter()
        .map(|&text| (!text.is_empty()).then(|| text.to_owned()))
        .collect()
}

pub(crate) async fn one_trip_brings_what_many_would(subject: &Subject) {
    let cache = subject.cache();
    put(
        subject,
        1,
        &[record(lists("a"), "lists a"), record(lists("b"), "lists b")],
    )
    .await;
    put(subject, 2, &[record(lists("a"), "newer a")]).await;
    let cards = [card("a", 1), card("c", 1)];
    cache.put_cards(&uk(), 1, &cards).await.unwrap();
    cache.put_links(&uk(), 1, &links("b", 1, 2)).await.unwrap();
    let set = fixed_bundles("a", 1, 1);
    cache.put_bundles(&uk(), 1, &set).await.unwrap();
    let mut anchors = ["a", "nowhere", "b", "c", "a"].map(product).to_vec();
    // More than one command asks for.
    anchors.extend((0..1_200).map(|no| product(&format!("far {no}"))));
    anchors.push(product("c"));
    let manifests = [
        None,
        Some(manifest(1, &[])),
        Some(manifest(2, &[1])),
        Some(manifest(3, &[2, 1])),
    ];
    for manifest in manifests {
        let lists: Vec<_> = anchors.iter().cloned().map(RecordKey::Lists).collect();
        // Not as many of each, so that what is mistaken for something else is found.
        let wanted = Fetch {
            cards: &anchors,
            links: &anchors[1..],
            fixed_bundles: &anchors[2..],
            manifest: manifest.as_ref(),
            records: &lists,
        };
        let found = cache.fetch(&uk(), wanted).await.unwrap();
        let apart = Fetched {
            cards: cache.cards(&uk(), &anchors).await.unwrap(),
            links: cache.links(&uk(), &anchors[1..]).await.unwrap(),
            fixed_bundles: cache.fixed_bundles(&uk(), &anchors[2..]).await.unwrap(),
            records: match &manifest {
                Some(manifest) => cache.records(&uk(), manifest, &lists).await.unwrap(),
                None => vec![None; lists.len()],
            },
        };
        let known = |read: &Fetched| {
            let links = read.links.iter().flatten().count();
            let bundles = read.fixed_bundles.iter().flatten().count();
            [read.cards.iter().flatten().count(), links, bundles]
        };
        assert_eq!(known(&found), [4, 1, 1]);
        assert_eq!(found, apart, "in {manifest:?}");
    }
    let nothing = cache.fetch(&uk(), Fetch::default()).await.unwrap();
    assert_eq!(nothing, Fetched::default());
}

pub(crate) async fn records_are_read_newest_segment_first(subject: &Subject) {
    let category = CategoryId::new("a").unwrap();
    let keys = [
        lists("a"),
        lists("b"),
        lists("a"),
        RecordKey::Evidence(product("a")),
        RecordKey::Bundles(product("a")),
        RecordKey::Bestsellers(Some(category)),
        RecordKey::Bestsellers(None),
        lists("nowhere"),
    ];
    let base = [
        record(keys[0].clone(), "lists a"),
        record(keys[1].clone(), "lists b"),
        record(keys[3].clone(), "evidence a"),
        record(keys[4].clone(), "bundles a"),
        record(keys[5].clone(), "bestsellers of a"),
        record(keys[6].clone(), "bestsellers"),
    ];
    put(subject, 1, &base).await;
    put(subject, 2, &[record(lists("a"), "newer a")]).await;
    put(
        subject,
        3,
        &[record(lists("a"), "newest a"), record(lists("b"), "newest b")],
    )
    .await;

    let old = [
        "lists a",
        "lists b",
        "lists a",
        "evidence a",
        "bundles a",
        "bestsellers of a",
        "bestsellers",
        "",
    ];
    assert_eq!(read(subject, &manifest(1, &[1]), &keys).await, some(&old));
    let newer = some(&["newer a", "lists b", "newer a", "evidence a"]);
    assert_eq!(read(subject, &manifest(2, &[2, 1]), &keys[..4]).await, newer);
    let newest = some(&["newest a", "newest b", "newest a", "evidence a"]);
    assert_eq!(read(subject, &manifest(3, &[3, 2, 1]), &keys[..4]).await, newest);
    assert_eq!(
        read(subject, &manifest(4, &[9, 2]), &keys[..2]).await,
        some(&["newer a", ""])
    );
    assert_eq!(
        read(subject, &manifest(5, &[]), &keys[..2]).await,
        some(&["", ""])
    );
    assert_eq!(read(subject, &manifest(1, &[1]), &[]).await, some(&[]));
    let elsewhere = MarketplaceId::new("uk:a").unwrap();
    let records = subject
        .cache()
        .records(&elsewhere, &manifest(1, &[1]), &keys)
        .await
        .unwrap();
    assert!(records.iter().all(Option::is_none));
}

pub(crate) async fn putting_records_again_changes_nothing(subject: &Subject) {
    let records = [record(lists("a"), "a"), record(lists("b"), "b")];
    put(subject, 7, &records).await;
    put(subject, 7, &records).await;
    put(subject, 7, &[]).await;
    put(subject, 8, &[]).await;
    assert_eq!(subject.cache().segments(&uk()).await.unwrap(), [7]);
    assert_eq!(
        read(subject, &manifest(1, &[7]), &[lists("a")]).await,
        some(&["a"])
    );
    put(subject, 7, &[record(lists("a"), "c")]).await;
    assert_eq!(subject.cache().drop_segment(&uk(), 7).await.unwrap(), 2);
}

pub(crate) async fn a_dropped_segment_is_gone(subject: &Subject) {
    let cache = subject.cache();
    for segment in [11, 1, 2] {
        put(
            subject,
            segment,
            &[
                record(lists("a"), "a"),
                record(RecordKey::Bestsellers(None), "all"),
            ],
        )
        .await;
    }
    assert_eq!(cache.segments(&uk()).await.unwrap(), [1, 2, 11]);
    assert_eq!(cache.drop_segment(&uk(), 1).await.unwrap(), 2);
    assert_eq!(cache.drop_segment(&uk(), 1).await.unwrap(), 0);
    assert_eq!(cache.segments(&uk()).await.unwrap(), [2, 11]);
    let keys = [lists("a"), RecordKey::Bestsellers(None)];
    assert_eq!(read(subject, &manifest(1, &[1]), &keys).await, some(&["", ""]));
    assert_eq!(
        read(subject, &manifest(1, &[11]), &keys).await,
        some(&["a", "all"])
    );
    let elsewhere = MarketplaceId::new("de").unwrap();
    assert_eq!(cache.segments(&elsewhere).await.unwrap(), Vec::<u64>::new());
    assert_eq!(cache.drop_segment(&elsewhere, 2).await.unwrap(), 0);
    assert_eq!(
        read(subject, &manifest(1, &[2]), &keys).await,
        some(&["a", "all"])
    );
}

pub(crate) async fn a_late_publisher_is_fenced(subject: &Subject) {
    let cache = subject.cache();
    // One that ends in a nine, one that is longer, one above what a double holds.
    for (fence, earlier) in [
        (9, 8),
        (10, 9),
        ((1 << 53) + 2, (1 << 53) + 1),
        (u64::MAX, u64::MAX - 1),
    ] {
        cache
            .publish_manifest(&uk(), fence, &manifest(fence, &[1]))
            .await
            .unwrap();
        let refused = cache.publish_manifest(&uk(), earlier, &manifest(1, &[2])).await;
        assert!(
            matches!(refused, Err(CacheError::Fenced { ours, theirs }) if (ours, theirs) == (earlier, fence)),
            "{refused:?}"
        );
        assert_eq!(cache.manifest(&uk()).await.unwrap(), Some(manifest(fence, &[1])));
    }
}

pub(crate) async fn publishing_swaps_the_pointer_and_is_announced(subject: &Subject) {
    let cache = subject.cache();
    let from = cache.feed_position(&uk()).await.unwrap();
    assert_eq!(cache.manifest(&uk()).await.unwrap(), None);
    for (fence, generation) in [(3, 1), (3, 2), (4, 1)] {
        cache
            .publish_manifest(&uk(), fence, &manifest(generation, &[generation, 9]))
            .await
            .unwrap();
        assert_eq!(
            cache.manifest(&uk()).await.unwrap(),
            Some(manifest(generation, &[generation, 9]))
        );
    }
    let _ = cache.publish_manifest(&uk(), 1, &manifest(5, &[1])).await;
    cache.beat(&uk(), 1, 1).await.unwrap();
    let mut feed = cache.follow(&uk(), from).await.unwrap();
    let mut expected = [1, 2, 1]
        .map(|no| FeedEvent::Generation(GenerationNo(no)))
        .to_vec();
    expected.push(FeedEvent::Heartbeat(1));
    assert_eq!(events(&mut feed, 4).await, expected);
}

pub(crate) async fn a_segment_file_fills_the_cache(subject: &Subject) {
    let store = InMemory::new();
    let records: Vec<_> = (0..1_200)
        .map(|at| record(lists(&format!("p{at}")), &format!("r{at}")))
        .collect();
    let segment = write_segment(&store, 5, "uk/5.seg", records).await.unwrap();
    let mut seen = Vec::new();
    for _ in 0..2 {
        let progress = |done| seen.push(done);
        let loaded = load_segment(subject.cache(), &store, &uk(), &segment, progress)
            .await
            .unwrap();
        assert_eq!(loaded, 1_200);
    }
    assert_eq!(seen.iter().filter(|&&done| done == 1_200).count(), 2);
    let manifest = Manifest {
        segments: vec![segment],
        ..manifest(1, &[])
    };
    let keys: Vec<_> = [0, 600, 1_199].map(|at| lists(&format!("p{at}"))).to_vec();
    assert_eq!(
        read(subject, &manifest, &keys).await,
        some(&["r0", "r600", "r1199"])
    );
    assert_eq!(subject.cache().drop_segment(&uk(), 5).await.unwrap(), 1_200);
}

pub(crate) async fn a_damaged_segment_file_fills_nothing(subject: &Subject) {
    let store = InMemory::new();
    let records = (0..2_000).map(|at| record(lists(&format!("p{at}")), "r"));
    let segment = write_segment(&store, 5, "5.seg", records).await.unwrap();
    let path = Path::from("5.seg");
    let mut bytes = store
        .get_opts(&path, Default::default())
        .await
        .unwrap()
        .bytes()
        .await
        .unwrap()
        .to_vec();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    store.put(&path, bytes.into()).await.unwrap();
    let outcome = load_segment(subject.cache(), &store, &uk(), &segment, |_| {}).await;
    assert!(matches!(outcome, Err(CacheError::Segment { .. })), "{outcome:?}");
    assert_eq!(subject.cache().segments(&uk()).await.unwrap(), Vec::<u64>::new());
}

pub(crate) async fn an_emptied_cache_has_no_generation(subject: &Subject) {
    let cache = subject.cache();
    put(subject, 1, &[record(lists("a"), "a")]).await;
    cache
        .publish_manifest(&uk(), 8, &manifest(1, &[1]))
        .await
        .unwrap();
    subject.empty().await;
    assert_eq!(cache.manifest(&uk()).await.unwrap(), None);
    assert_eq!(cache.segments(&uk()).await.unwrap(), Vec::<u64>::new());
    assert_eq!(
        read(subject, &manifest(1, &[1]), &[lists("a")]).await,
        some(&[""])
    );
    cache
        .publish_manifest(&uk(), 2, &manifest(1, &[1]))
        .await
        .unwrap();
}

pub(crate) async fn many_records_are_put_and_dropped(subject: &Subject) {
    let large = "x".repeat(3 << 20);
    let mut records: Vec<_> = (0..5_000)
        .map(|at| record(lists(&format!("p{at}")), &at.to_string()))
        .collect();
    records.push(record(lists("large"), &large));
    put(subject, 1, &records).await;
    let keys = [lists("p0"), lists("p4999"), lists("large")];
    assert_eq!(
        read(subject, &manifest(1, &[1]), &keys).await,
        some(&["0", "4999", &large])
    );
    assert_eq!(subject.cache().drop_segment(&uk(), 1).await.unwrap(), 5_001);
    assert_eq!(
        read(subject, &manifest(1, &[1]), &keys).await,
        some(&["", "", ""])
    );
}
