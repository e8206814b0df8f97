//! All of SQL, put into the cache.

use futures::TryStreamExt as _;
use tandem_domain::change::Change;
use tandem_domain::id::MarketplaceId;

use crate::batch::Batch;
use crate::deps::Deps;
use crate::error::PassError;
use crate::project::{Put, put};

/// Chunks in flight: one is read while another is written.
const CHUNKS_IN_FLIGHT: usize = 2;

/// Puts the current state of every record. Versions make it safe beside living projectors: whoever is newer stays.
pub(crate) async fn replay(
    deps: &Deps,
    marketplace: &MarketplaceId,
    store_epoch: u64,
    seen: &(dyn Fn(&[Change]) + Sync),
) -> Result<Put, PassError> {
    let total = parking_lot::Mutex::new(Put::default());
    let total_ref = &total;
    deps.store
        .scan_changes(marketplace)
        .map_err(PassError::from)
        .try_for_each_concurrent(CHUNKS_IN_FLIGHT, |changes| async move {
            seen(&changes);
            let chunk = put(&*deps.cache, marketplace, store_epoch, &Batch::of(changes)).await?;
            *total_ref.lock() += chunk;
            Ok(())
        })
        .await?;
    Ok(total.into_inner())
}
