//! An anchor, what goes with it, and a companion whose stock comes and goes.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use tandem_client::Connection;
use tandem_domain::clock::{Clock, SystemClock};
use tandem_proto::v1::bundles_client::BundlesClient;
use tandem_proto::v1::catalog_client::CatalogClient;
use tandem_proto::v1::related_products_client::RelatedProductsClient;
use tandem_proto::v1::stock_client::StockClient;
use tandem_proto::v1::stock_report::Quantity;
use tandem_proto::v1::{
    BatchGetStockRequest, BundleSet, GetProductRequest, ListBundleSetsRequest, ListRelatedProductsRequest,
    Product, RelatedProduct, Relation, ReportStockRequest, StockReport, StockSet, View,
};

use crate::client::explain;

/// Items of the list that is shown.
const LIST: i32 = 5;
/// How long a change may take to show before the demonstration fails.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a shopper sees at one moment.
pub(super) struct Sight {
    pub(super) list: Vec<RelatedProduct>,
    pub(super) bundle: Option<BundleSet>,
}

impl Sight {
    pub(super) fn list_ids(&self) -> Vec<String> {
        self.list.iter().map(|item| item.product_id.clone()).collect()
    }

    pub(super) fn bundle_ids(&self) -> Vec<String> {
        let items = self.bundle.iter().flat_map(|set| &set.items);
        items.map(|item| item.product_id.clone()).collect()
    }

    fn holds(&self, product: &str) -> bool {
        self.list_ids()
            .iter()
            .chain(&self.bundle_ids())
            .any(|id| id == product)
    }
}

/// One SKU's stock, to be put back.
struct Shelf {
    sku: String,
    pool: String,
    available: i64,
}

/// Where the services are.
pub(super) struct Stage {
    pub(super) gateway: Connection,
    pub(super) control: Connection,
}

/// The players, and the way to both services.
pub(super) struct Scene {
    pub(super) anchor: String,
    pub(super) dropped: String,
    related: RelatedProductsClient<Connection>,
    bundles: BundlesClient<Connection>,
    catalog: CatalogClient<Connection>,
    stock: StockClient<Connection>,
    shelves: Vec<Shelf>,
    version: u64,
}

impl Scene {
    /// Takes the bestseller with the most to show, and of its first set a companion that its list holds too.
    pub(super) async fn choose(stage: &Stage, anchors: &[String]) -> Result<Self> {
        let (gateway, control) = (stage.gateway.clone(), stage.control.clone());
        let mut scene = Self {
            anchor: String::new(),
            dropped: String::new(),
            related: RelatedProductsClient::new(gateway.clone()),
            bundles: BundlesClient::new(gateway),
            catalog: CatalogClient::new(control.clone()),
            stock: StockClient::new(control),
            shelves: Vec::new(),
            version: SystemClock.now().as_ms().unsigned_abs(),
        };
        let mut best = 0.0;
        for product in anchors {
            scene.served(product).await?;
            let (worth, dropped) = scene.worth(product).await?;
            if worth > best {
                (best, scene.anchor, scene.dropped) = (worth, product.clone(), dropped);
            }
        }
        if best == 0.0 {
            bail!(
                "none of the {} anchors has a set with a companion of its list",
                anchors.len()
            );
        }
        scene.shelves = scene.shelves_of(&scene.dropped.clone()).await?;
        Ok(scene)
    }

    /// Waits until the gateway serves the new generation.
    async fn served(&mut self, product: &str) -> Result<()> {
        let started = Instant::now();
        while self.ask(product, None, 1).await?.generation == 0 {
            if started.elapsed() > PATIENCE {
                bail!("the gateway does not see the new generation");
            }
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    /// How well `product` shows what this is about, 0 for too little, and the companion to sell out: sets that were
    /// bought whole, companions that many took along, and something of every relation.
    async fn worth(&mut self, product: &str) -> Result<(f64, String)> {
        let complements = self.companions(product, Relation::Complement).await?;
        let listed = |id: &str| complements.iter().any(|item| item.product_id == id);
        let Some(set) = self.top_set(product).await? else {
            return Ok((0.0, String::new()));
        };
        let Some(member) = set.items.iter().skip(1).find(|item| listed(&item.product_id)) else {
            return Ok((0.0, String::new()));
        };
        let share = |part: u32, whole: u32| f64::from(part) / f64::from(whole.max(1));
        let taken_along = complements
            .iter()
            .flat_map(|item| &item.evidence)
            .map(|e| share(e.support, e.anchor_count));
        let mut worth =
            2.0 * share(set.support, set.anchor_count) + taken_along.sum::<f64>() / f64::from(LIST);
        for relation in [Relation::Substitute, Relation::Upsell, Relation::Series] {
            if self.companions(product, relation).await?.is_empty() {
                worth /= 4.0;
            }
        }
        Ok((worth, member.product_id.clone()))
    }

    async fn ask(
        &mut self,
        product: &str,
        relation: Option<Relation>,
        size: i32,
    ) -> Result<tandem_proto::v1::ListRelatedProductsResponse> {
        let request = ListRelatedProductsRequest {
            product_id: product.to_owned(),
            relations: relation.into_iter().map(i32::from).collect(),
            page_size: size,
            view: View::Full.into(),
            ..Default::default()
        };
        Ok(self
            .related
            .list_related_products(request)
            .await
            .map_err(|s| explain(&s))?
            .into_inner())
    }

    /// Learned companions of one relation; fallbacks are not what this is about.
    pub(super) async fn companions(
        &mut self,
        product: &str,
        relation: Relation,
    ) -> Result<Vec<RelatedProduct>> {
        let answer = self.ask(product, Some(relation), LIST).await?;
        Ok(answer
            .items
            .into_iter()
            .filter(|item| item.relation() == relation)
            .collect())
    }

    async fn top_set(&mut self, product: &str) -> Result<Option<BundleSet>> {
        let request = ListBundleSetsRequest {
            product_id: product.to_owned(),
            page_size: 1,
            view: View::Full.into(),
            ..Default::default()
        };
        let answer = self
            .bundles
            .list_bundle_sets(request)
            .await
            .map_err(|s| explain(&s))?
            .into_inner();
        Ok(answer.sets.into_iter().next())
    }

    /// List and first set of the anchor now.
    pub(super) async fn look(&mut self) -> Result<Sight> {
        let anchor = self.anchor.clone();
        let list = self.companions(&anchor, Relation::Complement).await?;
        Ok(Sight {
            list,
            bundle: self.top_set(&anchor).await?,
        })
    }

    /// The anchor as the catalogue has it.
    pub(super) async fn product(&mut self) -> Result<Product> {
        let request = GetProductRequest {
            product_id: self.anchor.clone(),
        };
        Ok(self
            .catalog
            .get_product(request)
            .await
            .map_err(|s| explain(&s))?
            .into_inner())
    }

    async fn shelves_of(&mut self, product: &str) -> Result<Vec<Shelf>> {
        let request = GetProductRequest {
            product_id: product.to_owned(),
        };
        let skus = self
            .catalog
            .get_product(request)
            .await
            .map_err(|s| explain(&s))?
            .into_inner()
            .skus;
        let request = BatchGetStockRequest {
            sku_ids: skus.into_iter().map(|sku| sku.sku_id).collect(),
        };
        let levels = self
            .stock
            .batch_get_stock(request)
            .await
            .map_err(|s| explain(&s))?
            .into_inner()
            .levels;
        let shelf = |level: tandem_proto::v1::StockLevel| Shelf {
            sku: level.sku_id,
            pool: level.pool,
            available: level.available.max(1),
        };
        Ok(levels.into_iter().map(shelf).collect())
    }

    async fn report(&mut self, sold_out: Stocked) -> Result<()> {
        self.version += 1;
        let version = self.version;
        let report = |shelf: &Shelf| {
            let available = if sold_out == Stocked::Empty {
                0
            } else {
                shelf.available
            };
            StockReport {
                sku_id: shelf.sku.clone(),
                pool: shelf.pool.clone(),
                source: "demo".to_owned(),
                quantity: Some(Quantity::Set(StockSet {
                    available,
                    source_version: version,
                })),
            }
        };
        let reports = self.shelves.iter().map(report).collect();
        let request = ReportStockRequest {
            reports,
            request_id: String::new(),
        };
        self.stock.report_stock(request).await.map_err(|s| explain(&s))?;
        Ok(())
    }

    /// Reports 0 units and waits until neither list nor set holds the companion; the time since the acknowledgement.
    pub(super) async fn sell_out(&mut self) -> Result<Duration> {
        self.report(Stocked::Empty).await?;
        self.until(Stocked::Empty).await
    }

    /// Puts the stock back and waits until the companion is back.
    pub(super) async fn restock(&mut self) -> Result<Duration> {
        self.report(Stocked::Full).await?;
        self.until(Stocked::Full).await
    }

    async fn until(&mut self, stocked: Stocked) -> Result<Duration> {
        let acknowledged = Instant::now();
        while self.look().await?.holds(&self.dropped) != (stocked == Stocked::Full) {
            if acknowledged.elapsed() > PATIENCE {
                bail!(
                    "the stock of {} changed {PATIENCE:?} ago and it does not show",
                    self.dropped
                );
            }
        }
        Ok(acknowledged.elapsed())
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stocked {
    Empty,
    Full,
}
