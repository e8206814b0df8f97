//! The counters of one pair, counted anew from the events of the generation on serve.

use tandem_domain::generation::GenerationNo;
use tandem_domain::id::{MarketplaceId, ProductId};
use tandem_domain::pair::PairReport;
use tandem_graph::explain_pair;
use tokio::task::spawn_blocking;

use crate::build::{Base, read};
use crate::deps::Deps;
use crate::error::WorkError;
use crate::progress::Watcher;

/// Reads the events as a build of the generation on serve would and counts the pair under that generation's epoch record.
/// The catalogue is that of now.
#[tracing::instrument(name = "graph.explain_pair", skip_all, fields(marketplace.id = %marketplace))]
pub(crate) async fn explain(
    deps: &Deps,
    marketplace: &MarketplaceId,
    anchor: &ProductId,
    companion: &ProductId,
) -> Result<(GenerationNo, PairReport), WorkError> {
    let Some(base) = Base::find(deps, marketplace).await? else {
        let why = "nothing is on serve that this version has built: build first".to_owned();
        return Err(WorkError::Unanswerable(why));
    };
    let (no, watermark) = (base.serving.no, base.serving.watermark);
    let facts = read(deps, marketplace, watermark, Some(&base), &Watcher::nobody()).await?;
    let pair = (anchor.clone(), companion.clone());
    let report = spawn_blocking(move || explain_pair(&facts, &base.record, &pair.0, &pair.1));
    let report = report.await.map_err(|_| WorkError::Panicked)?;
    let unknown = || WorkError::Unanswerable(format!("{anchor} or {companion} is in no catalogue"));
    Ok((no, report.ok_or_else(unknown)?))
}
