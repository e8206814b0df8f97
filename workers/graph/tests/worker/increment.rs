//! Increments: what they serve, against a full build under the same record.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use futures::TryStreamExt as _;
use tandem_cache::codec::{encode_anchor, encode_bestsellers, encode_touched};
use tandem_cache::port::RecordKey;
use tandem_cache::segment::read_segment;
use tandem_domain::catalog::{Listing, ProductInput, Provenance};
use tandem_domain::clock::Timestamp;
use tandem_domain::edge::AnchorEdges;
use tandem_domain::event::{Event, EventKind};
use tandem_domain::generation::{GenerationKind, GenerationState, Manifest};
use tandem_domain::id::{CategoryId, EventId, SeriesId};
use tandem_domain::money::Money;
use tandem_graph::{EpochRecord, EventRow, FactsBuilder, ProductFacts, bestsellers, build};
use tandem_graph_worker::{BuildOutcome, Collapse, WorkError, sweep};
use tandem_store::{JobKind, JobState, ProductRow};
use tandem_testing::wait_until;

use crate::ground::{Ground, LONG, bare, on_both, product};

on_both! {
    increments_serve_what_a_full_build_under_the_record_would;
    an_increment_with_nothing_new_makes_no_generation;
    events_that_change_no_row_make_no_segment;
    without_a_base_an_increment_is_a_full_build;
    an_increment_that_lost_most_edges_is_refused_until_it_is_accepted;
    deltas_are_folded_once_there_are_as_many_as_readers_take;
    what_was_rolled_back_is_gone_on_from;
    a_cache_without_the_base_is_filled_with_it;
    a_schedule_takes_new_events_in;
    a_product_without_events_has_its_lists_with_the_next_increment;
    a_schedule_takes_new_products_in;
    rows_that_counted_an_erased_user_are_made_anew;
    a_schedule_takes_erased_users_out;
}

type Records = BTreeMap<RecordKey, Bytes>;

impl Ground {
    /// What the segments of a generation say, newest first, without the records that hide.
    async fn records(&self, manifest: &Manifest) -> Records {
        let mut records = Records::new();
        for segment in &manifest.segments {
            let mut batches = read_segment(&*self.deps.segments, segment).await.unwrap();
            while let Some(batch) = batches.try_next().await.unwrap() {
                for (key, bytes) in batch {
                    records.entry(key).or_insert(bytes);
                }
            }
        }
        let nobody = AnchorEdges {
            anchor: product(0),
            lists: Vec::new(),
            feedback: std::collections::BTreeMap::new(),
            paces: std::collections::BTreeMap::new(),
            bundles: Vec::new(),
        };
        let mut empty: Vec<Bytes> = encode_touched(&nobody)
            .into_iter()
            .map(|(_, bytes)| bytes)
            .collect();
        empty.push(encode_bestsellers(&[]));
        records.retain(|_, bytes| !empty.contains(bytes));
        records
    }

    /// The catalogue as it is now.
    async fn catalogue(&self) -> Vec<ProductFacts> {
        let rows = self.deps.store.scan_products(&self.marketplace).await.unwrap();
        let facts = |row: ProductRow| ProductFacts {
            id: row.product.id,
            shop: row.shop,
            title: Some(row.product.title),
            category: row.product.category,
            category_path: row.category_path,
            brand: row.product.brand,
            series: row.product.series,
            price: row.product.price,
            quality: row.product.quality,
            tags: row.product.tags,
            generated: row.product.provenance == Provenance::Generated,
            listed: row.listing == Listing::Listed,
        };
        rows.into_iter().map(facts).collect()
    }

    /// Puts products into the catalogue, or in the place of what stood there.
    async fn offer(&self, items: impl IntoIterator<Item = u32>, title: &str) {
        let like = |item: u32| ProductInput {
            title: format!("{title} {item}"),
            category: Some(CategoryId::new(["cup", "pot"][item as usize % 2]).unwrap()),
            brand: Some("acme".to_owned()),
            series: Some(SeriesId::new("first").unwrap()),
            price: Some(Money::from_minor(500 + i64::from(item))),
            ..bare(item)
        };
        self.put(items.into_iter().map(like)).await;
    }

    /// What a full build of all events up to the watermark says under the record on serve.
    async fn full(&self) -> (Records, u64) {
        let serving = self.serving().await.unwrap();
        let store = &self.deps.store;
        let record = store.epoch_record(&self.marketplace, serving.no).await.unwrap();
        let record: EpochRecord = serde_json::from_value(record.unwrap()).unwrap();
        let mut builder = FactsBuilder::new(self.catalogue().await).under(&record);
        let scan = store.scan_events(&self.marketplace, serving.watermark);
        for page in scan.try_collect::<Vec<_>>().await.unwrap() {
            for at in 0..page.kinds.len() {
                builder.push(EventRow {
                    kind: EventKind::from_code(page.kinds[at]).unwrap(),
                    product: &page.products[at],
                    user: page.users[at].as_deref(),
                    group: page.groups[at].as_deref(),
                    scene: page.scenes[at].as_deref(),
                    quantity: page.quantities[at],
                    unit_price: page.unit_prices[at].map(Money::from_minor),
                    time: Timestamp::from_ms(page.times_ms[at]),
                    generated: page.generated[at],
                    attributed: page.attributed[at],
                    dwell_ms: page.dwells_ms[at],
                });
            }
        }
        let facts = builder.finish();
        let built = build(&facts, &record, &|_| ());
        let mut records: Records = built.anchors.iter().flat_map(encode_anchor).collect();
        records.extend(bestsellers(&facts, &record).into_iter().map(|best| {
            let bytes = encode_bestsellers(&best.products);
            (RecordKey::Bestsellers(best.category), bytes)
        }));
        (records, built.stats.edges)
    }

    /// Checks that what is served is what a full build would be, in the files and in the cache.
    async fn is_as_if_built_whole(&self, outcome: &BuildOutcome) {
        let served = self.records(&outcome.manifest).await;
        let (full, edges) = self.full().await;
        assert_eq!(served, full);
        assert_eq!(outcome.stats.edges, edges, "counts are those of the whole");
        let keys: Vec<RecordKey> = full.keys().cloned().collect();
        let cached = self
            .deps
            .cache
            .manifest(&self.marketplace)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(&cached, &outcome.manifest);
        let read = self
            .deps
            .cache
            .records(&self.marketplace, &cached, &keys)
            .await
            .unwrap();
        let read: Vec<Bytes> = read.into_iter().map(Option::unwrap).collect();
        assert_eq!(read, full.into_values().collect::<Vec<_>>());
    }
}

fn line(id: &str, kind: EventKind, order: &str, item: u32, minutes: i64) -> Event {
    let noon = 1_700_000_000_000 + 40 * 86_400_000;
    Event {
        id: EventId::new(id).unwrap(),
        kind,
        product: product(item),
        user: Some("ann".to_owned()),
        group: Some(order.to_owned()),
        scene: None,
        quantity: 1,
        unit_price: Some(Money::from_minor(300)),
        time: Timestamp::from_ms(noon + minutes * 60_000),
        provenance: Provenance::Real,
        dwell_ms: None,
        attribution: None,
    }
}

async fn increments_serve_what_a_full_build_under_the_record_would(ground: Ground) {
    use EventKind::{Cart, Purchase, Return, View};
    ground.orders(0, 400).await;
    let base = ground.build(Collapse::Refuse).await.unwrap();
    ground.is_as_if_built_whole(&base).await;

    let steps = [
        // A new order of known products, and a session.
        vec![
            line("a1", Purchase, "new", 1, 0),
            line("a2", Purchase, "new", 2, 0),
            line("a3", View, "s", 3, 1),
            line("a4", View, "s", 4, 2),
        ],
        // A line that comes late to an old order, a product that nobody knows, a cart.
        vec![
            line("b1", Purchase, "o17", 5, -50_000),
            line("b2", Purchase, "o18", 99, -49_000),
            line("b3", Cart, "c", 1, 5),
            line("b4", Cart, "c", 6, 5),
        ],
        // What was bought goes back; what was viewed is bought.
        vec![
            line("c1", Return, "new", 2, 60),
            line("c2", Return, "o18", 99, 60),
            line("c3", Purchase, "then", 5, 61),
        ],
    ];
    let mut segments = base.manifest.segments.clone();
    for events in steps {
        ground.report(&events).await;
        let outcome = ground.increment().await;
        segments.insert(0, outcome.manifest.segments[0].clone());
        assert_eq!(outcome.manifest.segments, segments, "a delta over what was there");
        let (rows, all) = (outcome.stats.rows, outcome.stats.products);
        assert!(rows > 0 && rows < all, "{rows} of {all} rows");
        ground.is_as_if_built_whole(&outcome).await;
        let serving = ground.serving().await.unwrap();
        assert_eq!(serving.kind, GenerationKind::Increment);
        let last = ground.deps.store.last_batch(&ground.marketplace).await.unwrap();
        assert_eq!(serving.watermark, last);
    }
    let whole = ground.build(Collapse::Refuse).await.unwrap();
    assert_eq!(whole.manifest.segments.len(), 1, "a full build compacts");
    ground.is_as_if_built_whole(&whole).await;
}

async fn an_increment_with_nothing_new_makes_no_generation(ground: Ground) {
    ground.orders(0, 60).await;
    let base = ground.build(Collapse::Refuse).await.unwrap();
    let again = ground.increment().await;
    assert_eq!(again.generation, base.generation);
    assert_eq!(ground.generations().await.len(), 1);
}

async fn events_that_change_no_row_make_no_segment(ground: Ground) {
    ground.orders(0, 60).await;
    let base = ground.build(Collapse::Refuse).await.unwrap();
    ground
        .report(&[line("i", EventKind::Impression, "x", 1, 0)])
        .await;
    let seen = ground.increment().await;
    assert!(seen.generation > base.generation);
    assert_eq!(seen.manifest.segments, base.manifest.segments);
    assert_eq!(seen.stats.rows, 0);
    assert_eq!(ground.files(), ["1.segment"]);
    assert_eq!(
        ground.increment().await.generation,
        seen.generation,
        "they are taken in"
    );
}

async fn without_a_base_an_increment_is_a_full_build(ground: Ground) {
    ground.orders(0, 60).await;
    let first = ground.increment().await;
    let kinds = async || {
        let all = ground.generations().await;
        all.iter().map(|generation| generation.kind).collect::<Vec<_>>()
    };
    assert_eq!(kinds().await, [GenerationKind::Epoch]);
    assert_eq!(first.stats.rows, first.stats.products);
}

async fn an_increment_that_lost_most_edges_is_refused_until_it_is_accepted(ground: Ground) {
    ground.orders(0, 100).await;
    let base = ground.build(Collapse::Refuse).await.unwrap();
    ground.returns(0, 100).await;
    let refused = ground.try_increment(Collapse::Refuse).await;
    let Err(WorkError::Refused { generation, why }) = refused else {
        panic!("{refused:?}")
    };
    assert!(why.contains("edges fell from"), "{why}");
    assert_eq!(ground.generations().await[1].no, generation);
    assert_eq!(ground.generations().await[1].state, GenerationState::Refused);
    assert_eq!(ground.cached().await, Some(base.generation.0));
    assert_eq!(ground.files(), ["1.segment"]);

    let accepted = ground.try_increment(Collapse::Accept).await.unwrap();
    ground.is_as_if_built_whole(&accepted).await;
    assert_eq!((accepted.stats.edges, accepted.stats.anchors), (0, 0));
    assert!(ground.records(&accepted.manifest).await.is_empty());
}

async fn deltas_are_folded_once_there_are_as_many_as_readers_take(ground: Ground) {
    ground.orders(0, 200).await;
    let base = ground.build(Collapse::Refuse).await.unwrap();
    for n in 0..10_u32 {
        let order = format!("n{n}");
        let items = [n % 7, (n + 3) % 7];
        let lines = items.map(|item| {
            line(
                &format!("{order}-{item}"),
                EventKind::Purchase,
                &order,
                item,
                i64::from(n),
            )
        });
        ground.report(&lines).await;
        let outcome = ground.increment().await;
        let deltas = outcome.manifest.deltas().len();
        let expected = if n < 8 { n as usize + 1 } else { n as usize - 7 };
        assert_eq!(deltas, expected, "after {n}");
        assert_eq!(outcome.manifest.base(), Some(base.generation));
        ground.is_as_if_built_whole(&outcome).await;
    }
    assert_eq!(
        ground.files().len(),
        11,
        "every state over the newest base can be rolled back to"
    );
    ground.build(Collapse::Refuse).await.unwrap();
    let swept = sweep(&ground.deps, &ground.marketplace).await.unwrap();
    assert_eq!(swept.files, 0, "the build has swept");
    assert_eq!(
        ground.files(),
        ["1.segment", "10.segment", "11.segment", "12.segment"]
    );
}

async fn what_was_rolled_back_is_gone_on_from(ground: Ground) {
    ground.orders(0, 100).await;
    ground.build(Collapse::Refuse).await.unwrap();
    ground
        .report(&[
            line("a", EventKind::Purchase, "n", 1, 0),
            line("b", EventKind::Purchase, "n", 4, 0),
        ])
        .await;
    let second = ground.increment().await;
    ground
        .report(&[
            line("c", EventKind::Purchase, "m", 2, 0),
            line("d", EventKind::Purchase, "m", 5, 0),
        ])
        .await;
    ground.increment().await;
    let kind = JobKind::Rollback {
        generation: second.generation,
    };
    let store = &ground.deps.store;
    let job = store.enqueue_job(&ground.context(), kind).await.unwrap();
    let worker = ground.start();
    let done = async || {
        let job = store.job(&ground.marketplace, &job.id).await.unwrap().unwrap();
        job.state == JobState::Succeeded
    };
    wait_until(LONG, "the rollback", done).await.unwrap();
    worker.stop().await;
    ground.cached_becomes(second.generation.0).await;
    let fourth = ground.increment().await;
    assert_eq!(fourth.manifest.segments[1..], second.manifest.segments);
    ground.is_as_if_built_whole(&fourth).await;
}

async fn a_cache_without_the_base_is_filled_with_it(ground: Ground) {
    ground.orders(0, 100).await;
    let base = ground.build(Collapse::Refuse).await.unwrap();
    let cache = &ground.deps.cache;
    cache
        .drop_segment(&ground.marketplace, base.generation.0)
        .await
        .unwrap();
    ground
        .report(&[
            line("a", EventKind::Purchase, "n", 1, 0),
            line("b", EventKind::Purchase, "n", 4, 0),
        ])
        .await;
    let outcome = ground.increment().await;
    ground.is_as_if_built_whole(&outcome).await;
}

async fn a_schedule_takes_new_events_in(mut ground: Ground) {
    ground.orders(0, 100).await;
    let base = ground.build(Collapse::Refuse).await.unwrap();
    ground.deps.settings.increments.every = Duration::from_millis(200);
    let worker = ground.start();
    ground
        .report(&[
            line("a", EventKind::Purchase, "n", 1, 0),
            line("b", EventKind::Purchase, "n", 4, 0),
        ])
        .await;
    ground.cached_becomes(base.generation.0 + 1).await;
    worker.stop().await;
    let serving = ground.serving().await.unwrap();
    assert_eq!(serving.kind, GenerationKind::Increment);
    let manifest = serving.manifest.unwrap();
    let (full, _) = ground.full().await;
    assert_eq!(ground.records(&manifest).await, full);
}

async fn a_product_without_events_has_its_lists_with_the_next_increment(ground: Ground) {
    ground.offer(0..10, "plain").await;
    ground.orders(0, 100).await;
    let base = ground.build(Collapse::Refuse).await.unwrap();
    ground.is_as_if_built_whole(&base).await;

    ground.offer([70], "new").await;
    let with_it = ground.increment().await;
    assert!(with_it.generation > base.generation);
    assert_eq!(with_it.stats.rows, 1, "nobody else has to do with it");
    let lists = RecordKey::Lists(product(70));
    assert!(ground.records(&with_it.manifest).await.contains_key(&lists));
    ground.is_as_if_built_whole(&with_it).await;

    // On sale or not is told to gateways at once; the graph has nothing to do.
    let store = &ground.deps.store;
    let gone = store
        .delist_products(&ground.context(), &[product(3)], "gone")
        .await;
    assert_eq!(gone.unwrap(), 1);
    ground.offer([70], "new").await;
    assert_eq!(ground.increment().await.generation, with_it.generation);

    ground.offer([1], "renamed").await;
    let renamed = ground.increment().await;
    assert!(renamed.generation > with_it.generation);
    ground.is_as_if_built_whole(&renamed).await;
    let whole = ground.build(Collapse::Refuse).await.unwrap();
    ground.is_as_if_built_whole(&whole).await;
    assert_eq!(ground.increment().await.generation, whole.generation);
}

async fn a_schedule_takes_new_products_in(mut ground: Ground) {
    ground.offer(0..10, "plain").await;
    ground.orders(0, 100).await;
    let base = ground.build(Collapse::Refuse).await.unwrap();
    ground.deps.settings.increments.every = Duration::from_millis(200);
    let worker = ground.start();
    ground.offer([70], "new").await;
    ground.cached_becomes(base.generation.0 + 1).await;
    worker.stop().await;
    let serving = ground.serving().await.unwrap();
    assert_eq!(serving.kind, GenerationKind::Increment);
    let (full, _) = ground.full().await;
    assert_eq!(ground.records(&serving.manifest.unwrap()).await, full);
}

impl Ground {
    /// Erases a user; returns how many products' rows on serve count what is gone.
    async fn erase(&self, user: &str) -> u64 {
        let store = &self.deps.store;
        store
            .erase_user(&self.context(), user, "asked for")
            .await
            .unwrap();
        let now = self.deps.clock.now();
        let erased = store
            .carry_out_erasures(&self.marketplace, now)
            .await
            .unwrap()
            .unwrap();
        assert!(erased.users == 1 && erased.events > 0, "{erased:?}");
        self.outdated().await
    }

    async fn outdated(&self) -> u64 {
        self.deps
            .store
            .count_stale_products(&self.marketplace)
            .await
            .unwrap()
    }
}

async fn rows_that_counted_an_erased_user_are_made_anew(ground: Ground) {
    ground.orders(0, 100).await;
    // A product that only she knows, in an order that she shares with somebody.
    let of = |user: &str, event: Event| Event {
        user: Some(user.to_owned()),
        ..event
    };
    for n in 0..5 {
        let (id, order) = (|what: &str| format!("{what}{n}"), format!("shared{n}"));
        ground
            .report(&[
                of("eve", line(&id("e"), EventKind::Purchase, &order, 77, n)),
                of("eve", line(&id("f"), EventKind::Purchase, &order, 1, n)),
                of("bob", line(&id("b"), EventKind::Purchase, &order, 2, n)),
                of("bob", line(&id("v"), EventKind::View, "earlier", 3, n - 10)),
            ])
            .await;
    }
    let base = ground.build(Collapse::Refuse).await.unwrap();
    let lists = RecordKey::Lists(product(77));
    assert!(ground.records(&base.manifest).await.contains_key(&lists));

    assert!(ground.erase("eve").await >= 3);
    let without = ground.increment().await;
    assert!(without.generation > base.generation);
    assert!(
        without.stats.rows < base.stats.rows,
        "{} rows",
        without.stats.rows
    );
    assert!(!ground.records(&without.manifest).await.contains_key(&lists));
    ground.is_as_if_built_whole(&without).await;
    assert_eq!(ground.outdated().await, 0);
    assert_eq!(
        ground.increment().await.generation,
        without.generation,
        "nothing is left to do"
    );

    // Beside new events, of somebody with many orders.
    let new = [
        line("n1", EventKind::Purchase, "new", 4, 0),
        line("n2", EventKind::Purchase, "new", 5, 0),
    ];
    ground.report(&new).await;
    ground.erase("u7").await;
    let both = ground.increment().await;
    ground.is_as_if_built_whole(&both).await;
    assert_eq!(ground.outdated().await, 0);
}

async fn a_schedule_takes_erased_users_out(mut ground: Ground) {
    ground.orders(0, 100).await;
    let base = ground.build(Collapse::Refuse).await.unwrap();
    ground.deps.settings.increments.every = Duration::from_millis(200);
    ground.erase("u3").await;
    let worker = ground.start();
    ground.cached_becomes(base.generation.0 + 1).await;
    worker.stop().await;
    let serving = ground.serving().await.unwrap();
    assert_eq!(serving.kind, GenerationKind::Increment);
    let (full, _) = ground.full().await;
    assert_eq!(ground.records(&serving.manifest.unwrap()).await, full);
}
