//! All of SQL compared with the projection: whatever the messages missed, state decides.

mod compare;
mod drift;
mod periodic;
mod surplus;

use std::collections::BTreeSet;
use std::time::Duration;

use futures::TryStreamExt as _;
use tandem_cache::port::Cache;
use tandem_domain::catalog::Listing;
use tandem_domain::change::{Change, ThresholdsChange};
use tandem_domain::id::MarketplaceId;
use tandem_store::Store;

use crate::batch::Batch;
use crate::error::PassError;
use crate::metrics::Metrics;
use crate::project::put;
use compare::{Finding, compare};
pub use drift::Drift;
pub(crate) use periodic::{Need, run};

/// How long a difference must stand to be no change under way.
const GRACE: Duration = Duration::from_millis(500);

/// Suspects that are looked at a second time together.
const SUSPECTS: usize = 5_000;

/// Whether to change anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Put what is behind.
    Mend,
    /// Only say what is.
    Report,
}

/// What a full pass found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reconciled {
    /// Records of SQL compared.
    pub checked: u64,
    /// What was not as SQL says.
    pub drift: Drift,
    /// Records that were put right.
    pub mended: u64,
}

/// Compares every record of SQL with the projection, and the projection's products with SQL. What differs is looked at
/// a second time after half a second, so that changes under way are no drift; what still does is put right, in
/// [`Mode::Mend`]. What SQL does not know, or knows in an older version, is only reported: it means that SQL was
/// restored from a backup, and raising the store epoch withdraws it.
///
/// # Errors
/// When SQL or the cache fails; it may be run again.
#[tracing::instrument(name = "inventory.reconcile", skip_all, fields(marketplace.id = %marketplace))]
pub async fn reconcile(
    store: &Store,
    cache: &dyn Cache,
    marketplace: &MarketplaceId,
    mode: Mode,
) -> Result<Reconciled, PassError> {
    let pass = Pass {
        store,
        cache,
        marketplace,
        mode,
        store_epoch: store.store_epoch(marketplace).await?,
    };
    let mut found = Reconciled::default();
    let mut suspects = Vec::new();
    let mut pages = store.scan_changes(marketplace);
    while let Some(changes) = pages.try_next().await? {
        found.checked += changes.len() as u64;
        pass.delist(&changes, &mut found).await?;
        suspects.extend(compare(cache, marketplace, changes).await?);
        if suspects.len() >= SUSPECTS {
            pass.settle(std::mem::take(&mut suspects), &mut found).await?;
        }
    }
    pass.settle(suspects, &mut found).await?;
    let beyond = surplus::look(store, cache, marketplace).await?;
    found.drift.surplus += beyond.surplus;
    found.drift.listing += beyond.listing.len() as u64;
    if mode == Mode::Mend {
        found.mended += pass.mend(beyond.listing).await?;
    }
    Metrics::global().reconciled(&found);
    Ok(found)
}

/// One pass under one store epoch.
struct Pass<'a> {
    store: &'a Store,
    cache: &'a dyn Cache,
    marketplace: &'a MarketplaceId,
    mode: Mode,
    store_epoch: u64,
}

impl Pass<'_> {
    /// Puts what is off sale, which is little: where the projection knows nothing of a product, nothing tells that it
    /// should.
    async fn delist(&self, changes: &[Change], found: &mut Reconciled) -> Result<(), PassError> {
        if self.mode == Mode::Report {
            return Ok(());
        }
        let is_off = |change: &&Change| matches!(change, Change::Listing(change) if change.listing == Listing::Delisted);
        let newer = self.put(changes.iter().filter(is_off).cloned()).await?;
        found.drift.listing += newer;
        found.mended += newer;
        Ok(())
    }

    /// Looks at suspects a second time, counts those that stand, and mends them.
    async fn settle(&self, suspects: Vec<Finding>, found: &mut Reconciled) -> Result<(), PassError> {
        if suspects.is_empty() {
            return Ok(());
        }
        tokio::time::sleep(GRACE).await;
        let (before, changes): (Vec<_>, Vec<_>) = suspects
            .into_iter()
            .map(|finding| ((finding.change.subject(), finding.seen), finding.change))
            .unzip();
        let before: std::collections::HashMap<_, _> = before.into_iter().collect();
        let again = compare(self.cache, self.marketplace, changes).await?;
        // What moved in between is under way.
        let standing: Vec<Finding> = again
            .into_iter()
            .filter(|finding| before.get(&finding.change.subject()) == Some(&finding.seen))
            .collect();
        let standing = compare::confirm(self.store, self.marketplace, standing).await?;
        for finding in &standing {
            found.drift.count(finding);
        }
        if self.mode == Mode::Mend {
            let behind = standing.into_iter().filter(Finding::is_behind);
            let behind = behind.map(|finding| finding.change).collect();
            found.mended += self.mend(behind).await?;
        }
        Ok(())
    }

    /// Puts what was seen twice to differ, also under the same version; returns how many records that were.
    async fn mend(&self, changes: Vec<Change>) -> Result<u64, PassError> {
        self.cache
            .step_down(self.marketplace, self.store_epoch, &changes)
            .await?;
        let thresholds = changes.iter().find_map(|change| match change {
            Change::Thresholds(change) => Some(change.clone()),
            _ => None,
        });
        let mended = self.put(changes).await?;
        if let Some(change) = thresholds {
            self.judge_again(change).await?;
        }
        Ok(mended)
    }

    /// Judges all products by the thresholds that stand now. Nobody tells here whose a product is: each is judged by those
    /// of its own shop, whichever it comes with.
    async fn judge_again(&self, with: ThresholdsChange) -> Result<(), PassError> {
        let states = self.cache.availability(self.marketplace).await?;
        let products: BTreeSet<_> = states.map_ok(|(product, ..)| product).try_collect().await?;
        let products = products.into_iter().collect();
        self.put([Change::Thresholds(ThresholdsChange { products, ..with })])
            .await?;
        Ok(())
    }

    /// Puts changes; returns how many of them were newer than what stood there. Cards are put when they are.
    async fn put(&self, changes: impl IntoIterator<Item = Change>) -> Result<u64, PassError> {
        let batch = Batch::of(changes);
        let cards = batch.cards.len() as u64;
        let put = put(self.cache, self.marketplace, self.store_epoch, &batch).await?;
        Ok(put.newer + cards)
    }
}
