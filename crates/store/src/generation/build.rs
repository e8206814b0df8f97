//! Generations from their start to their end.

use tandem_domain::clock::Timestamp;
use tandem_domain::generation::{BuildStats, GenerationKind, GenerationNo, GenerationState, Manifest};
use tandem_domain::id::MarketplaceId;

use super::{Unpublished, key, pointer};
use crate::counter::{self, Counter};
use crate::entity::generation::{Entity, Model};
use crate::entity::{self, segment, signed, to_json, to_name};
use crate::error::{Missing, Result, StoreError};
use crate::job::{Lease, lease};
use crate::write::Tx;

pub(super) async fn start(
    tx: &Tx,
    marketplace: &MarketplaceId,
    kind: GenerationKind,
    watermark: u64,
    held: &Lease,
    now: Timestamp,
) -> Result<GenerationNo> {
    let no = GenerationNo(counter::raise(tx, marketplace, Counter::Generation, 1).await?);
    lease::attach(tx, marketplace, held, no).await?;
    let erasure_step = counter::value(tx.conn(), marketplace, Counter::ErasureStep).await?;
    let row = Model {
        marketplace_id: marketplace.as_str().to_owned(),
        generation: signed("generation", no.0)?,
        kind: to_name(&kind),
        state: to_name(&GenerationState::Building),
        watermark: signed("watermark", watermark)?,
        erasure_step: signed("erasure step", erasure_step)?,
        stats: to_json(&BuildStats::default()),
        epoch_record: None,
        manifest: None,
        message: String::new(),
        created_ms: now.as_ms(),
        ended_ms: None,
    };
    entity::add::<Entity>(tx, &[row]).await?;
    Ok(no)
}

/// What a build leaves.
#[derive(Debug, Clone, Copy)]
pub(super) struct Publication<'a> {
    pub(super) no: GenerationNo,
    pub(super) manifest: &'a Manifest,
    pub(super) stats: &'a BuildStats,
    pub(super) under: Under<'a>,
    pub(super) now: Timestamp,
}

/// The epoch record of a build.
#[derive(Debug, Clone, Copy)]
pub(super) enum Under<'a> {
    /// One of its own.
    Own(&'a serde_json::Value),
    /// That of the base of the generation on serve, which must be this one.
    BaseOf(GenerationNo),
}

pub(super) async fn publish(
    tx: &Tx,
    marketplace: &MarketplaceId,
    held: &Lease,
    publication: Publication<'_>,
) -> Result<()> {
    let Publication {
        no,
        manifest,
        stats,
        under,
        now,
    } = publication;
    if manifest.generation != no {
        let why = format!("that of generation {no} names generation {}", manifest.generation);
        return Err(StoreError::Corrupt {
            what: "manifest",
            why,
        });
    }
    let worker = lease::attach(tx, marketplace, held, no).await?;
    let epoch_record = match under {
        Under::Own(record) => Some(record.to_string()),
        Under::BaseOf(over) if pointer::lock(tx, marketplace).await? == Some(key(over)) => None,
        Under::BaseOf(_) => return Err(StoreError::LeaseLost),
    };
    pointer::swap(tx, marketplace, held, no).await?;
    let published = tx
        .execute(
            "UPDATE generations SET state = 'published', stats = $3, epoch_record = $4, manifest = $5, ended_ms = $6
             WHERE marketplace_id = $1 AND generation = $2 AND state = 'building'",
            [
                marketplace.as_str().into(),
                key(no).into(),
                to_json(stats).into(),
                epoch_record.into(),
                to_json(manifest).into(),
                now.as_ms().into(),
            ],
        )
        .await?;
    refuse_missing(published, no)?;
    let segments: Vec<_> = manifest
        .segments
        .iter()
        .map(|named| segment::Model::new(marketplace, named))
        .collect::<Result<_>>()?;
    entity::save::<segment::Entity>(tx, &segments).await?;
    pointer::tell(tx, marketplace, "publish_generation", no, worker, now).await
}

/// How a build ended in vain.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ending<'a> {
    pub(super) state: Unpublished,
    pub(super) stats: &'a BuildStats,
    pub(super) message: &'a str,
    pub(super) now: Timestamp,
}

pub(super) async fn end(
    tx: &Tx,
    marketplace: &MarketplaceId,
    no: GenerationNo,
    ending: Ending<'_>,
) -> Result<()> {
    let state = match ending.state {
        Unpublished::Refused => GenerationState::Refused,
        Unpublished::Failed => GenerationState::Failed,
    };
    let ended = tx
        .execute(
            "UPDATE generations SET state = $3, stats = $4, message = $5, ended_ms = $6
             WHERE marketplace_id = $1 AND generation = $2 AND state = 'building'",
            [
                marketplace.as_str().into(),
                key(no).into(),
                to_name(&state).into(),
                to_json(ending.stats).into(),
                ending.message.into(),
                ending.now.as_ms().into(),
            ],
        )
        .await?;
    refuse_missing(ended, no)
}

/// Ends a build whose worker is gone, if it has not ended.
pub(crate) async fn abandon(
    tx: &Tx,
    marketplace: &MarketplaceId,
    no: GenerationNo,
    why: &str,
    now: Timestamp,
) -> Result<()> {
    let ending = Ending {
        state: Unpublished::Failed,
        stats: &BuildStats::default(),
        message: why,
        now,
    };
    match end(tx, marketplace, no, ending).await {
        Err(StoreError::NotFound(_)) => Ok(()),
        ended => ended,
    }
}

fn refuse_missing(rows: u64, no: GenerationNo) -> Result<()> {
    if rows == 1 {
        Ok(())
    } else {
        Err(StoreError::NotFound(Missing::Generation(no)))
    }
}
