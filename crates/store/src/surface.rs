//! Serving configurations and their history.

mod read;
mod write;

use tandem_domain::id::{MarketplaceId, SurfaceId};
use tandem_domain::surface::{SurfacePatch, SurfaceRevision};

use crate::Store;
use crate::context::WriteContext;
use crate::error::Result;
pub(crate) use write::{first, keep};

/// A change of a surface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SurfaceUpdate {
    /// Which one.
    pub id: SurfaceId,
    /// What becomes of it.
    pub patch: SurfacePatch,
    /// The version that it must have, if the caller says so.
    pub etag: Option<u64>,
    /// What happens when there is none such.
    pub when_missing: WhenMissing,
    /// Why, for the audit trail.
    pub reason: String,
}

/// What a change does where there is nothing to change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenMissing {
    /// It is refused.
    Refuse,
    /// It makes one with the stated defaults first.
    Create,
}

impl Store {
    /// A surface as it stands; none when there is none, or it was deleted.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn surface(
        &self,
        marketplace: &MarketplaceId,
        id: &SurfaceId,
    ) -> Result<Option<SurfaceRevision>> {
        self.read("read a surface", |db| async move {
            read::current(&db, marketplace, id).await
        })
        .await
    }

    /// Surfaces as they stand, by id, behind `after`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn surfaces(
        &self,
        marketplace: &MarketplaceId,
        after: Option<&SurfaceId>,
        limit: u32,
    ) -> Result<Vec<SurfaceRevision>> {
        self.read("read surfaces", |db| async move {
            read::page(&db, marketplace, after, limit).await
        })
        .await
    }

    /// Every version of a surface below `before`, newest first; deleted ones have a history, too.
    ///
    /// # Errors
    /// `NotFound` when there never was such a surface, or when the database fails.
    pub async fn surface_revisions(
        &self,
        marketplace: &MarketplaceId,
        id: &SurfaceId,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<SurfaceRevision>> {
        self.read("read revisions of a surface", |db| async move {
            read::revisions(&db, marketplace, id, before, limit).await
        })
        .await
    }

    /// Changes a surface; what changes nothing gives the surface as it stands. Audited.
    ///
    /// # Errors
    /// `NotFound`, `EtagMismatch`, `SurfaceInvalid`, `RequestIdReused`, or when the database fails; nothing is written
    /// then.
    pub async fn update_surface(
        &self,
        ctx: &WriteContext,
        update: &SurfaceUpdate,
    ) -> Result<SurfaceRevision> {
        self.answer(ctx, "change a surface", |tx| async move {
            write::update(&tx, ctx, update).await
        })
        .await
    }

    /// Puts a surface back to what it was at `version`, as a new version; a deleted one is there again. Audited.
    ///
    /// # Errors
    /// `NotFound` for the surface or the version, `RevisionDeleted`, `EtagMismatch`, `SurfaceInvalid` for a version that
    /// breaks the rules of today, `RequestIdReused`, or when the database fails; nothing is written then.
    pub async fn rollback_surface(
        &self,
        ctx: &WriteContext,
        id: &SurfaceId,
        version: u64,
        etag: Option<u64>,
        reason: &str,
    ) -> Result<SurfaceRevision> {
        self.answer(ctx, "roll a surface back", |tx| async move {
            write::rollback(&tx, ctx, id, version, etag, reason).await
        })
        .await
    }

    /// Deletes a surface that the marketplace did not begin with. Audited.
    ///
    /// # Errors
    /// `NotFound`, `SurfaceBuiltIn`, `EtagMismatch`, `RequestIdReused`, or when the database fails; nothing is written
    /// then.
    pub async fn delete_surface(
        &self,
        ctx: &WriteContext,
        id: &SurfaceId,
        etag: Option<u64>,
        reason: &str,
    ) -> Result<SurfaceRevision> {
        self.answer(ctx, "delete a surface", |tx| async move {
            write::delete(&tx, ctx, id, etag, reason).await
        })
        .await
    }
}
