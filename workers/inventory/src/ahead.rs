//! What shoppers wait for, put while it is appended to the stream, ahead of whoever receives it there.
//!
//! Two trips lie between a relay that appends and a projector that puts: to be told of the entry, and to answer it. On a
//! busy machine that is as long as all the rest. What the stream brings later finds its version there and changes
//! nothing; and whatever fails here is left to it, so that nothing here is tried twice or set aside.

use tandem_cache::port::Cache;
use tandem_domain::change::{Change, Envelope};
use tandem_domain::id::MarketplaceId;
use tandem_runtime::backoff::chain;

use crate::batch::Batches;
use crate::project;

/// When more come at once, putting them twice costs more than it saves: those behind them wait, not shoppers.
const FEW: usize = 64;

/// Puts stock and listings, if only a few changes come.
pub(crate) async fn put(cache: &dyn Cache, marketplace: &MarketplaceId, envelopes: &[Envelope]) {
    if envelopes.len() > FEW {
        return;
    }
    let is_waited_for =
        |envelope: &&Envelope| matches!(envelope.change, Change::Stock(_) | Change::Listing(_));
    let (batches, _spans) = Batches::traced(envelopes.iter().filter(is_waited_for));
    for (store_epoch, batch) in batches.0 {
        if let Err(error) = project::put(cache, marketplace, store_epoch, &batch).await {
            tracing::debug!(error = chain(&error), "left to the stream");
        }
    }
}
