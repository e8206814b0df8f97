//! What every gateway follows: one ordered feed per marketplace.

use crate::generation::GenerationNo;
use crate::id::{ProductId, SurfaceId};
use crate::stock::{Availability, Pool};

/// One entry of the feed.
#[derive(Debug, Clone, PartialEq)]
pub enum FeedEvent {
    /// The sellable state of a product in a pool moved.
    Availability {
        /// The product.
        product: ProductId,
        /// The pool.
        pool: Pool,
        /// Its state now.
        state: Availability,
        /// W3C traceparent of the stock report that moved it; empty when untraced.
        traceparent: String,
    },
    /// Another generation is on serve.
    Generation(GenerationNo),
    /// The links of an anchor changed.
    Links(ProductId),
    /// The fixed bundles of an anchor changed.
    Bundles(ProductId),
    /// A product card changed.
    Card(ProductId),
    /// A surface changed.
    Surface(SurfaceId),
    /// The view is alive.
    Heartbeat(u64),
    /// Availability was rebuilt: take a snapshot.
    Rebuilt {
        /// The cache's epoch key after the rebuild.
        epoch: String,
    },
}
