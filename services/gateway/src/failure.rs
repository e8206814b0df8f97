//! Why a read failed, and the one place that says so to callers.

use std::sync::Arc;
use std::time::Duration;

use tandem_cache::error::CacheError;
use tandem_domain::id::{ProductId, SkuId, SurfaceId};
use tandem_runtime::backoff::chain;
use tandem_runtime::status::Refusal;
use tonic::Code;

/// When to ask again after the cache was away: about the time of a reconnect.
const RETRY_AFTER: Duration = Duration::from_millis(200);

/// Every way in which a read that was well asked can fail.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The cache did not answer.
    #[error("the cache did not answer")]
    Cache(#[from] CacheError),
    /// The cache was emptied and is being filled again, so that a miss proves nothing.
    #[error("the cache is being rebuilt")]
    Rebuilding,
    /// Somebody else's read, which this call waited for, failed.
    #[error(transparent)]
    Shared(Arc<Failure>),
    /// No catalogue holds the product.
    #[error("no catalogue holds product {0}")]
    UnknownProduct(ProductId),
    /// The product has no such SKU.
    #[error("product {product} has no SKU {sku}")]
    UnknownSku {
        /// The product.
        product: ProductId,
        /// The SKU that it has not.
        sku: SkuId,
    },
    /// There is no such surface.
    #[error("there is no surface {0}")]
    UnknownSurface(SurfaceId),
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self::from(&failure)
    }
}

impl From<&Failure> for Refusal {
    fn from(failure: &Failure) -> Self {
        let text = failure.to_string();
        match failure {
            Failure::Cache(cause) => {
                tracing::warn!(error = chain(cause), "the cache did not answer");
                unavailable("the cache is unavailable, try again")
            }
            Failure::Shared(failure) => Self::from(&**failure),
            Failure::Rebuilding => unavailable("the cache is being rebuilt, try again"),
            Failure::UnknownProduct(product) => {
                Self::new(Code::NotFound, "PRODUCT_NOT_FOUND", text).resource("product", product)
            }
            Failure::UnknownSku { sku, .. } => {
                Self::new(Code::NotFound, "SKU_NOT_FOUND", text).resource("sku", sku)
            }
            Failure::UnknownSurface(surface) => {
                Self::new(Code::NotFound, "SURFACE_NOT_FOUND", text).resource("surface", surface)
            }
        }
    }
}

fn unavailable(message: &'static str) -> Refusal {
    Refusal::new(Code::Unavailable, "CACHE_UNAVAILABLE", message).retry_after(RETRY_AFTER)
}
