//! Changing surfaces: every change is a new version, told to the projection whole.

use sea_orm::FromQueryResult;
use tandem_domain::change::Change;
use tandem_domain::clock::Timestamp;
use tandem_domain::id::{MarketplaceId, SurfaceId};
use tandem_domain::surface::{Surface, SurfaceAction, SurfaceRevision};

use super::{SurfaceUpdate, WhenMissing, read};
use crate::audit::{self, Deed};
use crate::claim::{self, Kind};
use crate::context::WriteContext;
use crate::entity::{self, from_json, signed, to_json, to_name};
use crate::error::{Missing, Result, StoreError};
use crate::outbox;
use crate::sql;
use crate::write::Tx;

pub(super) async fn update(tx: &Tx, ctx: &WriteContext, update: &SurfaceUpdate) -> Result<SurfaceRevision> {
    let stored = lock(tx, &ctx.principal.marketplace, &update.id).await?;
    let living = stored.as_ref().filter(|surface| !surface.deleted);
    check(&update.id, living, update.etag)?;
    let Some(living) = living else {
        if update.when_missing == WhenMissing::Refuse {
            return Err(missing(&update.id));
        }
        let surface = Surface::with_defaults(update.id.clone()).patched(&update.patch);
        let change = Revised::of(stored.as_ref(), surface, SurfaceAction::Create);
        return change.write(tx, ctx, &update.reason).await;
    };
    let surface = living.patched(&update.patch);
    if surface == *living {
        return read::at(tx.conn(), &ctx.principal.marketplace, &living.id, living.version).await;
    }
    let change = Revised::of(stored.as_ref(), surface, SurfaceAction::Update);
    change.write(tx, ctx, &update.reason).await
}

pub(super) async fn rollback(
    tx: &Tx,
    ctx: &WriteContext,
    id: &SurfaceId,
    version: u64,
    etag: Option<u64>,
    reason: &str,
) -> Result<SurfaceRevision> {
    let marketplace = &ctx.principal.marketplace;
    let stored = lock(tx, marketplace, id).await?.ok_or_else(|| missing(id))?;
    check(id, Some(&stored), etag)?;
    let surface = read::at(tx.conn(), marketplace, id, version).await?.surface;
    if surface.deleted {
        return Err(StoreError::RevisionDeleted {
            id: id.clone(),
            version,
        });
    }
    let change = Revised::of(Some(&stored), surface, SurfaceAction::Rollback);
    change.write(tx, ctx, reason).await
}

pub(super) async fn delete(
    tx: &Tx,
    ctx: &WriteContext,
    id: &SurfaceId,
    etag: Option<u64>,
    reason: &str,
) -> Result<SurfaceRevision> {
    if Surface::is_built_in(id) {
        return Err(StoreError::SurfaceBuiltIn(id.clone()));
    }
    let stored = lock(tx, &ctx.principal.marketplace, id).await?;
    let living = stored.filter(|surface| !surface.deleted);
    let living = living.ok_or_else(|| missing(id))?;
    check(id, Some(&living), etag)?;
    let gone = Surface {
        deleted: true,
        ..living.clone()
    };
    let change = Revised::of(Some(&living), gone, SurfaceAction::Delete);
    change.write(tx, ctx, reason).await
}

/// The row, deleted or not; nobody else changes or makes it until the transaction ends.
async fn lock(tx: &Tx, marketplace: &MarketplaceId, id: &SurfaceId) -> Result<Option<Surface>> {
    #[derive(FromQueryResult)]
    struct Row {
        settings: String,
    }
    claim::claim(tx, marketplace, Kind::Surface, [id.as_str()]).await?;
    let query = format!(
        "SELECT settings FROM surfaces WHERE marketplace_id = $1 AND surface_id = $2 {}",
        sql::locking(tx.backend(), "FOR UPDATE")
    );
    let row: Option<Row> = tx
        .one(query, [marketplace.as_str().into(), id.as_str().into()])
        .await?;
    row.map(|row| from_json("surface", &row.settings)).transpose()
}

fn check(id: &SurfaceId, stored: Option<&Surface>, etag: Option<u64>) -> Result<()> {
    let found = stored.map_or(0, |surface| surface.version);
    match etag {
        Some(expected) if expected != found => Err(StoreError::EtagMismatch {
            what: "surface",
            id: id.to_string(),
            expected,
            found,
        }),
        _ => Ok(()),
    }
}

fn missing(id: &SurfaceId) -> StoreError {
    StoreError::NotFound(Missing::Surface(id.clone()))
}

/// A surface at its next version.
struct Revised {
    surface: Surface,
    action: SurfaceAction,
}

impl Revised {
    fn of(stored: Option<&Surface>, surface: Surface, action: SurfaceAction) -> Self {
        let version = stored.map_or(0, |stored| stored.version) + 1;
        Self {
            surface: Surface { version, ..surface },
            action,
        }
    }

    async fn write(self, tx: &Tx, ctx: &WriteContext, reason: &str) -> Result<SurfaceRevision> {
        let Self { surface, action } = self;
        let faults = surface.faults();
        if !faults.is_empty() {
            return Err(StoreError::SurfaceInvalid {
                id: surface.id,
                faults,
            });
        }
        let marketplace = &ctx.principal.marketplace;
        let row = entity::surface::Model::new(marketplace, &surface)?;
        entity::save::<entity::surface::Entity>(tx, &[row]).await?;
        let revision = SurfaceRevision {
            surface,
            action,
            author: ctx.principal.subject.clone(),
            reason: reason.to_owned(),
            time: ctx.now,
        };
        keep(tx, marketplace, &revision).await?;
        let change = Change::Surface(revision.surface.clone());
        outbox::push(tx, marketplace, &ctx.traceparent, &[change]).await?;
        let deed = Deed {
            action: deed(action),
            targets: vec![revision.surface.id.as_str()],
            reason,
        };
        audit::write(tx, ctx, deed).await?;
        Ok(revision)
    }
}

const fn deed(action: SurfaceAction) -> &'static str {
    match action {
        SurfaceAction::Create => "create_surface",
        SurfaceAction::Update => "update_surface",
        SurfaceAction::Rollback => "rollback_surface",
        SurfaceAction::Delete => "delete_surface",
    }
}

/// What a surface of a new marketplace begins with.
pub(crate) fn first(surface: &Surface, now: Timestamp) -> SurfaceRevision {
    SurfaceRevision {
        surface: surface.clone(),
        action: SurfaceAction::Create,
        author: String::new(),
        reason: String::new(),
        time: now,
    }
}

/// Adds a revision to the history.
pub(crate) async fn keep(tx: &Tx, marketplace: &MarketplaceId, revision: &SurfaceRevision) -> Result<()> {
    tx.execute(
        "INSERT INTO surface_revisions
             (marketplace_id, surface_id, version, settings, action, author, reason, created_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        [
            marketplace.as_str().into(),
            revision.surface.id.as_str().into(),
            signed("version", revision.surface.version)?.into(),
            to_json(&revision.surface).into(),
            to_name(&revision.action).into(),
            revision.author.as_str().into(),
            revision.reason.as_str().into(),
            revision.time.as_ms().into(),
        ],
    )
    .await?;
    Ok(())
}
