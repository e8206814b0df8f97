//! Merchants' fixed bundles.

mod set;
mod write;

use tandem_domain::bundle::{FixedBundle, FixedBundleInput};
use tandem_domain::id::{FixedBundleId, ProductId};
use tandem_domain::principal::Principal;

use crate::Store;
use crate::context::WriteContext;
use crate::error::Result;
use crate::link::refuse_foreign;
pub(crate) use set::page;

impl Store {
    /// Creates a bundle.
    ///
    /// # Errors
    /// `ForeignShop` for an anchor that the shop does not hold, `NotFound` for a missing member or alternate,
    /// `BundlesFull`, `NoShop`, `RequestIdReused`, or when the database fails; nothing is written then.
    pub async fn create_fixed_bundle(
        &self,
        ctx: &WriteContext,
        input: &FixedBundleInput,
    ) -> Result<FixedBundle> {
        self.answer(ctx, "create a fixed bundle", |tx| async move {
            write::create(&tx, ctx, input).await
        })
        .await
    }

    /// The living bundles of an anchor, oldest first.
    ///
    /// # Errors
    /// `ForeignShop` for an anchor that the caller's shop does not hold, or when the database fails.
    pub async fn fixed_bundles(&self, principal: &Principal, anchor: &ProductId) -> Result<Vec<FixedBundle>> {
        self.read("read fixed bundles", |db| async move {
            if let Some(shop) = &principal.shop {
                refuse_foreign(&db, &principal.marketplace, shop, anchor).await?;
            }
            let sets = set::fetch(&db, &principal.marketplace, [anchor.as_str()]).await?;
            Ok(sets.into_iter().flat_map(|set| set.bundles).collect())
        })
        .await
    }

    /// Deletes a bundle; whether it lived.
    ///
    /// # Errors
    /// `ForeignShop`, `NoShop`, `RequestIdReused`, or when the database fails; nothing is written then.
    pub async fn delete_fixed_bundle(
        &self,
        ctx: &WriteContext,
        id: &FixedBundleId,
        reason: &str,
    ) -> Result<bool> {
        self.answer(ctx, "delete a fixed bundle", |tx| async move {
            write::delete(&tx, ctx, id, reason).await
        })
        .await
    }
}
