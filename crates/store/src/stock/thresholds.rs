//! When stock of a shop runs low: rows of `shop_thresholds`.

use sea_orm::{ConnectionTrait, FromQueryResult};
use tandem_domain::change::{Change, ThresholdsChange};
use tandem_domain::id::{MarketplaceId, ProductId, ShopId};
use tandem_domain::stock::{ShopThresholds, Thresholds};

use crate::audit::{self, Deed};
use crate::context::WriteContext;
use crate::entity::{signed, stored, unsigned};
use crate::error::{Result, StoreError};
use crate::outbox;
use crate::sql;
use crate::write::Tx;

/// Products of one change: few enough that judging them again holds nothing up.
const PRODUCTS: usize = 500;

#[derive(FromQueryResult)]
struct Row {
    shop_id: String,
    version: i64,
    low: i64,
    critical: i64,
    buffer: i64,
    hysteresis: i64,
}

impl TryFrom<Row> for ShopThresholds {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self> {
        let units = |what, value| u32::try_from(value).map_err(|_| StoreError::OutOfRange { what });
        Ok(Self {
            shop: stored("shop", ShopId::new(&row.shop_id))?,
            thresholds: Thresholds {
                low: units("low", row.low)?,
                critical: units("critical", row.critical)?,
                buffer: units("buffer", row.buffer)?,
                hysteresis: units("hysteresis", row.hysteresis)?,
            },
            version: unsigned("version", row.version)?,
        })
    }
}

const COLUMNS: &str = "SELECT shop_id, version, low, critical, buffer, hysteresis FROM shop_thresholds";

/// Those of a shop; zeros at version 0 for one that never said.
pub(super) async fn of_shop<C: ConnectionTrait>(
    conn: &C,
    marketplace: &MarketplaceId,
    shop: &ShopId,
) -> Result<ShopThresholds> {
    let row: Option<Row> = sql::one(
        conn,
        format!("{COLUMNS} WHERE marketplace_id = $1 AND shop_id = $2"),
        [marketplace.as_str().into(), shop.as_str().into()],
    )
    .await?;
    let never = || ShopThresholds {
        shop: shop.clone(),
        thresholds: Thresholds::default(),
        version: 0,
    };
    row.map_or_else(|| Ok(never()), ShopThresholds::try_from)
}

/// Those of every shop that said, as changes without products.
pub(crate) async fn all<C: ConnectionTrait>(conn: &C, marketplace: &MarketplaceId) -> Result<Vec<Change>> {
    let rows: Vec<Row> = sql::all(
        conn,
        format!("{COLUMNS} WHERE marketplace_id = $1 ORDER BY shop_id"),
        [marketplace.as_str().into()],
    )
    .await?;
    let change = |row| {
        Ok(Change::Thresholds(ThresholdsChange {
            of: ShopThresholds::try_from(row)?,
            products: Vec::new(),
        }))
    };
    rows.into_iter().map(change).collect()
}

/// Replaces those of the caller's shop, and sends its products to be judged by them.
pub(super) async fn update(
    tx: &Tx,
    ctx: &WriteContext,
    thresholds: Thresholds,
    etag: Option<u64>,
) -> Result<ShopThresholds> {
    let shop = ctx.shop()?;
    let marketplace = &ctx.principal.marketplace;
    hold(tx, marketplace, shop, ctx).await?;
    let before = of_shop(tx.conn(), marketplace, shop).await?;
    if let Some(expected) = etag.filter(|etag| *etag != before.version) {
        return Err(StoreError::EtagMismatch {
            what: "stock_policy",
            id: shop.as_str().to_owned(),
            expected,
            found: before.version,
        });
    }
    if before.thresholds == thresholds && before.version > 0 {
        return Ok(before);
    }
    let now = ShopThresholds {
        thresholds,
        version: before.version + 1,
        ..before
    };
    save(tx, ctx, &now).await?;
    outbox::push(
        tx,
        marketplace,
        &ctx.traceparent,
        &changes(tx, marketplace, &now).await?,
    )
    .await?;
    let deed = Deed {
        action: "update_stock_policy",
        targets: vec![shop.as_str()],
        reason: "",
    };
    audit::write(tx, ctx, deed).await?;
    Ok(now)
}

/// Makes the row, if it is the first, and locks it.
async fn hold(tx: &Tx, marketplace: &MarketplaceId, shop: &ShopId, ctx: &WriteContext) -> Result<()> {
    tx.execute(
        "INSERT INTO shop_thresholds
             (marketplace_id, shop_id, version, low, critical, buffer, hysteresis, updated_ms)
         VALUES ($1, $2, 0, 0, 0, 0, 0, $3)
         ON CONFLICT (marketplace_id, shop_id) DO UPDATE SET version = shop_thresholds.version",
        [
            marketplace.as_str().into(),
            shop.as_str().into(),
            ctx.now.as_ms().into(),
        ],
    )
    .await?;
    Ok(())
}

async fn save(tx: &Tx, ctx: &WriteContext, now: &ShopThresholds) -> Result<()> {
    let limits = now.thresholds;
    tx.execute(
        "UPDATE shop_thresholds SET version = $3, low = $4, critical = $5, buffer = $6, hysteresis = $7, updated_ms = $8
         WHERE marketplace_id = $1 AND shop_id = $2",
        [
            ctx.principal.marketplace.as_str().into(),
            now.shop.as_str().into(),
            signed("version", now.version)?.into(),
            i64::from(limits.low).into(),
            i64::from(limits.critical).into(),
            i64::from(limits.buffer).into(),
            i64::from(limits.hysteresis).into(),
            ctx.now.as_ms().into(),
        ],
    )
    .await?;
    Ok(())
}

/// One change at least, so that thresholds of a shop without products are known, too.
async fn changes(tx: &Tx, marketplace: &MarketplaceId, now: &ShopThresholds) -> Result<Vec<Change>> {
    #[derive(FromQueryResult)]
    struct Product {
        product_id: String,
    }
    let products: Vec<Product> = tx
        .all(
            "SELECT product_id FROM products WHERE marketplace_id = $1 AND shop_id = $2 ORDER BY product_id",
            [marketplace.as_str().into(), now.shop.as_str().into()],
        )
        .await?;
    let products = products
        .iter()
        .map(|row| stored("product", ProductId::new(&row.product_id)));
    let products = products.collect::<Result<Vec<_>>>()?;
    let change = |products: &[ProductId]| {
        Change::Thresholds(ThresholdsChange {
            of: now.clone(),
            products: products.to_vec(),
        })
    };
    if products.is_empty() {
        return Ok(vec![change(&[])]);
    }
    Ok(products.chunks(PRODUCTS).map(change).collect())
}
