//! A store of one test, and what tests say to it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::TryStreamExt as _;
use tandem_domain::catalog::{Marketplace, ProductInput, Provenance, SkuInput, StockPolicy};
use tandem_domain::change::{Change, Envelope};
use tandem_domain::clock::Timestamp;
use tandem_domain::event::{Event, EventKind};
use tandem_domain::id::{EventId, MarketplaceId, ProductId, ShopId, SkuId};
use tandem_domain::money::{Currency, Money};
use tandem_domain::principal::Principal;
use tandem_domain::stock::{Pool, Reported, StockLevel, StockOutcome, StockReport};
use tandem_store::{DeadLetter, EventColumns, ProductUpsert, Store, StoreOptions, WriteContext};
use tandem_testing::{TestDatabase, postgres, sqlite_url};
use tempfile::TempDir;
use tokio::sync::OnceCell;

/// A migrated store with one marketplace and one shop. Whatever it stands on goes with it.
pub(crate) struct House {
    pub(crate) store: Store,
    pub(crate) url: String,
    pub(crate) marketplace: MarketplaceId,
    clock: AtomicU64,
    _ground: Ground,
}

enum Ground {
    File(#[expect(dead_code, reason = "held for its drop")] TempDir),
    Database(#[expect(dead_code, reason = "held for its drop")] TestDatabase),
}

/// The migrated database that others are copied from; kept as long as the process.
static TEMPLATE: OnceCell<TestDatabase> = OnceCell::const_new();

pub(crate) fn options(url: &str) -> StoreOptions {
    StoreOptions {
        url: url.to_owned(),
        max_connections: 8,
        ..StoreOptions::default()
    }
}

pub(crate) async fn connect(url: &str) -> Store {
    Store::connect(&options(url)).await.expect("the database answers")
}

impl House {
    pub(crate) async fn on_sqlite() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let url = sqlite_url(&dir);
        let store = connect(&url).await;
        store.migrate().await.expect("the schema is applied");
        Self::over(store, url, Ground::File(dir)).await
    }

    pub(crate) async fn on_postgres() -> Self {
        let server = postgres().await;
        let template = TEMPLATE.get_or_init(|| async {
            let database = server.create_database().await.expect("a template");
            let store = connect(&database.url()).await;
            store.migrate().await.expect("the schema is applied");
            store.close().await;
            database
        });
        let database = server
            .create_database_from(template.await.name())
            .await
            .expect("a copy");
        let url = database.url();
        Self::over(connect(&url).await, url, Ground::Database(database)).await
    }

    async fn over(store: Store, url: String, ground: Ground) -> Self {
        let house = Self {
            store,
            url,
            marketplace: marketplace().id,
            clock: AtomicU64::new(0),
            _ground: ground,
        };
        house
            .store
            .ensure_marketplace(&marketplace(), &shop("s1"), house.now())
            .await
            .expect("a marketplace");
        house
    }

    /// A time that nobody was told before.
    pub(crate) fn now(&self) -> Timestamp {
        let step = self.clock.fetch_add(1, Ordering::Relaxed);
        Timestamp::from_ms(1_700_000_000_000).plus(Duration::from_millis(step))
    }

    /// The context of the first shop.
    pub(crate) fn ctx(&self) -> WriteContext {
        self.ctx_of("s1")
    }

    pub(crate) fn ctx_of(&self, shop_id: &str) -> WriteContext {
        WriteContext::new(
            Principal::insecure(self.marketplace.clone(), shop(shop_id)),
            self.now(),
        )
    }

    pub(crate) fn platform(&self) -> Principal {
        Principal {
            shop: None,
            ..self.ctx().principal
        }
    }

    /// A product of the first shop with SKUs of its own.
    pub(crate) async fn put_product(&self, id: &str, skus: &[&str]) {
        self.put_product_of("s1", id, skus).await;
    }

    pub(crate) async fn put_product_of(&self, shop: &str, id: &str, skus: &[&str]) {
        let ctx = self.ctx_of(shop);
        self.store
            .upsert_products(&ctx, &[upsert(id)])
            .await
            .expect("a product");
        let skus: Vec<_> = skus.iter().map(|id_of_sku| sku(id_of_sku, id)).collect();
        self.store.upsert_skus(&ctx, &skus).await.expect("its SKUs");
    }

    pub(crate) async fn report(&self, reports: &[StockReport]) -> Vec<StockOutcome> {
        self.store
            .report_stock(&self.ctx(), reports)
            .await
            .expect("reports are taken")
    }

    pub(crate) async fn levels(&self, skus: &[&str]) -> Vec<StockLevel> {
        let skus: Vec<_> = skus.iter().copied().map(sku_id).collect();
        self.store
            .stock(&self.ctx().principal, &skus)
            .await
            .expect("levels")
    }

    /// What was set aside, newest first.
    pub(crate) async fn letters(&self) -> Vec<DeadLetter> {
        let letters = self.store.dead_letters(&self.marketplace, None, 100).await;
        letters.expect("letters")
    }

    /// Takes everything out of the outbox.
    pub(crate) async fn relay(&self) -> Vec<Envelope> {
        let mut all = Vec::new();
        loop {
            let relayed = self
                .store
                .relay_outbox(1_000, self.now(), async |envelopes| {
                    all.extend(envelopes);
                    Ok::<_, std::convert::Infallible>(())
                })
                .await
                .expect("the outbox is relayed");
            if relayed.sent == 0 {
                return all;
            }
        }
    }

    /// Takes everything out of the outbox; the changes without what they travel in.
    pub(crate) async fn changes(&self) -> Vec<Change> {
        self.relay()
            .await
            .into_iter()
            .map(|envelope| envelope.change)
            .collect()
    }

    /// The first column of what a query on the database itself finds.
    pub(crate) async fn texts(&self, query: &str) -> Vec<Option<String>> {
        if self.url.starts_with("sqlite") {
            let pool = sqlx::SqlitePool::connect(&self.url)
                .await
                .expect("the database answers");
            let found = sqlx::query_scalar(sqlx::AssertSqlSafe(query.to_owned()))
                .fetch_all(&pool)
                .await;
            found.expect("the query is right")
        } else {
            let pool = sqlx::PgPool::connect(&self.url)
                .await
                .expect("the database answers");
            let found = sqlx::query_scalar(sqlx::AssertSqlSafe(query.to_owned()))
                .fetch_all(&pool)
                .await;
            found.expect("the query is right")
        }
    }

    /// Runs a statement on the database itself.
    pub(crate) async fn execute(&self, statement: &str) {
        if self.url.starts_with("sqlite") {
            let pool = sqlx::SqlitePool::connect(&self.url)
                .await
                .expect("the file opens");
            let statement = sqlx::AssertSqlSafe(statement.to_owned());
            sqlx::query(statement).execute(&pool).await.expect("it is run");
            pool.close().await;
        } else {
            let pool = sqlx::PgPool::connect(&self.url)
                .await
                .expect("the server answers");
            let statement = sqlx::AssertSqlSafe(statement.to_owned());
            sqlx::query(statement).execute(&pool).await.expect("it is run");
            pool.close().await;
        }
    }

    /// Everything that a rebuild reads.
    pub(crate) async fn rebuilt(&self) -> Vec<Change> {
        let pages: Vec<_> = self
            .store
            .scan_changes(&self.marketplace)
            .try_collect()
            .await
            .expect("a scan");
        pages.concat()
    }

    pub(crate) async fn scan(&self, up_to_batch: u64) -> EventColumns {
        let pages: Vec<_> = self
            .store
            .scan_events(&self.marketplace, up_to_batch)
            .try_collect()
            .await
            .expect("a scan");
        let mut all = EventColumns::default();
        for page in pages {
            all.kinds.extend(page.kinds);
            all.products.extend(page.products);
            all.users.extend(page.users);
            all.groups.extend(page.groups);
            all.scenes.extend(page.scenes);
            all.quantities.extend(page.quantities);
            all.unit_prices.extend(page.unit_prices);
            all.times_ms.extend(page.times_ms);
            all.generated.extend(page.generated);
            all.attributed.extend(page.attributed);
            all.dwells_ms.extend(page.dwells_ms);
        }
        all
    }
}

pub(crate) fn marketplace() -> Marketplace {
    Marketplace {
        id: MarketplaceId::new("market").expect("valid"),
        currency: Currency {
            code: "GBP".to_owned(),
            exponent: 2,
        },
        time_zone: "Europe/London".to_owned(),
    }
}

pub(crate) fn shop(id: &str) -> ShopId {
    ShopId::new(id).expect("valid")
}

pub(crate) fn product_id(id: &str) -> ProductId {
    ProductId::new(id).expect("valid")
}

pub(crate) fn sku_id(id: &str) -> SkuId {
    SkuId::new(id).expect("valid")
}

pub(crate) fn upsert(id: &str) -> ProductUpsert {
    ProductUpsert {
        input: product(id),
        listing: None,
        etag: None,
    }
}

pub(crate) fn product(id: &str) -> ProductInput {
    ProductInput {
        id: product_id(id),
        title: format!("Title of {id}"),
        category: None,
        brand: None,
        series: None,
        price: Some(Money::from_minor(1_000)),
        image_uri: None,
        quality: None,
        tags: BTreeMap::new(),
        provenance: Provenance::Real,
    }
}

pub(crate) fn sku(id: &str, product: &str) -> SkuInput {
    SkuInput {
        id: sku_id(id),
        product: product_id(product),
        price: None,
        policy: StockPolicy::Tracked,
        attributes: BTreeMap::new(),
        provenance: Provenance::Real,
    }
}

pub(crate) fn set(sku: &str, source_version: u64, available: i64) -> StockReport {
    StockReport {
        sku: sku_id(sku),
        pool: Pool::Normal,
        source: "wms".to_owned(),
        quantity: Reported::Set {
            available,
            source_version,
        },
    }
}

pub(crate) fn delta(sku: &str, key: &str, change: i64) -> StockReport {
    StockReport {
        sku: sku_id(sku),
        pool: Pool::Normal,
        source: "till".to_owned(),
        quantity: Reported::Delta {
            change,
            idempotency_key: key.to_owned(),
        },
    }
}

/// A purchase in the order `group` on a day counted from a Monday in 2023.
pub(crate) fn purchase(id: &str, product: &str, group: &str, day: i64) -> Event {
    Event {
        id: EventId::new(id).expect("valid"),
        kind: EventKind::Purchase,
        product: product_id(product),
        user: Some("u1".to_owned()),
        group: Some(group.to_owned()),
        scene: None,
        quantity: 2,
        unit_price: Some(Money::from_minor(150)),
        time: Timestamp::from_ms((19_600 + day) * tandem_domain::clock::DAY_MS + 1_000),
        provenance: Provenance::Real,
        dwell_ms: None,
        attribution: None,
    }
}
