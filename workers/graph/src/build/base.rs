//! What an increment stands on.

use std::sync::Arc;

use tandem_cache::codec::CODEC;
use tandem_domain::generation::{Generation, Manifest};
use tandem_domain::id::MarketplaceId;
use tandem_graph::EpochRecord;
use tokio::task::spawn_blocking;

use crate::deps::Deps;
use crate::error::WorkError;

/// The generation on serve, with the record that its rows were computed under.
pub(crate) struct Base {
    pub(crate) serving: Generation,
    pub(super) manifest: Manifest,
    pub(crate) record: Arc<EpochRecord>,
}

impl Base {
    /// `None` where every row has to be computed: nothing is on serve, or it was built by another version, whose records
    /// cannot be told from this one's or whose epoch record says something else or is none that a build writes.
    pub(crate) async fn find(deps: &Deps, marketplace: &MarketplaceId) -> Result<Option<Self>, WorkError> {
        let Some(serving) = deps.store.serving_generation(marketplace).await? else {
            return Ok(None);
        };
        let Some(manifest) = serving
            .manifest
            .clone()
            .filter(|manifest| manifest.codec == CODEC)
        else {
            return Ok(None);
        };
        let Some(record) = deps.store.epoch_record(marketplace, serving.no).await? else {
            return Ok(None);
        };
        let read = spawn_blocking(move || read(record)).await;
        match read.map_err(|_| WorkError::Panicked)? {
            Ok(record) => Ok(Some(Self {
                serving,
                manifest,
                record: Arc::new(record),
            })),
            Err(error) => {
                tracing::info!(
                    marketplace.id = %marketplace,
                    graph.generation = serving.no.0,
                    error = %error,
                    "the epoch record on serve is of another version, or damaged: all rows are computed"
                );
                Ok(None)
            }
        }
    }
}

fn read(record: serde_json::Value) -> Result<EpochRecord, Box<dyn std::error::Error + Send + Sync>> {
    let record: EpochRecord = serde_json::from_value(record)?;
    record.check()?;
    Ok(record)
}
