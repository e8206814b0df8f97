//! Marketplaces and their epochs.

use sea_orm::{ConnectionTrait, EntityTrait as _, QueryOrder as _};
use tandem_domain::catalog::Marketplace;
use tandem_domain::change::Change;
use tandem_domain::clock::Timestamp;
use tandem_domain::id::{MarketplaceId, ShopId, SurfaceId};
use tandem_domain::surface::Surface;

use crate::Store;
use crate::entity::{self, unsigned};
use crate::error::{Missing, Result, StoreError};
use crate::outbox;
use crate::surface;
use crate::write::Tx;

impl Store {
    /// Creates a marketplace with `shop` and the built-in surfaces where they are missing; changes nothing that exists.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn ensure_marketplace(
        &self,
        marketplace: &Marketplace,
        shop: &ShopId,
        now: Timestamp,
    ) -> Result<()> {
        self.transaction("create a marketplace", |tx| async move {
            insert(&tx, marketplace, now).await?;
            ensure_shop(&tx, &marketplace.id, shop, now).await?;
            ensure_surfaces(&tx, &marketplace.id, now).await
        })
        .await
    }

    /// A marketplace.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn marketplace(&self, id: &MarketplaceId) -> Result<Option<Marketplace>> {
        self.read("read a marketplace", |db| async move {
            let row = entity::marketplace::Entity::find_by_id(id.as_str())
                .one(&db)
                .await?;
            row.map(Marketplace::try_from).transpose()
        })
        .await
    }

    /// Every marketplace, by id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn marketplaces(&self) -> Result<Vec<Marketplace>> {
        self.read("read marketplaces", |db| async move {
            let rows = entity::marketplace::Entity::find()
                .order_by_asc(entity::marketplace::Column::MarketplaceId)
                .all(&db)
                .await?;
            rows.into_iter().map(Marketplace::try_from).collect()
        })
        .await
    }

    /// The store epoch: compared before versions by everything that follows SQL.
    ///
    /// # Errors
    /// When there is no such marketplace or the database fails.
    pub async fn store_epoch(&self, id: &MarketplaceId) -> Result<u64> {
        self.read("read the store epoch", |db| async move { epoch(&db, id).await })
            .await
    }

    /// Raises the store epoch: to be done after a backup was restored, whose versions are older than what was seen.
    ///
    /// # Errors
    /// When there is no such marketplace or the database fails.
    pub async fn bump_store_epoch(&self, id: &MarketplaceId) -> Result<u64> {
        self.transaction("raise the store epoch", |tx| async move {
            let epoch = tx
                .number(
                    "UPDATE marketplaces SET store_epoch = store_epoch + 1 WHERE marketplace_id = $1
                     RETURNING store_epoch",
                    [id.as_str().into()],
                )
                .await?;
            unsigned("store epoch", epoch.ok_or_else(|| missing(id))?)
        })
        .await
    }
}

/// The store epoch.
pub(crate) async fn epoch<C: ConnectionTrait>(conn: &C, id: &MarketplaceId) -> Result<u64> {
    let row = entity::marketplace::Entity::find_by_id(id.as_str())
        .one(conn)
        .await?;
    unsigned("store epoch", row.ok_or_else(|| missing(id))?.store_epoch)
}

fn missing(id: &MarketplaceId) -> StoreError {
    StoreError::NotFound(Missing::Marketplace(id.clone()))
}

async fn insert(tx: &Tx, marketplace: &Marketplace, now: Timestamp) -> Result<()> {
    let row = entity::marketplace::Model {
        marketplace_id: marketplace.id.as_str().to_owned(),
        currency_code: marketplace.currency.code.clone(),
        currency_exponent: i16::from(marketplace.currency.exponent),
        time_zone: marketplace.time_zone.clone(),
        store_epoch: 1,
        serving_generation: None,
        serving_fence: None,
        created_ms: now.as_ms(),
    };
    entity::add::<entity::marketplace::Entity>(tx, &[row]).await?;
    Ok(())
}

/// Makes the caller's shop known.
pub(crate) async fn ensure_shop(
    tx: &Tx,
    marketplace: &MarketplaceId,
    shop: &ShopId,
    now: Timestamp,
) -> Result<()> {
    entity::marketplace::Entity::find_by_id(marketplace.as_str())
        .one(tx.conn())
        .await?
        .ok_or_else(|| missing(marketplace))?;
    tx.execute(
        "INSERT INTO shops (marketplace_id, shop_id, created_ms) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        [
            marketplace.as_str().into(),
            shop.as_str().into(),
            now.as_ms().into(),
        ],
    )
    .await?;
    Ok(())
}

async fn ensure_surfaces(tx: &Tx, marketplace: &MarketplaceId, now: Timestamp) -> Result<()> {
    let mut changes = Vec::new();
    for id in Surface::BUILT_IN {
        let surface = Surface::with_defaults(SurfaceId::new(id).expect("built-in ids are valid"));
        let row = entity::surface::Model::new(marketplace, &surface)?;
        if entity::add::<entity::surface::Entity>(tx, &[row]).await? == 1 {
            surface::keep(tx, marketplace, &surface::first(&surface, now)).await?;
            changes.push(Change::Surface(surface));
        }
    }
    outbox::push(tx, marketplace, "", &changes).await
}
