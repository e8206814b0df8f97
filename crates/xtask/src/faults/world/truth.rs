//! The comparison: the ledger, SQL, and what the gateway shows.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use tandem_proto::v1 as pb;
use tandem_proto::v1::related_products_client::RelatedProductsClient;
use tandem_proto::v1::stock_client::StockClient;
use tandem_testing::wait_for;
use tonic::transport::Channel;

use super::World;
use crate::faults::ledger::{Acknowledged, Ledger};
use crate::faults::shop::{ANCHORS, SKUS, anchor, number_of, sku};
use crate::faults::traffic::{channel, lock};

/// How long control may take to say what is stored, on a machine that does other things.
const TOLD_WITHIN: Duration = Duration::from_secs(60);

/// Counts that a gateway tells apart end here.
const SATURATED: i64 = 255;

/// Units by SKU, where any can be bought.
type Buyable = BTreeMap<usize, i64>;

impl World {
    /// Waits for the first answer that is not stale; returns how long that took.
    pub(crate) async fn fresh_again(&self, within: Duration) -> Result<Duration> {
        let begun = Instant::now();
        wait_for(within, "a fresh answer", async || {
            let answer = self.list(0).await.ok()?;
            let freshness = answer.freshness.unwrap_or_default();
            (!freshness.stale && !freshness.suppressed).then_some(())
        })
        .await?;
        Ok(begun.elapsed())
    }

    /// Acknowledged reports that SQL does not hold.
    pub(crate) async fn lost(&self) -> Result<Vec<String>> {
        lost(&self.books.ledger, self.control_channel()?).await
    }

    /// Waits until the gateway shows what SQL says, no more and no less.
    pub(crate) async fn converged(&self) -> Result<()> {
        let stored = stored(&self.control_channel()?).await?;
        let wanted: Buyable = stored
            .into_iter()
            .filter(|(_, level)| level.available > 0)
            .map(|(sku, level)| (sku, level.available.min(SATURATED)))
            .collect();
        let mut shown = Buyable::new();
        let same = wait_for(
            self.pace.recovered_within,
            "the gateway to show what SQL says",
            async || {
                shown = self.shown().await.ok()?;
                (shown == wanted).then_some(())
            },
        );
        same.await
            .with_context(|| format!("SQL says {wanted:?}, shown is {shown:?}"))
    }

    async fn shown(&self) -> Result<Buyable> {
        let mut shown = Buyable::new();
        for number in 0..ANCHORS {
            let items = self.list(number).await?.items;
            let count = |item: pb::RelatedProduct| {
                Some((number_of(&item.product_id)?, i64::from(item.sellable_count)))
            };
            shown.extend(items.into_iter().filter_map(count));
        }
        Ok(shown)
    }

    pub(crate) async fn list(&self, number: usize) -> Result<pb::ListRelatedProductsResponse> {
        let gateway = self.gateways.first().context("there is no gateway")?;
        let mut client = RelatedProductsClient::new(channel(gateway.listen()?)?);
        let request = pb::ListRelatedProductsRequest {
            product_id: anchor(number),
            page_size: 50,
            ..Default::default()
        };
        Ok(client.list_related_products(request).await?.into_inner())
    }
}

/// Acknowledgements of a ledger that the store behind `control` does not hold.
pub(crate) async fn lost(ledger: &Mutex<Ledger>, control: Channel) -> Result<Vec<String>> {
    let acknowledged = lock(ledger).read()?;
    let stored = stored(&control).await?;
    let is_kept = |sku: &usize, last: &Acknowledged| {
        stored.get(sku).is_some_and(|stored| {
            stored.store_version > last.store_version
                || stored.store_version == last.store_version && stored.available == last.available
        })
    };
    Ok(acknowledged
        .iter()
        .filter(|(sku, last)| !is_kept(sku, last))
        .map(|(sku, last)| format!("SKU {sku}: acknowledged {last:?}, stored {:?}", stored.get(sku)))
        .collect())
}

async fn stored(control: &Channel) -> Result<BTreeMap<usize, Acknowledged>> {
    let request = pb::BatchGetStockRequest {
        sku_ids: (0..SKUS).map(sku).collect(),
    };
    let answer = wait_for(TOLD_WITHIN, "control to read stock", async || {
        let mut client = StockClient::new(control.clone());
        client.batch_get_stock(request.clone()).await.ok()
    });
    let levels = answer.await?.into_inner().levels;
    let of = |level: pb::StockLevel| {
        let number = level.sku_id.strip_prefix("sku-")?.parse().ok()?;
        let stored = Acknowledged {
            store_version: level.store_version,
            available: level.available,
        };
        Some((number, stored))
    };
    Ok(levels.into_iter().filter_map(of).collect())
}
