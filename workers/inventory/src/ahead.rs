//! What shoppers wait for, put as soon as its commit is told, ahead of outbox and stream.
//!
//! A commit says what it changed to those whom it wakes. Between that word and the cache lie otherwise: a transaction that
//! takes the row from the outbox, the trip to the stream, and the trip from there to whoever projects it. What comes that
//! way later finds its version there and changes nothing; and whatever fails here is left to it, so that nothing here is
//! tried twice or set aside.

use tandem_cache::port::Cache;
use tandem_domain::change::Envelope;
use tandem_domain::id::MarketplaceId;
use tandem_runtime::backoff::chain;

use crate::batch::Batches;
use crate::project;

/// Puts changes of one marketplace that were committed; returns whether all of them stand.
pub(crate) async fn put(cache: &dyn Cache, marketplace: &MarketplaceId, envelopes: &[Envelope]) -> bool {
    let (batches, _spans) = Batches::traced(envelopes);
    let mut stand = true;
    for (store_epoch, batch) in batches.0 {
        if let Err(error) = project::put(cache, marketplace, store_epoch, &batch).await {
            tracing::debug!(error = chain(&error), "left to the stream");
            stand = false;
        }
    }
    stand
}
