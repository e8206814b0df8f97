//! What a SKU's policy means for its levels.

use std::collections::{BTreeMap, BTreeSet};

use tandem_domain::catalog::StockPolicy;
use tandem_domain::change::Change;
use tandem_domain::stock::Pool;

use super::level::{self, Known, Level};
use crate::context::WriteContext;
use crate::entity::sku;
use crate::error::Result;
use crate::write::Tx;

/// Levels of SKUs that are new or have a new policy: each takes a new version, since what may be sold of it changes
/// while its quantity does not. A policy that sells without counting stands on a level of its own.
pub(crate) async fn follow_policies(
    tx: &Tx,
    ctx: &WriteContext,
    skus: &[&sku::Model],
) -> Result<Vec<Change>> {
    let shop = ctx.shop()?;
    let marketplace = &ctx.principal.marketplace;
    let ids: BTreeSet<_> = skus.iter().map(|sku| sku.sku_id.as_str()).collect();
    let locked = level::lock(tx, marketplace, shop, &ids, |_| false).await?;
    let mut levels: BTreeMap<_, _> = locked
        .into_iter()
        .map(|level| {
            (
                level.key(),
                Level {
                    store_version: level.store_version + 1,
                    ..level
                },
            )
        })
        .collect();
    for sku in skus {
        if sku.policy()? != StockPolicy::Tracked {
            let uncounted = Level {
                sku_id: sku.sku_id.clone(),
                pool: Pool::Normal.to_string(),
                quantity: 0,
                store_version: 1,
                updated_ms: ctx.now.as_ms(),
            };
            levels.entry(uncounted.key()).or_insert(uncounted);
        }
    }
    level::save(tx, marketplace, shop, &levels.values().collect::<Vec<_>>()).await?;
    let known = |sku: &sku::Model| Known {
        sku_id: sku.sku_id.clone(),
        product_id: sku.product_id.clone(),
        policy: sku.policy.clone(),
        shop_id: shop.as_str().to_owned(),
    };
    let known: BTreeMap<_, _> = skus.iter().map(|sku| (sku.sku_id.as_str(), known(sku))).collect();
    levels
        .values()
        .map(|level| level.change(&known[level.sku_id.as_str()]))
        .collect()
}
