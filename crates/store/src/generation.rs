//! Generations of the graph and what is on serve.

mod build;
mod pointer;
mod read;
mod retire;

use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use tandem_domain::clock::Timestamp;
use tandem_domain::generation::{
    BuildStats, Generation, GenerationKind, GenerationNo, GenerationState, Manifest, SegmentRef,
};
use tandem_domain::id::MarketplaceId;

use crate::Store;
use crate::entity::segment;
use crate::error::Result;
use crate::job::Lease;
use crate::write::Tx;
pub(crate) use build::abandon;
use build::{Ending, Publication, Under};
pub(crate) use pointer::servable;

/// The generation on serve, with the fence of the claim that put it there: whoever repairs a follower of this pointer
/// from an older look loses against whoever published since.
#[derive(Debug, Clone, PartialEq)]
pub struct Serving {
    /// The generation.
    pub generation: Generation,
    /// [`Lease::fence`] of the last `publish_generation` or `serve_generation`.
    pub fence: u64,
}

/// How a build ended without being published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unpublished {
    /// Its volume or edge count collapsed.
    Refused,
    /// It ended with an error.
    Failed,
}

impl Store {
    /// Starts a generation under the next number.
    ///
    /// # Errors
    /// `LeaseLost`, or when the database fails.
    pub async fn start_generation(
        &self,
        marketplace: &MarketplaceId,
        kind: GenerationKind,
        watermark: u64,
        lease: &Lease,
        now: Timestamp,
    ) -> Result<GenerationNo> {
        self.transaction("start a generation", |tx| async move {
            build::start(&tx, marketplace, kind, watermark, lease, now).await
        })
        .await
    }

    /// Publishes a generation and puts it on serve in one transaction, while the lease holds.
    ///
    /// # Errors
    /// `LeaseLost`, also when a later claim was faster; `NotFound` unless it is being built; `Corrupt` for another
    /// generation's manifest; or when the database fails.
    #[expect(
        clippy::too_many_arguments,
        reason = "one publication is one call; a struct would only rename them"
    )]
    pub async fn publish_generation(
        &self,
        marketplace: &MarketplaceId,
        no: GenerationNo,
        lease: &Lease,
        manifest: &Manifest,
        stats: &BuildStats,
        epoch_record: &serde_json::Value,
        now: Timestamp,
    ) -> Result<()> {
        let publication = Publication {
            no,
            manifest,
            stats,
            under: Under::Own(epoch_record),
            now,
        };
        self.transaction("publish a generation", |tx| async move {
            build::publish(&tx, marketplace, lease, publication).await
        })
        .await
    }

    /// Publishes an increment over the generation on serve, which must still be `over`, and puts it on serve in one
    /// transaction, while the lease holds. Its epoch record is that of its base. It must have computed the rows of
    /// [`erased_products`](Self::erased_products) over `over`, read after it was started.
    ///
    /// # Errors
    /// Those of [`publish_generation`](Self::publish_generation); `LeaseLost` also when anything but `over` is on serve.
    #[expect(
        clippy::too_many_arguments,
        reason = "one publication is one call; a struct would only rename them"
    )]
    pub async fn publish_increment(
        &self,
        marketplace: &MarketplaceId,
        no: GenerationNo,
        lease: &Lease,
        manifest: &Manifest,
        stats: &BuildStats,
        over: GenerationNo,
        now: Timestamp,
    ) -> Result<()> {
        let publication = Publication {
            no,
            manifest,
            stats,
            under: Under::BaseOf(over),
            now,
        };
        self.transaction("publish an increment", |tx| async move {
            build::publish(&tx, marketplace, lease, publication).await
        })
        .await
    }

    /// Ends a generation that is not published.
    ///
    /// # Errors
    /// `NotFound` unless it is being built, or when the database fails.
    pub async fn end_generation(
        &self,
        marketplace: &MarketplaceId,
        no: GenerationNo,
        state: Unpublished,
        stats: &BuildStats,
        message: &str,
        now: Timestamp,
    ) -> Result<()> {
        let ending = Ending {
            state,
            stats,
            message,
            now,
        };
        self.transaction("end a generation", |tx| async move {
            build::end(&tx, marketplace, no, ending).await
        })
        .await
    }

    /// Puts an earlier published generation on serve, while the lease holds.
    ///
    /// # Errors
    /// `LeaseLost`, also when a later claim was faster; `NotFound`; `NotPublished`, also for one that was retired; or when
    /// the database fails.
    pub async fn serve_generation(
        &self,
        marketplace: &MarketplaceId,
        no: GenerationNo,
        lease: &Lease,
        now: Timestamp,
    ) -> Result<Generation> {
        self.transaction("serve a generation", |tx| async move {
            pointer::serve(&tx, marketplace, no, lease, now).await
        })
        .await
    }

    /// The generation on serve.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn serving_generation(&self, marketplace: &MarketplaceId) -> Result<Option<Generation>> {
        Ok(self.serving(marketplace).await?.map(|serving| serving.generation))
    }

    /// The generation on serve and the fence under which it was put there, in one look.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn serving(&self, marketplace: &MarketplaceId) -> Result<Option<Serving>> {
        self.read("read what is on serve", |db| async move {
            read::serving(&db, marketplace).await
        })
        .await
    }

    /// A generation.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn generation(
        &self,
        marketplace: &MarketplaceId,
        no: GenerationNo,
    ) -> Result<Option<Generation>> {
        self.read("read a generation", |db| async move {
            read::one(&db, marketplace, no).await
        })
        .await
    }

    /// The newest generation of a kind, wherever it stands.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn last_generation(
        &self,
        marketplace: &MarketplaceId,
        kind: GenerationKind,
    ) -> Result<Option<Generation>> {
        self.read("read the last generation", |db| async move {
            read::last(&db, marketplace, kind).await
        })
        .await
    }

    /// Segments that a manifest names.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn segments(&self, marketplace: &MarketplaceId) -> Result<Vec<SegmentRef>> {
        self.read("read segments", |db| async move {
            let rows = segment::Entity::find()
                .filter(segment::Column::MarketplaceId.eq(marketplace.as_str()))
                .all(&db)
                .await?;
            rows.into_iter().map(SegmentRef::try_from).collect()
        })
        .await
    }

    /// The epoch record of a published generation; that of its base for an increment.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn epoch_record(
        &self,
        marketplace: &MarketplaceId,
        no: GenerationNo,
    ) -> Result<Option<serde_json::Value>> {
        self.read("read an epoch record", |db| async move {
            read::epoch_record(&db, marketplace, no).await
        })
        .await
    }

    /// Generations below `before`, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn generations(
        &self,
        marketplace: &MarketplaceId,
        before: Option<GenerationNo>,
        limit: u32,
    ) -> Result<Vec<Generation>> {
        self.read("read generations", |db| async move {
            read::page(&db, marketplace, before, limit).await
        })
        .await
    }

    /// Forgets the manifests of published generations but for those that can be rolled back to: of the newest `keep` full
    /// builds each as increments left it, of the newest of them and of the one on serve every increment too. Epoch records
    /// go with the last generation under them. Returns the segments that nothing names any more.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn retire_generations(
        &self,
        marketplace: &MarketplaceId,
        keep: u32,
    ) -> Result<Vec<SegmentRef>> {
        self.transaction("retire generations", |tx| async move {
            retire::retire(&tx, marketplace, keep).await
        })
        .await
    }
}

/// Where a generation stands.
pub(crate) async fn state(
    tx: &Tx,
    marketplace: &MarketplaceId,
    no: GenerationNo,
) -> Result<Option<GenerationState>> {
    Ok(read::one(tx.conn(), marketplace, no)
        .await?
        .map(|generation| generation.state))
}

/// The number in its column; none is as high as the highest there.
fn key(no: GenerationNo) -> i64 {
    i64::try_from(no.0).unwrap_or(i64::MAX)
}
