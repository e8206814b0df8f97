//! Serving an earlier generation again: nothing is computed, its segments are loaded from their files.

use tandem_domain::generation::GenerationNo;
use tandem_domain::id::MarketplaceId;
use tandem_runtime::backoff::chain;

use crate::deps::Deps;
use crate::error::WorkError;
use crate::hold::Hold;
use crate::pointer::Pointer;

/// Puts a published generation on serve under a held lease.
#[tracing::instrument(name = "graph.rollback", skip_all, fields(marketplace.id = %marketplace))]
pub(crate) async fn rollback(
    deps: &Deps,
    marketplace: &MarketplaceId,
    no: GenerationNo,
    hold: &Hold,
) -> Result<GenerationNo, WorkError> {
    let lease = hold.lease();
    let generation = deps
        .store
        .serve_generation(marketplace, no, &lease, deps.clock.now())
        .await?;
    tracing::info!(marketplace.id = %marketplace, graph.generation = no.0, "rolled back");
    if let Some(manifest) = &generation.manifest {
        let pointer = Pointer {
            deps,
            marketplace,
            manifest,
            lease_fence: lease.fence,
        };
        if let Err(error) = pointer.restore().await {
            tracing::warn!(
                marketplace.id = %marketplace,
                graph.generation = no.0,
                error = chain(&error),
                "rolled back, but the cache does not serve it yet"
            );
        }
    }
    Ok(no)
}
