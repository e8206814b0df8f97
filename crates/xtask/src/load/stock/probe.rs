//! A companion that stands in a list and in a set of an anchor, sold out and restocked through the API.

use std::collections::HashMap;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tandem_proto::v1 as pb;
use tandem_proto::v1::bundles_client::BundlesClient;
use tandem_proto::v1::related_products_client::RelatedProductsClient;
use tandem_proto::v1::stock_client::StockClient;
use tokio::runtime::{Builder, Runtime};
use tonic::transport::Channel;

use super::traffic;
use crate::load::shape::Shape;

/// Anchors looked at for one with a set.
const LOOKED_AT: usize = 2_000;
/// Between two looks: an observer who never pauses would take the processors from those whom it observes. What is found
/// gone was gone up to so much earlier.
const PAUSE: Duration = Duration::from_micros(100);
const PATIENCE: Duration = Duration::from_secs(30);
const UNITS: i64 = 40;

/// Every product with a single SKU, and that SKU.
pub(super) fn skus(shape: &Shape) -> Result<Vec<(String, String)>> {
    let query = "SELECT product_id, min(sku_id) FROM skus GROUP BY product_id HAVING count(*) = 1 ORDER BY product_id";
    let output = Command::new("psql")
        .args([
            "-qtA",
            "-F",
            "\t",
            shape.variable("TANDEM_DATABASE_URL")?,
            "-c",
            query,
        ])
        .output()
        .context("psql cannot be started")?;
    let text = String::from_utf8(output.stdout)?;
    let rows = text.lines().filter_map(|line| line.split_once('\t'));
    let rows: Vec<_> = rows
        .map(|(product, sku)| (product.to_owned(), sku.to_owned()))
        .collect();
    if rows.len() < 100 {
        bail!("only {} products have a single SKU", rows.len());
    }
    Ok(rows)
}

/// How long after the acknowledgement the first calls that showed the change were made, and how long after it they were
/// answered. Between the two lies the change: a call may wait, and a quicker one that is made after it be answered from before.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gone {
    pub(super) asked: Duration,
    pub(super) answered: Duration,
}

impl Gone {
    fn max(one: Self, other: Self) -> Self {
        Self {
            asked: one.asked.max(other.asked),
            answered: one.answered.max(other.answered),
        }
    }
}

/// The flip that is timed. Its viewer has a thread to itself, as one elsewhere would: it shares no queue with those who
/// make the load. Whoever asks is blocked meanwhile.
pub(super) struct Probe {
    runtime: Runtime,
    viewer: Viewer,
}

impl Probe {
    /// The first anchor whose first set holds a companion of a single SKU that its list shows, too.
    pub(super) fn find(shape: &Shape, skus: &[(String, String)]) -> Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let viewer = runtime.block_on(Viewer::find(shape, skus))?;
        Ok(Self { runtime, viewer })
    }

    /// The SKUs of all products but anchor and companion.
    pub(super) fn others(&self, skus: &[(String, String)]) -> Vec<String> {
        let own = [&self.viewer.anchor, &self.viewer.companion];
        let others = skus.iter().filter(|(product, _)| !own.contains(&product));
        others.map(|(_, sku)| sku.clone()).collect()
    }

    /// How long one look at list and set takes, whatever they show.
    pub(super) fn read(&self) -> Result<Duration> {
        self.runtime.block_on(self.viewer.read())
    }

    /// Sells the companion out.
    pub(super) fn sell_out(&mut self) -> Result<Gone> {
        self.runtime.block_on(self.viewer.flip(0))
    }

    /// Until list and set show it again.
    pub(super) fn restock(&mut self) -> Result<()> {
        self.runtime.block_on(self.viewer.flip(UNITS)).map(|_| ())
    }
}

/// Looks at the anchor, and reports the stock of the companion.
struct Viewer {
    anchor: String,
    companion: String,
    sku: String,
    lists: RelatedProductsClient<Channel>,
    sets: BundlesClient<Channel>,
    stock: StockClient<Channel>,
    version: u64,
}

impl Viewer {
    async fn find(shape: &Shape, skus: &[(String, String)]) -> Result<Self> {
        let of: HashMap<&str, &str> = skus
            .iter()
            .map(|(product, sku)| (product.as_str(), sku.as_str()))
            .collect();
        let (gateway, control) = (traffic::gateway(shape)?, traffic::control(shape)?);
        let mut viewer = Self {
            anchor: String::new(),
            companion: String::new(),
            sku: String::new(),
            lists: RelatedProductsClient::new(gateway.clone()),
            sets: BundlesClient::new(gateway),
            stock: StockClient::new(control),
            version: 1,
        };
        for (anchor, _) in skus.iter().take(LOOKED_AT) {
            viewer.anchor.clone_from(anchor);
            let listed = viewer.listed().await?;
            let found = viewer.members().await?.into_iter().find(|member| {
                member != anchor && of.contains_key(member.as_str()) && listed.contains(member)
            });
            if let Some(companion) = found {
                of[companion.as_str()].clone_into(&mut viewer.sku);
                viewer.companion = companion;
                viewer.flip(UNITS).await?;
                return Ok(viewer);
            }
        }
        bail!("no anchor has a set with a companion of a single SKU")
    }

    async fn read(&self) -> Result<Duration> {
        let began = Instant::now();
        futures::try_join!(self.listed(), self.members())?;
        Ok(began.elapsed())
    }

    /// Reports so many units; looks until list and set both show the companion, or neither does when there are none. Both are
    /// asked at once, and again which was not as expected.
    async fn flip(&mut self, units: i64) -> Result<Gone> {
        self.report(units).await?;
        let (shown, since) = (units > 0, Instant::now());
        let (mut list, mut set) = (None, None);
        loop {
            (list, set) = futures::try_join!(
                self.look(list, shown, since, || self.listed()),
                self.look(set, shown, since, || self.members())
            )?;
            if let (Some(list), Some(set)) = (list, set) {
                return Ok(Gone::max(list, set));
            }
            if since.elapsed() > PATIENCE {
                let expected = if shown { "back" } else { "gone" };
                bail!("{} is not {expected} after {PATIENCE:?}", self.companion);
            }
            // The timers of the runtime are too coarse for this, and it has nothing else to do.
            std::thread::sleep(PAUSE);
        }
    }

    /// One look, unless what is looked for was `found`.
    async fn look<A: Future<Output = Result<Vec<String>>>>(
        &self,
        found: Option<Gone>,
        shown: bool,
        since: Instant,
        products: impl FnOnce() -> A,
    ) -> Result<Option<Gone>> {
        if found.is_some() {
            return Ok(found);
        }
        let asked = since.elapsed();
        let as_expected = products().await?.contains(&self.companion) == shown;
        Ok(as_expected.then(|| Gone {
            asked,
            answered: since.elapsed(),
        }))
    }

    async fn report(&mut self, available: i64) -> Result<()> {
        self.version += 1;
        let report = pb::StockReport {
            sku_id: self.sku.clone(),
            source: "load".into(),
            quantity: Some(pb::stock_report::Quantity::Set(pb::StockSet {
                available,
                source_version: self.version,
            })),
            ..Default::default()
        };
        let request = pb::ReportStockRequest {
            reports: vec![report],
            request_id: String::new(),
        };
        self.stock.report_stock(request).await?;
        Ok(())
    }

    async fn listed(&self) -> Result<Vec<String>> {
        let request = pb::ListRelatedProductsRequest {
            product_id: self.anchor.clone(),
            page_size: 50,
            ..Default::default()
        };
        let mut lists = self.lists.clone();
        let items = lists.list_related_products(request).await?.into_inner().items;
        Ok(items.into_iter().map(|item| item.product_id).collect())
    }

    /// Of the first set.
    async fn members(&self) -> Result<Vec<String>> {
        let request = pb::ListBundleSetsRequest {
            product_id: self.anchor.clone(),
            page_size: 1,
            ..Default::default()
        };
        let mut sets = self.sets.clone();
        let sets = sets.list_bundle_sets(request).await?.into_inner().sets;
        let items = sets.into_iter().flat_map(|set| set.items);
        Ok(items.map(|item| item.product_id).collect())
    }
}
