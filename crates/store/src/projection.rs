//! What a rebuild of the projection reads.

mod page;

use futures::stream::{self, BoxStream, StreamExt as _};
use tandem_domain::change::Change;
use tandem_domain::id::MarketplaceId;

use crate::Store;
use crate::error::Result;
use page::Place;

impl Store {
    /// The present state of every record that the gateway reads, as changes at their current versions: surfaces,
    /// thresholds, cards and listings, stock, links. Pages are read one after the other; what changes meanwhile comes through the
    /// outbox as well, and versions decide.
    pub fn scan_changes(&self, marketplace: &MarketplaceId) -> BoxStream<'static, Result<Vec<Change>>> {
        let (store, marketplace) = (self.clone(), marketplace.clone());
        stream::try_unfold(Some(Place::first()), move |place| {
            let (store, marketplace) = (store.clone(), marketplace.clone());
            async move {
                let Some(place) = place else { return Ok(None) };
                let page = place.read(&store.0.reads, &marketplace).await;
                page.map(Some).map_err(|error| error.during("scan changes"))
            }
        })
        .boxed()
    }
}
